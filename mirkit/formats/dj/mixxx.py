"""Mixxx's library, ``mixxxdb.sqlite``: beats, keys, cues and loops of the tracks that it knows.

Tracks are found by their path; Mixxx adds new ones itself when it scans. All changes are one
transaction: an interruption leaves the library as it was. A copy of it is kept beside it (``.bak``)
before. Hot cues and loops have buttons, and intro, outro and main cue are what others call fade-in,
fade-out and load; memory cues have no place. Bars have none either.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mirkit.errors import FormatError
from mirkit.formats.dj import mixxxblobs as blobs
from mirkit.formats.dj.clocks import mixxx_lead
from mirkit.formats.dj.databases import back_up, open_database, transaction
from mirkit.formats.dj.keys import spell_key
from mirkit.formats.dj.model import (
    Collection,
    Color,
    Cue,
    CueKind,
    DJTrack,
    Playlist,
    gather,
    own,
)

SCHEMAS = range(32, 42)
"""Versions of the database that are known: Mixxx 2.3 and later."""

SUB_VERSION = "mirkit"
"""What Mixxx sees in the place of the settings of its analyzer; not empty, so that it keeps it."""

_HOT, _MAIN, _LOOP, _INTRO, _OUTRO = 1, 2, 4, 6, 7
_TYPES: dict[CueKind, int] = {"load": _MAIN, "fade-in": _INTRO, "fade-out": _OUTRO}
_KINDS: dict[int, CueKind] = {number: kind for kind, number in _TYPES.items()}
_DEFAULT_COLOR = 0xFF8000
_SAMPLES = 2  # a frame, whatever the recording has: positions of cues count those of two channels
_SAME = 0.02  # share of the length by which two measures of it may differ


@dataclass(frozen=True, slots=True)
class Row:
    """Row of the database for a track that is to change."""

    id: int
    sample_rate: int
    lead: float  # how much later times are for Mixxx [s]
    locked: bool


def update(
    collection: Collection,
    path: str | os.PathLike[str],
    *,
    lock: bool | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Write grid, key and cues of tracks into the library; what they lack stays as it is.

    Parameters
    ----------
    collection
        Its tracks; the cues of a track, where it has any, replace those of Mixxx.
    path
        The database, in the folder of Mixxx's settings.
    lock
        Whether Mixxx keeps tempo and grid from being changed; None leaves that as it is.
    force
        Whether to change a grid that is locked.

    Returns
    -------
    left_alone
        Why a track was not written, by its location; empty where all were.

    Raises
    ------
    FormatError
        Where the file is no database of a Mixxx that is known.
    OSError
        Where Mixxx runs, as it would write over what is written, or the file cannot be changed.
    """
    left: dict[str, str] = {}
    target = Path(os.path.realpath(path))
    with _open(target, write=True) as database:
        back_up(database, target)
        with transaction(database):
            for track in collection.tracks:
                row, why = _row(database, track, force)
                if row is not None:
                    _write(database, row, track, lock)
                if why:
                    left[track.location] = why
    return left


def check(path: str | os.PathLike[str]) -> None:
    """Raise where `update` would be refused as a whole."""
    with _open(Path(os.path.realpath(path)), write=True):
        pass


def load(path: str | os.PathLike[str]) -> Collection:
    """Return the tracks and playlists of a library; `update` says what is refused."""
    with _open(Path(path), write=False) as database:
        rows = {row["place"]: row for row in database.execute(_TRACKS)}
        tracks, failed = gather(rows, lambda place: _track(database, rows[place]))
        found = {track.location: track for track in tracks}
        by_id = {row["id"]: found[place] for place, row in rows.items() if place in found}
        return Collection(tracks, tuple(_playlists(database, by_id)), failed)


def again(collection: Collection) -> Collection:
    """Return what comes back of a collection that is written and read."""
    return Collection(tuple(_again(track) for track in collection.tracks))


