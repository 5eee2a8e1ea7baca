import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special
from sklearn import calibration, isotonic, linear_model, metrics

from mirkit.errors import ParameterError
from mirkit.metrics.calibration import (
    Logistic,
    auroc,
    brier,
    expected_calibration_error,
    fit_isotonic,
    fit_logistic,
    fit_temperature,
    reliability,
)

seeds = st.integers(0, 2**32 - 1)


def decisions(seed, n=200):
    """Confidence with ties and ends, and what was right; honest on the whole."""
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.uniform(-0.05, 1.05, n).clip(0, 1), 2)
    return confidence, (rng.uniform(size=n) < confidence).astype(float)


@given(seeds, st.integers(1, 20), st.sampled_from(["width", "mass"]))
def test_the_error_is_that_of_its_definition(seed, n_bins, bins):
    confidence, correct = decisions(seed)
    fast = expected_calibration_error(confidence, correct, n_bins, bins)
    slow = reference.expected_calibration_error(confidence, correct, n_bins, bins)
    assert fast == pytest.approx(slow)


def test_honest_confidence_has_a_small_error_and_a_boaster_a_large_one():
    confidence, correct = decisions(0, 50_000)
    assert expected_calibration_error(confidence, correct) < 0.01
    assert expected_calibration_error(confidence, correct, bins="mass") < 0.01
    assert expected_calibration_error(np.ones(50_000), correct) == pytest.approx(0.5, abs=0.01)


def test_equal_mass_does_not_depend_on_the_order_of_ties():
    confidence, correct = decisions(3)
    shuffled = np.random.default_rng(1).permutation(len(confidence))
    curve = reliability(confidence, correct, bins="mass")
    again = reliability(confidence[shuffled], correct[shuffled], bins="mass")
    assert np.allclose(curve.accuracy, again.accuracy)
    assert curve.counts.sum() == len(confidence)


@given(seeds)
def test_area_and_brier_are_those_of_scikit_learn(seed):
    confidence, correct = decisions(seed)
    assert auroc(confidence, correct) == pytest.approx(metrics.roc_auc_score(correct, confidence))
    assert brier(confidence, correct) == pytest.approx(
        metrics.brier_score_loss(correct, confidence)
    )


def test_the_curve_is_that_of_scikit_learn():
    confidence, correct = decisions(5)
    confidence = (confidence + 0.0037).clip(0, 1)  # off the borders, which belong elsewhere there
    curve = reliability(confidence, correct)
    accuracy, mean = calibration.calibration_curve(correct, confidence, n_bins=10)
    assert np.allclose(curve.accuracy, accuracy)
    assert np.allclose(curve.confidence, mean)


def test_area_without_one_of_both_kinds_is_not_a_number():
    assert np.isnan(auroc([0.1, 0.9], [1, 1]))
    with pytest.raises(ParameterError, match="right or wrong"):
        auroc([0.1, 0.9], [0.5, 1])


@pytest.mark.parametrize("penalty", [0.01, 1.0, 30.0])
def test_the_logistic_fit_is_that_of_scikit_learn(penalty):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)) * [1, 20, 0.1, 3] + [0, 7, 1, -2]
    y = (rng.uniform(size=300) < Logistic((1.0, -0.1, 5.0, 0.0), -4.0)(x)).astype(float)
    scaled = (x - x.mean(0)) / x.std(0)
    theirs = linear_model.LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(scaled, y)
    ours = fit_logistic(x, y, penalty)
    assert np.allclose(ours(x), theirs.predict_proba(scaled)[:, 1], atol=1e-5)


def test_a_weight_of_two_is_the_row_twice_and_a_share_is_both():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
    twice = fit_logistic(np.vstack([x, x]), np.append(y, y))
    assert np.allclose(fit_logistic(x, y, weights=np.full(40, 2.0)).weights, twice.weights)
    half = fit_logistic(x, np.full(40, 0.5))
    assert np.allclose(half(x), 0.5)


def test_a_fit_of_what_is_separable_ends():
    model = fit_logistic([[0.0], [1.0]], [0, 1], penalty=0.0)
    assert model([[1.0]])[0] > 0.999
    assert np.isfinite(model.weights[0])


def test_a_constant_feature_does_no_harm():
    model = fit_logistic([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 1.0]], [0, 1, 1, 0])
    assert np.isfinite(model([[1.0, 0.5]])[0])


@given(seeds)
def test_the_rising_curve_is_that_of_scikit_learn(seed):
    scores, correct = decisions(seed, 60)
    theirs = isotonic.IsotonicRegression(out_of_bounds="clip").fit(scores, correct)
    asked = np.linspace(-0.5, 1.5, 41)
    assert np.allclose(fit_isotonic(scores, correct)(asked), theirs.predict(asked))


def test_the_temperature_is_found_again():
    rng = np.random.default_rng(0)
    honest = 2 * rng.normal(size=(20_000, 5))
    p = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    labels = (rng.uniform(size=(20_000, 1)) > p.cumsum(1)).sum(1)
    assert fit_temperature(3 * honest, labels) == pytest.approx(3, rel=0.03)


def test_the_temperature_is_the_minimum_of_the_loss():
    rng = np.random.default_rng(4)
    logits, labels = rng.normal(size=(50, 3)) * 4, rng.integers(0, 3, 50)
    found = optimize.minimize_scalar(
        lambda t: -special.log_softmax(logits / t, axis=1)[np.arange(50), labels].mean(),
        bounds=(0.01, 100), method="bounded", options={"xatol": 1e-8},
    )  # fmt: skip
    assert fit_temperature(logits, labels) == pytest.approx(found.x, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: brier([], []), "empty"),
        (lambda: brier([1.5], [1]), r"confidence\[0\] is 1.5"),
        (lambda: brier([0.5, 0.5], [1]), "correct holds 1"),
        (lambda: reliability([0.5], [1], n_bins=0), "n_bins is 0"),
        (lambda: reliability([0.5], [1], bins="equal"), "bins is 'equal'"),
        (lambda: fit_logistic(np.empty((0, 2)), []), "0 rows"),
        (lambda: fit_logistic([[np.nan]], [1]), "finite"),
        (lambda: fit_temperature([[1.0, 2.0]], [2]), "labels lie in 0 to 1"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
