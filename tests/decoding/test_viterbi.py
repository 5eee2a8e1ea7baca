import numpy as np
import pytest
import reference

from mirkit.decoding.viterbi import posteriors, runs, viterbi
from mirkit.errors import ParameterError


def problem(seed, n_steps=30, n_states=7):
    """Scores, and weights of steps that differ by step and by the state gone to."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (n_steps, n_states))
    stay = np.log(rng.uniform(0.5, 0.9, n_steps))
    switch = np.log(rng.uniform(0.01, 0.5, (n_steps, n_states)))
    return scores, stay, switch


@pytest.mark.parametrize("seed", range(20))
def test_the_path_scores_what_the_best_of_all_paths_scores(seed):
    scores, stay, switch = problem(seed)
    path = viterbi(scores, stay, switch)
    expected, best = reference.viterbi(scores, stay, switch)
    assert reference.path_score(path, scores, stay, switch) == pytest.approx(best)
    assert path.tolist() == expected


@pytest.mark.parametrize("seed", range(10))
def test_posteriors_are_sums_over_all_paths(seed):
    scores, stay, switch = problem(seed, n_steps=5, n_states=3)
    expected = reference.posteriors(scores, stay, switch)
    np.testing.assert_allclose(posteriors(scores, stay, switch), expected, atol=1e-12)


def test_one_number_holds_for_all_steps_and_states():
    scores, _, _ = problem(0)
    many = np.full(30, -0.2), np.full((30, 7), -3.0)
    np.testing.assert_array_equal(viterbi(scores, -0.2, -3.0), viterbi(scores, *many))
    np.testing.assert_array_equal(posteriors(scores, -0.2, -3.0), posteriors(scores, *many))
    steps = np.full(30, -3.0)
    np.testing.assert_array_equal(viterbi(scores, -0.2, steps), viterbi(scores, *many))


def test_a_long_and_certain_sequence_neither_overflows_nor_underflows():
    scores = np.full((5000, 4), -2000.0)
    truth = np.arange(5000) // 1250
    scores[np.arange(5000), truth] = 0.0
    np.testing.assert_array_equal(viterbi(scores, -0.1, -5.0), truth)
    np.testing.assert_allclose(posteriors(scores, -0.1, -5.0)[np.arange(5000), truth], 1)


def test_a_state_that_cannot_be_is_not_gone_to():
    scores = np.zeros((10, 3))
    scores[:, 0] = -np.inf
    scores[4:, 1] = scores[:4, 2] = -np.inf
    assert viterbi(scores, -0.1, -2.0).tolist() == [1] * 4 + [2] * 6
    assert (posteriors(scores, -0.1, -2.0)[:, 0] < 1e-200).all()


def test_runs_join_to_the_path():
    path = np.array([3, 3, 0, 0, 0, 3, 1])
    assert runs(path).tolist() == [[0, 2], [2, 5], [5, 6], [6, 7]]
    assert runs(path[:0]).shape == (0, 2)


def test_no_steps_have_no_path():
    assert viterbi(np.empty((0, 3)), -0.1, -2.0).shape == (0,)
    assert posteriors(np.empty((0, 3)), -0.1, -2.0).shape == (0, 3)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ParameterError, match=r"scores\[1\] hold NaN"):
        viterbi(np.array([[0.0], [np.nan]]), -0.1, -2.0)
    with pytest.raises(ParameterError, match=r"\(n_steps, n_states\)"):
        viterbi(np.zeros(3), -0.1, -2.0)
    with pytest.raises(ParameterError, match="switch exceeds stay"):
        posteriors(np.zeros((3, 2)), -2.0, -0.1)
