"""Keys in every notation."""

import pytest

from mirkit.errors import ParameterError, UnknownName
from mirkit.formats.dj.keys import NOTATIONS, key_of_number, parse_key, spell_key
from mirkit.vocab import MODES, TONICS

KEYS = [f"{tonic} {mode}" for tonic in TONICS for mode in MODES]

# The wheel as DJs print it, number by number: A (minor) and B (major)
WHEEL = {
    1: ("Ab minor", "B major"), 2: ("Eb minor", "F# major"), 3: ("Bb minor", "Db major"),
    4: ("F minor", "Ab major"), 5: ("C minor", "Eb major"), 6: ("G minor", "Bb major"),
    7: ("D minor", "F major"), 8: ("A minor", "C major"), 9: ("E minor", "G major"),
    10: ("B minor", "D major"), 11: ("F# minor", "A major"), 12: ("Db minor", "E major"),
}  # fmt: skip


@pytest.mark.parametrize("number", WHEEL)
def test_camelot_is_the_wheel(number):
    for letter, key in zip("AB", WHEEL[number], strict=True):
        assert spell_key(key, "camelot") == f"{number}{letter}"
        assert parse_key(f"{number}{letter.lower()}") == parse_key(f"{number:02d}{letter}")
        assert parse_key(f"{number}{letter}") == parse_key(key)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_key_comes_back_from_every_notation(notation):
    for key in KEYS:
        text = spell_key(key, notation)
        if notation in ("traktor", "mixxx"):
            assert key_of_number(int(text), notation) == key
        else:
            assert parse_key(text) == key


@pytest.mark.parametrize(
    ("key", "spelled"),
    [
        ("A minor", ["Am", "Am", "Am", "8A", "1m", "21", "22"]),
        ("C major", ["C", "C", "C", "8B", "1d", "0", "1"]),
        ("F major", ["F", "F", "F", "7B", "12d", "5", "6"]),
        ("C minor", ["Cm", "Cm", "Cm", "5A", "10m", "12", "13"]),
        ("Db minor", ["C#m", "C#m", "Dbm", "12A", "5m", "13", "14"]),
        ("Db major", ["Db", "C#", "Db", "3B", "8d", "1", "2"]),
        ("Gb minor", ["F#m", "F#m", "Gbm", "11A", "4m", "18", "19"]),
    ],
)
def test_notations_are_those_of_the_programs(key, spelled):
    names = ["tag", "sharp", "flat", "camelot", "open", "traktor", "mixxx"]
    assert [spell_key(key, name) for name in names] == spelled


def test_what_is_no_key_is_refused():
    for text in ("13A", "0d", "H", ""):
        with pytest.raises(ParameterError, match="is no"):
            parse_key(text)
    for text in ("D dorian", "N", "o"):
        with pytest.raises(ParameterError, match="DJ software knows no other"):
            parse_key(text)
    with pytest.raises(ParameterError, match="24 is no key of traktor"):
        key_of_number(24)
    with pytest.raises(UnknownName, match="Did you mean 'camelot'"):
        spell_key("Am", "camelott")
