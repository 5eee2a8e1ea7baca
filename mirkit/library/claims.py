"""Claims: which process works on which track, so that two of them do no track twice.

The claims of a process that has died count no more: on this machine that is looked up, of another
machine it is taken for granted after an hour without a sign of life.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from mirkit.library.database import Database

SILENCE = 3600.0
"""How long a process of another machine may give no sign of life [s]."""

_SIGN = 5.0  # s between two signs of life


class Owner:
    """A process as the library knows it while it analyzes."""

    def __init__(self, database: Database) -> None:
        self.id = secrets.token_hex(8)
        _OURS.add(self.id)
        self._database = database
        self._seen = time.time()
        with database.write() as db:
            drop_dead(db)
            row = (self.id, socket.gethostname(), os.getpid(), _started(os.getpid()), self._seen)
            db.execute("insert into owners values (?, ?, ?, ?, ?)", row)

    def claim(self, db: sqlite3.Connection, tracks: list[int]) -> None:
        """Claim tracks, within a transaction."""
        rows = [(track, self.id) for track in tracks]
        db.executemany("insert into claims (track, owner) values (?, ?)", rows)

    def release(self, db: sqlite3.Connection, track: int) -> None:
        """Release a track, within a transaction; give a sign of life."""
        db.execute("delete from claims where track = ? and owner = ?", (track, self.id))
        if time.time() - self._seen > _SIGN:
            self._seen = time.time()
            db.execute("update owners set seen = ? where id = ?", (self._seen, self.id))

    def leave(self) -> None:
        """Release all that is claimed."""
        with self._database.write() as db:
            db.execute("delete from claims where owner = ?", (self.id,))
            db.execute("delete from owners where id = ?", (self.id,))
        _OURS.discard(self.id)


_OURS: set[str] = set()
"""The owners of this process that are at work."""


def drop_dead(db: sqlite3.Connection) -> None:
    """Remove the claims of processes that have died."""
    rows = db.execute("select id, host, process, started, seen from owners").fetchall()
    for number, host, process, started, seen in rows:
        if number not in _OURS and not _lives(host, process, started, seen):
            db.execute("delete from claims where owner = ?", (number,))
            db.execute("delete from owners where id = ?", (number,))


def _lives(host: str, process: int, started: str, seen: float) -> bool:
    if host != socket.gethostname() or os.name == "nt":
        return time.time() - seen < SILENCE
    if process == os.getpid():  # ours are known, so another one had the number before
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is someone else's, and alive
        return True
    return _started(process) == started


def _started(process: int) -> str:
    """Return when a process was started, in ticks; an empty text where that is not told."""
    with suppress(OSError):
        text = Path(f"/proc/{process}/stat").read_text()
        return text.rpartition(")")[2].split()[19]
    return ""
