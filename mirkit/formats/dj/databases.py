"""Databases that belong to a program: opened where nobody else uses them, and changed at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mirkit.audio.sources import missing_message
from mirkit.errors import FormatError
from mirkit.formats.atomic import ProtectedFile, check_writable, replace_file
from mirkit.formats.dj.running import holders

_WAIT = 2.0  # [s] for a lock


@contextmanager
def open_database(
    path: Path, program: str, check: Callable[[sqlite3.Connection, Path], None], write: bool
) -> Iterator[sqlite3.Connection]:
    """Give a connection to a program's database.

    Parameters
    ----------
    path
        The database.
    program
        What its program is called.
    check
        Raises where the database is none of the program's, or of an unknown version.
    write
        Whether it is to be changed, which the program must not have open then.

    Raises
    ------
    FormatError
        Where there is no such database, or it is damaged.
    WriteError
        Where it cannot be changed, or the program has it open.
    """
    if not path.is_file():
        raise FormatError(missing_message(path))
    if write:
        check_writable(path)
    if write and (programs := holders(path, program.lower())):
        raise ProtectedFile(
            f"{path} is in use by {', '.join(programs)}, which would write over what is written. "
            "Quit it first"
        )
    mode = "rw" if write else "ro"
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(
            sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None)
        ) as database:
            database.row_factory = sqlite3.Row
            check(database, path)
            yield database
    except sqlite3.DatabaseError as error:
        raise _explain(path, program, error) from None


def _explain(path: Path, program: str, error: sqlite3.DatabaseError) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return ProtectedFile(f"{path} cannot be changed: {error}. Is {program} running?")
    return FormatError(f"{path} is no whole database of {program}: {error}")


def back_up(database: sqlite3.Connection, path: Path) -> None:
    """Keep a copy of the database as it is beside it (``.bak``)."""
    replace_file(path.with_name(path.name + ".bak"), database.serialize())


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Make all changes at once, or none."""
    database.execute("begin exclusive")
    try:
        yield
    except BaseException:
        if database.in_transaction:
            database.execute("rollback")
        raise
    database.execute("commit")
