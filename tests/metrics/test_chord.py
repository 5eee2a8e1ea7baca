import warnings

import mir_eval
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mirkit.annotation import Segments
from mirkit.errors import ParameterError
from mirkit.metrics.chord import MEASURES, chord_scores, segmentation
from mirkit.vocab import CHORD_TAGS

LABELS = [
    *CHORD_TAGS[:-1:5], "N", "C:maj/3", "C:maj/b7", "A:min7/b3", "G:9", "C:5", "D:sus4(b7)", "E:1",
    "F:maj(*3)", "Db:hdim7/b5", "C#:min", "Db:min", "C", "C:maj/2", "B:min11", "G:(1,3)", "C:maj",
    "C:min", "C:7",
]  # fmt: skip


@st.composite
def chords(draw, labels, start=0.0, min_size=1):
    """A partition from `start` on whose boundaries lie on a coarse grid, so that some coincide."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=min_size, max_size=8))
    edges = start + np.cumsum([0, *lengths]) / 4
    names = draw(st.lists(st.sampled_from(labels), min_size=len(lengths), max_size=len(lengths)))
    return Segments(np.stack([edges[:-1], edges[1:]], axis=1), tuple(names), kind="chord")


def oracle(reference, estimate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where nothing is comparable the score is 0
        return mir_eval.chord.evaluate(
            reference.intervals, list(reference.labels), estimate.intervals, list(estimate.labels)
        )


@settings(max_examples=250, derandomize=True, deadline=None)
@given(chords([*LABELS, "X"], min_size=3), chords(LABELS, start=0.5))
def test_scores_are_those_of_mir_eval(reference, estimate):
    # mir_eval itself stumbles over an estimate that begins where the reference ends
    assume(reference.intervals[-1, 1] not in estimate.intervals[:, 0])
    expected = oracle(reference, estimate)
    found = chord_scores(reference, estimate)
    assert list(found) == list(MEASURES)
    for name in MEASURES:
        assert found[name] == pytest.approx(expected[name], abs=1e-12), name


@settings(max_examples=50, derandomize=True, deadline=None)
@given(chords(LABELS))
def test_chords_agree_with_themselves(reference):
    counted = chord_scores(reference, reference)
    for name, value in oracle(reference, reference).items():
        assert counted[name] == pytest.approx(value)
    assert counted["tetrads_inv"] == counted["seg"] == 1


def segments(*rows):
    return Segments([row[:2] for row in rows], tuple(row[2] for row in rows), kind="chord")


def test_an_unknown_chord_is_left_out_as_reference_and_never_right_as_estimate():
    truth = segments((0, 2, "X"), (2, 4, "C:maj"))
    scores = chord_scores(truth, segments((0, 4, "C:maj")))
    assert scores["root"] == scores["mirex"] == 1
    for label in ("N", "C:maj"):  # mir_eval's mirex takes X for any chord, its root X for N
        scores = chord_scores(segments((0, 2, label)), segments((0, 2, "X")))
        assert all(scores[name] == 0 for name in MEASURES if "seg" not in name)


def test_gaps_and_what_lies_beyond_are_no_chord():
    truth = segments((1, 3, "C:maj"), (3, 4, "N"), (4, 6, "G:maj"))
    scores = chord_scores(truth, segments((0, 3, "C:maj"), (4, 9, "G:maj")))
    assert all(value == 1 for value in scores.values())
    assert chord_scores(truth, segments((7, 9, "C:maj")))["root"] == pytest.approx(0.2)
    assert chord_scores(truth, Segments([], (), kind="chord"))["root"] == pytest.approx(0.2)


def test_cut_chords_and_joined_chords_are_told_apart():
    truth = segments((0, 2, "C:maj"), (2, 4, "G:maj"))
    cut = segments((0, 1, "C:maj"), (1, 2, "A:min"), (2, 4, "G:maj"))
    assert chord_scores(truth, cut)["overseg"] == 0.75
    assert chord_scores(truth, cut)["underseg"] == 1
    joined = segments((0, 4, "C:maj"))
    assert chord_scores(truth, joined)["underseg"] == 0.5
    assert chord_scores(truth, joined)["overseg"] == 1
    same = segments((0, 1, "C:maj"), (1, 2, "C"), (2, 4, "G"))
    assert chord_scores(truth, same)["seg"] == 1  # one chord in two lines is one chord


@pytest.mark.parametrize("seed", range(5))
def test_segmentation_is_that_of_mir_eval(seed):
    rng = np.random.default_rng(seed)
    true, found = (np.r_[0, np.sort(rng.uniform(0, 60, n)), 60] for n in (40, 55))
    a, b = (np.stack([x[:-1], x[1:]], axis=1) for x in (true, found))
    scores = segmentation(true, found)
    assert scores["overseg"] == pytest.approx(mir_eval.chord.overseg(a, b))
    assert scores["underseg"] == pytest.approx(mir_eval.chord.underseg(a, b))


def test_a_reference_of_nothing_and_a_label_that_is_no_chord_are_refused():
    with pytest.raises(ParameterError, match="nothing to score against"):
        chord_scores(Segments([], (), kind="chord"), segments((0, 1, "N")))
    with pytest.raises(ParameterError, match="did you mean 'A:min7'"):
        chord_scores(segments((0, 1, "Am7")), segments((0, 1, "N")))
