import numpy as np
import pytest

from mirkit.rendering.labels import reduce_chords
from mirkit.rendering.score import DRUMS, Part, note_array


def part(role, pitches, start=0.0, length=4.0, program=0):
    return Part(role, program, note_array([(start, length, p, 90.0) for p in pitches]))


DRUM = Part("drums", DRUMS, note_array([(i / 2, 0.1, 36.0, 100.0) for i in range(16)]))
BASS = part("bass", [36.0])
SPAN = [(0.0, 4.0, "C:min7")]


def test_a_chord_that_is_played_keeps_its_label():
    keys = part("keys", [60.0, 63.0, 67.0, 70.0])
    assert reduce_chords([DRUM, BASS, keys], SPAN, 4.0) == ((0.0, 4.0, "C:min7"),)


def test_drums_alone_have_no_chord():
    assert reduce_chords([DRUM], SPAN, 4.0) == ((0.0, 4.0, "N"),)


@pytest.mark.parametrize("parts", [[BASS], [BASS, part("lead", [67.0, 70.0, 63.0])]])
def test_single_lines_imply_what_nobody_knows(parts):
    assert reduce_chords([DRUM, *parts], SPAN, 4.0) == ((0.0, 4.0, "X"),)


def test_a_tone_that_nobody_plays_is_not_in_the_label():
    triad = part("keys", [60.0, 63.0, 67.0])
    assert reduce_chords([BASS, triad], SPAN, 4.0)[0][2] == "C:min"
    assert reduce_chords([BASS, triad], [(0.0, 4.0, "C:min9/5")], 4.0)[0][2] == "C:min/5"
    power = part("guitar", [48.0, 55.0, 60.0])
    assert reduce_chords([BASS, power], SPAN, 4.0)[0][2] == "C:5"


def test_a_melody_does_not_make_a_triad_a_seventh():
    triad = part("keys", [60.0, 63.0, 67.0])
    assert reduce_chords([BASS, triad, part("lead", [70.0])], SPAN, 4.0)[0][2] == "C:min"


def test_a_long_rest_has_no_chord_and_a_short_one_does():
    for rest, labels in ((2.0, ["C:maj", "N", "C:maj"]), (0.8, ["C:maj"])):
        notes = [(0.0, 2.0, p, 90.0) for p in (60.0, 64.0, 67.0)]
        notes += [(2.0 + rest, 2.0, p, 90.0) for p in (60.0, 64.0, 67.0)]
        keys = Part("keys", 0, note_array(notes))
        found = reduce_chords([DRUM, keys], [(0.0, 4.0 + rest, "C:maj")], 4.0 + rest)
        assert [label for *_, label in found] == labels


def test_the_labels_fill_the_clip():
    keys = part("keys", [60.0, 64.0, 67.0], start=1.0, length=3.0)
    found = reduce_chords([keys], [(1.0, 4.0, "C:maj"), (4.0, 5.0, "F:maj")], 8.0)
    assert found[0] == (0.0, 1.0, "N")
    assert found[-1] == (4.0, 8.0, "N")
    edges = np.array([span[:2] for span in found])
    assert np.array_equal(edges[1:, 0], edges[:-1, 1])


def test_notes_of_the_neighbors_do_not_count():
    early = part("keys", [53.0, 57.0, 60.0], start=3.8, length=2.0)  # F comes a little early
    notes = note_array([(0.0, 3.8, p, 90.0) for p in (60.0, 64.0, 67.0)])
    keys = Part("keys", 0, notes)
    found = reduce_chords([keys, early], [(0.0, 4.0, "C:maj6"), (4.0, 6.0, "F:maj")], 6.0)
    assert [label for *_, label in found] == ["C:maj", "F:maj"]


def test_where_no_chords_are_known_none_are_made_up():
    assert reduce_chords([BASS], [], 4.0) == ()
