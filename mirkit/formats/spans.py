"""Segments as files hold them: start and end of each, which rounding may let overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirkit.arrays import Floats

ROUNDING = 1e-3
"""An overlap of less is no statement of the file, but rounding [s]."""


def mend(spans: Sequence[tuple[float, float]]) -> Floats:
    """Return intervals, each cut where the next begins, if it reaches at most 1 ms farther.

    Examples
    --------
    >>> mend([(0, 2.0000004), (2, 3)])
    array([[0., 2.],
           [2., 3.]])
    """
    intervals = np.array(spans, dtype=np.float64).reshape(-1, 2)
    if not len(intervals):
        return intervals
    over = intervals[:-1, 1] - intervals[1:, 0]
    rounded = np.append((over > 0) & (over <= ROUNDING), False)
    intervals[rounded, 1] = np.maximum(intervals[rounded, 0], np.roll(intervals[:, 0], -1)[rounded])
    return intervals
