"""Recordings of any length as windows on a fixed grid, while they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import ClassVar, Literal, Protocol

import numpy as np

from mirkit import checks
from mirkit.activations import HeadSpec
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError

Average = Literal["logits", "probabilities"]

ALIGNMENT = 8
"""Context begins at multiples of it, so heads may have one row for 2, 4 or 8 places."""


@dataclass(frozen=True, eq=False)
class Window:
    """A piece of a recording.

    Parameters
    ----------
    start
        Its place in the recording [places: frames or samples].
    values
        Shape ``(n_places, …)``.
    kept
        Places of the window whose rows count in heads by frame: from, to.
    weight
        How much it counts in heads at clip level.
    is_last
        Whether nothing comes after.
    """

    start: int
    values: Floats32
    kept: tuple[Fraction, Fraction]
    weight: int
    is_last: bool

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, step: Fraction) -> slice:
        """Return the rows that count of a head with a row for every `step` places."""
        first, last = self.kept
        end = -(-last // step) if self.is_last else last // step
        return slice(int(first // step), int(end))


class Strategy(Protocol):
    """A way to cut recordings; `average` is the domain in which clip-level heads are averaged."""

    average: ClassVar[Average]

    @property
    def hop(self) -> int:
        """Places from a window to the next."""
        ...

    def check(self, heads: Mapping[str, HeadSpec]) -> None:
        """Raise `ParameterError` where the rows of a head do not meet the windows."""
        ...

    def cut(self, places: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows of consecutive pieces of a recording."""
        ...


@dataclass(frozen=True)
class Context:
    """Windows with as much context as a network looks at; what it says of the context is discarded.

    So the result is that of the whole recording, up to rounding. A recording no longer than a
    window with its context is one window.

    Parameters
    ----------
    hop
        Places that each window adds.
    before, after
        Context: the receptive field of the network.

    Examples
    --------
    >>> windows = Context(hop=8, before=2, after=2).cut([np.zeros((20, 1), np.float32)])
    >>> [(window.start, len(window), window.rows(Fraction(1))) for window in windows]
    [(0, 10, slice(0, 8, None)), (0, 18, slice(8, 16, None)), (8, 12, slice(8, 12, None))]
    """

    hop: int
    before: int
    after: int
    average: ClassVar[Average] = "logits"

    def __post_init__(self) -> None:
        checks.positive("hop", self.hop)

    def check(self, heads: Mapping[str, HeadSpec]) -> None:
        """Raise `ParameterError` where the rows of a head do not meet the windows."""
        for name, spec in heads.items():
            if spec.per == "frame" and (self.hop % spec.step or ALIGNMENT % spec.step):
                raise ParameterError(
                    f"the head {name!r} has a row for {spec.step} frames, and windows add "
                    f"{self.hop}: rows stand for 1, 2, 4 or 8 frames, and hop is a multiple"
                )

    def cut(self, places: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows; one with its context is kept, and a piece."""
        start, first, rest = 0, 0, None  # of the next window; of what is kept
        whole = self.hop + self.before + self.after
        for piece in places:
            rest = piece if rest is None else np.concatenate([rest, piece])
            while first + len(rest) > max(start + self.hop + self.after, whole if not start else 0):
                yield self._window(start, first, rest, is_last=False)
                start += self.hop
                gone = self._first(start) - first
                first, rest = first + gone, rest[gone:]
        if rest is None:
            return
        end = first + len(rest)
        if not start and end <= whole:
            yield Window(0, rest, (Fraction(0), Fraction(end)), end, True)
            return
        for each in range(start, end, self.hop):
            yield self._window(each, first, rest, is_last=each + self.hop >= end)

    def _first(self, start: int) -> int:
        return max(0, start - self.before) // ALIGNMENT * ALIGNMENT

    def _window(self, start: int, first: int, rest: Floats32, *, is_last: bool) -> Window:
        """Return the window that adds the places from `start`; `rest` begins at `first`."""
        begin = self._first(start)
        end = min(start + self.hop, first + len(rest))
        values = rest[begin - first : end + self.after - first]
        kept = Fraction(start - begin), Fraction(end - begin)
        return Window(begin, values, kept, end - start, is_last)


@dataclass(frozen=True)
class Overlap:
    """Windows of `length` that begin at every multiple of `hop`, averaged where they overlap.

    There are as many as the recording needs: the last one holds what the one before it lacked, and
    what both have in common. So it is longer than the overlap, ``length - hop``, unless the whole
    recording is not. Heads by frame change from a window to the next in the middle of the overlap.

    Parameters
    ----------
    length, hop
        In places.

    Examples
    --------
    >>> windows = Overlap(length=4, hop=3).cut([np.zeros(8, np.float32)])
    >>> [(window.start, len(window)) for window in windows]
    [(0, 4), (3, 4), (6, 2)]
    """

    length: int
    hop: int
    average: ClassVar[Average] = "probabilities"

    def check(self, heads: Mapping[str, HeadSpec]) -> None:
        """Accept all heads: rows change in the middle of the overlap."""

    def cut(self, places: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows; one is kept, and a piece."""
        start, rest = 0, None
        for piece in places:
            rest = piece if rest is None else np.concatenate([rest, piece])
            while len(rest) > self.length:
                yield self._window(start, rest[: self.length], is_last=False)
                start, rest = start + self.hop, rest[self.hop :]
        if rest is not None:
            yield self._window(start, rest, is_last=True)

    def _window(self, start: int, values: Floats32, *, is_last: bool) -> Window:
        half = Fraction(self.length - self.hop, 2)
        kept = (half if start else Fraction(0)), (half + self.hop if not is_last else len(values))
        return Window(start, values, (kept[0], Fraction(kept[1])), len(values), is_last)


def batches(windows: Iterable[Window], n_batch: int) -> Iterator[list[Window]]:
    """Yield up to `n_batch` neighboring windows of one length at a time."""
    for _, alike in groupby(windows, len):
        batch: list[Window] = []
        for window in alike:
            batch.append(window)
            if len(batch) == n_batch:
                yield batch
                batch = []
        if batch:
            yield batch


def pad(values: Floats32, least: int, silence: float) -> Floats32:
    """Return ``(batch, length, …)`` with silence after its end where it is shorter than `least`."""
    missing = least - values.shape[1]
    if missing <= 0:
        return values
    width = [(0, 0)] * values.ndim
    width[1] = (0, missing)
    return np.pad(values, width, constant_values=silence)
