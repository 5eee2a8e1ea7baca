"""Chroma and timbre of each beat, both from one variable-Q transform."""

from __future__ import annotations

import numpy as np

from mirkit.activations import Features, Head
from mirkit.arrays import Floats

BINS_PER_SEMITONE = 3
N_CEPSTRA = 16


def chroma_of(values: Floats) -> Floats:
    """Return the tones of each frame, ``(n, 12)``, octaves joined, less their mean.

    `values` are compressed magnitudes ``(n, n_bins)``, three bins a semitone from C on.
    """
    tones = _semitones(values).reshape(len(values), -1, 12).mean(axis=1)
    return np.asarray(tones - tones.mean(axis=1, keepdims=True))


def timbre_of(values: Floats) -> Floats:
    """Return the shape of each frame's spectrum, ``(n, 16)``: a cepstrum with its level.

    Each coefficient is less its mean over the recording, and divided by its deviation.
    """
    semitones = _semitones(values)
    n = semitones.shape[1]
    phase = np.pi * (np.arange(n) + 0.5)[:, None] * np.arange(N_CEPSTRA) / n
    cepstra = semitones @ np.cos(phase) / n
    cepstra -= cepstra.mean(axis=0)
    return np.asarray(cepstra / np.maximum(cepstra.std(axis=0), 1e-6))


def on_beats(head: Features | Head, edges: Floats) -> Floats:
    """Return the mean of the frames from each of `edges` [s] to the next, ``(n_edges - 1, n)``.

    Where no frame lies between two, the nearest counts.
    """
    assert head.grid is not None
    times = head.grid.times(len(head.values))
    bounds = np.searchsorted(times, edges)
    totals = np.vstack(
        [np.zeros(head.values.shape[1]), np.cumsum(head.values, axis=0, dtype=np.float64)]
    )
    first, last = bounds[:-1].copy(), bounds[1:].copy()
    empty = last <= first
    first[empty] = np.clip(first[empty], 0, len(times) - 1)
    last[empty] = first[empty] + 1
    return np.asarray((totals[last] - totals[first]) / (last - first)[:, None])


def stack_frames(rows: Floats, n: int) -> Floats:
    """Return each row with the `n` - 1 after it, ``(n_rows, n * n_bins)``; the last is repeated."""
    padded = np.vstack([rows, np.repeat(rows[-1:], n - 1, axis=0)])
    return np.hstack([padded[i : i + len(rows)] for i in range(n)])


def _semitones(values: Floats) -> Floats:
    n = values.shape[1] // BINS_PER_SEMITONE
    return np.asarray(values.reshape(len(values), n, BINS_PER_SEMITONE).mean(axis=2))
