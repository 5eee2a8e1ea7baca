"""Mel filterbanks in the families that published checkpoints were trained with.

A family is a mel scale, the space in which its triangles have straight sides, and a norm. A
network trained with one does not work with another, so each is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats
from mirkit.errors import ParameterError

_SLANEY_STEP = 200 / 3  # [Hz] a mel, below 1 kHz
_SLANEY_KNEE = 1000.0  # [Hz]
_SLANEY_GROWTH = np.log(6.4) / 27  # ln of the ratio of frequencies a mel apart, above it


def hz_to_mel_slaney(hz: Floats) -> Floats:
    """Return mels on Slaney's scale: linear up to 1 kHz, logarithmic above."""
    hz = np.asarray(hz, dtype=np.float64)
    above = np.log(np.maximum(hz, _SLANEY_KNEE) / _SLANEY_KNEE) / _SLANEY_GROWTH
    return np.asarray(np.minimum(hz, _SLANEY_KNEE) / _SLANEY_STEP + above)


def mel_to_hz_slaney(mel: Floats) -> Floats:
    """Return the frequencies [Hz] of mels on Slaney's scale."""
    mel = np.asarray(mel, dtype=np.float64)
    knee = _SLANEY_KNEE / _SLANEY_STEP
    growth = np.exp(_SLANEY_GROWTH * np.maximum(mel - knee, 0))
    return np.asarray(np.minimum(mel, knee) * _SLANEY_STEP * growth)


def hz_to_mel_htk(hz: Floats) -> Floats:
    """Return mels on the scale of HTK and Kaldi, ``1127 ln(1 + f / 700)``."""
    return np.asarray(1127 * np.log1p(np.asarray(hz, dtype=np.float64) / 700))


def mel_to_hz_htk(mel: Floats) -> Floats:
    """Return the frequencies [Hz] of mels on the scale of HTK."""
    return np.asarray(700 * np.expm1(np.asarray(mel, dtype=np.float64) / 1127))


class Family(NamedTuple):
    """Convention of a mel filterbank: its scale, its norm and its edges."""

    to_mel: Callable[[Floats], Floats]
    to_hz: Callable[[Floats], Floats]
    sides_in_mel: bool  # triangles have straight sides over mels, otherwise over Hz
    unit_area: bool  # each triangle has area 1 over Hz, otherwise height 1


FAMILIES: dict[str, Family] = {
    "slaney": Family(hz_to_mel_slaney, mel_to_hz_slaney, sides_in_mel=False, unit_area=True),
    "htk": Family(hz_to_mel_htk, mel_to_hz_htk, sides_in_mel=False, unit_area=False),
    "kaldi": Family(hz_to_mel_htk, mel_to_hz_htk, sides_in_mel=True, unit_area=False),
    "slaney_height": Family(
        hz_to_mel_slaney, mel_to_hz_slaney, sides_in_mel=False, unit_area=False
    ),
}


@dataclass(frozen=True, slots=True)
class MelBank:
    """Triangular filters spaced evenly on a mel scale.

    Parameters
    ----------
    n_mels
        Number of filters.
    fmin, fmax
        Where the first filter begins and the last ends [Hz].
    family
        ``"slaney"``: Slaney's scale, unit area (librosa, PANNs). ``"htk"``: HTK's scale, height 1
        (torchaudio). ``"kaldi"``: HTK's scale with sides straight over mels, height 1 (Kaldi, AST,
        BEATs, VGGish; also PaSST and EfficientAT, whose appended column for the highest
        frequency is 0, as it is in every filter that ends by half the sample rate).
        ``"slaney_height"``: Slaney's scale, height 1.

    Examples
    --------
    >>> MelBank(64, 50, 14000).matrix(sample_rate=32000, n_fft=1024).shape
    (64, 513)
    """

    n_mels: int
    fmin: float
    fmax: float
    family: str = "slaney"

    def __post_init__(self) -> None:
        checks.positive("n_mels", self.n_mels)
        checks.member("mel family", self.family, FAMILIES)
        if not 0 <= self.fmin < self.fmax:
            raise ParameterError(
                f"fmin is {self.fmin} Hz and fmax {self.fmax} Hz; 0 <= fmin < fmax is needed"
            )

    def check(self, sample_rate: int, n_fft: int) -> None:
        """Raise `ParameterError` where the filters reach above half the sample rate."""
        if self.fmax > sample_rate / 2:
            raise ParameterError(
                f"fmax is {self.fmax} Hz; at a sample rate of {sample_rate} Hz there is nothing "
                f"above {sample_rate / 2} Hz"
            )

    def matrix(self, sample_rate: int, n_fft: int) -> NDArray[np.float32]:
        """Return the weights, read-only, shape ``(n_mels, n_fft // 2 + 1)``.

        Raises
        ------
        ParameterError
            Where the filters reach above half the sample rate.
        """
        return _mel_matrix(self, sample_rate, n_fft)


@lru_cache(maxsize=64)
def _mel_matrix(bank: MelBank, sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    bank.check(sample_rate, n_fft)
    family = FAMILIES[bank.family]
    lowest, highest = family.to_mel(np.array([bank.fmin, bank.fmax]))
    edges = np.linspace(lowest, highest, bank.n_mels + 2)
    edges_hz = family.to_hz(edges)
    frequencies = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    if family.sides_in_mel:
        weights = _triangles(edges, family.to_mel(frequencies))
    else:
        weights = _triangles(edges_hz, frequencies)
    if family.unit_area:
        weights *= 2 / (edges_hz[2:] - edges_hz[:-2])[:, None]
    matrix = weights.astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def _triangles(edges: Floats, at: Floats) -> Floats:
    """Return triangles between every second edge, of height 1 at that between, ``(n, len(at))``."""
    left, center, right = (edges[i : len(edges) - 2 + i, None] for i in range(3))
    rise = (at - left) / (center - left)
    fall = (right - at) / (right - center)
    return np.asarray(np.maximum(0, np.minimum(rise, fall)))
