"""The numbers of beats, some of which are missing and some too many."""

from __future__ import annotations

import numpy as np

from mirkit.arrays import Floats, Ints

_NEAR = 8  # intervals on either side that tell the local period
_EXTRA = 0.6  # of the local period: a shorter interval has one beat too many


def count_beats(times: Floats) -> tuple[Ints, Ints]:
    """Return which beats are no extra ones, and the number of each of those in the grid.

    Numbers go up by one from beat to beat, and by more where beats are missing; the median of the
    intervals around tells by how many. An interval that is much shorter has an extra beat at one
    of its ends: the one without which the others are more regular.

    Parameters
    ----------
    times
        Shape ``(n,)`` [s], increasing.

    Returns
    -------
    kept, index
        Indices into `times`, and the number of each kept beat, from 0; both ``(n_kept,)``.

    Examples
    --------
    >>> count_beats(np.array([0.0, 0.5, 0.6, 1.0, 1.5, 2.5, 3.0]))
    (array([0, 1, 3, 4, 5, 6]), array([0, 1, 2, 3, 5, 6]))
    """
    kept = np.arange(len(times))
    while len(kept) > 2:
        gaps = np.diff(times[kept])
        short = np.flatnonzero(gaps < _EXTRA * _local(gaps))
        if not short.size:
            break
        worst = int(short[np.argmin(gaps[short])])
        kept = np.delete(kept, _superfluous(times[kept], worst))
    gaps = np.diff(times[kept])
    steps = np.maximum(np.rint(gaps / _local(gaps)), 1).astype(np.int64)
    return kept, np.append(0, np.cumsum(steps))


def _local(gaps: Floats) -> Floats:
    """Return the median interval around each [s]."""
    padded = np.pad(gaps, min(_NEAR, len(gaps) - 1), mode="reflect") if len(gaps) > 1 else gaps
    width = len(padded) - len(gaps) + 1
    medians: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return medians


def _superfluous(times: Floats, short: int) -> int:
    """Return which end of interval `short` to leave out, so that the rest is most regular."""
    gaps = np.diff(times[max(short - _NEAR, 0) : short + _NEAR + 2])
    period = float(np.median(gaps))

    def roughness(without: int) -> float:
        rest = np.diff(np.delete(times, without)[max(short - 2, 0) : short + 3]) / period
        return float(np.sum(np.abs(rest - np.rint(rest))))

    return min((short, short + 1), key=roughness)
