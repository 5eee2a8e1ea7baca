import notes_plain
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.activations import Activations, Head
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.music.note.decoder import NoteDecoder, decoder, find_onsets
from mirkit.music.note.inputs import read

GRID = FrameGrid.from_fps(100)
SHORT = NoteDecoder(min_length=0.05, max_gap=0.05)


def activations(note, onset, lowest=60, grid=GRID):
    labels = tuple(str(lowest + i) for i in range(np.shape(note)[1]))
    return Activations({"note": Head(note, labels, grid), "onset": Head(onset, labels, grid)})


def played(rows, n_frames=200, n_pitches=5, lowest=60, struck=True):
    """Activations of notes (first frame, frame after the last, pitch)."""
    note, onset = np.full((2, n_frames, n_pitches), 0.05, np.float32)
    for start, end, pitch in rows:
        note[start:end, pitch - lowest] = 0.8
        if struck:
            onset[start - 1 : start + 2, pitch - lowest] = [0.5, 0.9, 0.6]
    return activations(note, onset, lowest)


def times(notes):
    return [
        (*span, label) for span, label in zip(notes.intervals.tolist(), notes.labels, strict=True)
    ]


@st.composite
def noise(draw):
    """Activations of few levels, so that ties and plateaus abound, smoothed so that notes last."""
    n_frames, n_pitches = draw(st.integers(1, 60)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.integers(2, 12))
    note, onset = rng.integers(0, levels + 1, (2, n_frames, n_pitches)) / levels
    length = draw(st.integers(1, 6))
    note = np.repeat(note, length, axis=0)[:n_frames]
    return note.astype(np.float32), onset.astype(np.float32)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    noise(), st.sampled_from([0.25, 0.5, 0.75]), st.sampled_from([0.25, 0.3, 0.5]),
    st.integers(1, 6), st.integers(1, 6), st.booleans(), st.booleans(),
)  # fmt: skip
def test_notes_are_those_of_the_plain_twin(arrays, onset, frame, least, gap, infer, melodia):
    decode = NoteDecoder(
        onset_threshold=onset, frame_threshold=frame, min_length=least / 100, max_gap=gap / 100,
        infer_onsets=infer, melodia=melodia,
    )  # fmt: skip
    found = decode.find(read(activations(*arrays)))
    expected = notes_plain.find_notes(*arrays, onset, frame, least, gap, infer, melodia)
    assert [note[:3] for note in found] == [note[:3] for note in expected]
    np.testing.assert_allclose([n[3] for n in found], [n[3] for n in expected], atol=1e-12)


def test_a_note_lasts_from_its_onset_until_it_fades():
    notes = NoteDecoder()(played([(50, 120, 62)]))
    assert times(notes) == [(0.5, 1.2, "62")]
    assert notes.kind == "note"
    np.testing.assert_array_equal(notes.pitches, [62])
    np.testing.assert_allclose(notes.confidence, [0.9])
    assert notes.velocities is None


def test_notes_come_in_the_order_of_their_starts():
    notes = NoteDecoder()(played([(100, 150, 60), (20, 90, 64), (20, 60, 62)]))
    assert times(notes) == [(0.2, 0.6, "62"), (0.2, 0.9, "64"), (1.0, 1.5, "60")]


def test_a_repeated_note_is_two_though_it_never_fades():
    struck = times(NoteDecoder()(played([(20, 80, 62), (80, 140, 62)])))
    assert struck == [(0.2, 0.8, "62"), (0.8, 1.4, "62")]


def test_a_short_dip_does_not_end_a_note_and_a_long_one_does():
    heads = played([(20, 150, 62)])
    note = heads["note"].values.copy()
    note[60:70] = 0.05
    dipped = activations(note, heads["onset"].values)
    options = {"melodia": False, "infer_onsets": False}
    assert times(NoteDecoder(max_gap=0.11, **options)(dipped)) == [(0.2, 1.5, "62")]
    assert times(NoteDecoder(max_gap=0.10, **options)(dipped)) == [(0.2, 0.6, "62")]


def test_notes_without_an_onset_are_found_by_the_melodia_trick_alone():
    heads = played([(50, 120, 62)], struck=False)
    (found,) = times(NoteDecoder(infer_onsets=False)(heads))
    assert found == (0.5, 1.19, "62")  # the last frame is left out, as its authors do
    assert len(NoteDecoder(infer_onsets=False, melodia=False)(heads)) == 0


def test_a_rise_of_the_note_activation_is_an_onset_where_asked():
    note, onset = np.full((2, 200, 3), 0.05, np.float32)
    note[50:120, 1] = 0.8  # the steepest rise, so as good as the highest onset
    note[50:120, 2] = 0.4  # not half as steep
    onset[10, 0] = 0.7
    inputs = read(activations(note, onset))
    assert find_onsets(inputs, 0.5, infer=True) == [(50, 1), (10, 0)]
    assert find_onsets(inputs, 0.3, infer=True) == [(50, 2), (50, 1), (10, 0)]
    assert find_onsets(inputs, 0.5, infer=False) == [(10, 0)]