def _again(track: DJTrack) -> DJTrack:
    rate = track.sample_rate or 44100
    grid = None
    if track.grid is not None:
        grid = blobs.read_beats(*blobs.beats_blob(track.grid, rate), rate, track.duration)
    rows = [dict(zip(_CUE_COLUMNS, _cue_row(cue, rate), strict=True)) for cue in _kept(track.cues)]
    cues = tuple(cue for row in rows if (cue := _cue(row, rate)))
    key = None if track.key is None else blobs.read_key(blobs.KEYS, blobs.key_blob(track.key))
    return replace(own(track), key=key, grid=grid, cues=cues)


def _open(path: Path, write: bool) -> AbstractContextManager[sqlite3.Connection]:
    """Give a connection to a library of a known version that no Mixxx uses."""
    return open_database(path, "Mixxx", _check_schema, write)


def _check_schema(database: sqlite3.Connection, path: Path) -> None:
    try:
        found = database.execute(
            "select value from settings where name = 'mixxx.schema.version'"
        ).fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        found = None
    if found is None:
        raise FormatError(f"{path} is a database, but not of Mixxx, which keeps its version there")
    if not str(found[0]).isdecimal() or int(found[0]) not in SCHEMAS:
        raise FormatError(
            f"{path} is of version {found[0]}; those of Mixxx 2.3 and later, {SCHEMAS[0]} to "
            f"{SCHEMAS[-1]}, are known. It is left as it is"
        )


def _row(database: sqlite3.Connection, track: DJTrack, force: bool) -> tuple[Row | None, str]:
    """Return the row of a track, and why nothing or not all of it can be written."""
    places = dict.fromkeys((track.location, os.path.realpath(track.location)))
    found = next((row for place in places if (row := _find(database, place))), None)
    if found is None:
        return None, "Mixxx does not know it; let it scan the folder first"
    if not (rate := found["samplerate"] or track.sample_rate or 0):
        return None, "Mixxx has not read its sample rate; let it scan the folder first"
    length = found["duration"] or 0.0
    if track.duration and length and abs(length - track.duration) > 1 + _SAME * length:
        return None, f"Mixxx knows another recording there, of {length:.0f} s"
    locked = bool(found["bpm_lock"]) and track.grid is not None and not force
    why = "its grid is locked in Mixxx; unlock it there, or force it" if locked else ""
    return Row(found["id"], int(rate), mixxx_lead(Path(track.location)), locked), why


