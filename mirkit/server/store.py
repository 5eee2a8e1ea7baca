"""The store of a service: tracks, jobs, and corrections with their history, in SQLite.

Large things (recordings, waveforms, values of models) are files in the folder of their track.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mirkit.library.packing import pack, unpack
from mirkit.server.worker import VALUE

SCHEMA = """
create table if not exists tracks (
  id text primary key, name text not null, source text not null, uploaded integer not null,
  bytes integer not null, title text, artist text, duration real, created real not null);
create table if not exists jobs (
  id text primary key, track text not null references tracks on delete cascade,
  tasks text not null, status text not null, progress real not null, stage text not null,
  error_type text, error text, attempts integer not null, created real not null);
create index if not exists jobs_of on jobs (track, created);
create table if not exists edits (
  id integer primary key autoincrement, track text not null references tracks on delete cascade,
  task text not null, action text not null, body blob not null, undone integer not null,
  created real not null);
create index if not exists edits_of on edits (track, id);
"""

MOST_KNOWN = 128
"""Values that are kept unpacked."""

MOST_EDITS = 500
"""Corrections of a track that can be undone."""


@dataclass(frozen=True)
class TrackRow:
    """A track: its name, where its recording lies, and what is known of it."""

    id: str
    name: str
    source: str
    uploaded: int
    bytes: int
    title: str | None
    artist: str | None
    duration: float | None
    created: float


@dataclass(frozen=True)
class JobRow:
    """A job: queued, running, done, failed or canceled."""

    id: str
    track: str
    tasks: str
    status: str
    progress: float
    stage: str
    error_type: str | None
    error: str | None
    attempts: int
    created: float


@dataclass(frozen=True)
class EditRow:
    """A correction, without its body."""

    id: int
    task: str
    action: str
    undone: int
    created: float


_TRACK = ", ".join(field.name for field in fields(TrackRow))
_JOB = ", ".join(field.name for field in fields(JobRow))
_EDIT = ", ".join(field.name for field in fields(EditRow))


class Store:
    """The tracks, jobs and corrections of a service.

    Parameters
    ----------
    folder
        Where they are kept; it is made where there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = threading.RLock()
        self._known: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._db = sqlite3.connect(
            folder / "service.sqlite", check_same_thread=False, isolation_level=None, timeout=30
        )
        for setting in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on"):
            self._db.execute(f"pragma {setting}")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def place(self, track: str) -> Path:
        """Return the folder of a track."""
        return self.folder / "tracks" / track

    # Tracks

    def add_track(self, row: TrackRow) -> None:
        """Add a track; one that is known keeps what is known of it."""
        with self._write() as db:
            marks = ", ".join("?" * len(fields(TrackRow)))
            values = tuple(getattr(row, field.name) for field in fields(TrackRow))
            db.execute(f"insert or ignore into tracks ({_TRACK}) values ({marks})", values)

    def describe(self, track: str, **known: Any) -> None:
        """Keep the duration, the title and the artist of a track."""
        with self._write() as db:
            for name in ("duration", "title", "artist"):
                if known.get(name) is not None:
                    db.execute(f"update tracks set {name} = ? where id = ?", (known[name], track))

    def track(self, track: str) -> TrackRow | None:
        """Return a track, or None where there is none."""
        rows = self._rows(f"select {_TRACK} from tracks where id = ?", (track,))
        return TrackRow(*rows[0]) if rows else None

    def tracks(self, limit: int, offset: int) -> list[TrackRow]:
        """Return tracks, the newest first."""
        sql = f"select {_TRACK} from tracks order by created desc, id limit ? offset ?"
        return [TrackRow(*row) for row in self._rows(sql, (limit, offset))]

    def counts(self) -> tuple[int, int]:
        """Return the number of tracks, and the bytes of those that were uploaded."""
        sql = "select count(*), coalesce(sum(bytes * uploaded), 0) from tracks"
        ((n, n_bytes),) = self._rows(sql)
        return n, n_bytes

    def remove_track(self, track: str) -> None:
        """Forget a track, its jobs and corrections, and the files that were made of it."""
        with self._write() as db:
            db.execute("delete from tracks where id = ?", (track,))
        shutil.rmtree(self.place(track), ignore_errors=True)

    # Jobs

    def save_job(self, row: JobRow) -> None:
        """Add a job, or keep its new state."""
        marks = ", ".join("?" * len(fields(JobRow)))
        values = tuple(getattr(row, field.name) for field in fields(JobRow))
        with self._write() as db:
            db.execute(f"insert or replace into jobs ({_JOB}) values ({marks})", values)

    def job(self, job: str) -> JobRow | None:
        """Return a job, or None where there is none."""
        rows = self._rows(f"select {_JOB} from jobs where id = ?", (job,))
        return JobRow(*rows[0]) if rows else None

    def jobs(self, status: Sequence[str] = (), track: str | None = None) -> list[JobRow]:
        """Return jobs of some states, or of a track, the oldest first."""
        where, values = ["1"], list[Any](status)
        if status:
            where.append(f"status in ({', '.join('?' * len(status))})")
        if track is not None:
            where.append("track = ?")
            values.append(track)
        sql = f"select {_JOB} from jobs where {' and '.join(where)} order by created, rowid"
        return [JobRow(*row) for row in self._rows(sql, values)]

    # Values and corrections

    def value(self, track: str, task: str) -> tuple[Any, int]:
        """Return the annotation of a track and its revision; None where there is none.

        Revision 0 is what the model found; higher ones are corrections.
        """
        sql = (
            "select id, body from edits where track = ? and task = ? and undone = 0"
            " order by id desc limit 1"
        )
        rows = self._rows(sql, (track, task))
        if rows:
            number, body = rows[0]
            return self._memo((f"{self.folder} edit", number), lambda: unpack(body)), int(number)
        return self.found(track, f"{task}{VALUE}"), 0

    def found(self, track: str, name: str) -> Any:
        """Return a value that a worker wrote, or None where it wrote none."""
        path = self.place(track) / name
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            return None
        return self._memo((str(path), stamp), lambda: unpack(path.read_bytes()))

    def _memo(self, key: tuple[str, int], make: Callable[[], Any]) -> Any:
        """Return a value that was unpacked before, or unpack it now and remember it."""
        with self._lock:
            if key not in self._known:
                self._known[key] = make()
            self._known.move_to_end(key)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            return self._known[key]

    def correct(self, track: str, task: str, action: str, value: Any) -> int:
        """Keep a correction and return its revision; what was undone before cannot come back."""
        with self._write() as db:
            db.execute("delete from edits where track = ? and undone = 1", (track,))
            made = db.execute(
                "insert into edits (track, task, action, body, undone, created)"
                " values (?, ?, ?, ?, 0, ?)",
                (track, task, action, pack(value), time.time()),
            )
            db.execute(
                "delete from edits where track = ? and id not in (select id from edits"
                " where track = ? order by id desc limit ?)",
                (track, track, MOST_EDITS),
            )
        return int(made.lastrowid or 0)

    def step(self, track: str, *, forward: bool) -> EditRow | None:
        """Undo the last correction of a track, or redo the first that was undone; None for none."""
        order, undone = ("asc", 1) if forward else ("desc", 0)
        with self._write() as db:
            row = db.execute(
                f"select {_EDIT} from edits where track = ? and undone = ?"
                f" order by id {order} limit 1",
                (track, undone),
            ).fetchone()
            if row is None:
                return None
            db.execute("update edits set undone = ? where id = ?", (1 - undone, row[0]))
        return EditRow(*row)

    def history(self, track: str) -> list[EditRow]:
        """Return the corrections of a track, the oldest first."""
        sql = f"select {_EDIT} from edits where track = ? order by id"
        return [EditRow(*row) for row in self._rows(sql, (track,))]

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                self._db.execute("rollback")
                raise
