"""Delivery: what a library knows goes into the files of DJ programs, as it comes.

What was delivered is remembered for each track and target: a track is written again only when the
library knows something new of it, and not where its grid was changed in the program since. A target
that its program has open waits, and is written when the program has ended. Programs' files are
backed up (``.bak``) by those who write them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirkit.errors import FormatError, WriteError
from mirkit.formats.dj import (
    DJ_STORES,
    Collection,
    DJTrack,
    dj_format,
    read_collection,
    save_collection,
    store_collection,
)
from mirkit.library.export import dj_track
from mirkit.library.rows import COLUMNS, TrackRow, track_row

if TYPE_CHECKING:
    from mirkit.library.core import Library

GRID_TASKS = ("beats",)
"""The tasks without which a track is not delivered."""

_AT_ONCE = 200  # tracks that are written together
_NOT_YET = "let it scan"  # in the reason of a program that will know the track later


@dataclass
class DeliveryReport:
    """The end of a delivery: counts and reasons.

    Parameters
    ----------
    n_done
        Tracks that were written.
    left
        Why tracks were left alone, by path.
    waiting
        Why nothing could be written now, or None; it is tried again the next time.
    """

    n_done: int = 0
    left: dict[str, str] = field(default_factory=dict)
    waiting: str | None = None

    def summary(self) -> str:
        """Return the counts as text."""
        if self.waiting is not None:
            return f"waiting: {self.waiting}"
        return f"{self.n_done} delivered" + (f", {len(self.left)} left" if self.left else "")


def deliver(
    library: Library, format: str, target: str | os.PathLike[str] | None = None
) -> DeliveryReport:
    """Write what is new to a DJ program.

    Parameters
    ----------
    library
        The library.
    format
        A row of `mirkit.formats.dj.DJ_FORMATS` or `DJ_STORES`.
    target
        The program's file or database; None where recordings hold it (Serato).

    Raises
    ------
    UnknownName
        Where there is no such format.
    FormatError
        Where the file that is there is of another kind.
    """
    if format not in DJ_STORES:
        dj_format(format)
    name = f"{format}:{'' if target is None else os.path.abspath(target)}"  # noqa: PTH100
    report = DeliveryReport()
    while rows := _pending(library, name):
        try:
            _deliver(library, format, target, name, rows, report)
        except FormatError:
            raise
        except WriteError as error:  # the program runs, or the disk is full
            report.waiting = str(error)
            break
    return report


def _pending(library: Library, target: str) -> list[tuple[TrackRow, float]]:
    """Return tracks of which the library knows more than was delivered, with the newest result."""
    sql = (
        f"select {COLUMNS}, (select max(made) from results where track = tracks.id and"
        " current and error_type is null) as newest from tracks where here > 0"
        " and exists (select 1 from results where track = tracks.id and task = ? and current"
        " and error_type is null)"
        " and newest > coalesce((select newest from deliveries where target = ?"
        " and track = tracks.id), 0) order by tracks.id limit ?"
    )
    rows = library.database.rows(sql, (*GRID_TASKS, target, _AT_ONCE))
    return [(track_row(row), float(row["newest"])) for row in rows]


def _deliver(
    library: Library,
    format: str,
    target: str | os.PathLike[str] | None,
    name: str,
    rows: Sequence[tuple[TrackRow, float]],
    report: DeliveryReport,
) -> None:
    """Write some tracks and remember it."""
    before = _grids(format, target, rows)
    left = {
        str(row.path): "its grid was changed there since it was delivered"
        for row, _ in rows
        if _is_changed(library, name, row, before.get(str(row.path)))
    }
    tracks = {str(row.path): dj_track(library, row) for row, _ in rows if str(row.path) not in left}
    left |= _write(Collection(tuple(tracks.values())), format, target)
    after = _grids(format, target, rows)
    with library.database.write() as db:
        for row, newest in rows:
            why = left.get(str(row.path))
            digest = after.get(str(row.path)) if why is None else before.get(str(row.path))
            db.execute(
                "insert or replace into deliveries values (?, ?, ?, ?, ?, ?)",
                (name, row.id, newest, digest, why, time.time()),
            )
    report.left |= left
    report.n_done += sum(str(row.path) not in left for row, _ in rows)


def _write(
    collection: Collection, format: str, target: str | os.PathLike[str] | None
) -> dict[str, str]:
    if not len(collection):
        return {}
    if format in DJ_STORES:
        return store_collection(collection, format, target)
    assert target is not None
    save_collection(collection, target, format)
    return {}


def _grids(
    format: str, target: str | os.PathLike[str] | None, rows: Sequence[tuple[TrackRow, float]]
) -> dict[str, str]:
    """Return a digest of the grid that a program holds of each track."""
    found: list[DJTrack] = []
    if target is None:
        places = [str(row.path) for row, _ in rows]
        found = [track for path in places for track in read_collection(path, format).tracks]
    elif Path(target).is_file():
        found = list(read_collection(target, format).tracks)
    wanted = {str(row.path) for row, _ in rows}
    return {track.location: _digest(track) for track in found if track.location in wanted}


def _digest(track: DJTrack) -> str:
    beats = "" if track.grid is None else str(track.grid.beats().times.round(4).tolist())
    return hashlib.sha256(beats.encode()).hexdigest()


def _is_changed(library: Library, name: str, row: TrackRow, digest: str | None) -> bool:
    """Return whether the grid of a track is another one than was delivered."""
    sql = "select digest from deliveries where target = ? and track = ? and why is null"
    delivered = library.database.value(sql, (name, row.id))
    return delivered is not None and digest is not None and delivered != digest


def retry_unknown(library: Library) -> None:
    """Let tracks be tried again that a program did not know yet."""
    with library.database.write() as db:
        db.execute("delete from deliveries where why like ?", (f"%{_NOT_YET}%",))


def watch(
    library: Library,
    format: str,
    target: str | os.PathLike[str] | None = None,
    *,
    every: float = 30.0,
    n_passes: int | None = None,
    tell: Callable[[str], None] | None = None,
    **analysis: Any,
) -> None:
    """Scan, analyze and deliver, again and again; folders on the network are seen too.

    Parameters
    ----------
    library
        The library.
    format, target
        As for `deliver`.
    every
        Time between two looks [s].
    n_passes
        How many looks, or None for ever.
    tell
        Is called with what was done, where something was.
    **analysis
        Arguments of `Library.analyze`.
    """
    last = ""
    for i in range(n_passes or 1 << 62):
        if i:
            time.sleep(every)
        library.add()
        report = library.analyze(**analysis)
        retry_unknown(library)
        text = deliver(library, format, target).summary()
        if report.n_done + report.n_failed:
            text = f"{report.summary()}; {text}"
        if tell is not None and text not in (last, "0 delivered"):
            tell(text)
        last = text
        if report.interrupted:
            return
