import itertools

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from sklearn import metrics

from mirkit.annotation import Tags
from mirkit.errors import ParameterError
from mirkit.metrics.ranking import Ranking
from mirkit.metrics.tag import (
    STRATA,
    accuracy,
    average_precision,
    confusion,
    d_prime,
    fit_sigmoid_temperature,
    lwlrap,
    lwlrap_by_class,
    mean_average_precision,
    precision_recall,
    roc_auc,
    strata,
    tag_scores,
    top_k_accuracy,
)

few = settings(max_examples=25, deadline=None)  # the oracle is slow to start


@st.composite
def boards(draw):
    """Scores and targets of a few clips: many ties, empty and full classes, constant scores."""
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    steps = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0])
    values = st.one_of(steps, st.floats(-5, 5, width=32))
    scores = draw(arrays.arrays(np.float64, shape, elements=draw(st.sampled_from([steps, values]))))
    return scores, draw(arrays.arrays(np.bool_, shape))


def either(scores, targets, measure):
    """A measure of scikit-learn by class, NaN where a class lacks positives or negatives."""
    return np.array([
        measure(truth, values) if truth.any() and not truth.all() else np.nan
        for values, truth in zip(scores.T, targets.T, strict=True)
    ])  # fmt: skip


@few
@given(boards())
def test_average_precision_is_that_of_scikit_learn_and_nan_without_positives(board):
    scores, targets = board
    found = average_precision(scores, targets)
    for ap, values, truth in zip(found, scores.T, targets.T, strict=True):
        if truth.any():
            assert ap == pytest.approx(metrics.average_precision_score(truth, values))
        else:
            assert np.isnan(ap)


@few
@given(boards())
def test_the_area_is_that_of_scikit_learn_and_nan_where_all_are_alike(board):
    scores, targets = board
    theirs = either(scores, targets, metrics.roc_auc_score)
    assert np.allclose(roc_auc(scores, targets), theirs, equal_nan=True)


@few
@given(boards())
def test_precision_and_area_are_those_of_their_definitions(board):
    scores, targets = board
    slow = [
        (reference.average_precision(values, truth), reference.roc_auc(values, truth))
        for values, truth in zip(scores.T.tolist(), targets.T.tolist(), strict=True)
    ]
    found = np.column_stack([average_precision(scores, targets), roc_auc(scores, targets)])
    assert np.allclose(found, slow, equal_nan=True)


@few
@given(boards(), st.integers(0, 2**32 - 1))
def test_a_weight_is_how_often_a_clip_is_there(board, seed):
    scores, targets = board
    weights = np.random.default_rng(seed).multinomial(len(scores), [1 / len(scores)] * len(scores))
    many = np.stack([weights, np.ones(len(scores), int)])
    ranking = Ranking.of(scores, targets)
    rows = np.repeat(np.arange(len(scores)), weights)
    for weighted, plain in (
        (ranking.average_precision(many), average_precision),
        (ranking.roc_auc(many), roc_auc),
    ):
        assert np.allclose(weighted[0], plain(scores[rows], targets[rows]), equal_nan=True)
        assert np.allclose(weighted[1], plain(scores, targets), equal_nan=True)


@few
@given(boards(), st.integers(0, 2**32 - 1))
def test_a_cost_makes_a_false_positive_count_more_or_not_at_all(board, seed):
    scores, targets = board
    costs = np.random.default_rng(seed).integers(0, 3, scores.shape).astype(float)
    found = Ranking.of(scores, targets).average_precision(costs=costs)
    slow = [
        reference.average_precision(values, truth, cost)
        for values, truth, cost in zip(scores.T, targets.T, costs.T, strict=True)
    ]
    assert np.allclose(found, slow, equal_nan=True)
    free = Ranking.of(scores, targets).average_precision(costs=np.zeros(scores.shape))
    assert np.allclose(free[targets.any(0)], 1)


@few
@given(boards())
def test_curves_are_those_of_scikit_learn(board):
    scores, targets = board
    curves = precision_recall(scores, targets)
    for curve, values, truth in zip(curves, scores.T, targets.T, strict=True):
        if curve is None:
            assert not truth.any()
            continue
        theirs = metrics.precision_recall_curve(truth, values)
        precision, recall, thresholds = theirs[0][-2::-1], theirs[1][-2::-1], theirs[2][::-1]
        assert np.allclose(curve.precision, precision)
        assert np.allclose(curve.recall, recall)
        assert np.array_equal(curve.thresholds, thresholds)


@few
@given(boards())
def test_label_ranking_is_that_of_scikit_learn_weighted_by_labels(board):
    scores, targets = board
    found, by_class = lwlrap(scores, targets), lwlrap_by_class(scores, targets)
    if not targets.any():
        assert np.isnan(found)
        assert np.isnan(by_class).all()
        return
    kept = targets.any(1)
    theirs = metrics.label_ranking_average_precision_score(
        targets[kept], scores[kept], sample_weight=targets[kept].sum(1)
    )
    assert found == pytest.approx(theirs)
    assert np.nansum(by_class * targets.sum(0)) / targets.sum() == pytest.approx(found)


def test_scores_that_are_constant_tell_nothing():
    targets = np.array([[1], [0], [0], [1], [0]])
    assert average_precision(np.full((5, 1), 0.3), targets)[0] == pytest.approx(0.4)
    assert roc_auc(np.full((5, 1), 0.3), targets)[0] == 0.5


