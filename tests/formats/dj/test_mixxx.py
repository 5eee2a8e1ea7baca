"""Mixxx's library: what is written comes back, in one transaction, and never while it runs."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from djtracks import KEYS, grids, make_library
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj import mixxx, mixxxblobs, protobuf
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Collection, Cue, DJTrack
from mirkit.formats.dj.running import holders

GRID = BeatGrid([0.25, 30.5], [128.0, 126.5], 60.0)  # half a beat is missing where it changes
CUES = (
    Cue(93712 / 44100, number=0, name="Drop ä", color=(1, 2, 3)),
    Cue(4, 8, number=1, color=(9, 9, 9)),
    Cue(0.5, kind="load"), Cue(1, 3, "fade-in"), Cue(50, 55, "fade-out"),
)  # fmt: skip
TRACK = DJTrack("/music/a.flac", key="F# minor", grid=GRID, cues=CUES, duration=60.0)


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "mixxxdb.sqlite"
    make_library(path, [f"/music/{name}.flac" for name in "abc"])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("insert into Playlists values (1, 'set', 1, 0), (2, 'Auto DJ', 0, 1)")
        database.execute("insert into PlaylistTracks values (1, 1, 2, 1), (2, 1, 1, 2)")
        database.execute(
            "insert into cues (track_id, type, position, hotcue, color) values"
            " (1, 1, 88200, 5, 255), (1, 8, 100, -1, 0), (2, 1, 88200, 2, 16744448)"
        )
    return path


def dump(path):
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def row(path, place="/music/a.flac"):
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(
            "select library.* from library join track_locations on"
            " library.location = track_locations.id where track_locations.location = ?", (place,),
        ).fetchone()  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(max_segments=4, lattice=x)),
       st.sampled_from([22050, 44100, 48000, 96000]))  # fmt: skip
def test_no_beat_moves(grid, sample_rate):
    version, data = mixxxblobs.beats_blob(grid, sample_rate)
    found = mixxxblobs.read_beats(version, data, sample_rate, grid.end)
    assert deviation(grid, found) <= 1e-3
    if version == mixxxblobs.MAP:
        beats = grid.extend(grid.end).beats().times
        frames = [dict(protobuf.fields(beat))[1] for _, beat in protobuf.fields(data)]
        np.testing.assert_allclose(np.array(frames) / sample_rate, beats, atol=0.51 / sample_rate)
    assert (version == mixxxblobs.GRID) == grid.constant


def test_a_grid_from_the_very_start_has_no_beat_in_frame_0():
    _, data = mixxxblobs.beats_blob(BeatGrid([0.0], [120.0], 60.0), 44100)
    assert data == protobuf.field(1, protobuf.field(1, 120.0)) + protobuf.field(
        2, protobuf.field(1, 22050)
    )
    found = mixxxblobs.read_beats(mixxxblobs.GRID, data, 44100, 60.0)
    assert found.times[0] == 0


@settings(max_examples=24, deadline=None)
@given(KEYS)
def test_keys_come_back(key):
    assert mixxxblobs.read_key(mixxxblobs.KEYS, mixxxblobs.key_blob(key)) == key


def test_blobs_are_what_googles_library_reads_and_writes():
    pytest.importorskip("google.protobuf")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {"double": 1, "int32": 5, "bool": 8, "string": 9}
    file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="m", syntax="proto2")
    for name, rows in {
        "Beat": [("frame_position", 1, "int32"), ("enabled", 2, "bool"), ("source", 3, "int32")],
        "Bpm": [("bpm", 1, "double"), ("source", 2, "int32")],
        "BeatMap": [("beat", 1, ".m.Beat*")],
        "BeatGrid": [("bpm", 1, ".m.Bpm"), ("first_beat", 2, ".m.Beat")],
        "Change": [("frame_position", 1, "int32"), ("key", 2, "int32")],
        "KeyMap": [("global_key", 1, "int32"), ("global_key_text", 2, "string"),
                   ("key_change", 3, ".m.Change*"), ("source", 4, "int32")],
    }.items():  # fmt: skip
        message = file.message_type.add(name=name)
        for field, number, kind in rows:
            message.field.add(
                name=field, number=number, label=3 if kind.endswith("*") else 1,
                type=kinds.get(kind, 11), type_name=kind.rstrip("*") if kind[0] == "." else None,
            )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    make = {x: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"m.{x}"))
            for x in ("BeatMap", "BeatGrid", "KeyMap")}  # fmt: skip

    _, data = mixxxblobs.beats_blob(BeatGrid([0.25], [127.0], 60.0), 44100)
    grid = make["BeatGrid"].FromString(data)
    assert (grid.bpm.bpm, grid.first_beat.frame_position) == (127.0, 11025)
    version, data = mixxxblobs.beats_blob(GRID, 44100)
    beats = make["BeatMap"].FromString(data)
    assert [x.frame_position for x in beats.beat[:2]] == [11025, round(44100 * (0.25 + 60 / 128))]
    key = make["KeyMap"].FromString(mixxxblobs.key_blob("F# minor"))
    assert (key.global_key, key.global_key_text, key.key_change[0].key) == (19, "F#m", 19)

    beats.beat[0].source, beats.beat[1].enabled = 2, False
    beats.beat[2].frame_position = -5
    found = mixxxblobs.read_beats(version, beats.SerializeToString(), 44100, 60.0)
    assert found.times[0] == pytest.approx(0.25)
    grid.first_beat.frame_position = -100
    found = mixxxblobs.read_beats(mixxxblobs.GRID, grid.SerializeToString(), 44100, 60.0)
    assert found.times[0] == pytest.approx(60 / 127 - 100 / 44100)


@pytest.mark.parametrize("data", [b"\x0a\xff", b"\x09\0", b"\x80", b"\x0b", b"\x12\x03\x08"])
def test_blobs_that_are_cut_off_are_refused(data):
    with pytest.raises(FormatError, match=r"ends|kind"):
        list(protobuf.fields(data))


def test_what_others_wrote_otherwise_is_not_known():
    assert mixxxblobs.read_beats("BeatGrid-1.0", b"\0" * 16, 44100) is None
    assert mixxxblobs.read_beats(mixxxblobs.GRID, b"", 44100) is None
    assert mixxxblobs.read_beats(mixxxblobs.MAP, b"", 44100) is None
    assert mixxxblobs.read_key(mixxxblobs.KEYS, b"\x08\x00") is None
    assert mixxxblobs.read_key("KeyMap-2.0", b"\x08\x01") is None
    with pytest.raises(FormatError, match="message belongs"):
        mixxxblobs.read_beats(mixxxblobs.GRID, b"\x08\x01", 44100)


def test_grid_key_and_cues_come_back(library):
    assert mixxx.update(Collection([TRACK]), library, lock=True) == {}
    found = mixxx.load(library).track("/music/a.flac")
    assert (found.title, found.key, found.bit_rate) == ("a", "F# minor", 320000)
    assert deviation(GRID, found.grid) <= 1e-3
    assert found.cues == CUES
    raw = row(library)
    assert (raw["bpm_lock"], raw["key"], raw["key_id"], raw["cuepoint"]) == (1, "F#m", 19, 44100)
    assert raw["beats_sub_version"] == raw["keys_sub_version"] == "mirkit"
    with closing(sqlite3.connect(library)) as database:
        assert database.execute("select position from cues where label = 'Drop ä'").fetchall() == [
            (187424,)
        ]
        assert database.execute("select count(*) from cues where type = 8").fetchone() == (1,)


def test_what_is_not_given_stays(library):
    before = mixxx.load(library)
    assert before.track("/music/b.flac").cues == (Cue(1.0, number=2),)
    assert before.track("/music/a.flac").cues == (Cue(1.0, number=5, color=(0, 0, 255)),)
    assert [x.name for x in before.playlists] == ["set"]
    assert before.playlists[0].locations == ("/music/b.flac", "/music/a.flac")
    mixxx.update(Collection([DJTrack("/music/a.flac", key="C")]), library)
    changed = mixxx.load(library)
    assert changed.track("/music/a.flac").key == "C major"
    assert changed.track("/music/a.flac").cues == before.track("/music/a.flac").cues
    assert changed.track("/music/b.flac") == before.track("/music/b.flac")
    assert row(library)["bpm_lock"] == 0


def test_the_library_as_it_was_is_kept_beside(library):
    before = dump(library)
    mixxx.update(Collection([TRACK]), library)
    assert dump(library) != before
    assert dump(library.with_name("mixxxdb.sqlite.bak")) == before
    assert sorted(x.name for x in library.parent.iterdir()) == [
        "mixxxdb.sqlite", "mixxxdb.sqlite.bak"
    ]  # fmt: skip


def test_tracks_that_cannot_be_written_say_why_and_the_others_are(library):
    with closing(sqlite3.connect(library)) as database, database:
        database.execute("update library set samplerate = null where id = 3")
    tracks = [
        TRACK, DJTrack("/music/x.flac", grid=GRID),
        DJTrack("/music/b.flac", grid=GRID, duration=200.0), DJTrack("/music/c.flac", grid=GRID),
    ]  # fmt: skip
    why = mixxx.update(Collection(tracks), library)
    assert list(why) == ["/music/x.flac", "/music/b.flac", "/music/c.flac"]
    assert [word in text for word, text in zip(
        ("does not know", "another recording", "sample rate"), why.values(), strict=True
    )] == [True] * 3  # fmt: skip
    assert row(library)["beats"] is not None
    assert row(library, "/music/b.flac")["beats"] is None


def test_a_locked_grid_is_left_alone(library):
    mixxx.update(Collection([TRACK]), library, lock=True)
    other = DJTrack(TRACK.location, grid=BeatGrid([1.0], [90.0], 60.0), key="D minor")
    why = mixxx.update(Collection([other]), library)
    assert "locked" in why[TRACK.location]
    found = mixxx.load(library).track(TRACK.location)
    assert (found.key, len(found.grid)) == ("D minor", 2)
    assert mixxx.update(Collection([other]), library, lock=False, force=True) == {}
    assert row(library)["bpm"] == 90
    assert row(library)["bpm_lock"] == 0


@pytest.mark.parametrize("version", ["31", "42", "", "x"])
def test_unknown_versions_are_refused(library, version):
    with closing(sqlite3.connect(library)) as database, database:
        database.execute("update settings set value = ?", (version,))
    before = library.read_bytes()
    for attempt in (
        lambda: mixxx.update(Collection([TRACK]), library),
        lambda: mixxx.load(library),
    ):
        with pytest.raises(FormatError, match="32 to 41"):
            attempt()
    assert library.read_bytes() == before
    assert len(list(library.parent.iterdir())) == 1


def test_what_is_no_library_is_refused(tmp_path):
    text, other = tmp_path / "x.txt", tmp_path / "x.sqlite"
    text.write_bytes(b"no database at all" * 99)
    with closing(sqlite3.connect(other)) as database:
        database.execute("create table x (y)")
    for path, word in ((text, "whole database"), (other, "not of Mixxx"), (tmp_path / "y", "y")):
        with pytest.raises(FormatError, match=word):
            mixxx.load(path)


def test_an_open_library_is_left_alone(library):
    """Another program that has the file open, as Mixxx has as long as it runs."""
    before = dump(library)
    code = "import sys; f = open(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, library], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        process.stdout.readline()
        with pytest.raises(PermissionError, match=r"in use by .*Quit it first"):
            mixxx.update(Collection([TRACK]), library)
        assert mixxx.load(library).tracks  # to read it is no harm
        process.communicate()
    assert dump(library) == before
    assert mixxx.update(Collection([TRACK]), library) == {}


def test_without_proc_the_names_of_programs_tell(tmp_path, monkeypatch):
    from mirkit.formats.dj import running

    path = tmp_path / "x"
    path.touch()
    monkeypatch.setattr(running, "_PROCESSES", tmp_path / "none")
    for names, found in (("bash\n/Applications/Mixxx.app/mixxx\n", ["mixxx"]), ("bash\n", [])):
        monkeypatch.setattr(
            subprocess, "run", lambda *a, n=names, **k: subprocess.CompletedProcess(a, 0, n)
        )
        assert holders(path, "mixxx") == found


def test_interruption_at_any_step_leaves_the_library_as_it_was(library, monkeypatch):
    """The n-th statement of the transaction fails, for all n."""
    real, before, outcomes = mixxx._write, dump(library), []

    for n in range(1, 40):
        left = [n]

        class Failing:
            def __init__(self, database, left=left):
                self.database, self.left = database, left

            def execute(self, *args):
                self.left[0] -= 1
                if self.left[0] == 0:
                    raise KeyboardInterrupt
                return self.database.execute(*args)

        monkeypatch.setattr(mixxx, "_write", lambda db, *a, f=Failing: real(f(db), *a))
        try:
            mixxx.update(Collection([TRACK]), library)
        except KeyboardInterrupt:
            outcomes.append(False)
            assert dump(library) == before
        else:
            outcomes.append(True)
            break
    assert outcomes[-1]
    assert outcomes.count(False) >= 7  # the row, the deletion, five cues, the main cue
    assert dump(library) != before


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_process_that_is_killed_leaves_the_library_as_it_was(library):
    before = dump(library)
    code = f"""
import sys, time
from mirkit.formats.dj import mixxx
from mirkit.formats.dj.model import Collection, Cue, DJTrack
real = mixxx._write_cues
def slow(*args):
    real(*args)
    args[0].execute("pragma cache_spill = 1"); args[0].execute("pragma cache_size = 1")
    print(1, flush=True); time.sleep(60)
mixxx._write_cues = slow
mixxx.update(Collection([DJTrack({TRACK.location!r}, key="C", cues=(Cue(1, number=0),))]),
             {str(library)!r})
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                          env=os.environ | {"PYTHONPATH": str(Path(mixxx.__file__).parents[3])},
                          ) as process:  # fmt: skip
        assert process.stdout.readline() == b"1\n"
        process.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    assert dump(library) == before
    assert mixxx.update(Collection([TRACK]), library) == {}


def test_what_comes_back_of_a_collection_is_told():
    (found,) = mixxx.again(Collection([TRACK])).tracks
    assert (found.key, found.cues) == (TRACK.key, CUES)
    assert deviation(GRID, found.grid) <= 1e-3
