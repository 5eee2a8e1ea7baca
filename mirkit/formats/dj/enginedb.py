"""Engine DJ's library, ``Engine Library/Database2/m.db``: grids, keys and tempi of its tracks.

Versions 2 and 3 of its schema are known, of Engine DJ 2.0 and later; their triggers note what was
changed. Tracks are found by their path, which counts from the folder ``Engine Library``. Those that
Engine has analyzed are changed, others it analyzes itself when it loads them. All changes are one
transaction, and a copy of the database as it was is kept beside it (``.bak``). Bars are of four
beats. Cues and loops stay as they are.

Written from public descriptions of the format; neither Engine DJ nor its players have been tried.
Where they begin to count in an MP3 is not known: times are those of this package.
"""

from __future__ import annotations

import os
import re
import sqlite3
import struct
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mirkit.errors import FormatError
from mirkit.formats.dj.databases import back_up, open_database, transaction
from mirkit.formats.dj.engine import beat_data, deflate, inflate, read_beat_data
from mirkit.formats.dj.model import Collection, DJTrack, gather, normal_location, own
from mirkit.vocab.keys import KEYS, key_number

SCHEMAS = (2, 3)
"""Major versions of the database that are known."""

_FOLDER = "Database2"
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_TRACK_DATA = struct.Struct(">dqi")  # sample rate, samples, key
_WHOLE_TRACK_DATA = 44  # bytes from version 2 on; others have the key elsewhere
_TEXTS = ("title", "artist", "album", "genre", "comment")
_STARS = 20  # of a rating up to 100
_SAME = 0.02  # share of the length by which two measures of it may differ

_ROWS = """
    select Track.*, p.trackData as trackData, p.beatData as beatData
    from Track join PerformanceData as p on p.trackId = Track.id
    where Track.path is not null and Track.path <> '' order by Track.id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Row of the database for a track that is to change."""

    id: int
    sample_rate: float
    n_samples: float
    track_data: bytes
    beat_data: bytes
    locked: bool


