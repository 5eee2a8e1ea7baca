import pytest

from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab import KEYS, TONICS, normal_key, pitch_class
from mirkit.vocab.keys import (
    NOTATIONS,
    key_number,
    parallel_key,
    read_key,
    relative_key,
    transposed_key,
    write_key,
)

# the wheel as it is printed: code, Open Key code, major and minor
WHEEL = """
1 6 B G#   2 7 F# D#   3 8 Db Bb   4 9 Ab F    5 10 Eb C   6 11 Bb G
7 12 F D   8 1 C A     9 2 G E     10 3 D B    11 4 A F#   12 5 E C#
"""


def rows():
    words = WHEEL.split()
    return [words[i : i + 4] for i in range(0, len(words), 4)]


@pytest.mark.parametrize(("camelot", "open_key", "major", "minor"), rows())
def test_codes_are_those_of_the_wheel(camelot, open_key, major, minor):
    assert write_key(f"{major} major", "camelot") == f"{camelot}B"
    assert write_key(f"{minor} minor", "camelot") == f"{camelot}A"
    assert write_key(f"{major} major", "openkey") == f"{open_key}d"
    assert write_key(f"{minor} minor", "openkey") == f"{open_key}m"
    assert relative_key(f"{major} major") == normal_key(f"{minor} minor")


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_key_is_read_back_from_every_notation(notation):
    assert [read_key(write_key(key, notation)) for key in KEYS] == list(KEYS)


def test_the_classes_of_key_models_are_where_they_were_agreed_to_be():
    assert (KEYS[0], KEYS[11], KEYS[12], KEYS[23]) == ("C major", "B major", "C minor", "B minor")
    assert [normal_key(key) for key in KEYS] == list(KEYS)
    assert [key_number(key) for key in KEYS] == list(range(24))


def test_relatives_share_their_notes_and_parallels_their_tonic():
    for key in KEYS:
        assert relative_key(relative_key(key)) == key
        assert parallel_key(parallel_key(key)) == key
        assert parallel_key(key).split()[0] == key.split()[0]
        assert write_key(relative_key(key), "camelot")[:-1] == write_key(key, "camelot")[:-1]


def test_transposing_moves_the_tonic_and_keeps_the_mode():
    for key in KEYS:
        for n in range(-12, 13):
            tonic, mode = transposed_key(key, n).split()
            assert mode == key.split()[1]
            assert (pitch_class(tonic) - pitch_class(key.split()[0]) - n) % 12 == 0
            assert tonic in TONICS


def test_jams_takes_our_spelling():
    import jams

    for key in KEYS:
        schema = jams.schema.namespace("key_mode")
        import re

        assert re.fullmatch(schema["properties"]["value"]["pattern"], write_key(key, "jams"))


def test_wrong_keys_are_refused_with_a_guess():
    with pytest.raises(ParameterError, match="it means 'A minor'"):
        normal_key("8A")
    with pytest.raises(ParameterError, match="no key"):
        read_key("13A")
    with pytest.raises(UnknownName, match="Did you mean 'camelot'"):
        write_key("A minor", "camelott")
