"""The front end of S-KEY: nnAudio's variable-Q transform, in numpy.

One set of kernels serves all octaves: the highest is heard at the full sample rate, and for each
below it the signal is filtered and halved in rate. The kernels and the filter come with the
weights of the network.

References
----------
K. W. Cheuk, H. Anderson, K. Agres and D. Herremans: nnAudio: an on-the-fly GPU audio to spectrogram
conversion toolbox using 1D convolutional neural networks. IEEE Access 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirkit.arrays import Floats32

BINS_PER_OCTAVE = 12
ROW = 256
"""Samples that the filter takes at once."""


@dataclass(frozen=True, eq=False)
class OctaveVQT:
    """Magnitudes at equal intervals of pitch, octave by octave.

    Parameters
    ----------
    kernels
        Of the bins of an octave, the lowest first, ``(12, kernel_length)`` complex.
    lowpass
        What is applied before every second sample is dropped, ``(n_taps,)``.
    lengths
        Length of the kernel of each bin at the full rate, the lowest first, ``(n_bins,)``.
    hop_length
        Distance between frames [samples].
    """

    kernels: NDArray[np.complex64]
    lowpass: Floats32
    lengths: Floats32
    hop_length: int

    @property
    def n_octaves(self) -> int:
        """Octaves, the lowest of them perhaps cut."""
        return ceil(len(self.lengths) / BINS_PER_OCTAVE)

    def __call__(self, samples: Floats32) -> Floats32:
        """Return the magnitudes of a signal ``(n_samples,)``, ``(n_frames, n_bins)``."""
        octaves, hop = [], self.hop_length
        for i in range(self.n_octaves):
            if i:
                samples, hop = halved(samples, self.lowpass), hop // 2
            octaves.append(self._octave(samples, hop))
        n_frames = min(map(len, octaves))
        values = np.concatenate([octave[:n_frames] for octave in octaves[::-1]], axis=1)
        return np.asarray(values[:, -len(self.lengths) :] * np.sqrt(self.lengths))

    def _octave(self, samples: Floats32, hop: int) -> Floats32:
        """Return the magnitudes of one octave, ``(n_frames, 12)``."""
        length = self.kernels.shape[1]
        # nnAudio takes zeros where there is too little to mirror
        mode = "reflect" if len(samples) > length // 2 else "constant"
        padded = np.pad(samples, length // 2, mode=mode)  # type: ignore[call-overload]
        frames = np.ascontiguousarray(sliding_window_view(padded, length)[::hop])
        real, imaginary = frames @ self.kernels.real.T, frames @ self.kernels.imag.T
        return np.sqrt(real * real + imaginary * imaginary)


def halved(samples: Floats32, lowpass: Floats32) -> Floats32:
    """Return every second sample of a filtered signal, ``(n_samples // 2,)``.

    The filter is centred between the samples of its middle, and zeros lie around the signal. Each
    row of the signal is multiplied with a matrix of shifted copies of the filter: twice the
    products that are needed, at many times the speed.

    Examples
    --------
    >>> halved(np.ones(8, np.float32), np.array([0.25, 0.5, 0.25, 0.0], np.float32)).tolist()
    [0.75, 1.0, 1.0, 1.0]
    """
    n_taps, n_kept = len(lowpass), len(samples) // 2
    before, after = _shifted(lowpass)
    n_rows = -(-n_kept // (ROW // 2))
    left = (n_taps - 1) // 2
    padded = np.zeros((n_rows + 1) * ROW, np.float32)
    padded[left : left + len(samples)] = samples
    rows = padded.reshape(n_rows + 1, ROW)
    return (rows[:-1] @ before + rows[1:] @ after).reshape(-1)[:n_kept]


def _shifted(lowpass: Floats32) -> tuple[Floats32, Floats32]:
    """Return what a row and the row after it are multiplied with, each ``(ROW, ROW // 2)``."""
    matrix = np.zeros((2 * ROW, ROW // 2), np.float32)
    for column in range(ROW // 2):
        matrix[2 * column : 2 * column + len(lowpass), column] = lowpass
    return matrix[:ROW], matrix[ROW:]
