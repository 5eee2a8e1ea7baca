"""The tables that come with sound sets, read with errors that guess what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirkit.errors import FormatError, ParameterError

Row = dict[str, str]


@dataclass(frozen=True)
class Root:
    """The folder of a set.

    Parameters
    ----------
    path
        The folder.
    title
        Name of the set, for messages.
    """

    path: Path
    title: str

    def file(self, place: str) -> Path:
        """Return a file of the set.

        Raises
        ------
        ParameterError
            Where it is not there; where it lies deeper, the message says which folder to give.
        """
        path = self.path / place
        if path.is_file():
            return path
        if not self.path.is_dir():
            raise ParameterError(
                f"{self.path} is no folder; it is where {self.title} was unpacked, with {place} "
                "in it"
            )
        raise ParameterError(f"{self.path} holds no {place}. {self._guess(place)}")

    def has(self, place: str) -> bool:
        """Return whether a file is there."""
        return (self.path / place).is_file()

    def table(self, place: str, columns: Sequence[str], separator: str = ",") -> list[Row]:
        """Return the rows of a table with a header.

        Raises
        ------
        FormatError
            Where it lacks one of `columns`, or a row is short.
        """
        path = self.file(place)
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, delimiter=separator)
            lacking = [name for name in columns if name not in (reader.fieldnames or ())]
            if lacking:
                raise FormatError(
                    f"{path} lacks the columns {', '.join(lacking)}; it has "
                    f"{', '.join(reader.fieldnames or ()) or 'none'}. Is it of another set, or was "
                    "it saved anew with another separator?"
                )
            rows = list(reader)
        for i, row in enumerate(rows, 2):
            if any(row[name] is None for name in columns):
                raise FormatError(f"{path}, line {i} is cut short: {list(row.values())}")
        return rows

    def lines(self, place: str, comment: str = "#") -> list[str]:
        """Return the lines of a file, empty ones and comments left out."""
        text = self.file(place).read_text(encoding="utf-8")
        return [line for line in text.splitlines() if line.strip() and not line.startswith(comment)]

    def _guess(self, place: str) -> str:
        name = Path(place).name
        inside = sorted(self.path.glob(f"*/{place}")) or sorted(self.path.glob(f"*/*/{place}"))
        if inside:
            found = inside[0].parents[len(Path(place).parts) - 1]
            return f"It lies in {found}: give that folder."
        if any((above / place).is_file() for above in self.path.resolve().parents):
            return f"It lies further up: give the folder that holds {place}."
        if list(self.path.glob(f"**/{name}"))[:1]:
            return f"There is a {name} elsewhere in it; keep the layout of the archive."
        return f"Were only the recordings of {self.title} unpacked, and not its tables?"


def number(text: str, where: str) -> int:
    """Return a whole number of a table.

    Raises
    ------
    FormatError
        Where it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise FormatError(f"{where} is {text!r}; it is a whole number") from None
