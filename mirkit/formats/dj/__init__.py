"""DJ software: one value for what it knows of a track, and the files that hold it.

Each format of `DJ_FORMATS` is a module with ``dumps(collection)`` and ``loads(data, name)``; one
whose file is the program's own takes ``dumps(collection, into, name)`` and merges. `DJ_STORES` are
those that live in recordings or in a database. `Loss` is what a track loses in a format, found by
reading back what was written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from mirkit.annotation import Beats
from mirkit.arrays import Ints
from mirkit.audio.sources import missing_message
from mirkit.errors import FormatError, UnknownName
from mirkit.formats.atomic import check_folder, check_writable, replace_file
from mirkit.formats.dj.anchors import deviation, with_bars
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist
from mirkit.formats.dj.stores import DJ_STORES, DJStore, check_store, store_collection
from mirkit.vocab.meters import QUARTER

__all__ = [
    "DJ_FORMATS", "DJ_STORES", "Collection", "Cue", "DJFormat", "DJStore", "DJTrack", "Loss",
    "Playlist", "check_collection", "check_store", "dj_format",
    "losses", "read_collection", "save_collection", "store_collection",
]  # fmt: skip

_ODD = 1e-3  # of a number: what counts as another one, beside what each format rounds


@dataclass(frozen=True, slots=True)
class DJFormat:
    """A row of `DJ_FORMATS`.

    Parameters
    ----------
    name
        Its name.
    module
        In this package.
    title
        What its program calls it.
    file
        The usual name of its file.
    bound
        How far a beat may lie from its place in the grid that was written [s]; None where the
        format holds no grid, infinity where it holds one tempo only.
    merges
        Whether it can be merged into a file of the program.
    spells
        Whether keys may be in the notation that the DJ likes.
    options
        For ``dumps``.
    """

    name: str
    module: str
    title: str
    file: str
    bound: float | None
    merges: bool = True
    spells: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def dumps(
        self,
        collection: Collection,
        into: bytes | None = None,
        name: str = "",
        notation: str = "tag",
    ) -> bytes:
        """Return the file of a collection, merged into another where that is given."""
        module = import_module(f"mirkit.formats.dj.{self.module}")
        if not self.merges:
            return cast("bytes", module.dumps(collection, **self.options))
        options = dict(self.options) | ({"notation": notation} if self.spells else {})
        return cast("bytes", module.dumps(collection, into, name or self.file, **options))

    def loads(self, data: bytes, name: str) -> Collection:
        """Return the collection in a file; `name` is for messages."""
        module = import_module(f"mirkit.formats.dj.{self.module}")
        return cast("Collection", module.loads(data, name))


DJ_FORMATS = {
    row.name: row
    for row in (
        DJFormat("rekordbox", "rekordbox", "rekordbox XML", "rekordbox.xml", 1e-3, spells=True),
        DJFormat("traktor", "traktor", "Traktor 4 NML", "collection.nml", 1e-3),
        DJFormat(
            "traktor-one-tempo",
            "traktor",
            "Traktor NML up to version 3",
            "collection.nml",
            float("inf"),
            options={"flexible": False},
        ),
        DJFormat("virtualdj", "virtualdj", "VirtualDJ database", "database.xml", 1e-3, spells=True),
        DJFormat("m3u", "m3u", "M3U8 playlist", "playlist.m3u8", None, merges=False),
    )
}
"""The formats of collections by name."""

_DATABASE = b"SQLite format 3\0"
_ROOTS = {
    b"<DJ_PLAYLISTS": "rekordbox",
    b"<NML": "traktor",
    b"<VirtualDJ_Database": "virtualdj",
    b"#EXTM3U": "m3u",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss of a track in a format.

    Parameters
    ----------
    location
        Of the track.
    deviation
        How far the beat that suffers most lies from its place [s]; None without a grid, infinity
        where the format has none.
    fields
        Names of the fields of `DJTrack` that come back otherwise; ``"bars"`` where downbeats do,
        ``"denominators"`` where eighths become quarters.
    """

    location: str
    deviation: float | None
    fields: tuple[str, ...]


def dj_format(name: str) -> DJFormat:
    """Return a format by its name."""
    if name not in DJ_FORMATS:
        raise UnknownName("DJ format", name, [*DJ_FORMATS, *DJ_STORES])
    return DJ_FORMATS[name]


