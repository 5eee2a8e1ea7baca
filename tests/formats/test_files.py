"""Files of other programs, files with mistakes, and files that are being written."""

import os
import warnings
from pathlib import Path

import jams
import mido
import numpy as np
import pytest

from mirkit.activations import Provenance
from mirkit.annotation import (
    Analysis,
    Beats,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoMap,
)
from mirkit.audio import Track
from mirkit.errors import FormatError, MirkitError, ParameterError, UnknownName, WriteError
from mirkit.formats import FORMATS, dumps, format_of, loads, read, save
from mirkit.formats import midi as midi_format
from mirkit.formats.atomic import check_folder
from mirkit.formats.jams import from_jams, to_jams
from mirkit.formats.json import from_object, to_object
from mirkit.formats.mir_eval import from_mir_eval, to_mir_eval

BEATS = Beats([0.5, 1.0, 1.5, 2.0, 2.5], positions=[1, 2, 3, 4, 1])


@pytest.mark.parametrize(
    ("text", "times", "positions"),
    [
        ("0.500\n1.010\n", [0.5, 1.01], None),  # madmom, beats
        ("0.500\t1\n1.010\t2\n", [0.5, 1.01], [1, 2]),  # madmom, downbeats; Beat This
        ("0.5 1\n1.01 2", [0.5, 1.01], [1, 2]),  # ballroom
        ("5.4200 1 \r\n6.2900 2 \r\n", [5.42, 6.29], [1, 2]),
        ("# song.mp3: 120 bpm\n\n0.5\t1\n", [0.5], [1]),
        ("\ufeff0.5\n", [0.5], None),
        ("  4.6439909e-01\n  1.2e0\n", [0.46439909, 1.2], None),  # Matlab
        ("0.5\t1.0\n", [0.5], [1]),
        ("", [], None),
    ],
)
def test_beats_of_other_programs_are_read(text, times, positions):
    assert loads(text, "beats") == Beats(times, positions)


def test_madmom_and_mir_eval_read_our_beats(tmp_path):
    import mir_eval

    save(BEATS, tmp_path / "x.beats")
    save(Beats(BEATS.times), tmp_path / "plain.beats")
    np.testing.assert_allclose(np.loadtxt(tmp_path / "x.beats")[:, 0], BEATS.times)
    np.testing.assert_allclose(mir_eval.io.load_events(str(tmp_path / "plain.beats")), BEATS.times)


def test_mir_eval_reads_our_chords(tmp_path):
    import mir_eval

    chords = Segments([[0, 1.5], [1.5, 2]], ("C:maj", "A:min7/b3"), kind="chord")
    save(chords, tmp_path / "x.lab")
    intervals, labels = mir_eval.io.load_labeled_intervals(str(tmp_path / "x.lab"))
    assert from_mir_eval("chord", intervals, labels) == chords


@pytest.mark.data
def test_the_published_beat_files_are_read(data_dir):
    for path in sorted((data_dir / "expressive").glob("*.beats")):
        beats = read(path)
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        np.testing.assert_array_equal(beats.times, [float(row[0]) for row in rows])
        np.testing.assert_array_equal(beats.positions, [int(row[1]) for row in rows])
        assert 30 < beats.bpm < 240


