"""Recordings of any length as windows on a fixed grid, while they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.features import FrontEnd

BATCH = 8  # windows that a network hears at once


@dataclass(frozen=True)
class Window:
    """A piece of a recording.

    Parameters
    ----------
    start
        Its place in the recording [frames or samples].
    values
        Frames ``(n_frames, n_bins)`` or samples ``(n_samples,)``.
    is_last
        Whether nothing comes after.
    """

    start: int
    values: Floats32
    is_last: bool

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Grid:
    """Windows of `length` that begin at every multiple of `hop`.

    There are as many as the recording needs: the last one holds what the one before it lacked, and
    what both have in common. So it is longer than the overlap, ``length - hop``, unless the whole
    recording is not.

    Parameters
    ----------
    length, hop
        In frames or samples.

    Examples
    --------
    >>> grid = Grid(length=4, hop=3)
    >>> [(window.start, len(window)) for window in grid.cut([np.zeros(8, np.float32)])]
    [(0, 4), (3, 4), (6, 2)]
    """

    length: int
    hop: int

    def cut(self, blocks: Iterable[Floats32]) -> Iterator[Window]:
        """Yield the windows of blocks that follow each other; one is kept, and a block."""
        start, rest = 0, None
        for block in blocks:
            rest = block if rest is None else np.concatenate([rest, block])
            while len(rest) > self.length:
                yield Window(start, rest[: self.length], False)
                start, rest = start + self.hop, rest[self.hop :]
        if rest is not None:
            yield Window(start, rest, True)


def batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Yield up to `BATCH` neighbouring windows of one length at a time."""
    for _, alike in groupby(windows, len):
        batch: list[Window] = []
        for window in alike:
            batch.append(window)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def padded(values: Floats32, least: int, silence: float) -> Floats32:
    """Return ``(batch, length, …)`` with silence after its end where it is shorter than `least`."""
    missing = least - values.shape[1]
    if missing <= 0:
        return values
    width = [(0, 0)] * values.ndim
    width[1] = (0, missing)
    return np.pad(values, width, constant_values=silence)


def long_enough(blocks: Iterable[NDArray[Any]], front_end: FrontEnd) -> Iterator[NDArray[Any]]:
    """Yield the blocks, and zeros after them where they are too short for a single frame."""
    n_samples = 0
    for block in blocks:
        n_samples += block.shape[-1]
        yield block
    missing = shortest(front_end) - n_samples if n_samples else 0
    if missing > 0:
        yield np.zeros(missing, np.float32)


def shortest(front_end: FrontEnd) -> int:
    """Return how many samples the shortest recording has that gives a frame."""
    high = 1
    while front_end.n_frames(high) < 1:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if front_end.n_frames(middle) >= 1 else (middle, high)
    return high