def test_a_note_takes_its_neighbors_a_semitone_away():
    heads = played([(50, 120, 62)])
    note = heads["note"].values.copy()
    note[50:120, 1] = note[50:120, 3] = 0.7  # leaks into 61 and 63
    note[50:120, 0] = 0.7  # 60 sounds
    found = NoteDecoder(infer_onsets=False)(activations(note, heads["onset"].values))
    assert sorted(found.labels) == ["60", "62"]


def test_notes_that_are_not_longer_than_min_length_are_left_out():
    heads = played([(50, 70, 62)])
    assert len(NoteDecoder(min_length=0.19)(heads)) == 1
    assert len(NoteDecoder(min_length=0.20)(heads)) == 0


def test_pitches_are_kept_from_fmin_to_fmax_both_included():
    heads = played([(20, 60, 67), (20, 60, 69), (20, 60, 71)], n_pitches=12)
    assert NoteDecoder(fmin=440)(heads).labels == ("69", "71")
    assert NoteDecoder(fmax=440)(heads).labels == ("67", "69")
    assert NoteDecoder(fmin=430, fmax=450)(heads).labels == ("69",)
    assert len(NoteDecoder(fmin=441, fmax=465)(heads)) == 0
    assert len(NoteDecoder(fmin=4000)(heads)) == 0


@pytest.mark.parametrize("n_frames", [0, 1, 2, 3])
def test_too_few_frames_for_a_note_hold_none(n_frames):
    ones = np.ones((n_frames, 2), np.float32)
    notes = SHORT(activations(ones, ones))
    assert len(notes) == 0
    assert notes.kind == "note"


def test_silence_and_a_steady_tone_do_not_divide_by_zero():
    zeros = np.zeros((100, 3), np.float32)
    assert len(SHORT(activations(zeros, zeros))) == 0
    steady = np.full((100, 1), 0.9, np.float32)
    (found,) = times(SHORT(activations(steady, np.zeros((100, 1), np.float32))))
    assert found == (0.0, 0.98, "60")


def test_calibration_bends_confidence():
    heads = played([(50, 120, 62)])
    bent = NoteDecoder(calibration=(2.0, -1.0))(heads).confidence[0]
    odds = 2.0 * np.log(0.9 / 0.1) - 1.0
    assert bent == pytest.approx(1 / (1 + np.exp(-odds)), rel=1e-5)


def test_logits_are_decoded_as_the_probabilities_that_they_mean():
    heads = played([(50, 120, 62)])
    labels = heads["note"].labels
    logits = {
        name: Head(np.log(head.values / (1 - head.values)), labels, GRID, "sigmoid_logits")
        for name, head in heads.items()
    }
    np.testing.assert_array_equal(
        NoteDecoder()(Activations(logits)).intervals, NoteDecoder()(heads).intervals
    )


ROW = np.full((4, 2), 0.5, np.float32)


@pytest.mark.parametrize(
    ("heads", "error", "message"),
    [
        ({}, UnknownName, "unknown head 'note'"),
        ({"note": Head(ROW, ("60", "61"), GRID)}, UnknownName, "unknown head 'onset'"),
        ({name: Head(ROW[:1], ("60", "61"), None) for name in ("note", "onset")},
         ParameterError, "'note' has no grid"),
        ({name: Head(ROW, ("60", "62"), GRID) for name in ("note", "onset")},
         ParameterError, "60, 62 … .*no MIDI note numbers"),
        ({name: Head(ROW, ("C4", "C#4"), GRID) for name in ("note", "onset")},
         ParameterError, "no MIDI note numbers"),
        ({"note": Head(ROW, ("60", "61"), GRID), "onset": Head(ROW[:3], ("60", "61"), GRID)},
         ParameterError, "differ in labels, grid or frames"),
        ({name: Head(4 * ROW, ("60", "61"), GRID) for name in ("note", "onset")},
         ParameterError, r"note\[0, 0\] is 2; .*logits"),
    ],
)  # fmt: skip
def test_wrong_activations_are_refused(heads, error, message):
    with pytest.raises(error, match=message):
        NoteDecoder()(Activations(heads))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"onset_threshold": 0}, "onset_threshold is 0; it must be a number above 0"),
        ({"frame_threshold": 30}, r"frame_threshold is 30; it lies in \[0, 1\]"),
        ({"min_length": -1}, "min_length is -1"),
        ({"fmin": 500, "fmax": 100}, "fmin is 500 and fmax 100 Hz; are the two swapped"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        NoteDecoder(**options)


def test_decoders_are_found_by_name():
    assert decoder(fmin=100) == decoder("posteriorgram", fmin=100) == NoteDecoder(fmin=100)
    with pytest.raises(UnknownName, match="unknown note decoder 'viterbi'"):
        decoder("viterbi")
    with pytest.raises(ParameterError, match="no option 'meter'; it has onset_threshold"):
        decoder(meter=4)
