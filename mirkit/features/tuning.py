"""Estimate the deviation of a recording from A4 = 440 Hz, and take it out of features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Features
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.features.vqt import VQT, VQT_11K

LOWEST, HIGHEST = 110.0, 2000.0  # [Hz] peaks below are too wide, those above too often overtones
LEAST_AGREEMENT = 0.05  # peaks of noise, which lie anywhere, agree less than that
MIN_PEAKS = 10


def estimate_tuning(audio: Audio, front_end: VQT = VQT_11K) -> float:
    """Return how far a recording is above A4 = 440 Hz, in [-50, 50) [cents].

    Audio of another sample rate than the front end's is resampled first.

    Examples
    --------
    >>> t = np.arange(22050) / 11025
    >>> round(estimate_tuning(Audio(np.sin(2 * np.pi * 440 * 2 ** (0.2 / 12) * t), 11025)))
    20
    """
    if audio.sample_rate != front_end.sample_rate:
        import soxr

        mono = audio.mono().samples[0]
        audio = Audio(
            soxr.resample(mono, audio.sample_rate, front_end.sample_rate), front_end.sample_rate
        )
    return tuning_of(front_end(audio), front_end)


def tuning_of(features: Features, front_end: VQT = VQT_11K) -> float:
    """Return how far features of `front_end` are above its pitches, in [-50, 50) [cents].

    Each peak over frequency, its place refined by a parabola, votes with its magnitude for how far
    it is from the nearest semitone. The votes are angles, so a recording half a semitone off is
    one half or the other and never the middle. Where they do not agree the result is 0.
    """
    _check(features, front_end)
    n_steps = front_end.bins_per_octave // 12
    values = features.values
    rows, bins = _peaks(values, front_end)
    if len(bins) < MIN_PEAKS:
        return 0.0
    left, middle, right = (values[rows, bins + i].astype(np.float64) for i in (-1, 0, 1))
    place = bins + 0.5 * (left - right) / (left - 2 * middle + right)
    first = 12 * np.log2(front_end.fmin / 440)
    angle = 2 * np.pi * (first + place / n_steps)
    weight = front_end.magnitudes(values[rows, bins]).astype(np.float64)
    mean = (weight * np.exp(1j * angle)).sum() / max(weight.sum(), 1e-12)
    if abs(mean) < LEAST_AGREEMENT:
        return 0.0
    cents = 100 * float(np.angle(mean)) / (2 * np.pi)
    return cents if cents < 50 else -50.0


def _peaks(
    values: NDArray[np.float32], front_end: VQT
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return frame and bin of each local maximum over frequency."""
    frequencies = front_end.frequencies
    low = max(1, int(np.searchsorted(frequencies, LOWEST)))
    high = min(len(frequencies) - 1, int(np.searchsorted(frequencies, HIGHEST)))
    middle = values[:, low:high]
    is_peak = (middle > values[:, low - 1 : high - 1]) & (middle >= values[:, low + 1 : high + 1])
    rows, bins = np.nonzero(is_peak & (middle > 0.5))
    return rows, bins + low


def tune(features: Features, cents: float, front_end: VQT = VQT_11K) -> Features:
    """Return features as if the recording, which is `cents` above the pitches, were in tune."""
    _check(features, front_end)
    if not -100 <= cents <= 100:
        raise ParameterError(f"cents is {cents}; tuning lies in -100 ... 100. Is it in hertz?")
    bins = cents * front_end.bins_per_octave / 1200
    values = shift(features.values, bins)
    values.flags.writeable = False
    return Features(values, features.grid, features.front_end)


def shift(values: NDArray[Any], n_bins: float) -> NDArray[np.float32]:
    """Return values ``(..., n)`` at places `n_bins` higher, by cubic interpolation.

    Past the ends lies what lies at the ends.
    """
    checks.finite("n_bins", np.array([n_bins]))
    whole = int(np.floor(n_bins))
    at = np.arange(values.shape[-1]) + whole
    taps = _cubic(n_bins - whole)
    parts = (
        np.float32(tap) * np.take(values, at + i, axis=-1, mode="clip")
        for i, tap in zip((-1, 0, 1, 2), taps, strict=True)
        if tap
    )
    total = np.zeros(values.shape, np.float32)
    for part in parts:
        total += part
    return np.maximum(total, 0, out=total)


def _cubic(t: float) -> tuple[float, float, float, float]:
    """Return the weights of four neighbors for a place `t` of the way between the inner two."""
    return (
        0.5 * (-(t**3) + 2 * t**2 - t),
        0.5 * (3 * t**3 - 5 * t**2 + 2),
        0.5 * (-3 * t**3 + 4 * t**2 + t),
        0.5 * (t**3 - t**2),
    )


def _check(features: Features, front_end: VQT) -> None:
    if features.values.shape[1] != front_end.n_bins or features.front_end != front_end.name:
        raise ParameterError(
            f"features are {features.values.shape[1]} bins of {features.front_end!r}; tuning is "
            f"measured on the {front_end.n_bins} bins of {front_end.name!r}"
        )
