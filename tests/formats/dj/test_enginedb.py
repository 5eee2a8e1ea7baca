"""Engine DJ's library: what is written and read, and what is left alone with a word on why."""

import sqlite3
import struct
import zlib
from contextlib import closing

import numpy as np
import pytest
from djtracks import make_engine_library

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, WriteError
from mirkit.formats.dj import Collection, DJTrack, engine, enginedb, store_collection
from mirkit.formats.dj.anchors import deviation
from mirkit.vocab import KEYS

GRID = BeatGrid([0.25, 30.25], [128.0, 126.5], 60.0, [1, 1], [4, 4])

# the numbers of the keys, as libdjinterop's public list has them
NUMBERS = """
C major, A minor, G major, E minor, D major, B minor, A major, F# minor, E major, C# minor, B major,
Ab minor, F# major, Eb minor, C# major, Bb minor, Ab major, F minor, Eb major, C minor, Bb major,
G minor, F major, D minor
"""


@pytest.fixture(params=[2, 3])
def library(request, tmp_path):
    """A library of two tracks, in each version."""
    path = tmp_path / "Engine Library" / "Database2" / "m.db"
    places = [tmp_path / "Music" / "a b.mp3", tmp_path / "Engine Library" / "Music" / "ä.flac"]
    make_engine_library(path, places, request.param)
    return path, [str(place) for place in places]


def rows(path):
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        query = (
            "select *, PerformanceData.beatData as beats, PerformanceData.trackData as data from"
            " Track join PerformanceData on PerformanceData.trackId = Track.id order by Track.id"
        )
        return [dict(row) for row in database.execute(query)]


def change(path, query, *values):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(query, values)


@pytest.mark.parametrize("number", range(24))
def test_keys_go_up_the_fifths(number):
    key = " ".join(NUMBERS.split()).split(", ")[number]
    assert key in KEYS or enginedb.key_number_of(key) == number
    assert enginedb.key_number_of(key) == number


def test_grid_key_and_tempo_go_out_and_come_back(library):
    path, places = library
    before = rows(path)
    tracks = [DJTrack(place, grid=GRID, key="F# minor", duration=60.0) for place in places]
    assert store_collection(Collection(tracks), "engine", path) == {}
    found = enginedb.load(path)
    assert [track.location for track in found.tracks] == places
    for track in found.tracks:
        assert deviation(GRID, track.grid) <= 1e-3
        assert (track.key, track.tempo, track.rating) == ("F# minor", 128.0, 3)
        assert (track.duration, track.bit_rate) == (60, 320_000)
    for old, row in zip(before, rows(path), strict=True):
        assert (row["bpmAnalyzed"], row["key"], row["bpm"]) == (128.0, 7, None)
        data = zlib.decompress(row["data"][4:])
        assert struct.unpack(">dqiddd", data) == (44100, 60 * 44100, 7, 0.5, 0.5, 0.5)
        rate, length = struct.unpack_from(">dd", zlib.decompress(row["beats"][4:]))
        assert (rate, length) == (44100, 60 * 44100)
        assert all(row[x] == old[x] for x in ("path", "title", "rating", "length"))
    backup = path.with_name("m.db.bak")
    assert rows(backup) == before


def test_beats_end_with_the_track(library):
    path, places = library
    store_collection(Collection([DJTrack(places[0], grid=GRID)]), "engine", path)
    beats = enginedb.load(path).tracks[0].grid.beats().times
    np.testing.assert_allclose(beats, GRID.beats().times, atol=1e-3)


