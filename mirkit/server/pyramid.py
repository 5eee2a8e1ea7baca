"""The pyramid of a waveform: columns of peak and three bands, each level half as fine as the last.

A column is four bytes: the peak, and the RMS levels of bass, middle and treble, each 0 to 255. The
finest level has `RATE` columns per second. A page draws the level that fits its pixels, and fetches
only the columns that it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats, Floats32
from mirkit.errors import ParameterError

RATE = 200
"""Columns per second of the finest level."""

SAMPLE_RATE = 22_000
"""Rate of the samples that are summed up [Hz]: a whole number of them per column."""

COARSEST = 1000
"""Columns below which there is no coarser level."""

LOW, HIGH = 180.0, 2200.0  # where the bands meet [Hz]
BYTES = 4  # of a column

Columns = NDArray[np.uint8]


@dataclass(frozen=True)
class Pyramid:
    """The levels of a waveform, the finest first; each of shape ``(n_columns, 4)``."""

    levels: tuple[Columns, ...]

    def save(self, path: Path) -> None:
        """Write the levels one after the other."""
        path.write_bytes(b"".join(level.tobytes() for level in self.levels))


def sizes(n_columns: int) -> list[int]:
    """Return the number of columns of each level, given that of the finest.

    Examples
    --------
    >>> sizes(5000)
    [5000, 2500, 1250, 625]
    """
    found = [n_columns]
    while found[-1] > COARSEST:
        found.append(-(-found[-1] // 2))
    return found


def read_columns(path: Path, level: int, start: int, count: int) -> bytes:
    """Return some columns of a level of a file that `Pyramid.save` wrote; fewer at its end.

    Raises
    ------
    ParameterError
        Where there is no such level.
    """
    n_columns = _finest(path.stat().st_size // BYTES)
    levels = sizes(n_columns)
    if not 0 <= level < len(levels):
        raise ParameterError(f"level is {level}; there are levels 0 to {len(levels) - 1}")
    first = min(start, levels[level])
    n = min(count, levels[level] - first)
    with path.open("rb") as file:
        file.seek(BYTES * (sum(levels[:level]) + first))
        return file.read(BYTES * n)


def _finest(total: int) -> int:
    """Return the columns of the finest level, given those of all levels together."""
    low, high = 0, total
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if sum(sizes(middle)) < total else (low, middle)
    return low


def finest(path: Path) -> int:
    """Return how many columns the finest level of a file has."""
    return _finest(path.stat().st_size // BYTES)


def build(blocks: Iterable[Floats32]) -> Pyramid:
    """Return the pyramid of mono blocks ``(1, n_samples)`` at `SAMPLE_RATE`."""
    parts = list(_columns(blocks))
    power = np.concatenate(parts) if parts else np.zeros((1, 4))
    return Pyramid(tuple(_bytes(level) for level in _levels(power)))


def _levels(finest: Floats) -> Iterator[Floats]:
    level = finest
    yield level
    for _ in sizes(len(finest))[1:]:
        even = level if len(level) % 2 == 0 else np.concatenate([level, level[-1:]])
        pairs = even.reshape(-1, 2, 4)
        level = np.concatenate([pairs[:, :, :1].max(1), pairs[:, :, 1:].mean(1)], axis=1)
        yield level


def _bytes(level: Floats) -> Columns:
    """Return peaks as they are, and RMS levels on a square-root scale that shows soft parts."""
    scaled = np.concatenate([level[:, :1], np.sqrt(np.sqrt(level[:, 1:]))], axis=1)
    columns: Columns = np.clip(np.rint(255 * scaled), 0, 255).astype(np.uint8)
    return columns


def _columns(blocks: Iterable[Floats32]) -> Iterator[Floats]:
    """Yield peak and the power of three bands of each column, shape ``(n, 4)``."""
    split = _Bands()
    n = SAMPLE_RATE // RATE
    rest = np.zeros((4, 0))
    for block in blocks:
        rest = np.concatenate([rest, split(block[0].astype(np.float64))], axis=1)
        whole = rest.shape[1] // n * n
        yield _summed(rest[:, :whole], n)
        rest = rest[:, whole:]
    if rest.shape[1]:
        yield _summed(rest, rest.shape[1])


def _summed(signals: Floats, n: int) -> Floats:
    frames = signals.reshape(4, -1, n)
    return np.stack([np.abs(frames[0]).max(-1), *(frames[1:] ** 2).mean(-1)], axis=-1)


class _Bands:
    """Splits a stream of samples into itself, bass, middle and treble."""

    def __init__(self) -> None:
        from scipy.signal import butter, sosfilt_zi

        half = SAMPLE_RATE / 2
        edges = (LOW / half, [LOW / half, HIGH / half], HIGH / half)
        kinds = ("lowpass", "bandpass", "highpass")
        self.filters = [
            butter(2, e, kind, output="sos") for e, kind in zip(edges, kinds, strict=True)
        ]
        self.states = [0 * sosfilt_zi(sos) for sos in self.filters]

    def __call__(self, samples: Floats) -> Floats:
        from scipy.signal import sosfilt

        bands = [samples]
        for i, sos in enumerate(self.filters):
            band, self.states[i] = sosfilt(sos, samples, zi=self.states[i])
            bands.append(band)
        return np.stack(bands)
