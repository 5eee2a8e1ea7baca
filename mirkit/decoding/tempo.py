"""Likelihood of each tempo, from the periodicity of a curve and the tempo head of a model."""

from __future__ import annotations

import numpy as np

from mirkit.arrays import Floats, Ints


def autocorrelation(curve: Floats, max_lag: int) -> Floats:
    """Return the autocorrelation at lags 0 to `max_lag`, 1 at lag 0, shape ``(max_lag + 1,)``.

    The sums are not divided by how many terms they have, so long lags fade; lags past the end of
    the curve are 0, and so is all of a curve without energy.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, 0, 0, 1, 0, 0]), 4).round(2)
    array([1. , 0. , 0. , 0.5, 0. ])
    """
    size = 1 << int(len(curve) + max_lag).bit_length()
    spectrum = np.fft.rfft(curve, size)
    products = np.fft.irfft(np.abs(spectrum) ** 2, size)[: max_lag + 1]
    energy = float(curve @ curve)
    if energy == 0:
        return np.zeros(max_lag + 1)
    normalized: Floats = np.maximum(products, 0) / energy
    normalized[min(len(curve), max_lag + 1) :] = 0
    return normalized


def log_normal(bpms: Floats, center: float = 120.0, octaves: float = 1.0) -> Floats:
    """Return how usual each tempo is: a bell over log tempo, 1 at `center` [bpm].

    Examples
    --------
    >>> log_normal(np.array([60.0, 120.0, 240.0])).round(3)
    array([0.607, 1.   , 0.607])
    """
    weights: Floats = np.exp(-0.5 * (np.log2(bpms / center) / octaves) ** 2)
    return weights


def smooth_histogram(weights: Floats, width: int = 9) -> Floats:
    """Return tempo probabilities blurred by a Hamming window of `width` bins.

    A model spreads its belief over neighboring bins: the sum around a tempo says more than one bin.
    """
    window = np.hamming(width)
    padded = np.convolve(weights, window / window.sum())
    blurred: Floats = padded[width // 2 : width // 2 + len(weights)]
    return blurred


def lags_between(fastest: float, slowest: float, fps: float) -> Ints:
    """Return every lag [frames] whose tempo lies between `slowest` and `fastest` [bpm]."""
    shortest = max(2, int(np.ceil(60 * fps / fastest)))
    return np.arange(shortest, max(shortest, int(60 * fps / slowest)) + 1)
