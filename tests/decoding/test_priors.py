import numpy as np
import pytest
from scipy.optimize import minimize

from mirkit.decoding.priors import (
    estimate_prior,
    estimate_rates,
    exchange_prior,
    exchange_rates,
)
from mirkit.errors import ParameterError


def heard(shares, learned, n, seed=0, clear=2.0):
    """Classes drawn by their shares, and the posteriors of one who learned other shares.

    What a class sounds like is a normal density around a corner of its own, so the posteriors are
    exact.
    """
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), n, p=shares)
    corners = clear * np.eye(len(shares))
    x = corners[y] + rng.normal(size=(n, len(shares)))
    densities = np.exp(-0.5 * ((x[:, None] - corners) ** 2).sum(axis=2))
    joint = densities * learned
    return y, joint / joint.sum(axis=1, keepdims=True), densities


def likeliest(posteriors, learned):
    """The shares under which the data are likeliest, by a general optimizer: the slow twin."""
    ratios = posteriors / learned

    def loss(logits):
        shares = np.exp(logits - logits.max())
        return -np.log(ratios @ (shares / shares.sum())).sum()

    options = {"maxiter": 20_000, "maxfev": 20_000, "fatol": 1e-10, "xatol": 1e-8}
    found = minimize(loss, np.zeros(len(learned)), method="Nelder-Mead", options=options)
    shares = np.exp(found.x - found.x.max())
    return shares / shares.sum()


@pytest.mark.parametrize("seed", range(4))
def test_em_finds_the_shares_under_which_the_data_are_likeliest(seed):
    learned = np.array([0.3, 0.3, 0.4])
    _, posteriors, _ = heard([0.7, 0.1, 0.2], learned, 400, seed)
    found = estimate_prior(posteriors, learned)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, likeliest(posteriors, learned), atol=2e-4)


def test_em_comes_near_the_true_shares_and_counting_answers_does_not():
    shares, learned = np.array([0.85, 0.1, 0.05]), np.full(3, 1 / 3)
    y, posteriors, _ = heard(shares, learned, 20_000, clear=1.5)
    true = np.bincount(y) / len(y)
    np.testing.assert_allclose(estimate_prior(posteriors, learned), true, atol=0.015)
    counted = np.bincount(posteriors.argmax(axis=1)) / len(y)
    assert np.abs(counted - true).max() > 0.1


def test_exchanged_posteriors_are_those_of_one_who_learned_the_other_shares():
    learned, shares = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    _, posteriors, densities = heard(shares, learned, 50)
    expected = densities * shares
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(exchange_prior(posteriors, learned, shares), expected)
    np.testing.assert_allclose(
        exchange_prior(expected, shares, learned), posteriors, rtol=1e-9, atol=1e-15
    )


def test_the_right_prior_makes_more_answers_right():
    shares, learned = np.array([0.8, 0.15, 0.05]), np.full(3, 1 / 3)
    y, posteriors, _ = heard(shares, learned, 5000, clear=1.5)
    found = estimate_prior(posteriors, learned)
    after = exchange_prior(posteriors, learned, found)
    assert (after.argmax(1) == y).mean() > (posteriors.argmax(1) == y).mean() + 0.05


def test_few_recordings_move_what_is_expected_little():
    learned, expected = np.array([0.5, 0.5]), [0.3, 0.7]
    _, few, _ = heard([1.0, 0.0], learned, 3)
    _, many, _ = heard([1.0, 0.0], learned, 3000)
    after_few = estimate_prior(few, learned, expected=expected, strength=100)
    np.testing.assert_allclose(after_few, expected, atol=0.04)
    after_many = estimate_prior(many, learned, expected=expected, strength=100)
    assert after_many[0] > 0.95
    alone = estimate_prior(few, learned)
    assert alone[0] > 0.95  # which three recordings are no ground for


def test_weights_count_as_repetitions():
    learned = np.array([0.5, 0.5])
    _, posteriors, _ = heard([0.7, 0.3], learned, 30)
    n = np.arange(30) % 3 + 1
    np.testing.assert_allclose(
        estimate_prior(posteriors, learned, weights=n),
        estimate_prior(np.repeat(posteriors, n, axis=0), learned),
        atol=1e-6,
    )


def test_a_class_that_is_never_heard_is_left_with_what_is_expected_of_it():
    posteriors = np.tile([1.0, 0.0, 0.0], (50, 1))
    learned = np.full(3, 1 / 3)
    np.testing.assert_allclose(estimate_prior(posteriors, learned), [1, 0, 0], atol=1e-6)
    kept = estimate_prior(posteriors, learned, expected=[0.2, 0.4, 0.4], strength=50)
    np.testing.assert_allclose(kept, [0.6, 0.2, 0.2], atol=1e-6)


def test_rates_of_classes_that_come_together_are_each_estimated_alone():
    rng = np.random.default_rng(1)
    there = rng.random((4000, 2)) < [0.1, 0.6]
    odds = np.exp(2 * rng.normal(np.where(there, 1, -1), 1))  # learned at .5 each
    p = odds / (1 + odds)
    np.testing.assert_allclose(estimate_rates(p, [0.5, 0.5]), there.mean(axis=0), atol=0.02)
    tuned = exchange_rates(p, [0.5, 0.5], [0.1, 0.6])
    np.testing.assert_allclose(tuned.mean(axis=0), there.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(exchange_rates(tuned, [0.1, 0.6], [0.5, 0.5]), p)


def test_rates_keep_certainty_and_the_order_of_recordings():
    p = np.array([[0.0], [0.2], [0.9], [1.0]])
    after = exchange_rates(p, [0.3], [0.05])[:, 0]
    assert after[0] == 0
    assert after[-1] == 1
    assert (np.diff(after) > 0).all()


@pytest.mark.parametrize(
    ("posteriors", "learned", "options", "message"),
    [
        (np.empty((0, 2)), [0.5, 0.5], {}, "n at least 1"),
        (np.ones((3, 2)) / 2, [0.5, 0.3, 0.2], {}, r"learned shares \(3,\)"),
        (np.ones((3, 2)) / 2, [1.0, 0.0], {}, r"learned\[1\] is 0"),
        (np.ones((3, 2)) / 2, [0.5, 0.5], {"expected": [1.0], "strength": 2}, r"expected has"),
    ],
)
def test_what_does_not_fit_is_refused(posteriors, learned, options, message):
    with pytest.raises(ParameterError, match=message):
        estimate_prior(posteriors, learned, **options)
