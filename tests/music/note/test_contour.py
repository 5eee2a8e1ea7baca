import numpy as np
import pytest
import signals

from mirkit.activations import Head
from mirkit.annotation import Events
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.music.note.basic_pitch import SAMPLE_RATE
from mirkit.music.note.contour import fine_pitches, pitch_curves
from mirkit.music.note.decoder import NoteDecoder

BINS = 57 + np.arange(19) / 3
GRID = FrameGrid.from_fps(100)


def contour(*curves, n_frames=100, width=0.3):
    """A head with a peak at each of some pitches, which are numbers or one number a frame."""
    values = np.zeros((n_frames, BINS.size), np.float32)
    for curve in curves:
        pitch = np.broadcast_to(curve, n_frames)[:, None]
        values = np.maximum(values, 0.8 * np.exp(-0.5 * ((BINS - pitch) / width) ** 2))
    return Head(values, tuple(f"{pitch:.4f}" for pitch in BINS), GRID)


def note(pitch=60, start=0.2, end=0.8):
    return Events([[start, end]], (str(pitch),), kind="note")


@pytest.mark.parametrize("cents", range(-50, 51, 10))
def test_the_pitch_between_two_bins_is_found_within_five_cents(cents):
    (found,) = fine_pitches(contour(60 + cents / 100), note())
    assert found == pytest.approx(60 + cents / 100, abs=0.05)


def test_a_note_beside_does_not_draw_the_pitch_away():
    (found,) = fine_pitches(contour(60.1, 62), note())
    assert found == pytest.approx(60.1, abs=0.05)


def test_a_curve_follows_the_bends_of_a_note():
    t = np.arange(100) / 100
    vibrato = 60 + 0.7 * np.sin(2 * np.pi * 5 * t)
    (curve,) = pitch_curves(contour(vibrato), note())
    assert curve.shape == (60,)
    np.testing.assert_allclose(curve, vibrato[20:80], atol=0.06)
    glide = 59 + 2 * t
    (curve,) = pitch_curves(contour(glide), note())
    np.testing.assert_allclose(curve, glide[20:80], atol=0.06)


def test_notes_at_the_borders_of_the_head_keep_their_pitch():
    for pitch in (57, 63):
        (found,) = fine_pitches(contour(pitch), note(pitch))
        assert found == pytest.approx(pitch, abs=0.1)


def test_a_note_of_no_length_has_the_pitch_of_its_frame():
    assert fine_pitches(contour(60.2), note(start=0.5, end=0.5)) == pytest.approx([60.2], abs=0.05)
    assert pitch_curves(contour(60.2), note(start=2.0, end=3.0))[0].shape == (1,)
    nothing = Events([], (), kind="note")
    assert pitch_curves(contour(60), nothing) == ()
    assert fine_pitches(contour(60), nothing).shape == (0,)


def test_what_has_no_pitch_or_no_clock_is_refused():
    with pytest.raises(ParameterError, match="no pitches"):
        fine_pitches(contour(60), Events([[0, 1]], ("C4",), kind="note"))
    clip = Head(np.zeros((1, BINS.size)), contour(60).labels, None)
    with pytest.raises(ParameterError, match="no grid"):
        pitch_curves(clip, note())


@pytest.mark.parametrize("cents", [-40, -15, 0, 25, 45])
def test_tones_out_of_tune_are_heard_so(model, cents):
    pitches = [50, 57, 66]
    lead = np.zeros((1, SAMPLE_RATE // 2), np.float32)
    tones = signals.chord(pitches, 2.0, SAMPLE_RATE, cents=cents).samples
    activations = model.activations([lead, tones])
    notes = NoteDecoder(bends=True, min_length=1.0)(activations)
    for pitch in pitches:
        errors = np.abs(notes.pitches - pitch - cents / 100)
        assert errors.min() < 0.1
    assert all("." not in label for label in notes.labels)
    plain = NoteDecoder(min_length=1.0)(activations)
    np.testing.assert_array_equal(plain.pitches, np.rint(plain.pitches))
    np.testing.assert_array_equal(plain.intervals, notes.intervals)
