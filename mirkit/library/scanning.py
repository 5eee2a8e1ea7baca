"""Scanning: what is new, changed, moved or gone among the files of a library.

A file whose path, size and time of change are known is taken as it was. Others are hashed: one with
the content of a file that is gone has moved; one with the content of a file that is there is a
copy. A track stays where its files are gone, with all that is known of it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mirkit.audio.sources import content_hash, missing_message, track
from mirkit.errors import AudioError
from mirkit.library.database import Database, from_sql, to_sql
from mirkit.library.rows import COLUMNS, TrackRow, track_row
from mirkit.library.walking import Seen, walk

_BATCH = 200  # files that are written at once


@dataclass
class ScanReport:
    """Result of a scan.

    Parameters
    ----------
    n_new, n_changed, n_moved, n_copies, n_unchanged
        Counts of files.
    n_missing
        Files that were there before and are not now.
    failed
        Why files could not be read, by path.
    absent
        Folders of the library that are not there, as on a drive that is not plugged in: their
        files are left as they were.
    """

    n_new: int
    n_changed: int
    n_moved: int
    n_copies: int
    n_unchanged: int
    n_missing: int
    failed: dict[str, str]
    absent: tuple[str, ...]

    @classmethod
    def empty(cls) -> ScanReport:
        """Return the report of nothing."""
        return cls(0, 0, 0, 0, 0, 0, {}, ())

    def summary(self) -> str:
        """Return the counts that are not 0, as text."""
        counts = {
            "new": self.n_new,
            "changed": self.n_changed,
            "moved": self.n_moved,
            "copied": self.n_copies,
            "unchanged": self.n_unchanged,
            "missing": self.n_missing,
            "unreadable": len(self.failed),
        }
        return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "no files"


@dataclass(frozen=True, slots=True)
class _Known:
    """Rows of the library for a path."""

    id: int
    size: int
    mtime_ns: int
    track: int | None
    state: str


def add_roots(database: Database, paths: Sequence[str | os.PathLike[str]]) -> None:
    """Make folders and files part of a library.

    Raises
    ------
    AudioError
        Where one is not there.
    """
    wholes = [os.path.abspath(path) for path in paths]  # noqa: PTH100  # links stay
    for path in wholes:
        if not Path(path).exists():
            raise AudioError(missing_message(Path(path)))
    with database.write() as db:
        for path in wholes:
            db.execute(
                "insert into roots (path, added) values (?, ?) on conflict do nothing",
                (to_sql(path), time.time()),
            )


def roots(database: Database) -> list[str]:
    """Return the folders and files that a library is of."""
    return [from_sql(row[0]) for row in database.rows("select path from roots order by path")]


def scan(
    database: Database,
    *,
    verify: bool = False,
    progress: Callable[[str], None] | None = None,
) -> ScanReport:
    """Look for new, changed, moved and missing files.

    Parameters
    ----------
    database
        Of the library.
    verify
        Whether to hash files again whose size and time of change are as they were.
    progress
        Is called with the path of each file that is hashed.
    """
    report = ScanReport.empty()
    places = roots(database)
    report.absent = tuple(place for place in places if not os.path.lexists(place))
    known = _known(database)
    seen = walk([place for place in places if place not in report.absent])
    todo = _to_hash(seen, known, verify, report)
    while batch := list(islice(todo, _BATCH)):
        hashed = [_hash(each, progress) for each in batch]
        with database.write() as db:
            for each, digest, why in hashed:
                _write(db, each, digest, why, known.get(each.path), report)
    _mark_missing(database, known, report)
    return report


def _known(database: Database) -> dict[str, _Known]:
    rows = database.rows("select path, id, size, mtime_ns, track, state from files")
    return {from_sql(row[0]): _Known(*row[1:]) for row in rows}


def _to_hash(
    seen: Iterable[Seen], known: dict[str, _Known], verify: bool, report: ScanReport
) -> Iterator[Seen]:
    """Yield the files that must be read; take those that are seen unchanged out of `known`."""
    for each in seen:
        old = known.get(each.path)
        same = (
            old is not None
            and old.state == "here"
            and (old.size, old.mtime_ns) == (each.size, each.mtime_ns)
        )
        if same and not verify and each.reason is None:
            report.n_unchanged += 1
            del known[each.path]
        else:
            yield each


def _hash(
    seen: Seen, progress: Callable[[str], None] | None
) -> tuple[Seen, str | None, str | None]:
    """Return a file with the hash of its content, or why it cannot be read."""
    if progress is not None:
        progress(seen.path)
    if seen.reason is not None:
        return seen, None, seen.reason
    if seen.size == 0:
        return seen, None, f"{seen.path} is empty (0 bytes). Did its download or export fail?"
    try:
        return seen, content_hash(track(seen.path)), None
    except OSError as error:
        return seen, None, str(error)


def _write(
    db: sqlite3.Connection,
    seen: Seen,
    digest: str | None,
    why: str | None,
    old: _Known | None,
    report: ScanReport,
) -> None:
    """Write what was found of one file."""
    if digest is None:
        report.failed[seen.path] = str(why)
        _put_file(db, seen, None, "unreadable", why)
        return
    found = db.execute("select id from tracks where content_hash = ?", (digest,)).fetchone()
    number = None if found is None else int(found[0])
    if old is not None and old.track is not None and old.track == number:
        report.n_unchanged += old.state == "here"
        report.n_moved += old.state != "here"
    elif old is not None and old.track is not None:
        report.n_changed += 1
        number = number or _changed_track(db, old.track, digest)
    elif number is not None:
        number = _moved_or_copied(db, number, report)
    else:
        report.n_new += 1
    _put_file(db, seen, number or _new_track(db, seen, digest), "here", None)


def _moved_or_copied(db: sqlite3.Connection, number: int, report: ScanReport) -> int:
    """Count a known content at a new path; drop the path that it has left."""
    rows = db.execute("select id, path from files where track = ?", (number,)).fetchall()
    gone = [row[0] for row in rows if not os.path.lexists(from_sql(row[1]))]
    if gone or not rows:
        report.n_moved += 1
        db.execute("delete from files where id = ?", (gone[0] if gone else None,))
    else:
        report.n_copies += 1
    return number


def _changed_track(db: sqlite3.Connection, old: int, digest: str) -> int | None:
    """Return a new track that remembers the audio of the old one, in case only tags changed."""
    row = db.execute("select audio_hash from tracks where id = ?", (old,)).fetchone()
    if row is None or row[0] is None:
        return None
    cursor = db.execute(
        "insert into tracks (content_hash, audio_hash, name, added)"
        " select ?, audio_hash, name, ? from tracks where id = ?",
        (digest, time.time(), old),
    )
    return cursor.lastrowid


def _new_track(db: sqlite3.Connection, seen: Seen, digest: str) -> int:
    path = Path(seen.path)
    name = f"{path.parent.name} {path.stem}".encode("utf-8", "replace").decode()
    cursor = db.execute(
        "insert into tracks (content_hash, name, title, added) values (?, ?, ?, ?)",
        (digest, name, path.stem.encode("utf-8", "replace").decode(), time.time()),
    )
    return int(cursor.lastrowid or 0)


def _put_file(
    db: sqlite3.Connection, seen: Seen, number: int | None, state: str, why: str | None
) -> None:
    db.execute(
        "insert into files (path, size, mtime_ns, track, state, error_type, error_message, added)"
        " values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (path) do update set size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, track = excluded.track, state = excluded.state,"
        " error_type = excluded.error_type, error_message = excluded.error_message",
        (
            to_sql(seen.path), seen.size, seen.mtime_ns, number, state,
            None if why is None else "AudioError", why, time.time(),
        ),
    )  # fmt: skip


def _mark_missing(database: Database, known: dict[str, _Known], report: ScanReport) -> None:
    """Mark the files that were not seen, but for those of folders that are not there."""
    gone = [
        path
        for path in known
        if not os.path.exists(path)  # noqa: PTH110  # as bytes of no text would fail
        and path not in report.failed
        and not any(_is_below(path, x) for x in report.absent)
    ]
    with database.write() as db:
        for path in gone:
            changed = db.execute(
                "update files set state = 'missing' where path = ? and state != 'missing'",
                (to_sql(path),),
            )
            report.n_missing += changed.rowcount


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def remove_roots(database: Database, paths: Sequence[str | os.PathLike[str]]) -> int:
    """Take folders and files out of a library; return how many tracks went with them.

    Tracks that lie elsewhere too stay.
    """
    n_removed = 0
    for path in paths:
        whole = os.path.abspath(path)  # noqa: PTH100  # links stay
        known = _known(database)
        inside = [(each,) for place, each in _ids(known) if _is_below(place, whole)]
        with database.write() as db:
            db.execute("delete from roots where path = ?", (to_sql(whole),))
            db.executemany("delete from files where id = ?", inside)
            n_removed += _drop_orphans(db)
    return n_removed


def _ids(known: dict[str, _Known]) -> Iterator[tuple[str, int]]:
    return ((path, each.id) for path, each in known.items())


def forget_missing(database: Database) -> int:
    """Remove the files that are gone, and tracks that lie nowhere else; return how many tracks."""
    with database.write() as db:
        db.execute("delete from files where state = 'missing'")
        return _drop_orphans(db)


def _drop_orphans(db: sqlite3.Connection) -> int:
    return db.execute(
        "delete from tracks where not exists (select 1 from files where track = tracks.id)"
    ).rowcount


def duplicates(database: Database) -> Iterator[list[TrackRow]]:
    """Yield groups of tracks that hold the same samples, and tracks that lie at several paths."""
    groups = database.rows(
        "select group_concat(id) from tracks where audio_hash is not null and here > 0"
        " and status != 'new' group by audio_hash having count(*) > 1 or max(here) > 1"
    )
    for (ids,) in groups:
        sql = f"select {COLUMNS} from tracks where id in ({ids}) order by id"
        yield [track_row(row) for row in database.rows(sql)]
