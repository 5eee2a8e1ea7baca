import json

import jams
import mido
import mir_eval
import numpy as np
import pytest

import mirkit
from mirkit.annotation import Key, Segments
from mirkit.errors import FormatError
from mirkit.formats import dumps, midi_segments, read, save
from mirkit.formats.dj.tracks import track_of
from mirkit.formats.jams import to_jams
from mirkit.vocab import CHORD_TAGS, parse_chord

CHORDS = Segments(
    [[0, 1.5], [1.5, 2.25], [2.25, 4], [4, 6]],
    ("N", "Bb:maj", "C:7/3", "D:hdim7"), [1, 0.9, 0.8, 0.5], "chord",
)  # fmt: skip
LOCAL = Segments([[0, 40], [40, 60]], ("C major", "Eb minor"), [0.9, 0.6], "key")
KEY = Key("C major", 0.8, segments=LOCAL, tuning_cents=-12.5)


def test_mir_eval_reads_the_chords_of_a_lab_file(tmp_path):
    save(CHORDS, tmp_path / "x.lab")
    intervals, labels = mir_eval.io.load_labeled_intervals(str(tmp_path / "x.lab"))
    np.testing.assert_array_equal(intervals, CHORDS.intervals)
    assert tuple(labels) == CHORDS.labels
    scores = mir_eval.chord.evaluate(intervals, labels, CHORDS.intervals, list(CHORDS.labels))
    assert scores["tetrads_inv"] == scores["seg"] == 1


def test_every_chord_of_the_vocabulary_goes_into_jams():
    n = len(CHORD_TAGS)
    edges = np.arange(n + 1.0)
    chords = Segments(np.stack([edges[:-1], edges[1:]], axis=1), CHORD_TAGS, kind="chord")
    (annotation,) = to_jams(chords).annotations  # validates
    assert annotation.namespace == "chord"
    assert [row.value for row in annotation.data] == list(CHORD_TAGS)


def test_jams_of_a_key_holds_its_local_keys(tmp_path):
    save(KEY, tmp_path / "x.jams")
    (annotation,) = jams.load(str(tmp_path / "x.jams"), validate=False).annotations
    assert annotation.namespace == "key_mode"
    rows = [(row.time, row.duration, row.value, row.confidence) for row in annotation.data]
    assert rows == [(0, 40, "C:major", 0.9), (40, 20, "Eb:minor", 0.6)]
    assert read(tmp_path / "x.jams") == KEY


def test_the_object_of_a_key_is_what_the_command_line_prints():
    found = json.loads(dumps(KEY, "json"))
    assert found["key"]["label"] == "C major"
    assert found["key"]["tuning_cents"] == -12.5
    assert found["key"]["segments"][1] == {
        "start": 40.0, "end": 60.0, "label": "Eb minor", "confidence": 0.6
    }  # fmt: skip


def test_old_tables_of_a_key_are_read():
    assert mirkit.formats.loads("key,confidence\nA minor,0.5\n", "csv") == Key("A minor", 0.5)


def test_a_sequencer_sounds_the_chords_where_they_are(tmp_path):
    save(CHORDS, tmp_path / "x.mid")
    file = mido.MidiFile(tmp_path / "x.mid")
    now, sounding, heard, markers = 0.0, set(), [], []
    for message in file:
        now += message.time
        if message.type == "marker":
            markers.append((round(now, 2), message.text))
        elif message.type == "note_on":
            sounding.add(message.note)
        elif message.type == "note_off":
            if len(sounding) > 1:  # the first of a chord to go
                heard.append(frozenset(sounding))
            sounding = set()
    assert markers == [(0.0, "N"), (1.5, "Bb:maj"), (2.25, "C:7/3"), (4.0, "D:hdim7")]
    assert not sounding
    for notes, label in zip(heard, CHORDS.labels[1:], strict=True):
        chord = parse_chord(label)
        assert {note % 12 for note in notes} == set(chord.pitch_classes)
        assert min(notes) % 12 == (chord.root + chord.bass_step) % 12
    found = read(tmp_path / "x.mid")
    assert found == Segments(CHORDS.intervals, CHORDS.labels, kind="chord")


def test_notes_lie_where_they_sound_well():
    for label in CHORD_TAGS[:-2]:
        bass, *tones = midi_segments.voicing(parse_chord(label))
        assert 36 <= bass < 48 < 55 <= min(tones)
        assert max(tones) - min(tones) < 12
    assert midi_segments.voicing(parse_chord("N")) == []


def test_a_damaged_segment_in_a_midi_file_is_named(tmp_path):
    save(CHORDS, tmp_path / "x.mid")
    data = (tmp_path / "x.mid").read_bytes().replace(b'["chord", 0', b'["chord"? 0')
    (tmp_path / "x.mid").write_bytes(data)
    with pytest.raises(FormatError, match="a segment is damaged"):
        read(tmp_path / "x.mid")


@pytest.mark.parametrize(
    ("labels", "kind", "read_as"),
    [
        (["Db minor"], "key", ("C# minor",)),
        (["A flat minor", "N", "E:major"], "key", ("Ab minor", "N", "E major")),
        (["Key\tD:minor", "Silence", "Key\tE"], "key", ("D minor", "N", "E major")),
        (["D:dorian", "A minor"], "key", ("D dorian", "A minor")),
        (["D:min", "A:maj"], "chord", ("D:min", "A:maj")),
        (["N"], "chord", ("N",)),
        (["verse", "A minor"], "segment", ("verse", "A minor")),
        (["8A"], "segment", ("8A",)),
    ],
)
def test_the_spelling_says_what_labels_are_where_nobody_else_does(labels, kind, read_as):
    text = "".join(f"{i}\t{i + 1}\t{label}\n" for i, label in enumerate(labels))
    found = mirkit.formats.loads(text, "lab")
    assert (found.kind, found.labels) == (kind, read_as)


def test_a_key_in_another_mode_has_no_place_in_dj_software():
    track, _ = track_of("/a.mp3", mirkit.Analysis({"key": Key("D dorian")}))
    assert track.key is None
