import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.errors import ParameterError
from mirkit.metrics.ontology import nearest, omap, ontology_average_precision, propagate
from mirkit.metrics.tag import average_precision, mean_average_precision

STEPS = np.array([[0, 1, 2, 5], [1, 0, 1, 4], [2, 1, 0, 5], [5, 4, 5, 0]], float)


def board(seed, n=9):
    """Clips of four classes, some without labels; scores with ties."""
    rng = np.random.default_rng(seed)
    return np.round(rng.uniform(size=(n, 4)), 1), rng.uniform(size=(n, 4)) < 0.3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_precision_at_a_level_is_that_of_its_definition(seed, level):
    scores, targets = board(seed)
    slow = reference.ontology_average_precision(scores, targets, STEPS, level)
    found = ontology_average_precision(scores, targets, STEPS, level)
    assert np.allclose(found, slow, equal_nan=True)


def test_the_mean_is_over_all_levels_and_nothing_costs_at_the_last():
    scores, targets = board(1)
    found = omap(scores, targets, STEPS)
    assert len(found.by_level) == 6
    assert found.by_level[-1] == 1
    assert found.mean == pytest.approx(np.mean(found.by_level))
    at_2 = np.nanmean(ontology_average_precision(scores, targets, STEPS, 2))
    assert found.by_level[2] == pytest.approx(at_2)


def test_where_all_classes_are_as_far_apart_it_is_plain_precision():
    scores, targets = board(2)
    apart = 3 * (1 - np.eye(4))
    plain = average_precision(scores, targets)
    assert np.allclose(ontology_average_precision(scores, targets, apart), plain, equal_nan=True)
    assert omap(scores, targets, apart).by_level[:3] == pytest.approx(
        [mean_average_precision(scores, targets)] * 3
    )


def test_calling_the_sibling_costs_less_than_calling_a_stranger():
    targets = np.eye(4)
    right = np.eye(4) * 0.5
    sibling, stranger = right.copy(), right.copy()
    sibling[0, 1] = stranger[0, 3] = 0.9
    plain = mean_average_precision(sibling, targets)
    assert plain == mean_average_precision(stranger, targets)
    assert omap(sibling, targets, STEPS).mean > omap(stranger, targets, STEPS).mean


def test_on_a_clip_without_labels_every_class_is_far():
    assert nearest([[0, 0, 0, 0], [1, 0, 0, 1]], STEPS).tolist() == [[5, 5, 5, 5], [0, 1, 2, 0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_contains_classes_has_their_best_score_and_any_label(seed):
    scores, targets = board(seed)
    members = np.random.default_rng(seed).uniform(size=(3, 4)) < 0.5
    members[:, 0] |= ~members.any(axis=1)
    above, truth = propagate(scores, targets, members)
    for i, clip in enumerate(scores.tolist()):
        for j, node in enumerate(members.tolist()):
            assert above[i, j] == max(s for s, held in zip(clip, node, strict=True) if held)
            assert truth[i, j] == any(
                t for t, held in zip(targets[i].tolist(), node, strict=True) if held
            )
    itself = propagate(scores, targets, np.eye(4))
    assert np.array_equal(itself[0], scores)
    assert np.array_equal(itself[1], targets)


def test_relations_of_another_vocabulary_are_refused():
    scores, targets = board(3)
    with pytest.raises(ParameterError, match="distances have shape"):
        omap(scores, targets, STEPS[:3, :3])
    with pytest.raises(ParameterError, match="0 from a class to itself"):
        omap(scores, targets, STEPS + 1)
    with pytest.raises(ParameterError, match="contains a class"):
        propagate(scores, targets, np.zeros((1, 4)))