@pytest.mark.parametrize(
    ("format", "text", "match"),
    [
        ("beats", "0.5\n1,01\n", "line 2: time '1,01' is no number: write the decimal point"),
        ("beats", "time\tposition\n0.5\t1", "line 1: .*is the first line a header"),
        ("beats", "0.5,1\n1.0,2", "is no number: write the decimal point|separated by tabs"),
        ("beats", "0:30\n", "minutes:seconds"),
        ("beats", "1.0\n0.5\n", "line 2: time 0.5 s goes back after 1 s"),
        ("beats", "0.5\n0.5\n", "given twice"),
        ("beats", "500\n1000\n1500\n2000\n", "milliseconds"),
        ("beats", "-0.1\n", "negative"),
        ("beats", "nan\n", "must be finite"),
        ("beats", "0.5 1 2\n", "3 columns"),
        ("beats", "0.5 1.37\n", "is the second column another time"),
        ("beats", "0.5 1\n1.0\n", "line 2: the position is missing"),
        ("lab", "0.0 1.0\n", "Is this a list of beats"),
        ("lab", "0.0 2.0 C:maj\n1.0 3.0 G:maj\n", "line 2: it starts before the line above ends"),
        ("lab", "5.0 1.0 C:maj\n", "second column a duration"),
        ("csv", "0.5,1\n", "line 1: the header '0.5,1' is not known.*Is the header missing"),
        ("csv", "time;position;confidence\n", "is the separator another"),
        ("csv", "time,position,confidence\n0,5,1,\n", "line 2: there are 4 cells under 3"),
        ("csv", "time,position,confidence\nx,1,\n", "line 2: time 'x' is no number"),
        ("csv", "time,position,confidence\n0.5,1,0.5\n1.0,2,\n", "confidence is missing"),
        ("csv", "time,position,confidence\n0.5,1,2\n", "lies in"),
        ("csv", "key,confidence\nH major,\n", "is no note name"),
        ("json", '{"schema": 2, "beats": [', "line 1: no JSON"),
        ("json", '{"beats": []}\n{"beats": []}', "Read one line at a time"),
        ("json", '{"schema": 1, "beats": []}', "schema 1; this version reads 2"),
        ("json", '{"beats": [{"time": 1}, {"position": 1}]}', r"beats\[1\] has no member 'time'"),
        ("json", '{"beats": [{"time": "1"}]}', r"beats\[0\]\.time is a text"),
        ("json", '{"beats": {}}', "beats is an object"),
        ("json", '{"beats": [3]}', r"beats\[0\] has no member"),
        ("json", '{"beats": [{"time": 1, "position": 1.5}]}', "position is 1.5"),
        ("json", '{"notes": 3}', "notes is a number"),
        ("json", "[]", "holds a list"),
        ("json", '{"schema": 2, "file": "x", "error": {"type": "AudioError"}}', "the error"),
        ("json", '{"hello": 1}', "none of the members"),
        ("jams", "{}", "no 'annotations'"),
        ("jams", "[1", "no JSON"),
        ("jams", '{"annotations": [{"namespace": "nonsense", "data": []}]}', ""),
    ],
)
def test_mistakes_are_named_with_their_place(format, text, match):
    with pytest.raises(FormatError, match=match or None) as error:
        loads(text, format, "song.x")
    assert "song.x" in str(error.value)


def test_a_file_of_another_kind_is_told(tmp_path):
    (tmp_path / "x.beats").write_bytes(b"ID3\xff\xfb\x90")
    with pytest.raises(FormatError, match="is no UTF-8"):
        read(tmp_path / "x.beats")
    (tmp_path / "x.mid").write_bytes(b"RIFF")
    with pytest.raises(FormatError, match="no MIDI file"):
        read(tmp_path / "x.mid")
    save(BEATS, tmp_path / "y.mid")
    (tmp_path / "x.mid").write_bytes((tmp_path / "y.mid").read_bytes()[:60])
    with pytest.raises(FormatError, match="damaged MIDI"):
        read(tmp_path / "x.mid")


def test_a_missing_file_is_told_with_close_names(tmp_path):
    save(BEATS, tmp_path / "song.beats")
    with pytest.raises(FormatError, match=r"Did you mean 'song\.beats'"):
        read(tmp_path / "sonk.beats")


def test_formats_go_by_suffix_and_by_name(tmp_path):
    assert format_of("a/b.BEATS").name == "beats"
    assert format_of("song.beats.txt").name == "beats"
    assert format_of("x.dat", "csv").name == "csv"
    with pytest.raises(UnknownName, match=r"'\.beat'.*Did you mean '\.beats'"):
        save(BEATS, tmp_path / "x.beat")
    with pytest.raises(UnknownName, match=r"unknown annotation suffix '\.txt'"):
        read(tmp_path / "x.txt")
    with pytest.raises(UnknownName, match="unknown format 'jam'"):
        read(tmp_path / "x.txt", format="jam")


def test_a_value_that_a_format_does_not_hold_is_told_where_it_goes(tmp_path):
    with pytest.raises(ParameterError, match="beats files hold Beats, not Key; Key goes into jams"):
        save(Key("A minor"), tmp_path / "x.beats")
    with pytest.raises(ParameterError, match="no text format"):
        dumps(BEATS, "midi")
    assert not (tmp_path / "x.beats").exists()


def test_labels_that_a_format_cannot_hold_are_refused():
    with pytest.raises(ParameterError, match="two lines"):
        dumps(Segments([[0, 1]], ("a\nb",)), "lab")
    with pytest.raises(ParameterError, match="JAMS cannot hold this"):
        dumps(Segments([[0, 1]], ("C:nonsense",), kind="chord"), "jams")


