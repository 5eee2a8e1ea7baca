"""The front end of S-KEY: nnAudio's variable-Q transform, in numpy.

The kernels and the filter that halves the rate come with the weights of the network.

References
----------
K. W. Cheuk, H. Anderson, K. Agres and D. Herremans: nnAudio: an on-the-fly GPU audio to spectrogram
conversion toolbox using 1D convolutional neural networks. IEEE Access 2020.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.features import FrontEnd
from mirkit.features.base import mono_slices
from mirkit.frames import FrameGrid
from mirkit.peers.octaves import SLICE, Framer, Octave, transform, unchanged

BINS_PER_OCTAVE = 12
ROW = 256
"""Samples that the filter takes at once."""


@dataclass(frozen=True, eq=False)
class OctaveVQT(FrontEnd):
    """Magnitudes at equal intervals of pitch, octave by octave.

    Parameters
    ----------
    name
        Name that its features keep.
    sample_rate
        Sample rate of the audio [Hz].
    kernels
        Of the bins of an octave, the lowest first, ``(12, kernel_length)`` complex.
    lowpass
        What is applied before every second sample is dropped, ``(n_taps,)``.
    lengths
        Length of the kernel of each bin at the full rate, the lowest first, ``(n_bins,)``.
    hop_length
        Distance between frames [samples].
    least_frames
        Recordings with fewer frames are filled up with silence.
    """

    name: str
    sample_rate: int
    kernels: NDArray[np.complex64]
    lowpass: Floats32
    lengths: Floats32
    hop_length: int
    least_frames: int = 1

    @property
    def n_bins(self) -> int:
        """Number of values in a frame."""
        return len(self.lengths)

    @property
    def n_octaves(self) -> int:
        """Octaves, the lowest of them perhaps cut."""
        return ceil(len(self.lengths) / BINS_PER_OCTAVE)

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""
        return FrameGrid.from_hop(self.sample_rate, self.hop_length)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        lowest = 1 << (self.n_octaves - 1)
        half = int(self.kernels.shape[1]) // 2 + 1
        return (SLICE + (half + ROW + len(self.lowpass)) * lowest) / self.sample_rate

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        if n_samples < 1:
            return 0
        return max(self.least_frames, n_samples // self.hop_length + 1)

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        octaves = [self._octave(i) for i in range(self.n_octaves)]
        for values in transform(octaves, self._filled(mono_slices(blocks, self.sample_rate))):
            yield np.asarray(values[:, -self.n_bins :] * self._scales)

    def _octave(self, i: int) -> Octave:
        lower = Halver(self.lowpass) if i else unchanged
        kernels = np.concatenate((self.kernels.real, self.kernels.imag)).T
        # nnAudio takes zeros where there is too little to mirror
        framer = Framer(self.kernels.shape[1], self.hop_length >> i, mirrored=True)
        return Octave(lower, framer, np.ascontiguousarray(kernels))

    def _filled(self, pieces: Iterable[Floats32]) -> Iterator[Floats32]:
        """Yield pieces of a recording, and silence after it where it is too short."""
        n_samples = 0
        for piece in pieces:
            n_samples += piece.size
            yield piece
        missing = (self.least_frames - 1) * self.hop_length - n_samples
        if n_samples and missing > 0:
            yield np.zeros(missing, np.float32)

    @cached_property
    def _scales(self) -> Floats32:
        return np.sqrt(self.lengths)


@dataclass(eq=False)
class Halver:
    """Filter a signal that comes in pieces and drop every second sample.

    The filter is centered between the samples of its middle, and zeros lie around the signal, of
    whose `n` samples ``n // 2`` are left. Each row of the signal is multiplied with a matrix of
    shifted copies of the filter: twice the products that are needed, at many times the speed.

    Parameters
    ----------
    lowpass
        The filter, at most `ROW` taps.

    Examples
    --------
    >>> halver = Halver(np.array([0.25, 0.5, 0.25, 0.0], np.float32))
    >>> halver(np.ones(8, np.float32), is_last=True).tolist()
    [0.75, 1.0, 1.0, 1.0]
    """

    lowpass: Floats32
    _n_samples: int = 0
    _n_given: int = 0
    _kept: Floats32 = field(default_factory=lambda: np.empty(0, np.float32))
    _matrices: tuple[Floats32, Floats32] = field(init=False)

    def __post_init__(self) -> None:
        self._kept = np.zeros((len(self.lowpass) - 1) // 2, np.float32)
        self._matrices = _shifted(self.lowpass)

    def __call__(self, samples: Floats32, is_last: bool) -> Floats32:
        """Return the samples at half the rate that the next piece makes known."""
        self._n_samples += samples.size
        signal = np.concatenate((self._kept, samples))
        n_rows = max(0, signal.size // ROW - 1)
        if is_last:
            n_rows = -(-(self._n_samples // 2 - self._n_given) // (ROW // 2))
            signal = np.pad(signal, (0, max(0, (n_rows + 1) * ROW - signal.size)))
        rows = signal[: (n_rows + 1) * ROW].reshape(-1, ROW) if n_rows else signal[:0, None]
        self._kept = signal[n_rows * ROW :]
        if not n_rows:
            return np.empty(0, np.float32)
        before, after = self._matrices
        given = (rows[:-1] @ before + rows[1:] @ after).reshape(-1)
        if is_last:
            given = given[: self._n_samples // 2 - self._n_given]
        self._n_given += given.size
        return given


def _shifted(lowpass: Floats32) -> tuple[Floats32, Floats32]:
    """Return what a row and the row after it are multiplied with, each ``(ROW, ROW // 2)``."""
    matrix = np.zeros((2 * ROW, ROW // 2), np.float32)
    for column in range(ROW // 2):
        matrix[2 * column : 2 * column + len(lowpass), column] = lowpass
    return matrix[:ROW], matrix[ROW:]
