"""Find boundaries: novelty along the diagonal of the self-similarity of the music.

References
----------
J. Foote: Automatic audio segmentation using a measure of audio novelty. ICME 2000.
"""

from __future__ import annotations

import numpy as np

from mirkit.arrays import Floats, Ints


def similarity(chroma: Floats, timbre: Floats, weight: float = 0.5) -> Floats:
    """Return how alike each two beats are, shape ``(n, n)``, in [-1, 1].

    Parameters
    ----------
    chroma, timbre
        Rows of one beat each, ``(n, n_bins)``.
    weight
        What chroma counts; timbre counts the rest.
    """
    return weight * _cosine(chroma) + (1 - weight) * _cosine(timbre)


def checkerboard(n: int) -> Floats:
    """Return Foote's kernel of `n` beats on each side, ``(2 n, 2 n)``: its absolute sum is 1.

    Examples
    --------
    >>> np.sign(checkerboard(1)).astype(int)
    array([[ 1, -1],
           [-1,  1]])
    """
    place = (np.arange(2 * n) - n + 0.5) / n
    edge = np.sign(place) * np.exp(-2 * place**2)
    kernel = np.outer(edge, edge)
    return np.asarray(kernel / np.abs(kernel).sum())


def novelty(alike: Floats, n: int) -> Floats:
    """Return how new the music is at each beat, ``(n_beats,)``, from its self-similarity.

    Before and after a beat, `n` beats each are compared; near the ends only those there are, which
    count as much less as they are fewer.
    """
    kernel, n_beats = checkerboard(n), len(alike)
    curve = np.zeros(n_beats)
    for beat in range(n_beats):
        reach = min(n, beat, n_beats - beat)
        part = kernel[n - reach : n + reach, n - reach : n + reach]
        square = alike[beat - reach : beat + reach, beat - reach : beat + reach]
        curve[beat] = max(0.0, float((part * square).sum()))
    return curve


def peaks(curve: Floats, threshold: float, apart: int) -> Ints:
    """Return the beats where `curve` is highest for `apart` beats around and above `threshold`."""
    found = [
        beat
        for beat in range(1, len(curve))
        if curve[beat] >= threshold
        and curve[beat] == curve[max(0, beat - apart) : beat + apart + 1].max()
    ]
    kept: list[int] = []
    for beat in found:
        if not kept or beat - kept[-1] > apart:  # of a plateau the first
            kept.append(beat)
    return np.array(kept, dtype=np.int64)


def _cosine(rows: Floats) -> Floats:
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return np.asarray(unit @ unit.T)
