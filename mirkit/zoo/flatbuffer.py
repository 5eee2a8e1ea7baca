"""Flatbuffers: tables whose fields lie at offsets, read in place and never past an end.

A table begins with the distance back to its vtable, which says where each field lies; vectors,
strings and tables in fields are offsets forward. `Table` reads fields by number, as schemas do.

References
----------
FlatBuffers documentation: FlatBuffers internals.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Damaged(ValueError):
    """An offset, a length or a text that no writer of flatbuffers makes."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a flatbuffer; fields that are not there have their default.

    Parameters
    ----------
    content
        The whole buffer.
    place
        Where the table begins [bytes].

    Raises
    ------
    Damaged
        By any method, where it would read outside the buffer.
    """

    content: memoryview
    place: int

    @classmethod
    def root(cls, content: bytes) -> Table:
        """Return the table that a buffer is about."""
        view = memoryview(content)
        return cls(view, _forward(view, 0))

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Return a whole number, whose kind is a `struct` code."""
        place = self._field(field)
        return default if place is None else int(_unpack(self.content, place, code))

    def text(self, field: int) -> str:
        """Return a text, or an empty one."""
        try:
            return self.vector(field, "u1").tobytes().decode()
        except UnicodeDecodeError as error:
            raise Damaged(f"a name is no UTF-8: {error}") from None

    def table(self, field: int) -> Table | None:
        """Return a table within this one, or None."""
        place = self._field(field)
        return None if place is None else Table(self.content, _forward(self.content, place))

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables, or an empty one."""
        first, n = self._vector(field, 4)
        places = range(first, first + 4 * n, 4)
        return [Table(self.content, _forward(self.content, place)) for place in places]

    def vector(self, field: int, dtype: str) -> NDArray[Any]:
        """Return a vector of numbers, read-only, of a little-endian numpy type such as ``"<i4"``.

        It is a view of the buffer; where there is none, it is empty.
        """
        first, n = self._vector(field, np.dtype(dtype).itemsize)
        return np.frombuffer(self.content, dtype, n, first) if n else np.empty(0, dtype)

    def _vector(self, field: int, itemsize: int) -> tuple[int, int]:
        """Return where the items of a vector begin, and how many there are."""
        place = self._field(field)
        if place is None:
            return 0, 0
        start = _forward(self.content, place)
        n = int(_unpack(self.content, start, "I"))
        if start + 4 + n * itemsize > len(self.content):
            raise Damaged(f"a vector of {n} items at byte {start} runs past the end")
        return start + 4, n

    def _field(self, field: int) -> int | None:
        """Return where a field lies, or None where it is not there."""
        vtable = self.place - int(_unpack(self.content, self.place, "i"))
        at = 4 + 2 * field
        if at + 2 > int(_unpack(self.content, vtable, "H")):
            return None
        offset = int(_unpack(self.content, vtable + at, "H"))
        return self.place + offset if offset else None


def _forward(content: memoryview, place: int) -> int:
    return place + int(_unpack(content, place, "I"))


def _unpack(content: memoryview, place: int, code: str) -> Any:
    if not 0 <= place <= len(content) - struct.calcsize("<" + code):
        raise Damaged(f"an offset leads to byte {place} of {len(content)}")
    return struct.unpack_from("<" + code, content, place)[0]
