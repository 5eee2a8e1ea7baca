"""Any track and collection of a DJ, for tests that must hold for all of them."""

import os
import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import PurePath

import numpy as np
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist
from mirkit.vocab import MODES, TONICS

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12
)
UNPRINTED = ["Cs", "Cc", "Cn", "Co", "Z"]
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\:", exclude_categories=UNPRINTED),
    min_size=1,
    max_size=8,
)
LOCATIONS = st.builds(
    lambda root, folders, name, suffix: root + "/".join([*folders, name]) + suffix,
    st.sampled_from(["/", "C:/", "/Volumes/Stick/"]),
    st.lists(NAMES, max_size=3),
    NAMES,
    st.sampled_from([".mp3", ".flac", ".m4a", ".wav"]),
)
KEYS = st.sampled_from([f"{tonic} {mode}" for tonic in TONICS for mode in MODES])
COLORS = st.tuples(*[st.integers(0, 255)] * 3)


@st.composite
def grids(draw, max_segments=6, lattice=True, meters=(3, 4, 7)):
    """A random tempo curve as segments of constant tempo."""
    n = draw(st.integers(1, max_segments))
    tempo = (
        st.integers(6000, 19999).map(lambda x: x / 100)
        if lattice
        else st.floats(60, 200, allow_subnormal=False)
    )
    bpms = np.array(draw(st.lists(tempo, min_size=n, max_size=n)))
    counts = np.array(draw(st.lists(st.integers(2, 500), min_size=n, max_size=n)))
    off = np.array(draw(st.lists(st.floats(-0.05, 0.05), min_size=n, max_size=n)))
    lengths = (counts + off) * 60 / bpms
    times = draw(st.floats(0, 5)) + np.cumsum([0.0, *lengths])
    if not draw(st.booleans()):
        return BeatGrid(times[:-1], bpms, times[-1])
    meter = np.array(draw(st.lists(st.sampled_from(meters), min_size=n, max_size=n)))
    position = [draw(st.integers(1, int(m))) for m in meter]
    return BeatGrid(times[:-1], bpms, times[-1], position, meter)


@st.composite
def cues(draw):
    kind = draw(st.sampled_from(["hot", "memory"]))
    time = draw(st.floats(0, 600))
    return Cue(
        time,
        draw(st.one_of(st.none(), st.floats(0.1, 60).map(lambda x: time + x))),
        kind,
        draw(st.integers(0, 7)) if kind == "hot" else None,
        draw(TEXTS),
        draw(st.one_of(st.none(), COLORS)),
    )


@st.composite
def tracks(draw, location=LOCATIONS, grid=None):
    grid = draw(st.one_of(st.none(), grids()) if grid is None else grid)
    duration = None if grid is None else grid.end + draw(st.floats(0, 5))
    return DJTrack(
        draw(location), draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(TEXTS),
        draw(st.one_of(st.none(), st.floats(1, 3600))) if duration is None else duration,
        draw(st.sampled_from([None, 44100, 48000, 96000])),
        draw(st.sampled_from([None, 128000, 320000])),
        draw(st.one_of(st.none(), st.integers(1, 10**9))),
        key=draw(st.one_of(st.none(), KEYS)),
        rating=draw(st.one_of(st.none(), st.integers(0, 5))),
        grid=grid,
        cues=draw(st.lists(cues(), max_size=4)),
    )  # fmt: skip


@st.composite
def collections(draw):
    found = draw(st.lists(tracks(), max_size=3, unique_by=lambda track: track.location))
    places = [track.location for track in found]
    lists = (
        st.builds(Playlist, NAMES, st.lists(st.sampled_from(places), max_size=4))
        if places
        else st.builds(Playlist, NAMES)
    )
    return Collection(found, draw(st.lists(lists, max_size=2, unique_by=lambda x: x.name)))


SCHEMA = """
create table settings (name text unique not null, value text);
insert into settings values ('mixxx.schema.version', '32');
create table track_locations (id integer primary key, location varchar(512) unique,
    filesize integer);
create table library (id integer primary key, artist, title, album, genre, comment, location
    integer, duration float, bitrate integer, samplerate integer, cuepoint integer, bpm float,
    mixxx_deleted integer, rating integer default 0, key varchar(8) default '', beats blob,
    beats_version text, bpm_lock integer default 0, beats_sub_version text default '', keys blob,
    keys_version text, keys_sub_version text, key_id integer default 0);
create table cues (id integer primary key, track_id integer not null, type integer default 0
    not null, position integer default -1 not null, length integer default 0 not null, hotcue
    integer default -1 not null, label text default '' not null, color integer not null);
create table Playlists (id integer primary key, name, position, hidden integer default 0);
create table PlaylistTracks (id integer primary key, playlist_id, track_id, position);
"""
"""The columns of Mixxx's tables that are used; the judge is Mixxx itself, in tests/hosts."""


def make_library(path, places, duration=60.0):
    """A library of Mixxx that knows these recordings, by stem."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
        for i, place in enumerate(places, 1):
            database.execute("insert into track_locations values (?, ?, 99)", (i, str(place)))
            database.execute(
                "insert into library (id, location, title, duration, samplerate, bitrate)"
                " values (?, ?, ?, ?, 44100, 320)", (i, i, PurePath(place).stem, duration),
            )  # fmt: skip


ENGINE_SCHEMA = """
create table Information (id integer primary key, uuid text, schemaVersionMajor integer,
    schemaVersionMinor integer, schemaVersionPatch integer);
create table Track (id integer primary key, length integer, bpm integer, path text unique,
    bitrate integer, bpmAnalyzed real, fileBytes integer, title text, artist text, album text,
    genre text, comment text, key integer, rating integer, isBeatGridLocked boolean{more});
"""
ENGINE_2 = """
create view PerformanceData as select id as trackId, trackData, beatData from Track;
create trigger beats instead of update of beatData on PerformanceData for each row begin
    update Track set beatData = new.beatData where Track.id = new.trackId; end;
create trigger tracks instead of update of trackData on PerformanceData for each row begin
    update Track set trackData = new.trackData where Track.id = new.trackId; end;
create table ChangeLog (id integer primary key, trackId integer);
create trigger changes after update on Track for each row begin
    insert into ChangeLog (trackId) values (new.id); end;
"""
ENGINE_3 = """
create table PerformanceData (trackId integer primary key, trackData blob, beatData blob);
create trigger fill after insert on Track begin
    insert into PerformanceData (trackId) values (new.id); end;
"""
"""The columns that are used of both versions, and how version 2 passes changes on."""


def make_engine_library(path, places, version=3, duration=60.0, rate=44100):
    """A library of Engine DJ that has analyzed these recordings, by stem."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inner = struct.pack(">dqiddd", rate, round(duration * rate), 0, 0.5, 0.5, 0.5)
    data = struct.pack(">i", len(inner)) + zlib.compress(inner)
    base = path.parent.parent if path.parent.name == "Database2" else path.parent
    with closing(sqlite3.connect(path)) as database, database:
        more = ", trackData blob, beatData blob" if version == 2 else ""
        database.executescript(ENGINE_SCHEMA.format(more=more))
        database.executescript(ENGINE_2 if version == 2 else ENGINE_3)
        database.execute("insert into Information values (1, 'x', ?, 0, 1)", (version,))
        for i, place in enumerate(places, 1):
            database.execute(
                "insert into Track (id, length, path, bitrate, title, rating) values"
                " (?, ?, ?, 320, ?, 60)",
                (i, round(duration), os.path.relpath(place, base), PurePath(place).stem),
            )
            database.execute(
                "update PerformanceData set trackData = ? where trackId = ?", (data, i)
            )