def test_the_mean_leaves_out_classes_without_positives_and_is_nan_without_any():
    scores, targets = np.array([[0.9, 0.2], [0.1, 0.4]]), np.array([[0, 0], [1, 0]])
    assert mean_average_precision(scores, targets) == 0.5
    assert np.isnan(mean_average_precision(scores, np.zeros((2, 2))))


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ParameterError, match="class numbers"):
        average_precision([[0.1, 0.2]], [1])
    with pytest.raises(ParameterError, match="no clips"):
        average_precision(np.empty((0, 2)), np.empty((0, 2)))
    with pytest.raises(ParameterError, match=r"scores\[0, 1\] is nan"):
        average_precision([[0.1, np.nan]], [[0, 1]])
    with pytest.raises(ParameterError, match="0 and 1"):
        average_precision([[0.1]], [[0.5]])
    with pytest.raises(ParameterError, match="weights have shape"):
        Ranking.of([[0.1]], [[1]]).average_precision(weights=[1, 2])
    with pytest.raises(ParameterError, match="costs have shape"):
        Ranking.of([[0.1]], [[1]]).average_precision(costs=[1, 2])


@given(st.floats(0.01, 0.99))
def test_d_prime_is_the_distance_of_two_normals(auc):
    assert d_prime(auc) == pytest.approx(np.sqrt(2) * stats.norm.ppf(auc))


def test_d_prime_at_the_ends():
    assert (d_prime(1), d_prime(0)) == (np.inf, -np.inf)
    assert np.isnan(d_prime(float("nan")))
    with pytest.raises(ParameterError, match="auc is 95"):
        d_prime(95)


@given(st.lists(st.integers(0, 9), max_size=20))
def test_strata_part_the_classes_that_occur_by_frequency(counts):
    found = strata(counts)
    assert tuple(found) == STRATA
    everything = np.concatenate([found[name] for name in STRATA])
    assert sorted(everything) == [i for i, n in enumerate(counts) if n]
    values = [[counts[i] for i in found[name]] for name in STRATA]
    for more, fewer in itertools.pairwise(values):
        assert not more or not fewer or min(more) > max(fewer)


def test_strata_keep_to_given_bounds():
    found = strata([5, 50, 500, 0], bounds=(10, 100))
    assert [found[name].tolist() for name in STRATA] == [[2], [1], [0]]
    with pytest.raises(ParameterError, match="comes first"):
        strata([1], bounds=(100, 10))


@pytest.fixture
def classified():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 200)
    scores = rng.normal(size=(200, 5))
    scores[np.arange(200), labels] += 1.5
    return scores, labels


def test_accuracy_top_k_and_confusion_are_those_of_scikit_learn(classified):
    scores, labels = classified
    called = scores.argmax(1)
    assert accuracy(scores, labels).mean == pytest.approx(metrics.accuracy_score(labels, called))
    assert np.array_equal(confusion(scores, labels), metrics.confusion_matrix(labels, called))
    for k in (1, 2, 4):
        theirs = metrics.top_k_accuracy_score(labels, scores, k=k)
        assert top_k_accuracy(scores, labels, k) == pytest.approx(theirs)


def test_the_mean_is_over_folds_and_not_over_clips():
    labels = np.zeros(10, int)
    scores = np.array([[1.0, 0.0]] * 8 + [[0.0, 1.0]] * 2)
    found = accuracy(scores, labels, folds=[1] * 8 + [2] * 2)
    assert found.by_fold == {1: 1.0, 2: 0.0}
    assert (found.mean, found.n) == (0.5, 10)
    assert str(found) == "0.500 [0.500, 0.500]"


def test_clips_of_one_recording_widen_the_interval(classified):
    scores, labels = classified
    alone = accuracy(scores, labels)
    right = scores.argmax(1) == labels
    ten = np.argsort(right, kind="stable") // 10  # groups that are right or wrong together
    groups = np.empty(200, object)
    groups[np.argsort(right, kind="stable")] = [f"g{i // 10}" for i in range(200)]
    together = accuracy(scores, labels, groups=list(groups))
    assert len(set(ten)) == 20
    assert together.mean == alone.mean
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert alone.low < alone.mean < alone.high


def test_labels_that_are_no_class_are_refused():
    with pytest.raises(ParameterError, match="0 to 1"):
        accuracy([[0.1, 0.2]], [2])
    with pytest.raises(ParameterError, match="k is 3"):
        top_k_accuracy([[0.1, 0.2]], [1], k=3)


def test_the_temperature_of_sigmoids_is_found_again():
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(4000, 3)) * 2
    targets = rng.uniform(size=honest.shape) < 1 / (1 + np.exp(-honest))
    assert fit_sigmoid_temperature(3 * honest, targets) == pytest.approx(3, rel=0.05)


def test_tags_that_are_not_named_score_nothing():
    truth = Tags(("Dog", "Rain"), [1.0, 0.7])
    assert tag_scores(truth, Tags((), [])) == {
        "lrap": 1.0, "precision_at_1": 0.0, "recall_at_5": 0.0,
    }  # fmt: skip
    found = Tags(("Cat", "Dog"), [0.9, 0.2])
    assert tag_scores(truth, found)["recall_at_5"] == 0.5
    assert tag_scores(Tags(("Dog",), [0.4]), found) == {}
