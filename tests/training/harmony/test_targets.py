import mir_eval
import numpy as np
import pytest

from mirkit.frames import FrameGrid
from mirkit.training.harmony.targets import (
    NO_CHORD,
    NONE,
    OTHER,
    QUALITIES,
    UNKNOWN,
    chord_target,
    chord_targets,
    key_index,
    key_targets,
    transpose,
)
from mirkit.vocab import CHORD_QUALITIES, KEYS

GRID = FrameGrid.from_fps(10)
BAND = [{"role": "keys", "n_notes": 5}, {"role": "bass", "n_notes": 5}]


def test_qualities_are_those_of_the_tag_head():
    assert QUALITIES == CHORD_QUALITIES


@pytest.mark.parametrize(
    ("label", "root", "bass", "quality"),
    [
        ("C:maj", 0, 0, "maj"),
        ("A:min7/b3", 9, 0, "min7"),
        ("Bb:9", 10, 10, "7"),
        ("F#:maj9/5", 6, 1, "maj7"),
        ("G:13", 7, 7, "7"),
        ("C:min11", 0, 0, "min7"),
        ("E:sus4(b7)", 4, 4, "sus4"),
        ("D:7(b9)", 2, 2, "7"),
        ("Ab:maj(9)", 8, 8, "maj"),
        ("B:hdim7", 11, 11, "hdim7"),
    ],
)
def test_chords_are_reduced_to_the_tags(label, root, bass, quality):
    target = chord_target(label)
    assert (target.root, target.bass) == (root, bass)
    assert target.tag == root * 14 + QUALITIES.index(quality)


@pytest.mark.parametrize("quality", QUALITIES)
def test_reduction_agrees_with_mir_eval(quality):
    for root in ("C", "F#", "Bb"):
        target = chord_target(f"{root}:{quality}")
        number, bitmap, _ = mir_eval.chord.encode(f"{root}:{quality}")
        assert target.root == number
        np.testing.assert_array_equal(target.pitches, np.roll(bitmap, number))


@pytest.mark.parametrize("label", ["C:5", "C:1", "C:7(*5,b5)"])
def test_what_fits_no_tag_still_has_root_and_pitches(label):
    target = chord_target(label)
    assert (target.root, target.tag) == (0, OTHER)
    assert target.pitches[0] == 1


def test_no_chord_is_known_and_x_is_not():
    assert chord_target("N")[:3] == (NONE, NONE, NO_CHORD)
    assert chord_target("X")[:3] == (UNKNOWN,) * 3
    assert chord_target("X").pitches is None


def clip(instruments, chords=((0.0, 1.0, "C:maj/3"), (1.0, 2.0, "A:min"))):
    return {"instruments": instruments, "chords": [list(chord) for chord in chords]}


def test_each_frame_has_the_chord_at_its_time():
    targets = chord_targets(clip(BAND), GRID, 25)
    assert targets["root"].tolist() == [0] * 10 + [9] * 10 + [UNKNOWN] * 5
    assert targets["bass"].tolist() == [4] * 10 + [9] * 10 + [UNKNOWN] * 5
    assert targets["pitch"][0].nonzero()[0].tolist() == [0, 4, 7]
    assert targets["pitch_mask"].tolist() == [1.0] * 20 + [0.0] * 5


def test_drums_alone_play_no_chord():
    targets = chord_targets(clip([{"role": "human drums", "n_notes": 9}]), GRID, 20)
    assert set(targets["tag"].tolist()) == {NO_CHORD}
    assert set(targets["root"].tolist()) == {NONE}
    assert set(chord_targets({}, GRID, 20)["tag"].tolist()) == {NO_CHORD}


def test_a_bass_alone_tells_the_root_only():
    targets = chord_targets(clip([{"role": "drums"}, {"role": "bass"}]), GRID, 20)
    assert targets["root"].tolist() == [0] * 10 + [9] * 10
    assert set(targets["tag"].tolist()) == {UNKNOWN}
    assert not targets["pitch_mask"].any()


def test_transposing_targets_is_transposing_labels():
    before = chord_targets(clip(BAND), GRID, 22)
    higher = (0.0, 1.0, "Eb:maj/3"), (1.0, 2.0, "C:min")
    expected = chord_targets(clip(BAND, higher), GRID, 22)
    moved = transpose(before, 3)
    for name, values in expected.items():
        np.testing.assert_array_equal(moved[name], values)
    back = transpose(moved, -3)
    for name, values in before.items():
        np.testing.assert_array_equal(back[name], values)


def test_keys_are_numbered_as_the_vocabulary_has_them():
    assert [key_index(name) for name in KEYS] == list(range(24))
    truth = {"keys": [[0.0, 1.0, "Db major"], [1.0, 1.5, "A minor"]]}
    assert key_targets(truth, GRID, 20).tolist() == [1] * 10 + [21] * 5 + [UNKNOWN] * 5


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        (("Ab:maj", "Db:maj"), "Ab major"),
        (("Ab:maj", "Ab:min7"), "Ab minor"),
        (("Db:maj", "Ab:5"), "Ab minor"),
        (("Ab:hdim7", "Db:maj"), "Ab minor"),
        ((), "Ab minor"),
    ],
)
def test_the_mode_of_a_key_is_that_of_the_chords_on_its_tonic(chords, key):
    spans = [[float(i), i + 1.0, chord] for i, chord in enumerate(chords)]
    truth = {"keys": [[0.0, 2.0, "Ab minor"]], "chords": spans}
    assert set(key_targets(truth, GRID, 20)) == {key_index(key)}


def test_chords_outside_a_key_say_nothing_about_it():
    truth = {"keys": [[0.0, 1.0, "C minor"]], "chords": [[1.0, 2.0, "C:maj"]]}
    assert set(key_targets(truth, GRID, 10)) == {key_index("C minor")}


@pytest.mark.parametrize(
    ("chords", "is_known"),
    [
        (["N"], False),  # a drummer alone
        (["D:min", "F:maj"], False),  # a tonic that is never heard
        (["D:min", "X"], True),  # what a single line plays may be the tonic
        (["N", "C:min"], True),
    ],
)
def test_a_key_that_nothing_bears_out_is_not_known(chords, is_known):
    spans = [[float(i), i + 1.0, chord] for i, chord in enumerate(chords)]
    truth = {"keys": [[0.0, 2.0, "C minor"]], "chords": spans}
    expected = key_index("C minor") if is_known else UNKNOWN
    assert set(key_targets(truth, GRID, 20)) == {expected}
