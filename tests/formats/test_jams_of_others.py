"""JAMS that others wrote, or that are damaged in part: what can be read is read."""

import json
import warnings

import numpy as np
import pytest

from mirkit.annotation import Analysis, Beats, Events, Key, Segments, Tags, Tempo
from mirkit.errors import FormatError, FormatWarning
from mirkit.formats import loads, read, save


def annotation(namespace, *rows, **more):
    data = [
        dict(zip(("time", "duration", "value", "confidence"), row, strict=True)) for row in rows
    ]
    return {"namespace": namespace, "data": data, "annotation_metadata": {}, "sandbox": {},
            "time": 0, "duration": None, **more}  # fmt: skip


def jams(*annotations, **more):
    whole = {"annotations": list(annotations), "sandbox": {},
             "file_metadata": {"title": "", "artist": "", "release": "", "duration": 10,
                               "identifiers": {}, "jams_version": "0.3.4"}}  # fmt: skip
    return json.dumps(whole | more)


BEATS = annotation("beat", (0.5, 0, 1, None), (1.0, 0, 2, None))
CHORDS = annotation("chord", (0, 2, "C:maj", None))


def test_good_annotations_beside_a_mode_are_read(cases):
    with pytest.warns(FormatWarning, match="D dorian is kept as a label"):
        found = read(cases / "r12_beats_chords_dorian.jams")
    assert isinstance(found, Analysis)
    assert found["beats"] == Beats([0.5, 1.0], [1, 2])
    assert found["chords"] == Segments([[0, 2]], ("C:maj",), kind="chord")
    assert found["key"] == Key("D dorian")


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (annotation("key_mode", (0, 10, "H:minor", None)), "key_mode: .*'H' is no note name"),
        (annotation("chord", (0, 3, "C", None), (2, 1, "D", None)), "chord: .*starts at 2"),
        (annotation("beat", (1.0, 0, 1, None), (1.0, 0, 2, None)), "beat: .*must increase"),
        (annotation("beat", (1.0, 0, 1.5, None), (2.0, 0, 1.75, None)), "beat: position 1.5"),
        (annotation("beat", (-1.0, 0, 1, None)), "beat: .*start at 0"),
        (annotation("tempo", (0, 10, "fast", 0.5)), "tempo: .*fast"),
        (annotation("tempo", (0, 10, -60, 0.5), (0, 10, 0, 0.5)), "tempo: bpm"),
        (annotation("onset", (1.0, -3, None, None)), "onset: .*ends"),
        (annotation("vector", (0, 1, [1, 2], None), (1, 1, [1], None)), "vector"),
        (annotation("tag_open", (0, 1, "a", 7)), "tag_open: .*7"),
        (annotation("chord", (None, 1, "C", None)), "annotation 1"),
        (annotation("chord", ("soon", 1, "C", None)), "annotation 1"),
        ({"namespace": "chord"}, "annotation 1: it has no 'data'"),
        ({"data": []}, "annotation 1: it has no 'namespace'"),
        ("words", "annotation 1"),
        (None, "annotation 1"),
        (annotation("beat", (1.0, 0, 1, None), sandbox={"mirkit": {"type": "Beets"}}), "beat"),
    ],
)
def test_one_damaged_annotation_loses_no_other(damaged, said):
    with pytest.warns(FormatWarning, match=said) as caught:
        found = loads(jams(BEATS, damaged, CHORDS), "jams", "x.jams")
    assert "the rest is read" in str(caught[0].message)
    assert len(caught) == 1
    assert dict(found) == {
        "beats": Beats([0.5, 1.0], [1, 2]),
        "chords": Segments([[0, 2]], ("C:maj",), kind="chord"),
    }
    with pytest.raises(FormatError, match=said.replace("annotation 1", "annotation 0")):
        loads(jams(damaged), "jams", "x.jams")


@pytest.mark.parametrize("part", ["file_metadata", "sandbox"])
def test_a_damaged_head_loses_no_annotation(part):
    with pytest.warns(FormatWarning, match=f"its {part} is left out"):
        found = loads(jams(BEATS, **{part: ["odd"]}), "jams")
    assert found == Beats([0.5, 1.0], [1, 2])
    for missing in ({}, None):
        assert loads(jams(BEATS, **{part: missing}), "jams") == found


def test_what_is_no_jams_at_all_is_an_error():
    for text in ('{"annotations": {}}', '{"annotations": null}', "[]", "3", "{}"):
        with pytest.raises(FormatError, match="no JAMS"):
            loads(text, "jams")


def test_an_overlap_of_rounding_is_mended(cases):
    found = read(cases / "r12_chord_overlap_0.4us.jams")
    assert found == Segments([[0, 2], [2, 4]], ("N", "C:maj"), kind="chord")


@pytest.mark.parametrize("name", ["chord", "key_mode", "segment_open"])
@pytest.mark.parametrize("overlap", [1e-12, 4e-7, 5e-5, 9.9e-4])
def test_overlaps_below_a_millisecond_are_mended(name, overlap):
    rows = [(i, 1 + overlap, "A", None) for i in range(5)]
    found = loads(jams(annotation(name, *rows)), "jams")
    np.testing.assert_allclose(found.intervals[:-1, 1], [1, 2, 3, 4], rtol=0, atol=0)
    assert found.intervals[-1, 1] == 5 + overlap - 0


