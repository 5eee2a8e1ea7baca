"""Playlists in an order for mixing: by tempo, by keys that go together, and by energy.

The cost of a transition, which the order makes least in sum::

    cost = 0.45 min(1, tempo / 6 %) + 0.35 key distance + 0.2 min(1, energy / 0.4)

The tempo distance is that of the nearest of half, same and double time; see `key_distance` for
keys. What is not known of a track costs half. Up to `EXACT` tracks the order is the best there is
(dynamic programming over subsets, Held and Karp 1962); above, the best of several
nearest-neighbor tours, improved by reversing stretches (2-opt) and moving tracks (Or-opt) until
neither helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log2

import numpy as np

from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.library.harmony import key_distance
from mirkit.library.rows import TrackRow

EXACT = 12
"""Tracks up to which the order is the best there is."""

_TEMPO, _KEY, _ENERGY = 0.45, 0.35, 0.2
_FARTHEST = log2(1.06)  # octaves; DJs' pitch faders go to 6 or 8 %
_APART = 0.4
_UNKNOWN = 0.5
_STARTS = 10  # tours that are tried
_HAIR = 1e-12


def tempo_distance(a: float | None, b: float | None) -> float:
    """Return how far apart two tempi are at the nearest level, in [0, 1]; 1 from 6 % on.

    Examples
    --------
    >>> [round(tempo_distance(128, bpm), 2) for bpm in (128, 64, 131, 100)]
    [0.0, 0.0, 0.4, 1.0]
    """
    if a is None or b is None:
        return _UNKNOWN
    octaves = log2(a / b)
    nearest = min(abs(octaves - level) for level in (-1, 0, 1))
    return min(1.0, nearest / _FARTHEST)


def cost(a: TrackRow, b: TrackRow) -> float:
    """Return the cost of going from one track to another, in [0, 1]."""
    energy = _UNKNOWN
    if a.energy is not None and b.energy is not None:
        energy = min(1.0, abs(a.energy - b.energy) / _APART)
    tempo = tempo_distance(a.bpm, b.bpm)
    return _TEMPO * tempo + _KEY * key_distance(a.key, b.key) + _ENERGY * energy


def order(rows: Sequence[TrackRow], first: int | None = None) -> list[TrackRow]:
    """Return tracks in an order for mixing.

    Parameters
    ----------
    rows
        The tracks.
    first
        Number of the track that comes first, or None for any.

    Raises
    ------
    ParameterError
        Where `first` is none of them.
    """
    start = None if first is None else _place(rows, first)
    if len(rows) < 2:
        return list(rows)
    costs = np.array([[cost(a, b) for b in rows] for a in rows])
    places = exact(costs, start) if len(rows) <= EXACT else heuristic(costs, start)
    return [rows[place] for place in places]


def _place(rows: Sequence[TrackRow], number: int) -> int:
    for place, row in enumerate(rows):
        if row.id == number:
            return place
    raise ParameterError(f"first is {number}, which is none of the {len(rows)} tracks")


def length(costs: Floats, places: Sequence[int]) -> float:
    """Return the sum of the costs along an order."""
    return float(sum(costs[a, b] for a, b in pairwise(places)))


def exact(costs: Floats, start: int | None = None) -> list[int]:
    """Return the order of least cost, by dynamic programming over subsets.

    Parameters
    ----------
    costs
        Shape ``(n, n)``.
    start
        Which comes first, or None for any.
    """
    n = len(costs)
    best = np.full((1 << n, n), np.inf)
    last = np.zeros((1 << n, n), int)
    for i in range(n) if start is None else [start]:
        best[1 << i, i] = 0.0
    for subset in range(1, 1 << n):
        for j in range(n):
            if subset >> j & 1 and subset != 1 << j:
                through = best[subset ^ 1 << j] + costs[:, j]
                last[subset, j] = through.argmin()
                best[subset, j] = min(best[subset, j], through.min())
    return _trace(best, last)


def _trace(best: Floats, last: np.ndarray) -> list[int]:
    subset = len(best) - 1
    places = [int(best[subset].argmin())]
    while subset & (subset - 1):
        before = int(last[subset, places[-1]])
        subset ^= 1 << places[-1]
        places.append(before)
    return places[::-1]


def heuristic(costs: Floats, start: int | None = None) -> list[int]:
    """Return an order of low cost: the best of several improved nearest-neighbor tours."""
    n = len(costs)
    starts = [start] if start is not None else range(0, n, max(1, n // _STARTS))
    tours = [_improve(costs, _nearest(costs, each), start is not None) for each in starts]
    return min(tours, key=lambda tour: length(costs, tour))


def _nearest(costs: Floats, start: int) -> list[int]:
    places, left = [start], np.ones(len(costs), bool)
    left[start] = False
    while left.any():
        onward = np.where(left, costs[places[-1]], np.inf)
        places.append(int(onward.argmin()))
        left[places[-1]] = False
    return places


def _improve(costs: Floats, places: list[int], is_fixed: bool) -> list[int]:
    """Reverse stretches and move tracks as long as that makes the order cheaper."""
    better: list[int] | None = places
    while better is not None:
        places = better
        better = _reverse(costs, places, is_fixed) or _move(costs, places, is_fixed)
    return places


def _reverse(costs: Floats, places: list[int], is_fixed: bool) -> list[int] | None:
    """Return the order with the stretch reversed that helps most, or None."""
    at = np.array(places)
    n = len(at)
    into = np.append(np.inf, costs[at[:-1], at[1:]])  # cost of the edge into each place
    best, found = -_HAIR, None
    for i in range(1 if is_fixed else 0, n - 1):
        ends = np.arange(i + 1, n)
        before = 0.0 if i == 0 else costs[at[i - 1], at[ends]] - into[i]
        after = np.zeros(len(ends))
        after[:-1] = costs[at[i], at[ends[:-1] + 1]] - into[ends[:-1] + 1]
        change = before + after
        if change.min() < best:
            best, found = float(change.min()), (i, int(ends[change.argmin()]))
    if found is None:
        return None
    i, j = found
    return [*places[:i], *places[i : j + 1][::-1], *places[j + 1 :]]


def _move(costs: Floats, places: list[int], is_fixed: bool) -> list[int] | None:
    """Return the order with a track moved elsewhere that helps, or None."""
    now = length(costs, places)
    for i in range(1 if is_fixed else 0, len(places)):
        rest = places[:i] + places[i + 1 :]
        at, x = np.array(rest), places[i]
        gaps = costs[at[:-1], x] + costs[x, at[1:]] - costs[at[:-1], at[1:]]
        ends = [np.inf if is_fixed else costs[x, at[0]], *gaps, costs[at[-1], x]]
        j = int(np.argmin(ends))
        if length(costs, rest) + ends[j] < now - _HAIR:
            return [*rest[:j], x, *rest[j:]]
    return None
