"""Filterbanks on a logarithmic frequency axis, for networks that follow beats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.features.conditioning import RunningLevel
from mirkit.features.logs import OffsetLog
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT

LEVEL = RunningLevel(lookahead=5512)  # 0.25 s
REFERENCE_PITCH = 440.0  # [Hz] one filter is centered here


@dataclass(frozen=True, slots=True)
class LogBank:
    """Triangular filters at equal intervals of pitch, each with weights that sum to 1.

    Every center is moved to the nearest frequency of the spectrum; where several meet, at the
    low end, one is kept. A filter reaches from its lower neighbor's center to its upper one's.

    Parameters
    ----------
    bands_per_octave
        Number of centers in an octave.
    fmin, fmax
        Centres lie between these [Hz]; the first and the last are only edges.

    Examples
    --------
    >>> LogBank(12, 30, 17000).matrix(sample_rate=44100, n_fft=2048).shape
    (81, 1025)
    """

    bands_per_octave: float
    fmin: float
    fmax: float

    def __post_init__(self) -> None:
        checks.positive("bands_per_octave", self.bands_per_octave)
        if not 0 < self.fmin < self.fmax:
            raise ParameterError(
                f"fmin is {self.fmin} Hz and fmax {self.fmax} Hz; 0 < fmin < fmax is needed"
            )

    def check(self, sample_rate: int, n_fft: int) -> None:
        """Raise `ParameterError` where fewer than three centers fit below half the sample rate."""
        n_centers = len(_center_bins(self, sample_rate, n_fft))
        if n_centers < 3:
            raise ParameterError(
                f"{self} has {n_centers} centres on a spectrum of {n_fft} samples at "
                f"{sample_rate} Hz; at least 3 are needed. Is fmin above half the sample rate?"
            )

    def matrix(self, sample_rate: int, n_fft: int) -> NDArray[np.float32]:
        """Return the weights, read-only, shape ``(n_bins, n_fft // 2 + 1)``.

        Raises
        ------
        ParameterError
            Where fewer than three centers fit below half the sample rate.
        """
        return _log_matrix(self, sample_rate, n_fft)


@lru_cache(maxsize=64)
def _log_matrix(bank: LogBank, sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    bank.check(sample_rate, n_fft)
    centers = _center_bins(bank, sample_rate, n_fft)
    weights = np.zeros((len(centers) - 2, n_fft // 2 + 1))
    for row, (left, center, right) in zip(
        weights, zip(centers, centers[1:], centers[2:], strict=False), strict=True
    ):
        row[left:center] = np.arange(center - left) / (center - left)
        row[center:right] = 1 - np.arange(right - center) / (right - center)
        row /= row.sum()
    matrix = weights.astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def _center_bins(bank: LogBank, sample_rate: int, n_fft: int) -> NDArray[np.int64]:
    """Return the bins nearest to the pitches from `fmin` to `fmax`, each once."""
    steps = bank.bands_per_octave
    lowest = np.floor(np.log2(bank.fmin / REFERENCE_PITCH) * steps)
    highest = np.ceil(np.log2(bank.fmax / REFERENCE_PITCH) * steps)
    pitches = REFERENCE_PITCH * 2 ** (np.arange(lowest, highest) / steps)
    pitches = pitches[(pitches >= bank.fmin) & (pitches <= bank.fmax)]
    bins = np.floor(pitches * n_fft / sample_rate + 0.5).astype(np.int64)
    return np.unique(np.clip(bins, 0, n_fft // 2 - 1))


# Boeck & Davies, "Deconstruct, analyse, reconstruct", ISMIR 2020: 81 bands, 100 frames a second.
TCN_2020 = LogSpectrogram(
    "tcn_2020",
    44100,
    STFT(2048, 441, window="hann_symmetric", padding="zero", power=1),
    LogBank(12, 30, 17000),
    OffsetLog(1e-6),
)

# The semitones C2 to B5 in windows of 0.37 s, ten a second: what tells a chord from the next.
SEMITONES_22K = LogSpectrogram(
    "semitones_22k",
    22050,
    STFT(8192, 2205, padding="zero", power=1),
    LogBank(12, 61, 1100),
    OffsetLog(1.0, gain=3000.0),
    conditioning=(LEVEL,),
)

# The same number of bands at half the rates: a quarter of the work, for a small network.
TCN_22K = LogSpectrogram(
    "tcn_22k",
    22050,
    STFT(1024, 441, padding="zero", power=1),
    LogBank(13.8, 30, 10500),
    OffsetLog(1.0, gain=1000.0),
    conditioning=(LEVEL,),
)
