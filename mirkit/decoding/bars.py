"""Find where bars begin, given the beats: a Viterbi over the beat's number in its bar."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats


def number_beats(
    downbeat_gains: Floats, meters: Mapping[int, float], change_cost: float = 10.0
) -> NDArray[np.int64]:
    """Return the number of each beat in its bar (1 = downbeat).

    Maximizes the sum of the gains of the beats numbered 1, of the log prior of the first bar's
    length, and of ``-change_cost`` for every bar that has another length than the one before it.
    The first bar may begin before the first beat, and the last one may be cut short.

    Parameters
    ----------
    downbeat_gains
        Log odds that each beat is a downbeat, shape ``(n_beats,)``.
    meters
        Bar lengths that may occur [beats], and how likely each is.
    change_cost
        Cost of another bar length.

    Examples
    --------
    >>> number_beats(np.array([-2.0, 3, -2, -2, 3, -2]), {3: 0.5, 4: 0.5})
    array([3, 1, 2, 3, 1, 2])
    """
    if not len(downbeat_gains):
        return np.empty(0, dtype=np.int64)
    starts = {length: log(meters[length] / length) for length in meters}
    # best[lead + i][length]: the best score of bars of which the last, of that length, begins at
    # beat i; bars that begin before beat 0 are under way
    lead = max(meters) - 1
    best = [starts] * lead
    origins: list[dict[int, int]] = [{}] * lead
    for beat, gain in enumerate(downbeat_gains.tolist()):
        reached: dict[int, float] = starts
        origin: dict[int, int] = {}
        if beat:
            ended = {length: best[lead + beat - length][length] for length in meters}
            reached, origin = _begin_bars(ended, change_cost)
        best.append({length: score + gain for length, score in reached.items()})
        origins.append(origin)
    return _number(best, origins, lead)


def _begin_bars(
    ended: dict[int, float], change_cost: float
) -> tuple[dict[int, float], dict[int, int]]:
    """Return the best score with which a bar of each length begins, and the length before it."""
    length, score = max(ended.items(), key=lambda item: item[1])
    reached, origin = {}, {}
    for new, same in ended.items():
        changes = score - change_cost > same
        reached[new] = score - change_cost if changes else same
        origin[new] = length if changes else new
    return reached, origin


def _number(
    best: list[dict[int, float]], origins: list[dict[int, int]], lead: int
) -> NDArray[np.int64]:
    n_beats = len(best) - lead
    ends = [
        (best[lead + first][length], first, length)
        for length in best[-1]
        for first in range(max(1 - length, n_beats - length), n_beats)
    ]
    _, first, length = max(ends)
    numbers = np.empty(n_beats, dtype=np.int64)
    end = n_beats
    while end > 0:
        low = max(first, 0)
        numbers[low:end] = np.arange(low, end) - first + 1
        end = low
        if first > 0:
            length = origins[lead + first][length]
            first -= length
    return numbers
