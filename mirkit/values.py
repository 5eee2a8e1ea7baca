"""Base of all values: they are frozen, and equal when all they hold is equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mirkit import markup


@dataclass(frozen=True, eq=False)
class Value:
    """Base of the frozen values, which compares arrays by content."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
            if field.compare
        )

    def __repr__(self) -> str:
        """Return one short line: ``Name(summary)``; arrays are told by their shapes."""
        return f"{type(self).__name__}({self.summary()})"

    def _repr_html_(self) -> str:
        """Return what notebooks show: the repr, and below it what `picture` draws."""
        return markup.card(type(self).__name__, self.summary(), self.picture())

    def picture(self) -> str:
        """Return the picture of a notebook as HTML; none as a rule."""
        return ""

    def summary(self) -> str:
        """Return the text within the parentheses of the repr."""
        known = ((each.name, getattr(self, each.name)) for each in fields(self))
        return ", ".join(f"{name}={_short(value)}" for name, value in known if value is not None)

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash


def count(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "beat"), count(2, "beat")
    ('1 beat', '2 beats')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def join(*parts: str | None) -> str:
    """Return the parts that are there, with commas between them."""
    return ", ".join(part for part in parts if part)


def sure(confidence: float | None) -> str | None:
    """Return a confidence as text, or None for None."""
    return None if confidence is None else f"confidence {confidence:.2f}"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {value.shape}>"
    if isinstance(value, tuple | Mapping) and len(value) > 4:
        return f"<{len(value)} items>"
    return repr(value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            a is not None and b is not None and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    return bool(a == b)
