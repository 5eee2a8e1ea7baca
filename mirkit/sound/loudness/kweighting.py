"""The filters of BS.1770: K-weighting, the weights of channels, and the interpolation of peaks.

References
----------
ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and true-peak audio level".
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats

_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)  # Hz, dB, Q: the head
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)  # Hz, Q
_BRIGHT = 2000.0  # Hz
_SURROUND = 1.41
_WEIGHTS = {5: (1, 1, 1, _SURROUND, _SURROUND), 6: (1, 1, 1, 0, _SURROUND, _SURROUND)}
_TAPS = 24  # of the interpolator, for each phase


def k_weighting(sample_rate: int) -> Floats:
    """Return the K-weighting filter as second-order sections, shape ``(2, 6)``.

    The poles and zeros of the analog prototype are warped to the rate, so that all rates measure
    alike.
    """
    return np.array([_shelf(sample_rate, *_SHELF), _high_pass(sample_rate, *_HIGH_PASS)])


def bright(sample_rate: int) -> Floats:
    """Return a high-pass filter at 2 kHz as second-order sections, shape ``(1, 6)``."""
    frequency = min(_BRIGHT, 0.45 * sample_rate)
    section = np.array([_high_pass(sample_rate, frequency, 1 / sqrt(2))])
    section[:, :3] /= 1 + tan(pi * frequency / sample_rate) * (
        sqrt(2) + tan(pi * frequency / sample_rate)
    )
    return section


def _shelf(sample_rate: int, frequency: float, gain: float, q: float) -> list[float]:
    k = tan(pi * frequency / sample_rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = [high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k]
    return [*(x / a0 for x in b), 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def _high_pass(sample_rate: int, frequency: float, q: float) -> list[float]:
    k = tan(pi * frequency / sample_rate)
    a0 = 1 + k / q + k * k
    return [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def channel_weights(n_channels: int) -> Floats:
    """Return the weight of each channel, shape ``(n_channels,)``: surround more, the LFE none.

    Examples
    --------
    >>> channel_weights(6).tolist()
    [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]
    """
    return np.array(_WEIGHTS.get(n_channels, (1,) * n_channels), float)


def oversampling(sample_rate: int) -> int:
    """Return how many times a recording is oversampled to find its true peak."""
    return 4 if sample_rate < 96_000 else 2 if sample_rate < 192_000 else 1


@lru_cache(maxsize=4)
def interpolator(factor: int) -> NDArray[np.float64]:
    """Return the phases of the interpolation filter, shape ``(factor, n_taps)``."""
    n = factor * _TAPS
    t = (np.arange(n) - n / 2) / factor
    taps = np.sinc(t) * np.kaiser(n + 1, 8.0)[:n]
    phases = taps.reshape(_TAPS, factor).T
    return np.ascontiguousarray(phases / phases.sum(axis=1, keepdims=True))
