import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab import (
    CHORD_QUALITIES,
    CHORD_ROOTS,
    CHORD_TAGS,
    SHARPS,
    VOCABULARIES,
    parse_chord,
    reduce_chord,
)
from mirkit.vocab.chords import SHORTHANDS, bass_degree, degree_step

ROOTS = st.builds(
    lambda letter, sign, n: letter + sign * n,
    st.sampled_from("ABCDEFG"), st.sampled_from("b#"), st.integers(0, 3),
)  # fmt: skip
DEGREES = st.builds(
    lambda sign, n, number: sign * n + str(number),
    st.sampled_from("b#"), st.integers(0, 2), st.integers(1, 13),
)  # fmt: skip
IN_MIR_EVAL = sorted(set(SHORTHANDS) - {"aug7", "maj11"})


@st.composite
def labels(draw, shorthands=IN_MIR_EVAL, unsigned=False):
    quality = draw(st.sampled_from(["", *shorthands]))
    signs = st.sampled_from(["", "*"]) if quality and not unsigned else st.just("")
    degrees = draw(st.lists(st.tuples(signs, DEGREES).map("".join), max_size=3))
    if not quality and not degrees:
        quality = "maj"
    added = f"({','.join(degrees)})" if degrees else ""
    bass = draw(st.one_of(st.just(""), DEGREES.map(lambda x: f"/{x}")))
    return f"{draw(ROOTS)}:{quality}{added}{bass}"


def bitmap(steps):
    return [int(step in steps) for step in range(12)]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(labels())
def test_chords_are_read_as_mir_eval_reads_them(label):
    chord = parse_chord(label)
    root, core, bass = mir_eval.chord.encode(label)
    assert (chord.root, chord.bass_step) == (root, bass)
    assert bitmap(chord.core) == core.tolist()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(labels(unsigned=True))
def test_ninths_and_above_are_folded_as_mir_eval_folds_them(label):
    _, folded, _ = mir_eval.chord.encode(label, reduce_extended_chords=True)
    assert bitmap(parse_chord(label).steps) == folded.tolist()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(labels(shorthands=sorted(SHORTHANDS)))
def test_what_is_printed_is_what_was_read(label):
    assert str(parse_chord(label)) == label.removesuffix("/1")
    assert parse_chord(str(parse_chord(label))) == parse_chord(label)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text("ABCNXb#:*(),/1379majinsu", max_size=12))
def test_what_mir_eval_takes_is_taken_and_what_it_refuses_is_refused(text):
    try:
        mir_eval.chord.encode(text)
        theirs = True
    except mir_eval.chord.InvalidChordException:
        theirs = False
    try:
        parse_chord(text)
        ours = True
    except ParameterError:
        ours = False
    if not any(name in text for name in ("aug7", "maj11")):
        assert ours == theirs


def test_no_chord_and_an_unknown_one_have_no_tones():
    for label in "NX":
        chord = parse_chord(label)
        assert (str(chord), chord.root, chord.bass_step) == (label, None, None)
        assert chord.steps == chord.pitch_classes == ()
        assert chord.transpose(3) == chord
    assert parse_chord("N") != parse_chord("X")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("Am7", "A:min7"), ("F#m", "F#:min"), ("Cmaj7", "C:maj7"), ("C7", "C:7"),
        ("Bbo7", "Bb:dim7"), ("C/E", "C:maj/3"), ("Am/G", "A:min/b7"), ("C:Maj", "C:maj"),
        ("C:(7)x", None), ("C:min(7)x", "C:min7"),
        ("D:mnr7", "D:min7"), ("E♭m", "Eb:min"), ("NC", "N"), ("n", "N"), ("c:maj", "C:maj"),
        ("C:m7", "C:min7"), ("G7sus4", "G:sus4(b7)"), ("Bm7b5", "B:hdim7"), ("H:maj", None),
        ("", None), ("C:", "C:maj"),
    ],
)  # fmt: skip
def test_a_lead_sheets_chord_is_refused_with_what_it_means_here(wrong, meant):
    with pytest.raises(ParameterError, match="Harte's syntax") as raised:
        parse_chord(wrong)
    if meant is None:
        assert "did you mean" not in str(raised.value)
    else:
        assert f"did you mean {meant!r}?" in str(raised.value)
        parse_chord(meant)