@pytest.mark.parametrize(
    ("format_name", "line"),
    [("lab", "{}\t{}\tC:maj\n"), ("audacity", "{}\t{}\tC:maj\n")],
)
def test_overlaps_below_a_millisecond_are_mended_in_other_files_too(format_name, line):
    for overlap in (1e-6, 3e-4, 9e-4):
        found = loads(line.format(0, 2 + overlap) + line.format(2, 4), format_name)
        assert found.intervals.tolist() == [[0, 2], [2, 4]]
    with pytest.raises(FormatError, match="before"):
        loads(line.format(0, 2.002) + line.format(2, 4), format_name)


def test_beats_with_fractions_are_bar_and_beat(cases):
    assert read(cases / "r14_beat_fraction.jams").positions.tolist() == [1, 2, 3, 4, 1]


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        ([1.1, 1.2, 1.3, 2.1], [1, 2, 3, 1]),
        ([4.3, 4.4, 5.1], [3, 4, 1]),
        ([12.9, 13.1], [9, 1]),
        ([None, 1.1, 1.2], [0, 1, 2]),
        ([1.1, 2.1, 3.1, 5.1], [1, 1, 1, 1]),  # downbeats
        ([float(np.float32(1.1)), float(np.float32(1.2))], [1, 2]),
        ([1.0, 2.0, 3.0], [1, 2, 3]),
        ([1, None, 2], [1, 0, 2]),
    ],
)
def test_positions_are_numbers_or_bar_and_beat(values, positions):
    rows = [(i + 1, 0, value, None) for i, value in enumerate(values)]
    assert loads(jams(annotation("beat", *rows)), "jams").positions.tolist() == positions
    units = [{"position": x, "measure": 1, "num_beats": 6, "beat_units": 8} for x in (1, 2, 3)]
    rows = [(i + 1, 0, value, None) for i, value in enumerate(units)]
    found = loads(jams(annotation("beat_position", *rows)), "jams")
    assert (found.positions.tolist(), found.denominators.tolist()) == ([1, 2, 3], [8, 8, 8])


@pytest.mark.parametrize(
    "values",
    [[1.5, 1.75], [1, 1.5, 2], [1.2, 1.1], [1.1, 1.3], [2.1, 1.1], [1.1, 1.25], [1.1, "x"],
     [-1.1], [float("nan")], [True], [{"position": 1.5}], [1.1, 2.2]],
)  # fmt: skip
def test_fractions_that_are_no_bar_and_beat_are_an_error_and_never_cut_off(values):
    rows = [(i + 1, 0, value, None) for i, value in enumerate(values)]
    with pytest.raises(FormatError, match="position"):
        loads(jams(annotation("beat", *rows)), "jams")


def test_positions_in_tables_are_never_cut_off():
    head = "time,position,confidence\n"
    assert loads(f"{head}1,1.1,\n2,1.2,\n3,2.1,\n", "csv").positions.tolist() == [1, 2, 1]
    rows = "".join(f"{i},1.{i},\n" for i in range(1, 13)) + "13,2.1,\n"
    assert loads(head + rows, "csv").positions.tolist() == [*range(1, 13), 1]
    with pytest.raises(FormatError, match=r"position 1\.5"):
        loads(f"{head}1,1.5,\n2,2,\n", "csv")


def test_null_values_are_none(cases):
    found = read(cases / "r14_onset_null.jams")
    assert found == Events([[0.5, 0.5], [0.6, 0.6]], (None, None), kind="onset")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (annotation("onset", (1, None, None, None)), Events([[1, 1]], (None,), kind="onset")),
        (annotation("tag_open", (1, 2, None, None), (2, 2, "dog", None)),
         Events([[1, 3], [2, 4]], (None, "dog"))),
        (annotation("tag_open", (0, 9, None, None), (0, 9, "dog", 0.5)), Tags(("dog",), [0.5])),
        (annotation("beat", (1, None, None, None)), Beats([1.0])),
        (annotation("chord", (0, 1, None, None)), Segments([[0, 1]], ("X",), kind="chord")),
        (annotation("key_mode", (0, 1, None, 0.5)), Key(None, 0.5)),
        (annotation("key_mode", (0, 1, None, None), (1, 1, "C", None)),
         Segments([[0, 1], [1, 2]], ("N", "C major"), kind="key")),
        (annotation("tempo", (0, 1, None, 0.0)), Tempo(None)),
        (annotation("segment_open", (0, 1, None, None)),
         Segments([[0, 1]], ("",), kind="section")),
    ],
)  # fmt: skip
def test_no_null_becomes_a_word(part, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loads(jams(part), "jams") == expected


@pytest.mark.parametrize("kind", ["onset", "event"])
def test_events_without_labels_come_back(kind, tmp_path):
    value = Events([[1, 1], [2, 2]], (None, "x"), kind=kind)
    for suffix in ("jams", "csv"):
        save(value, tmp_path / f"x.{suffix}")
        assert read(tmp_path / f"x.{suffix}") == value


def test_modes_that_jams_does_not_know_come_back(tmp_path):
    for label in ("C# modal", "A other"):
        save(Key(label), tmp_path / "x.jams")
        with pytest.warns(FormatWarning, match=label):
            assert read(tmp_path / "x.jams") == Key(label)
