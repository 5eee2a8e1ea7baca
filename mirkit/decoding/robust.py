"""The fewest pieces of constant tempo that are worth their charge, though some beats be wrong.

A grid in which every beat keeps its place has a piece more for each beat that a tracker got wrong.
So pieces are charged: each must explain so many beats more. One piece for the whole recording is
the first to be asked; then two, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mirkit.arrays import Bools, Floats, Ints

CHARGE = 8
"""Wrong beats that one more piece must save: two bars."""

N_SEEDS = 3
"""Tempi of the longest exact pieces that are tried for what they join to."""

N_STEPS = 2
"""Steps of the lattice of tempi on either side of the best that are tried."""

MOST_JOINED = 24
"""Exact pieces that are joined to one, unless it is all of them."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A run of beats of one tempo.

    Parameters
    ----------
    first, end
        The run: indices into the beats.
    on
        Which of its beats are on the grid, shape ``(end - first,)``.
    numbers
        The number in the grid of each beat of the run, shape ``(end - first,)``.
    """

    first: int
    end: int
    on: Bools
    numbers: Ints

    @property
    def n_wrong(self) -> int:
        """Number of beats off the grid."""
        return int(np.count_nonzero(~self.on))

    @property
    def cost(self) -> int:
        """Number of beats off the grid, or missing there where that is more."""
        held = self.numbers[self.on]
        n_missing = int(held[-1] - held[0]) + 1 - len(held) if len(held) else 0
        return max(self.n_wrong, n_missing)


def find_pieces(
    times: Floats,
    index: Ints,
    cuts: list[int],
    tolerance: float,
    resolution: float | None,
    one_tempo: bool = False,
) -> list[Piece]:
    """Return the pieces of least cost: one per wrong or missing beat, and `CHARGE` per piece.

    Parameters
    ----------
    times, index
        The beats [s] and their numbers, as they were counted, both ``(n,)``.
    cuts
        Where pieces begin in a partition that keeps all beats, and where the last ends: borders
        are chosen among these.
    tolerance
        How far a beat may lie from the grid [s].
    resolution
        Tempi are multiples of it [bpm]; None takes any.
    one_tempo
        Whether there is to be one piece, whatever it costs.
    """
    n = len(cuts) - 1
    exact = [_exact(index, a, b) for a, b in pairwise(cuts)]
    if n == 1:
        return exact
    seeds = [_slope(times, piece) for piece in exact]

    def piece(i: int, j: int) -> Piece:
        if j == i + 1:
            return exact[i]
        return join(times[cuts[i] : cuts[j]], seeds[i:j], cuts[i], tolerance, resolution)

    whole = piece(0, n)
    if one_tempo or whole.cost <= CHARGE:  # no two pieces cost less
        return [whole]
    best: list[tuple[int, list[Piece]]] = [(0, [])]
    for j in range(1, n + 1):
        ends = [best[i] for i in range(max(0, j - MOST_JOINED), j)]
        options = [(end, piece(j - len(ends) + i, j)) for i, end in enumerate(ends)]
        found = [(cost + CHARGE + own.cost, [*before, own]) for (cost, before), own in options]
        best.append(min(found, key=lambda each: (each[0], len(each[1]))))
    return [whole] if CHARGE + whole.cost <= best[-1][0] else best[-1][1]


def join(
    times: Floats,
    seeds: list[tuple[int, float]],
    first: int,
    tolerance: float,
    resolution: float | None,
) -> Piece:
    """Return the piece of one tempo on whose grid most of some beats lie.

    Parameters
    ----------
    times
        The beats, shape ``(n,)`` [s].
    seeds
        Periods to begin with [s], each with the number of beats that have it.
    first
        Index of the first beat, for the piece.
    tolerance, resolution
        As for `find_pieces`.
    """
    tried = [period for _, period in sorted(seeds, reverse=True)[:N_SEEDS] if period > 0]
    found = [_settle(times, period, tolerance, resolution) for period in tried]
    on, numbers = max(found, key=lambda each: int(each[0].sum()))
    return Piece(first, first + len(times), on, numbers)


def _exact(index: Ints, a: int, b: int) -> Piece:
    return Piece(a, b, np.ones(b - a, bool), index[a:b] - index[a])


def _slope(times: Floats, piece: Piece) -> tuple[int, float]:
    """Return the number of beats of an exact piece, and its period [s]; 0 where it has none."""
    n = piece.end - piece.first
    rise = float(times[piece.end - 1] - times[piece.first])
    return n, rise / float(piece.numbers[-1]) if n > 1 else 0.0


def _settle(
    times: Floats, period: float, tolerance: float, resolution: float | None
) -> tuple[Bools, Ints]:
    """Return the beats near a grid and their numbers: the period follows those that are near."""
    on, numbers = _near(times, period, tolerance)
    for reach in (4 * tolerance, 2 * tolerance, tolerance):
        wide, places = _near(times, period, min(reach, period / 4))
        if np.count_nonzero(wide) > 2:
            period = float(np.polyfit(places[wide], times[wide], 1)[0])
        on, numbers = _near(times, period, tolerance)
    if resolution is None:
        return on, numbers
    step = round(60 / period / resolution)
    bpms = [resolution * (step + k) for k in range(-N_STEPS, N_STEPS + 1) if step + k > 0]
    whole = float(np.rint(60 / period))
    if abs(whole - 60 / period) < 0.5:
        bpms.append(whole)
    tried = [_near(times, 60 / bpm, tolerance) for bpm in bpms]
    return max(tried, key=lambda each: int(each[0].sum()))


def _near(times: Floats, period: float, tolerance: float) -> tuple[Bools, Ints]:
    """Return which beats lie near the grid of a period, in the phase that most do, and numbers.

    Of two beats with one number, the one nearer to the grid counts.
    """
    places = times % period
    order = np.sort(np.concatenate([places, places + period]))
    count = np.searchsorted(order, order[: len(times)] + 2 * tolerance + 1e-9, "right")
    first = int((count - np.arange(len(times))).argmax())
    phase = 0.5 * float(order[first] + order[count[first] - 1])
    numbers = np.rint((times - phase) / period).astype(np.int64)
    off = np.abs(times - phase - numbers * period)
    on = off <= tolerance + 1e-9
    doubled = np.flatnonzero(np.diff(numbers) == 0)
    on[np.where(off[doubled] <= off[doubled + 1], doubled + 1, doubled)] = False
    start = int(numbers[on][0]) if on.any() else int(numbers[0])
    return on, numbers - start
