import pytest

from mirkit.annotation import Key, Segments
from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab import KEYS, TONICS, normal_key, pitch_class
from mirkit.vocab.keys import (
    NOTATIONS,
    is_scored,
    key_number,
    parallel_key,
    read_key,
    relative_key,
    transpose_key,
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
            tonic, mode = transpose_key(key, n).split()
            assert mode == key.split()[1]
            assert (pitch_class(tonic) - pitch_class(key.split()[0]) - n) % 12 == 0
            assert tonic in TONICS


def test_jams_takes_our_spelling():
    import jams

    for key in KEYS:
        schema = jams.schema.namespace("key_mode")
        import re

        assert re.fullmatch(schema["properties"]["value"]["pattern"], write_key(key, "jams"))


@pytest.mark.parametrize(
    ("key", "spellings"),
    {
        "A minor": "A minor|A:minor|A:min|Am|am|a min|A m|AMIN|8A|8a|08A|8 A|8A - Am|8A/Am|8A (Am)|"
        "Am 8A|8A A minor|1m|01M|1m - 8A|A harmonic minor|Key: A minor|key=Am|A_minor|A-minor",
        "C# minor": "Db minor|Db:min|c# m|C♯ minor|D♭m|C sharp minor|D-flat minor|Dflat min|12A|5m|"
        "Key\tC#:minor|key\tdbm",
        "F major": "F:maj|F|F major|FM|F Maj|f|7B|07b|12d|12D|Key\tF|E#|Key F:maj|F (7B)",
        "Ab minor": "A flat minor|A-flat minor|a flat m|G#m|G sharp minor|Abmin|1A|6m|01A - Abm",
        "Bb major": "b flat|B flat major|Bb|A#|B♭ major|A sharp maj|6B|11d",
        "B major": "B|b major|Cb|C flat|1B|6d",
        "D dorian": "D:dorian|D dorian|D dor|d Dorian|Key\tD:dorian",
        "F# mixolydian": "F#:mix|Gb mixolydian|F sharp mixolydian",
        "A aeolian": "A:aeolian|A aeo",
        "C# modal": "C#:modal|Key\tDb:modal",
        "N": "N|X|Silence|silence|no key|none|o|Key\tN",
    }.items(),
)
def test_one_reader_knows_all_spellings(key, spellings):
    for text in spellings.split("|"):
        assert read_key(text) == key, text
        assert read_key(f"  {text} ") == key
    assert Key(spellings.split("|")[0]).label == (None if key == "N" else key)
    assert Segments([[0, 1]], (spellings.split("|")[-1],), kind="key").labels == (key,)


@pytest.mark.parametrize(
    "text",
    ["13A", "0A", "8C", "H", "H minor", "C-", "Amin7", "G:7", "C:maj7", "verse", "", " ", "Key",
     "A sad", "AB minor", "8A - C#m", "C/Am", "C major / A minor", "8A 128", "dorian", "flat", "1"],
)  # fmt: skip
def test_what_is_no_key_or_two_of_them_is_refused(text):
    with pytest.raises(ParameterError, match=r"is no key|names two keys"):
        read_key(text)
    for value in (None, 8, b"Am", ["Am"]):
        with pytest.raises(ParameterError, match="is no key"):
            read_key(value)


def test_modes_are_labels_that_have_no_number_and_no_code():
    assert not is_scored("D:dorian")
    assert write_key("D:dorian") == "D dorian"
    assert write_key("D:dorian", "jams") == "D:dorian"
    for function in (key_number, relative_key, parallel_key, lambda x: write_key(x, "camelot")):
        for label in ("D dorian", "N"):
            with pytest.raises(ParameterError, match="none of the 24"):
                function(label)


def test_wrong_keys_are_refused_with_a_guess():
    assert normal_key("8A") == "A minor"
    with pytest.raises(ParameterError, match="'H' is no note name"):
        read_key("H minor")
    with pytest.raises(ParameterError, match="no key"):
        read_key("13A")
    with pytest.raises(UnknownName, match="Did you mean 'camelot'"):
        write_key("A minor", "camelott")
