import pytest

from mirkit.vocab import SHARPS, parse_chord
from mirkit.vocab.spelling import spell_chords

SCALES = {
    "Db": "Db Eb F Gb Ab Bb C", "Ab": "Ab Bb C Db Eb F G", "Eb": "Eb F G Ab Bb C D",
    "Bb": "Bb C D Eb F G A", "F": "F G A Bb C D E", "C": "C D E F G A B", "G": "G A B C D E F#",
    "D": "D E F# G A B C#", "A": "A B C# D E F# G#", "E": "E F# G# A B C# D#",
    "B": "B C# D# E F# G# A#", "F#": "F# G# A# B C# D# E#",
}  # fmt: skip


@pytest.mark.parametrize("key", SCALES)
def test_the_chords_of_a_key_are_spelled_by_its_signature(key):
    names = SCALES[key].split()
    sharps = [SHARPS[parse_chord(name).root] for name in names]
    chords = [f"{root}:{quality}" for root, quality in zip(
        sharps, ["maj", "min", "min", "maj", "7", "min", "dim"], strict=True
    )]  # fmt: skip
    assert [chord.split(":")[0] for chord in spell_chords(chords)] == names


def test_spelling_changes_no_tone_and_no_bass():
    labels = [f"{root}:{q}" for root in SHARPS for q in ("min7/b3", "maj(9)", "dim7/bb7")]
    for before, after in zip(labels, spell_chords(labels), strict=True):
        assert parse_chord(before).pitch_classes == parse_chord(after).pitch_classes
        assert before.split(":")[1] == after.split(":")[1]
        assert len(after.split(":")[0]) <= 2


def test_what_lasts_longer_decides():
    labels = ["A#:maj", "E:maj", "A:maj"]
    assert spell_chords(labels, [9, 1, 1])[0] == "Bb:maj"
    assert spell_chords(["F#:maj", "E:maj", "A:maj"], [1, 9, 9])[0] == "F#:maj"


def test_nothing_and_no_chords_stay():
    assert spell_chords([]) == ()
    assert spell_chords(["N", "X"]) == ("N", "X")