def update(
    collection: Collection,
    path: str | os.PathLike[str],
    *,
    lock: bool | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Write grid, tempo and key of tracks into the library; what they lack stays as it is.

    Parameters
    ----------
    collection
        Its tracks.
    path
        The database.
    lock
        Whether Engine keeps the grid from being changed; None leaves that as it is.
    force
        Whether to change a grid that is locked.

    Returns
    -------
    left_alone
        Why a track was not written, by its location; empty where all were.

    Raises
    ------
    FormatError
        Where the file is no database of an Engine DJ that is known.
    WriteError
        Where Engine DJ runs, or the file cannot be changed.
    """
    left: dict[str, str] = {}
    target = Path(os.path.realpath(path))
    with _open(target, write=True) as database:
        back_up(database, target)
        with transaction(database):
            known = {_location(row["path"], Path(path)): row for row in database.execute(_ROWS)}
            for track in collection.tracks:
                row, why = _row(known.get(_real(track.location)), track, force)
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
    """Return the tracks of a library; `update` says what is refused."""
    with _open(Path(path), write=False) as database:
        rows = {_location(row["path"], Path(path)): row for row in database.execute(_ROWS)}
    tracks, failed = gather(rows, lambda place: _track(rows[place], place))
    return Collection(tracks, failed=failed)


def again(collection: Collection) -> Collection:
    """Return what comes back of a collection that is written and read."""
    return Collection(tuple(_again(track) for track in collection.tracks))


def _again(track: DJTrack) -> DJTrack:
    grid = None
    if track.grid is not None:
        rate = track.sample_rate or 44100
        n_samples = None if track.duration is None else track.duration * rate
        grid = read_beat_data(beat_data(track.grid, rate, n_samples))
    return replace(own(track), bpm=track.tempo, key=track.key, grid=grid)


def _open(path: Path, write: bool) -> AbstractContextManager[sqlite3.Connection]:
    """Give a connection to a library of a known version that no Engine DJ uses."""
    return open_database(path, "Engine DJ", _check_schema, write)


def _check_schema(database: sqlite3.Connection, path: Path) -> None:
    try:
        found = database.execute("select schemaVersionMajor from Information").fetchone()
        database.execute("select trackId, beatData from PerformanceData limit 0")
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        found = None
    if found is None:
        raise FormatError(
            f"{path} is no library of Engine DJ 2 or later, which is Engine Library/{_FOLDER}/m.db"
        )
    if found[0] not in SCHEMAS:
        raise FormatError(
            f"{path} is of version {found[0]}; of Engine DJ versions {SCHEMAS[0]} and "
            f"{SCHEMAS[-1]} are known. It is left as it is"
        )


def _location(path: str, database: Path) -> str:
    """Return the place of a track, whose path counts from the folder of the library."""
    if _WINDOWS.match(path):
        return normal_location(path)
    folder = database.absolute().parent
    base = folder.parent if folder.name == _FOLDER else folder
    return _real(str(base / path))


def _real(location: str) -> str:
    return location if _WINDOWS.match(location) else os.path.realpath(location)


def _row(found: sqlite3.Row | None, track: DJTrack, force: bool) -> tuple[Row | None, str]:
    """Return the row of a track, and why nothing or not all of it can be written."""
    if found is None:
        return None, "Engine does not know it; add it there first"
    try:
        data = inflate(found["trackData"] or b"")
        rate, n_samples, _ = _TRACK_DATA.unpack_from(data)
    except (FormatError, struct.error):
        rate = n_samples = 0
    if not (rate > 0 and n_samples > 0):
        return None, "Engine has not analyzed it; let it do so first"
    length = n_samples / rate
    if track.duration and abs(length - track.duration) > 1 + _SAME * length:
        return None, f"Engine knows another recording there, of {length:.0f} s"
    locked = bool(found["isBeatGridLocked"]) and track.grid is not None and not force
    why = "its grid is locked in Engine; unlock it there, or force it" if locked else ""
    beats = found["beatData"] or b""
    return Row(found["id"], rate, n_samples, found["trackData"], beats, locked), why


def _write(database: sqlite3.Connection, row: Row, track: DJTrack, lock: bool | None) -> None:
    values: dict[str, Any] = {}
    blocks: dict[str, bytes] = {}
    if track.grid is not None and not row.locked:
        data = beat_data(track.grid, row.sample_rate, row.n_samples, row.beat_data)
        blocks["beatData"] = data
        values["bpmAnalyzed"] = track.tempo
    if lock is not None and not row.locked:
        values["isBeatGridLocked"] = int(lock)
    if track.key is not None:
        values["key"] = key_number_of(track.key)
        blocks["trackData"] = _with_key(row.track_data, values["key"])
    _set(database, "Track", "id", row.id, values)
    _set(database, "PerformanceData", "trackId", row.id, blocks)


def _set(
    database: sqlite3.Connection, table: str, key: str, number: int, values: dict[str, Any]
) -> None:
    for name, value in values.items():  # one by one, as the triggers of version 2 want it
        database.execute(f"update {table} set {name} = ? where {key} = ?", (value, number))


def _with_key(track_data: bytes, key: int) -> bytes:
    inner = inflate(track_data)
    if len(inner) < _WHOLE_TRACK_DATA:
        return track_data
    at = _TRACK_DATA.size - 4
    return deflate(inner[:at] + struct.pack(">i", key) + inner[at + 4 :])


def _track(row: sqlite3.Row, location: str) -> DJTrack:
    grid = read_beat_data(row["beatData"] or b"")
    texts: dict[str, Any] = {name: row[name] or "" for name in _TEXTS}
    bpm = row["bpmAnalyzed"] or row["bpm"]
    if bpm and grid is not None and abs(grid.bpm - bpm) <= 0.005:
        bpm = None
    return DJTrack(
        location,
        **texts,
        duration=row["length"] or None,
        bit_rate=1000 * row["bitrate"] if row["bitrate"] else None,
        size=row["fileBytes"] or None,
        bpm=float(bpm) if bpm else None,
        key=_KEYS.get(row["key"]),
        rating=min(round((row["rating"] or 0) / _STARS), 5) or None,
        grid=grid,
    )


def key_number_of(key: str) -> int:
    """Return the number of a key: up the fifths from C major, each followed by its relative minor.

    Examples
    --------
    >>> key_number_of("C major"), key_number_of("A minor"), key_number_of("F major")
    (0, 1, 22)
    """
    mode, pitch = divmod(key_number(key), 12)
    return 2 * (7 * (pitch + 3 * mode) % 12) + mode


_KEYS = {key_number_of(key): key for key in KEYS}
