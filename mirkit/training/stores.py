"""What all stores to train on share: values in one file that is mapped, a list of them in another.

A store is only ever appended to, so training may begin while more is still being made, and a
process that is killed while it appends leaves nothing that the next one does not mend.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError

INDEX = "index.jsonl"


@dataclass
class Appender:
    """A store while it is written.

    Parameters
    ----------
    rows
        What it lists, without its header.
    first
        Where the next values begin.
    index, values
        Its files.
    """

    rows: list[dict[str, Any]]
    first: int
    index: IO[str]
    values: IO[bytes]

    def append(self, values: NDArray[Any], row: Mapping[str, Any]) -> None:
        """Write values, then list them by `row`, which says their number and what they are."""
        self.values.write(values.tobytes())
        self.values.flush()
        self.index.write(json.dumps(row) + "\n")
        self.index.flush()
        self.rows.append(dict(row))
        self.first += len(values)


@contextmanager
def appending(
    folder: str | Path, name: str, header: Mapping[str, Any], counted_by: str, width: int
) -> Iterator[Appender]:
    """Open a store to append to, or begin one; other processes that want to wait meanwhile.

    Parameters
    ----------
    folder
        The store.
    name
        Name of the file of values.
    header
        What all its values have in common.
    counted_by
        The field of each row that holds how many values it lists.
    width
        Bytes of one value.

    Raises
    ------
    ParameterError
        Where the store was begun with another header.
    """
    from filelock import FileLock

    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        _heal(folder / INDEX)
        rows = list(rows_of(folder / INDEX))
        if rows and rows[0] != header:
            raise ParameterError(
                f"the store {folder} was made with {rows[0]}, and {dict(header)} is asked for; "
                "name another"
            )
        first = sum(row[counted_by] for row in rows[1:])
        with (folder / INDEX).open("a") as index, (folder / name).open("ab") as values:
            values.truncate(width * first)  # what a killed process wrote and did not list
            if not rows:
                index.write(json.dumps(header) + "\n")
            yield Appender(rows[1:], first, index, values)


def mapped(path: Path, dtype: type[np.generic], width: int) -> NDArray[Any]:
    """Return the values of a store, shape ``(n, width)``, mapped from their file."""
    return np.memmap(path, dtype, "r").reshape(-1, width)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of an index, but for half a row at its end."""
    if path.is_file():
        with path.open() as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)


def _heal(path: Path) -> None:
    """Drop the half row that a killed process left."""
    if path.is_file():
        whole = path.read_bytes().rpartition(b"\n")
        with path.open("r+b") as file:
            file.truncate(len(whole[0]) + len(whole[1]))