def test_tones_left_out_of_nothing_are_refused():
    with pytest.raises(ParameterError, match="a shorthand goes before it"):
        parse_chord("C:(*5)")


def test_a_transposed_chord_has_its_tones_transposed():
    chord = parse_chord("Eb:min7(9)/b3")
    for n in range(-12, 13):
        moved = chord.transpose(n)
        assert moved.steps == chord.steps
        assert (moved.root - chord.root - n) % 12 == 0


def test_the_classes_of_chord_models_are_where_they_were_agreed_to_be():
    assert len(CHORD_TAGS) == 170
    assert CHORD_TAGS[:2] == ("C:min", "C:maj")
    assert CHORD_TAGS[9 * 14 + 6] == "A:min7"
    assert CHORD_TAGS[168:] == ("N", "X")
    assert (*SHARPS, "N") == CHORD_ROOTS
    assert [parse_chord(tag).root for tag in CHORD_TAGS[:168]] == np.repeat(range(12), 14).tolist()


def test_each_tag_is_itself_in_the_full_vocabulary():
    assert [reduce_chord(tag) for tag in CHORD_TAGS] == list(CHORD_TAGS)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_reduced_chord_is_in_the_vocabulary_and_stays_as_it_is(vocabulary):
    for tag in CHORD_TAGS:
        reduced = reduce_chord(tag, vocabulary)
        assert reduced in "NX" or reduced.split(":")[1] in VOCABULARIES[vocabulary]
        assert reduce_chord(reduced, vocabulary) == reduced
        assert parse_chord(reduced).root == parse_chord(tag).root


@pytest.mark.parametrize("tag", CHORD_TAGS[:-1])
def test_a_reduced_chord_is_right_where_mir_eval_compares_it(tag):
    majmin = mir_eval.chord.majmin([tag], [reduce_chord(tag, "majmin")])
    sevenths = mir_eval.chord.sevenths([tag], [reduce_chord(tag, "sevenths")])
    assert majmin in (1, -1)
    assert sevenths in (1, -1)


@pytest.mark.parametrize(
    ("label", "tag"),
    [
        ("C:9", "C:7"), ("Db:maj9/3", "C#:maj7"), ("C:min11", "C:min7"), ("C:7(#9)", "C:7"),
        ("C:maj/b7", "C:7"), ("C:maj/2", "C:maj"), ("C:min/6", "C:min6"), ("C:aug7", "C:aug"),
        ("C:sus4(b7)", "C:sus4"), ("C:7(*5)", "C:7"), ("C:(1,3,5)", "C:maj"), ("C:(1,b3)", "C:min"),
        ("C:5", "X"), ("C:1", "X"), ("C:maj(*3)", "X"), ("Fb:maj(b5,*5)", "X"), ("N", "N"),
        ("X", "X"), ("C", "C:maj"), ("C/3", "C:maj"), ("C:min(3)", "C:min"), ("C:maj(b3)", "C:maj"),
    ],
)  # fmt: skip
def test_chords_outside_the_vocabulary_become_the_nearest(label, tag):
    assert reduce_chord(label) == tag


def test_an_unknown_vocabulary_is_corrected():
    with pytest.raises(UnknownName, match="Did you mean 'majmin'"):
        reduce_chord("C:maj", "majmn")


def test_the_bass_of_each_chord_tone_has_a_degree_that_leads_back_to_it():
    for quality in CHORD_QUALITIES:
        for step in SHORTHANDS[quality]:
            degree = bass_degree(step, SHORTHANDS[quality])
            assert degree_step(degree) == step
            assert parse_chord(f"C:{quality}/{degree}").steps == SHORTHANDS[quality]
