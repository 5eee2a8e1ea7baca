"""The connections of a library: one writer at a time, readers that never wait, short transactions.

The database is SQLite in WAL mode. Each thread has a connection of its own. A commit is in the file
when the call returns; where the power fails the last ones may be missing, and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mirkit.errors import FormatError, MirkitError, WriteError
from mirkit.library.schema import APPLICATION_ID, MIGRATIONS, VERSION

WAIT = 60.0
"""How long a writer waits for another one [s]."""

_SETTINGS = ("foreign_keys = on", "synchronous = normal", "temp_store = memory")


class LibraryError(WriteError):
    """The database of a library cannot be written: the disk is full, or it is locked."""


class Database:
    """The database of a library.

    Parameters
    ----------
    path
        The file; it is made where there is none, unless `read_only`.
    read_only
        Whether nothing may be written.

    Raises
    ------
    FormatError
        Where the file is no library, or one of a newer version.
    WriteError
        Where it cannot be made or written.
    """

    def __init__(self, path: str | os.PathLike[str], read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._writing = threading.RLock()
        with self._explaining():
            self._prepare()

    def _prepare(self) -> None:
        if self.read_only and not self.path.is_file():
            raise FormatError(f"{self.path} is not there; mirkit library add FOLDER makes it")
        if not self.path.parent.is_dir():
            raise LibraryError(f"{self.path} cannot be made: {self.path.parent} is no folder")
        version = self._check_version()
        if version < VERSION and not self.read_only:
            self._migrate(version)

    def _check_version(self) -> int:
        """Return the version of the schema, 0 for an empty file."""
        version = int(self.value("pragma user_version"))
        mark = int(self.value("pragma application_id"))
        if mark != APPLICATION_ID and self.value("select count(*) from sqlite_master"):
            raise FormatError(f"{self.path} is a database, but no library of mirkit")
        if version > VERSION:
            raise FormatError(
                f"{self.path} has schema {version}, and this version of mirkit knows {VERSION}. "
                "Update mirkit"
            )
        return version

    def _migrate(self, version: int) -> None:
        if version:
            self.back_up(self.path.with_name(f"{self.path.name}.v{version}.bak"))
        self.connection.execute("pragma journal_mode = wal")
        with self.write() as db:  # another process may have been faster
            for step in range(int(self.value("pragma user_version")), VERSION):
                for statement in _statements(MIGRATIONS[step]):
                    db.execute(statement)
            db.execute(f"pragma application_id = {APPLICATION_ID}")
            db.execute(f"pragma user_version = {VERSION}")

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._connect()
            self._local.connection = found
            self._all.append(found)
        return found

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rwc"
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        made = sqlite3.connect(
            uri, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False
        )
        made.row_factory = sqlite3.Row
        for setting in _SETTINGS:
            made.execute(f"pragma {setting}")
        return made

    def rows(self, sql: str, values: Any = ()) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._explaining():
            return self.connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Any = ()) -> Any:
        """Return the first column of the first row of a query, or None where there is none."""
        with self._explaining():
            row = self.connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within a transaction, which is kept whole or not at all."""
        with self._writing, self._explaining():
            db = self.connection
            if db.in_transaction:
                yield db
                return
            db.execute("begin immediate")
            try:
                yield db
                db.execute("commit")
            except BaseException:
                _roll_back(db)
                raise

    def back_up(self, path: str | os.PathLike[str]) -> Path:
        """Write a copy of the whole database, also while others write, and return its path."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.tmp")
        with self._explaining():
            partial.unlink(missing_ok=True)
            with closing(sqlite3.connect(partial)) as copy:
                self.connection.backup(copy)
            partial.replace(target)
        return target

    def problems(self) -> list[str]:
        """Return what is wrong with the database: damage, and rows that refer to nothing."""
        found = [str(row[0]) for row in self.rows("pragma integrity_check")]
        broken = [f"{row[0]} row {row[1]}" for row in self.rows("pragma foreign_key_check")]
        return [text for text in found if text != "ok"] + broken

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._all:
            self._all.pop().close()
        self._local = threading.local()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what SQLite and the system say into errors of mirkit."""
        try:
            yield
        except MirkitError:
            raise
        except sqlite3.DatabaseError as error:
            raise _explain(self.path, error) from error
        except PermissionError as error:
            raise LibraryError(f"{self.path} cannot be written: {error.strerror}") from error


def _roll_back(db: sqlite3.Connection) -> None:
    """Undo a transaction; a full disk has undone it already."""
    if db.in_transaction:
        db.execute("rollback")


def _explain(path: Path, error: sqlite3.DatabaseError) -> Exception:
    text = str(error)
    if "full" in text:
        return LibraryError(
            f"{path}: the disk is full; what was stored is kept. Free some space and run it again"
        )
    if "locked" in text:
        return LibraryError(f"{path} is locked by another program for more than {WAIT:.0f} s")
    if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
        return LibraryError(f"{path} cannot be read or written: {text}")
    return FormatError(f"{path} is no database, or a damaged one: {text}")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; triggers hold semicolons of their own."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement
            statement = ""


def to_sql(path: str) -> str | bytes:
    """Return a path as it is stored: as bytes where it is no Unicode text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def from_sql(path: str | bytes) -> str:
    """Return the path that is stored."""
    return os.fsdecode(path)
