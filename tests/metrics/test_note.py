import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mirkit.annotation import Events
from mirkit.errors import ParameterError
from mirkit.metrics.note import note_scores


def notes(*rows, velocities=None):
    """Notes (start [s], end [s], pitch)."""
    rows = sorted(rows)
    intervals = np.array([row[:2] for row in rows]).reshape(-1, 2)
    labels = tuple(str(row[2]) for row in rows)
    return Events(intervals, labels, kind="note", velocities=velocities)


@st.composite
def some_notes(draw):
    """Notes on a grid of 20 ms and fifths of a semitone, so that many lie near the tolerances."""
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    starts = rng.integers(0, 40, n) * 0.02
    lengths = rng.integers(1, 30, n) * 0.02
    pitches = 60 + rng.integers(0, 15, n) / 5
    velocities = rng.integers(1, 128, n)
    return notes(*zip(starts, starts + lengths, pitches, strict=True), velocities=velocities)


def shared(reference, estimate, by_offset, by_pitch=True):
    """How many notes can be matched, one to one, by an assignment of all pairs."""
    true, found = reference.intervals, estimate.intervals
    near = np.abs(true[:, None, 0] - found[None, :, 0]).round(9) <= 0.05
    if by_pitch:
        cents = np.abs(reference.pitches[:, None] - estimate.pitches[None]) * 100
        near &= cents.round(6) <= 50
    if by_offset:
        allowed = np.maximum(0.2 * (true[:, 1] - true[:, 0]), 0.05)
        off = np.abs(true[:, None, 1] - found[None, :, 1]).round(9)
        near &= off <= allowed.round(9)[:, None]
    rows, columns = linear_sum_assignment(-near.astype(float))
    return int(near[rows, columns].sum())


@settings(max_examples=200, derandomize=True, deadline=None)
@given(some_notes(), some_notes())
def test_scores_are_those_of_the_best_assignment(reference, estimate):
    scores = note_scores(reference, estimate)
    for prefix, options in (("", (False,)), ("offset_", (True,)), ("onset_", (False, False))):
        n = shared(reference, estimate, *options)
        assert scores[f"{prefix}precision"] == pytest.approx(n / len(estimate))
        assert scores[f"{prefix}recall"] == pytest.approx(n / len(reference))
        assert scores[f"{prefix}f_measure"] == pytest.approx(
            2 * n / (len(reference) + len(estimate))
        )


@settings(max_examples=50, derandomize=True, deadline=None)
@given(some_notes(), some_notes())
def test_scores_are_those_of_mir_eval(reference, estimate):
    import warnings

    arrays = [x for notes in (reference, estimate) for x in (notes.intervals, notes.frequencies)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = mir_eval.transcription.evaluate(*arrays)
    ours = note_scores(reference, estimate)
    assert ours["f_measure"] == pytest.approx(theirs["F-measure_no_offset"])
    assert ours["offset_f_measure"] == pytest.approx(theirs["F-measure"])
    assert ours["onset_f_measure"] == pytest.approx(theirs["Onset_F-measure"])
    assert ours["overlap"] == pytest.approx(theirs["Average_Overlap_Ratio_no_offset"])
    assert ours["offset_recall"] == pytest.approx(theirs["Recall"])


def test_notes_agree_with_themselves():
    scores = note_scores(notes((0, 1, 60), (0, 1, 64)), notes((0, 1, 60), (0, 1, 64)))
    assert set(scores.values()) == {1.0}
    assert list(scores) == [
        "precision", "recall", "f_measure", "overlap", "offset_precision", "offset_recall",
        "offset_f_measure", "onset_precision", "onset_recall", "onset_f_measure",
    ]  # fmt: skip


def test_pitch_counts_to_half_a_semitone_and_not_at_all_for_onsets():
    reference = notes((0, 1, 60))
    for pitch, right in ((60.49, 1), (60.51, 0), (72, 0)):
        scores = note_scores(reference, notes((0, 1, pitch)))
        assert (scores["f_measure"], scores["onset_f_measure"]) == (right, 1)
    assert note_scores(reference, notes((0, 1, 60.51)), pitch_tolerance=60)["f_measure"] == 1


def test_starts_count_to_50_ms_or_what_is_given():
    reference, late = notes((0, 1, 60)), notes((0.06, 1, 60))
    for options, right in (({}, 0), ({"onset_tolerance": 0.07}, 1)):
        scores = note_scores(reference, late, **options)
        assert {scores[name] for name in ("precision", "onset_f_measure", "offset_recall")} == {
            right
        }


def test_ends_count_to_a_fifth_of_the_note_and_at_least_50_ms():
    long, short = notes((0, 2, 60)), notes((0, 0.1, 60))
    assert note_scores(long, notes((0, 1.61, 60)))["offset_f_measure"] == 1
    assert note_scores(long, notes((0, 1.59, 60)))["offset_f_measure"] == 0
    assert note_scores(short, notes((0, 0.06, 60)))["offset_f_measure"] == 1
    assert note_scores(short, notes((0, 0.04, 60)))["offset_f_measure"] == 0
    more = {"offset_tolerance": 0.07, "offset_ratio": 0.3}
    assert note_scores(short, notes((0, 0.04, 60)), **more)["offset_f_measure"] == 1
    assert note_scores(long, notes((0, 1.45, 60)), **more)["offset_f_measure"] == 1


def test_velocities_count_where_both_have_them():
    reference = notes((0, 1, 60), (1, 2, 62), (2, 3, 64), velocities=[40, 80, 120])
    scaled = notes((0, 1, 60), (1, 2, 62), (2, 3, 64), velocities=[30, 60, 90])
    turned = notes((0, 1, 60), (1, 2, 62), (2, 3, 64), velocities=[30, 90, 30])
    assert note_scores(reference, scaled)["velocity_f_measure"] == 1
    assert note_scores(reference, turned)["velocity_f_measure"] < 1
    assert "velocity_f_measure" not in note_scores(reference, notes((0, 1, 60)))


def test_nothing_scores_nothing_without_a_warning():
    for pair in ((notes(), notes((0, 1, 60))), (notes((0, 1, 60)), notes()), (notes(), notes())):
        assert set(note_scores(*pair).values()) == {0.0}


def test_notes_of_no_length_are_scored():
    assert note_scores(notes((1, 1, 60)), notes((1, 1, 60)))["offset_f_measure"] == 1


def test_what_cannot_be_scored_is_refused():
    onsets = Events([[0, 0]], ("onset",), kind="onset")
    with pytest.raises(ParameterError, match="the estimate has no pitches: its kind is 'onset'"):
        note_scores(notes((0, 1, 60)), onsets)
    with pytest.raises(ParameterError, match="onset_tolerance is 0"):
        note_scores(notes((0, 1, 60)), notes((0, 1, 60)), onset_tolerance=0)