def test_what_cannot_be_written_is_left_alone_with_a_word_on_why(library, tmp_path):
    path, places = library
    change(path, "update Track set isBeatGridLocked = 1 where id = 1")
    change(path, "update PerformanceData set trackData = null where trackId = 2")
    tracks = [DJTrack(places[0], grid=GRID, key="Am"), DJTrack(places[1], grid=GRID),
              DJTrack(str(tmp_path / "other.mp3"), grid=GRID)]  # fmt: skip
    left = store_collection(Collection(tracks), "engine", path)
    assert [left[track.location].partition(";")[0] for track in tracks] == [
        "its grid is locked in Engine", "Engine has not analyzed it", "Engine does not know it",
    ]  # fmt: skip
    first, second = rows(path)
    assert (first["beats"], first["key"], second["beats"]) == (None, 1, None)
    left = store_collection(Collection(tracks[:1]), "engine", path, force=True)
    assert left == {}
    assert rows(path)[0]["beats"] is not None
    long = DJTrack(places[0], grid=GRID, duration=90.0)
    assert "another recording" in store_collection(Collection([long]), "engine", path)[places[0]]


def test_the_lock_is_set_and_taken_away(library):
    path, places = library
    track = Collection([DJTrack(places[0], grid=GRID)])
    for lock, held in ((None, None), (True, 1), (False, 0)):
        store_collection(track, "engine", path, lock=lock, force=True)
        assert rows(path)[0]["isBeatGridLocked"] == held


def test_what_later_versions_keep_behind_the_grids_stays(library):
    path, places = library
    old = engine.beat_data(BeatGrid([1.0], [100.0], 60.0), 44100)
    extended = engine.deflate(engine.inflate(old) + b"later")
    change(path, "update PerformanceData set beatData = ? where trackId = 1", extended)
    store_collection(Collection([DJTrack(places[0], grid=GRID)]), "engine", path)
    data = rows(path)[0]["beats"]
    assert engine.inflate(data).endswith(b"later")
    assert deviation(GRID, engine.read_beat_data(data)) <= 1e-3


@pytest.mark.parametrize(
    "damage", [b"", b"abc", b"\0\0\0\x09abcdefgh", b"\0\0\0\x01" + zlib.compress(b"a")]
)
def test_a_damaged_block_costs_one_track_and_is_replaced(library, damage):
    path, places = library
    store_collection(Collection([DJTrack(x, grid=GRID) for x in places]), "engine", path)
    change(path, "update PerformanceData set beatData = ? where trackId = 1", damage)
    found = enginedb.load(path)
    assert places[1] in [track.location for track in found.tracks if track.grid]
    if len(damage) > 4:
        assert list(found.failed) == [places[0]]
    assert store_collection(Collection([DJTrack(places[0], grid=GRID)]), "engine", path) == {}
    assert all(track.grid for track in enginedb.load(path).tracks)


def test_markers_anywhere_are_read(library):
    path, _ = library
    inner = struct.pack(">ddB", 44100, 60 * 44100, 1)
    for first in (-10.0, 8.5):
        grid = struct.pack(">q", 2) + struct.pack("<dqiidqii", first * 44100, 0, 60, 0,
                                                  (first + 30) * 44100, 60, 0, 0)  # fmt: skip
        block = engine.deflate(inner + grid + grid)
        change(path, "update PerformanceData set beatData = ? where trackId = 1", block)
        beats = enginedb.load(path).tracks[0].grid.beats()
        assert beats.times[0] == pytest.approx(0.0 if first < 0 else 0.5)
        assert beats.positions[0] == 1


def test_other_databases_are_refused(tmp_path):
    other = tmp_path / "m.db"
    for version in (1, 4):
        make_engine_library(other, [], 3)
        change(other, "update Information set schemaVersionMajor = ?", version)
        with pytest.raises(FormatError, match=f"is of version {version}"):
            enginedb.load(other)
        other.unlink()
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("create table x (y)")
    for act in (enginedb.load, enginedb.check, lambda x: enginedb.update(Collection(), x)):
        with pytest.raises(FormatError, match="no library of Engine DJ 2 or later"):
            act(other)
    other.write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(FormatError, match="no whole database of Engine DJ"):
        enginedb.load(other)
    with pytest.raises(FormatError, match="does not exist"):
        enginedb.check(tmp_path / "none.db")


def test_a_library_in_use_is_left_alone(library):
    path, places = library
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("begin exclusive")
        with pytest.raises(WriteError, match="Is Engine DJ running"):
            enginedb.update(Collection([DJTrack(places[0], grid=GRID)]), path)
    assert path.read_bytes() == before