def read_collection(path: str | os.PathLike[str], format: str | None = None) -> Collection:
    """Read the tracks of a program's file.

    Parameters
    ----------
    path
        The file.
    format
        Its name in `DJ_FORMATS` or `DJ_STORES`; None goes by what the file says.

    Raises
    ------
    FormatError
        Where the file is missing or does not follow its format.
    """
    if format in DJ_STORES:
        return DJ_STORES[format].load(path)
    data = _content(Path(path))
    if format is None and data.startswith(_DATABASE):
        return _read_database(path)
    if format is None:
        found = (name for root, name in _ROOTS.items() if root in data[:4096])
        format = next(found, None)
        if format is None:
            titles = [row.title for row in DJ_FORMATS.values()]
            known = ", ".join([*titles, *(row.title for row in DJ_STORES.values())])
            raise FormatError(f"{path} is of no DJ program that is known ({known})")
    return dj_format(format).loads(data, str(path))


def _read_database(path: str | os.PathLike[str]) -> Collection:
    """Return the collection of the first program that knows the database."""
    errors = []
    for row in (row for row in DJ_STORES.values() if row.file):
        try:
            return row.load(path)
        except FormatError as error:
            errors.append(str(error))
    raise FormatError(errors[0])


def save_collection(
    collection: Collection,
    path: str | os.PathLike[str],
    format: str,
    *,
    merge: bool = True,
    notation: str = "tag",
) -> None:
    """Write tracks into a program's file, which changes at once and whole.

    With `merge`, tracks and playlists go into a file that is there: what it says of them changes,
    all else stays, and a copy of it as it was is kept beside it (``.bak``). The program must not
    run meanwhile, as it writes what it knows when it ends.

    Raises
    ------
    FormatError
        Where the file that is there is of another kind.
    OSError
        Where it cannot be written.
    """
    row, target = dj_format(format), Path(path)
    into = _content(target) if merge and row.merges and target.exists() else None
    content = row.dumps(collection, into, str(path), notation)
    if content == into:
        return
    if into is not None:
        replace_file(target.with_name(target.name + ".bak"), into)
    replace_file(target, content)


def check_collection(path: str | os.PathLike[str], format: str, *, merge: bool = True) -> None:
    """Raise where `save_collection` could not write, so that this is known before the work.

    Raises
    ------
    FormatError
        Where the file that is there is of another kind.
    WriteError
        Where it, or its folder, cannot be written to.
    """
    row, target = dj_format(format), Path(path)
    check_writable(target)
    check_folder(target.parent)
    if merge and row.merges and target.exists():
        row.dumps(Collection(), _content(target), str(path))


def losses(collection: Collection, format: str) -> Iterator[Loss]:
    """Yield what each track loses in a format, found by writing and reading it.

    Examples
    --------
    >>> from mirkit.decoding.grid import BeatGrid
    >>> grid = BeatGrid([0.25, 60.25], [128.0, 120.0], 120.0)
    >>> tracks = Collection([DJTrack("/a.mp3", duration=120.0, grid=grid, sample_rate=44100)])
    >>> next(losses(tracks, "traktor")).fields
    ('sample_rate',)
    """
    if format in DJ_STORES:
        again = DJ_STORES[format].again(collection)
    else:
        row = dj_format(format)
        again = row.loads(row.dumps(collection), row.file)
    for track in collection.tracks:
        found = again.track(track.location)
        if found is None:
            yield Loss(track.location, float("inf"), ("location",))
            continue
        off = None if track.grid is None else deviation(track.grid, found.grid)
        yield Loss(track.location, off, tuple(_change(track, found)))


_COMPARED = ("title", "artist", "album", "genre", "comment", "duration", "sample_rate", "bit_rate",
             "size", "tempo", "key", "rating")  # fmt: skip


def _change(track: DJTrack, found: DJTrack) -> Iterator[str]:
    """Yield the names of the fields that came back otherwise."""
    for name in _COMPARED:
        a, b = getattr(track, name), getattr(found, name)
        if a is not None and a != "" and not _same(a, b):
            yield name
    if [_essence(cue) for cue in track.cues] != [_essence(cue) for cue in found.cues]:
        yield "cues"
    if track.grid is not None and found.grid is not None and track.grid.positions is not None:
        end = track.grid.end + found.grid.periods[-1] / 2  # where rounding moves the last beat
        beats, again = track.grid.beats(), with_bars(found.grid).extend(end).beats()
        assert again.positions is not None
        near = np.argmin(np.abs(again.times[:, None] - beats.times), axis=0)
        if np.any(again.positions[near] != beats.positions):
            yield "bars"
        if np.any(_notes(again)[near] != _notes(beats)):
            yield "denominators"


def _notes(beats: Beats) -> Ints:
    """Return the note that each beat is written as."""
    return np.full(len(beats), QUARTER) if beats.denominators is None else beats.denominators


def _essence(cue: Cue) -> tuple[Any, ...]:
    """Return what of a cue must come back; its time may be rounded to a millisecond."""
    return cue.kind, cue.number, cue.name, cue.color, cue.end is None, round(cue.time, 2)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= max(_ODD * a, 0.01)
    return bool(a == b)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FormatError(missing_message(path)) from None
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from None
