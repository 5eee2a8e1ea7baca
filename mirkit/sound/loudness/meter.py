"""A loudness meter that recordings go through block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats
from mirkit.sound.loudness.kweighting import (
    bright,
    channel_weights,
    interpolator,
    k_weighting,
    oversampling,
)

CELLS_PER_SECOND = 100
"""Powers are kept in cells of 10 ms."""


class Meter:
    """The power of a recording in cells of 10 ms, and its peaks.

    Parameters
    ----------
    sample_rate
        Of the blocks [Hz].
    n_channels
        Of the blocks.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        self.sample_rate = sample_rate
        self.sample_peak = 0.0
        self._weights = channel_weights(n_channels)[:, None]
        self._weighting = _Filter(k_weighting(sample_rate), n_channels)
        self._bright = _Filter(bright(sample_rate), n_channels)
        self._power = _Cells(sample_rate)
        self._high = _Cells(sample_rate)
        self._peaks = _TruePeak(oversampling(sample_rate), n_channels)

    def feed(self, block: NDArray[np.float32]) -> None:
        """Measure a block, shape ``(n_channels, n_samples)``."""
        if not block.size:
            return
        self.sample_peak = max(self.sample_peak, float(np.abs(block).max()))
        self._peaks.feed(block)
        weighted = self._weighting(block)
        self._power.feed((self._weights * weighted**2).sum(axis=0))
        self._high.feed((self._weights * self._bright(weighted) ** 2).sum(axis=0))

    @property
    def true_peak(self) -> float:
        """The highest level between samples, 1 for full scale."""
        return max(self.sample_peak, self._peaks.finish())

    @property
    def power(self) -> Floats:
        """Mean K-weighted power of each whole cell, shape ``(n_cells,)``."""
        return self._power.means()

    @property
    def high(self) -> Floats:
        """The same above 2 kHz."""
        return self._high.means()


class _Filter:
    """Second-order sections with their state, for blocks of samples."""

    def __init__(self, sections: Floats, n_channels: int) -> None:
        self.sections = sections
        self.state: Any = np.zeros((len(sections), n_channels, 2))

    def __call__(self, block: NDArray[Any]) -> NDArray[Any]:
        from scipy.signal import sosfilt

        filtered, self.state = sosfilt(self.sections, block, axis=1, zi=self.state)
        return np.asarray(filtered)


class _Cells:
    """Sums of powers in cells of 10 ms, whose edges are rounded to samples."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.position = 0
        self._open = 0.0
        self._sums: list[Floats] = []

    def feed(self, power: NDArray[np.float64]) -> None:
        """Add the powers of consecutive samples."""
        first, end = self.position, self.position + len(power)
        cells = np.arange(self._cell(first) + 1, self._cell(end) + 1)
        edges = self._edges(cells) - first
        parts = np.add.reduceat(power, [0, *edges[edges < len(power)].tolist()])
        if edges.size and edges[-1] == len(power):
            parts = np.append(parts, 0.0)
        parts[0] += self._open
        self._sums.append(parts[:-1])
        self._open = float(parts[-1])
        self.position = end

    def means(self) -> Floats:
        """Return the mean power of each whole cell."""
        sums = np.concatenate([np.empty(0), *self._sums])
        return np.asarray(sums / np.diff(self._edges(np.arange(len(sums) + 1))))

    def _edges(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        return (2 * cells * self.sample_rate + CELLS_PER_SECOND) // (2 * CELLS_PER_SECOND)

    def _cell(self, sample: int) -> int:
        """Return the number of edges after the first that lie at or before a sample."""
        near = sample * CELLS_PER_SECOND // self.sample_rate + 2
        edges = self._edges(np.arange(max(0, near - 4), near + 1))
        return max(0, near - 4) + int(np.searchsorted(edges, sample, side="right")) - 1


class _TruePeak:
    """The highest level of the interpolated signal; blocks that cannot reach it are skipped."""

    def __init__(self, factor: int, n_channels: int) -> None:
        self.peak = 0.0
        self._phases = interpolator(factor)
        self._most = float(np.abs(self._phases).sum(axis=1).max())
        n_taps = self._phases.shape[1]
        self._tail = np.zeros((n_channels, n_taps - 1))

    def feed(self, block: NDArray[Any]) -> None:
        """Measure a block, shape ``(n_channels, n_samples)``."""
        samples = np.concatenate([self._tail, block], axis=1)
        self._tail = samples[:, samples.shape[1] - self._tail.shape[1] :]
        for start in range(0, block.shape[1], _PIECE):
            piece = samples[:, start : start + _PIECE + self._tail.shape[1]]
            if np.abs(piece).max() * self._most > self.peak:
                self._measure(piece)

    def _measure(self, piece: NDArray[Any]) -> None:
        for channel in piece:
            for phase in self._phases[1:]:  # phase 0 gives the samples themselves
                level = np.abs(np.convolve(channel, phase, "valid")).max()
                self.peak = max(self.peak, float(level))

    def finish(self) -> float:
        """Return the peak, with what comes after the last sample."""
        self.feed(np.zeros_like(self._tail))
        return self.peak


_PIECE = 4096  # samples that are skipped or interpolated together