def _find(database: sqlite3.Connection, place: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = database.execute(
        "select library.id as id, samplerate, duration, bpm_lock from library"
        " join track_locations on library.location = track_locations.id"
        " where track_locations.location = ? and coalesce(mixxx_deleted, 0) = 0",
        (place,),
    ).fetchone()
    return found


def _write(database: sqlite3.Connection, row: Row, track: DJTrack, lock: bool | None) -> None:
    values: dict[str, Any] = {}
    if not row.locked:
        values |= _beat_values(track, row)
        values |= {} if lock is None else {"bpm_lock": int(lock)}
    if track.key is not None:
        values |= {
            "key": spell_key(track.key),
            "key_id": int(spell_key(track.key, "mixxx")),
            "keys": blobs.key_blob(track.key),
            "keys_version": blobs.KEYS,
            "keys_sub_version": SUB_VERSION,
        }
    if values:
        names = ", ".join(f"{name} = ?" for name in values)
        database.execute(f"update library set {names} where id = ?", (*values.values(), row.id))
    if track.cues:
        _write_cues(database, row, track)


def _beat_values(track: DJTrack, row: Row) -> dict[str, Any]:
    if track.grid is None:
        return {}
    version, data = blobs.beats_blob(track.grid, row.sample_rate, row.lead)
    return {
        "bpm": track.grid.bpm,
        "beats": data,
        "beats_version": version,
        "beats_sub_version": SUB_VERSION,
    }


_CUE_COLUMNS = ("type", "position", "length", "hotcue", "label", "color")


def _write_cues(database: sqlite3.Connection, row: Row, track: DJTrack) -> None:
    types = (_HOT, _LOOP, *_KINDS)
    marks = ", ".join("?" * len(types))
    database.execute(f"delete from cues where track_id = ? and type in ({marks})", (row.id, *types))
    names = ", ".join(_CUE_COLUMNS)
    for cue in _kept(track.cues):
        values = _cue_row(cue, row.sample_rate, row.lead)
        database.execute(
            f"insert into cues (track_id, {names}) values (?, ?, ?, ?, ?, ?, ?)", (row.id, *values)
        )
        if cue.kind == "load":
            database.execute("update library set cuepoint = ? where id = ?", (values[1], row.id))


def _kept(cues: tuple[Cue, ...]) -> Iterator[Cue]:
    """Yield the cues that Mixxx has a place for: one for each button, one of each other kind."""
    seen = set()
    for cue in cues:
        place = (cue.kind, cue.number)
        if cue.kind != "memory" and place not in seen:
            seen.add(place)
            yield cue


def _cue_row(cue: Cue, sample_rate: int, lead: float = 0.0) -> tuple[int, int, int, int, str, int]:
    start = max(0, round((cue.time + lead) * sample_rate))
    length = 0 if cue.end is None else round((cue.end + lead) * sample_rate) - start
    kind = _TYPES.get(cue.kind, _HOT if cue.end is None else _LOOP)
    red, green, blue = (0, 0, 0) if cue.color is None else cue.color
    color = _DEFAULT_COLOR if cue.color is None else red << 16 | green << 8 | blue
    number = -1 if cue.number is None else cue.number
    return kind, _SAMPLES * start, _SAMPLES * length, number, cue.name, color


_TRACKS = """
    select library.*, track_locations.location as place, track_locations.filesize as filesize
    from library join track_locations on library.location = track_locations.id
    where coalesce(mixxx_deleted, 0) = 0 order by library.id
"""


def _track(database: sqlite3.Connection, row: sqlite3.Row) -> DJTrack:
    rate = row["samplerate"] or None
    length = row["duration"] if row["duration"] and row["duration"] > 0 else None
    lead = mixxx_lead(Path(row["place"]))
    grid = None
    if row["beats"] and rate:
        grid = blobs.read_beats(row["beats_version"] or "", row["beats"], rate, length, lead)
    bpm = row["bpm"] if row["bpm"] and row["bpm"] > 0 else None
    if bpm is not None and grid is not None and abs(grid.bpm - bpm) <= 0.005:
        bpm = None
    key = blobs.read_key(row["keys_version"] or "", row["keys"]) if row["keys"] else None
    cues = database.execute("select * from cues where track_id = ? order by id", (row["id"],))
    return DJTrack(
        row["place"],
        **{name: row[name] or "" for name in ("title", "artist", "album", "genre", "comment")},
        duration=length,
        sample_rate=rate,
        bit_rate=1000 * row["bitrate"] if row["bitrate"] else None,
        size=row["filesize"] or None,
        bpm=bpm,
        key=key,
        rating=min(max(int(row["rating"] or 0), 0), 5) or None,
        grid=grid,
        cues=tuple(cue for x in cues if (cue := _cue(x, rate or 44100, lead))),
    )


def _cue(row: Mapping[str, Any] | sqlite3.Row, sample_rate: int, lead: float = 0.0) -> Cue | None:
    """Return a cue of the table, or None where it is of a kind that we have not, or is not set."""
    kind = _KINDS.get(row["type"], "hot")
    if row["type"] not in (_HOT, _LOOP, *_KINDS) or (kind == "hot") != (row["hotcue"] >= 0):
        return None
    start = row["position"] / _SAMPLES / sample_rate - lead
    end = start + row["length"] / _SAMPLES / sample_rate if row["length"] > 0 else None
    number = row["hotcue"] if kind == "hot" else None
    color = _color(row["color"]) if kind == "hot" else None
    try:
        return Cue(start, end, kind, number, row["label"] or "", color)
    except ValueError:  # our own error: such as a place before the start
        return None


def _color(value: int | None) -> Color | None:
    if value is None or value & 0xFFFFFF == _DEFAULT_COLOR:
        return None
    return value >> 16 & 255, value >> 8 & 255, value & 255


def _playlists(database: sqlite3.Connection, tracks: dict[int, DJTrack]) -> Iterator[Playlist]:
    lists = database.execute("select id, name from Playlists where hidden = 0 order by position")
    for number, name in lists.fetchall():
        rows = database.execute(
            "select track_id from PlaylistTracks where playlist_id = ? order by position", (number,)
        )
        yield Playlist(name or "", tuple(tracks[x].location for (x,) in rows if x in tracks))