def test_an_interrupted_writer_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "x.beats"
    save(BEATS, path)
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save(Beats([9.0]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_old_or_new_while_a_writer_writes_and_after_it_is_killed(tmp_path):
    import signal
    import subprocess
    import sys
    import time

    path = tmp_path / "x.beats"
    code = (
        "import sys, numpy as np; from mirkit.annotation import Beats; from mirkit.formats import "
        "save\nwhile True:\n for n in (1000, 2000): save(Beats(np.arange(n) * 0.5), sys.argv[1])"
    )
    for delay in (0.0, 0.013, 0.029, 0.041):
        with subprocess.Popen([sys.executable, "-c", code, path]) as writer:
            while not path.exists():
                time.sleep(0.01)
            seen = {len(read(path)) for _ in range(60)}  # while it writes
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        assert seen | {len(read(path))} <= {1000, 2000}
        path.unlink()


def test_links_and_permissions_are_kept(tmp_path):
    save(BEATS, tmp_path / "real.beats")
    (tmp_path / "link.beats").symlink_to(tmp_path / "real.beats")
    save(Beats([9.0]), tmp_path / "link.beats")
    assert (tmp_path / "link.beats").is_symlink()
    assert read(tmp_path / "real.beats") == Beats([9.0])
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "real.beats").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("place", ["no/x.beats", "no/more/x.jams", "real.beats/x.lab", "dir.mid"])
def test_what_cannot_be_written_is_said_in_words(tmp_path, place):
    save(BEATS, tmp_path / "real.beats")
    (tmp_path / "dir.mid").mkdir()
    value = Segments([[0, 1]], ("N",)) if place.endswith(".lab") else BEATS
    with pytest.raises(WriteError, match="folder") as caught:
        save(value, tmp_path / place)
    assert isinstance(caught.value, MirkitError)
    assert isinstance(caught.value, OSError)
    assert ".tmp" not in str(caught.value)
    missing = isinstance(caught.value, FileNotFoundError)
    assert missing == (place != "dir.mid")


def test_a_folder_that_cannot_be_written_to_is_found_before_the_work(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/mirkit")):
        with pytest.raises(WriteError, match="cannot be written"):
            check_folder(place)
    with pytest.raises(WriteError, match="it is a file; name a folder"):
        check_folder(tmp_path / "file")


def test_the_object_of_beats_is_what_the_command_line_prints():
    made_by = Provenance("tempogram", "0.1")
    x = to_object(Beats([0.5, 1.0], [1, 0], [0.9, 0.8], provenance=made_by), file="song.mp3")
    assert x == {
        "schema": 2,
        "file": "song.mp3",
        "beats": [
            {"time": 0.5, "position": 1, "confidence": 0.9},
            {"time": 1.0, "position": None, "confidence": 0.8},
        ],
        "tempo": {
            "bpm": 120.0,
            "confidence": None,
            "hypotheses": [],
            "meter": 2,
            "meter_confidence": None,
        },
        "models": {"beats": "tempogram"},
    }
    assert list(from_object(x).positions) == [1, 0]


def test_jams_holds_what_other_programs_expect(tmp_path):
    track = Track(Path("song.mp3"), {"title": "Spring", "artist": "Nobody"}, "ab" * 32)
    key = Key("C# minor", 0.7, Provenance("key-net", "2"))
    analysis = Analysis({"beats": BEATS, "key": key}, track, duration=3.0)
    save(analysis, tmp_path / "x.jams")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # jams' own
        jam = jams.load(str(tmp_path / "x.jams"), strict=True)
    assert (jam.file_metadata.title, jam.file_metadata.artist) == ("Spring", "Nobody")
    assert jam.file_metadata.duration == 3.0
    times, values = jam.search(namespace="beat")[0].to_event_values()
    np.testing.assert_array_equal(times, BEATS.times)
    assert values == [1, 2, 3, 4, 1]
    (found,) = jam.search(namespace="key_mode")
    assert found.data[0].value == "C#:minor"
    assert found.annotation_metadata.annotation_tools == "key-net"
    assert read(tmp_path / "x.jams") == analysis
    assert read(tmp_path / "x.jams").track == track


def foreign(*annotations):
    jam = jams.JAMS()
    jam.file_metadata.duration = 10.0
    for namespace, rows in annotations:
        annotation = jams.Annotation(namespace)
        for time, duration, value, confidence in rows:
            annotation.append(time=time, duration=duration, value=value, confidence=confidence)
        jam.annotations.append(annotation)
    return jam


def test_jams_of_other_programs_are_read():
    jam = foreign(
        ("beat", [(0.5, 0, 1, None), (1.0, 0, 2, None)]),
        ("beat", [(0.6, 0, None, None)]),
        ("chord", [(0, 2, "C:maj", 0.5), (2, 3, "N", 0.7)]),
        ("tempo", [(0, 10, 60.0, 0.2), (0, 10, 120.0, 0.8)]),
        ("key_mode", [(0, 10, "A:minor", None)]),
        ("segment_salami_upper", [(0, 5, "A", None)]),
        ("tag_gtzan", [(0, 10, "jazz", None)]),
        ("tag_open", [(1, 2, "dog", None), (2, 3, "cat", None)]),
        ("onset", [(1, 0, None, None)]),
        ("note_midi", [(1, 0.5, 60.0, None)]),
        ("note_hz", [(1, 0.5, 440.0, 0.5), (2, 0.5, 450.0, 0.5)]),
        ("pitch_contour", []),
    )
    found = from_jams(jam)
    assert dict(found) == {
        "beats": Beats([0.5, 1.0], [1, 2]),
        "beats_2": Beats([0.6]),
        "chords": Segments([[0, 2], [2, 5]], ("C:maj", "N"), [0.5, 0.7], "chord"),
        "tempo": Tempo(120.0, None, ((60.0, 0.2), (120.0, 0.8))),
        "key": Key("A minor"),
        "sections": Segments([[0, 5]], ("A",), kind="section"),
        "tags": Tags(("jazz",), [1.0]),
        "events": Events([[1, 3], [2, 5]], ("dog", "cat")),
        "onsets": Events([[1, 1]], (None,), kind="onset"),
        "notes": Events([[1, 1.5]], ("60",), kind="note"),
        "notes_2": Events(
            [[1, 1.5], [2, 2.5]],
            ("69", "69.389"),
            [0.5, 0.5],
            "note",
            pitches=[69, 69 + 12 * np.log2(450 / 440)],
        ),
    }
    assert found.duration == 10.0


def test_a_foreign_jams_of_one_annotation_is_that_value_and_of_none_an_error():
    assert from_jams(foreign(("beat", [(0.5, 0, 1, None)]))) == Beats([0.5], [1])
    with pytest.raises(FormatError, match="its namespaces: pitch_contour"):
        from_jams(foreign(("pitch_contour", [])))
    with pytest.raises(FormatError, match=r"note_hz: .*domain"):
        from_jams(foreign(("note_hz", [(1, 0.5, 0.0, None)])))
    with pytest.raises(FormatError, match=r"key_mode: .*no key"):
        from_jams(foreign(("key_mode", [(0, 1, "A:sad", None)])))


def test_every_jams_is_valid_to_the_jams_library():
    for value in (BEATS, Tempo(120.0), TempoMap([0.0], [120.0]), Tags(("a",), [0.1])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert to_jams(value).validate(strict=True)


def test_a_sequencer_plays_the_clicks_of_a_midi_file_on_the_beats(tmp_path):
    rng = np.random.default_rng(0)
    times = 0.7312345 + np.cumsum(rng.uniform(0.3, 0.7, 2000))
    beats = Beats(times, positions=np.arange(2000) % 3 + 1)
    save(beats, tmp_path / "x.mid")
    file = mido.MidiFile(tmp_path / "x.mid")
    assert (file.type, file.ticks_per_beat) == (1, 960)
    now, heard = 0.0, []
    for message in file:  # mido itself merges the tracks and turns ticks into seconds
        now += message.time
        if message.type == "note_on" and message.velocity:
            heard.append(now)
            assert message.channel == 9
            assert (message.velocity == 127) == (beats.positions[len(heard) - 1] == 1)
    np.testing.assert_allclose(heard, times, rtol=0, atol=1e-5)
    signatures = [(m.numerator, m.denominator) for m in file if m.type == "time_signature"]
    assert set(signatures) == {(3, 4)}


def test_the_tempo_map_of_a_file_of_beats_is_the_tempo_of_each_beat():
    beats = Beats([1.0, 1.5, 2.0, 2.25, 2.5], positions=[1, 2, 1, 2, 1])
    found = midi_format.tempo_map(midi_format.dumps(beats))
    np.testing.assert_allclose(found.times, [0.0, 0.5, 1.0, 1.5, 2.0, 2.25], atol=1e-6)
    np.testing.assert_allclose(found.bpms, [120, 120, 120, 120, 240, 240], rtol=1e-5)


def test_the_ticks_of_a_tempo_map_lie_near_its_times():
    expected = TempoMap([0.3, 20.7, 41.1], [120.0, 97.3, 180.0], [4, 3, 4])
    data = midi_format.dumps(expected).replace(b"mirkit tempo", b"another text")
    found = midi_format.loads(data, "x.mid")
    np.testing.assert_allclose(found.times, [0, *expected.times], atol=1e-3)
    np.testing.assert_allclose(found.bpms[1:], expected.bpms, rtol=1e-5)
    np.testing.assert_array_equal(found.meters[1:], expected.meters)


def test_beats_too_far_apart_for_one_tempo_event_are_kept():
    beats = Beats([100.0, 100.5, 160.0, 160.5])
    found = midi_format.loads(midi_format.dumps(beats), "x.mid")
    np.testing.assert_allclose(found.times, beats.times, rtol=0, atol=1e-6)


def test_a_tempo_too_slow_for_midi_is_refused():
    with pytest.raises(ParameterError, match="2 bpm does not fit"):
        midi_format.dumps(TempoMap([0.0], [2.0]))


def test_mir_eval_takes_our_arrays_and_finds_them_perfect():
    import mir_eval

    assert mir_eval.beat.f_measure(to_mir_eval(BEATS), to_mir_eval(BEATS)) == 1
    chords = Segments([[0, 1], [1, 2]], ("C:maj", "A:min"), kind="chord")
    scores = mir_eval.chord.evaluate(*to_mir_eval(chords), *to_mir_eval(chords))
    assert scores["majmin"] == 1
    assert mir_eval.key.weighted_score(to_mir_eval(Key("Db minor")), "C# minor") == 1
    assert mir_eval.key.weighted_score(to_mir_eval(Key(None)), "X") == 1
    tempi, weight = to_mir_eval(Tempo(120, hypotheses=((120, 0.6), (60, 0.2))))
    assert mir_eval.tempo.detection(tempi, weight, tempi) == (1, True, True)
    tempi, weight = to_mir_eval(Tempo(120))
    assert mir_eval.tempo.detection(tempi, weight, np.array([60.0, 120.0]))[0] == 1


@pytest.mark.parametrize(
    ("task", "value"),
    [
        ("beat", Beats([0.5, 1.0])),
        ("onset", Events([[1, 1], [2, 2]], ("onset", "onset"), kind="onset")),
        ("tempo", Tempo(120, None, ((120, 0.75), (60, 0.25)))),
        ("chord", Segments([[0, 1]], ("C:maj",), kind="chord")),
        ("segment", Segments([[0, 1]], ("verse",), kind="section")),
        ("key", Key("Eb major")),
        ("key", Key(None)),
        ("note", Events([[0, 1], [0.5, 2]], ("60", "61.5"), kind="note")),
    ],
)
def test_arrays_for_mir_eval_turn_back_into_the_value(task, value):
    arrays = to_mir_eval(value)
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    found = from_mir_eval(task, *arrays)
    if task == "note":
        np.testing.assert_allclose(
            [float(x) for x in found.labels], [float(x) for x in value.labels]
        )
        assert found.labels[0] == "60"
    else:
        assert found == value


def test_what_mir_eval_does_not_measure_is_refused():
    with pytest.raises(ParameterError, match="no measure for Tags"):
        to_mir_eval(Tags(("a",), [0.1]))
    with pytest.raises(UnknownName, match=r"unknown task 'chrod'.*'chord'"):
        from_mir_eval("chrod", [])


def test_formats_are_a_table():
    suffixes = [suffix for row in FORMATS.values() for suffix in row.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(row.name == name for name, row in FORMATS.items())


def test_text_formats_load_no_heavy_library(tmp_path):
    import subprocess
    import sys

    code = (
        "from mirkit.formats import save, read; from mirkit.annotation import Beats\n"
        f"for s in ('beats', 'csv', 'json', 'mid'): save(Beats([1.0]), r'{tmp_path}/x.' + s)\n"
        "import sys; assert not {'jams', 'librosa', 'torch', 'mir_eval', 'pandas'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
