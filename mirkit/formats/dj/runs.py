"""Markers with even beats between them: from a grid, and back to the tempi that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from math import ceil

import numpy as np

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj.anchors import counted

_METER = 4
_TIGHT = (
    1e-4  # [s] where the beats of one tempo lie nearer than this to a marker, it is one of them
)
_SLACK = 1e-3  # of a beat: what may be missing to 0
_NEXT = (0.4, 1.4)  # of a beat: so far from the last one begins the next segment of a grid


def grid_of_runs(
    times: Sequence[float],
    numbers: Sequence[int],
    end: float | None,
    tolerance: float,
    last_bpm: float | None = None,
) -> BeatGrid | None:
    """Return the grid whose beats lie on markers, with few segments.

    Each segment goes on as long as one tempo meets all markers within the tolerance; of the tempi
    that do, it has the one with the fewest decimals.

    Parameters
    ----------
    times
        Of the markers [s], increasing.
    numbers
        Which beat each marker is, increasing; each fourth is a downbeat, as 0 is.
    end
        Where the track ends [s]; None for the last marker.
    tolerance
        How far a marker may lie from its beat [s].
    last_bpm
        The tempo behind the last marker [bpm]; None goes on with that before it.

    Examples
    --------
    >>> grid_of_runs([0.25, 0.75, 1.25, 1.85], [0, 1, 2, 3], 4.0, 1e-4).bpms
    array([120., 100.])
    """
    last = len(times) - 1
    found: list[tuple[float, float]] = []
    i, period = 0, 0.0  # the period that held up to here, or 0
    while i < last:
        j, shortest, longest = _run(times, numbers, i, tolerance)
        if period and j < last and numbers[j] == numbers[i] + 1:
            gap = (times[j] - times[i]) / period
            period = 0.0
            if _NEXT[0] <= gap < _NEXT[1]:
                i = j  # the grid gets there by itself, from the segment before
                continue
        chosen = last_bpm if j == last else None
        if chosen is None or not shortest <= 60 / chosen <= longest:
            span = (times[j] - times[i]) / (numbers[j] - numbers[i])
            chosen = _plainest(shortest, longest, span)
        found.append((max(0.0, times[i]), chosen))
        period = 60 / chosen
        i = j
    if last_bpm is not None and (not found or found[-1][1] != last_bpm):
        found.append((max(0.0, times[last]), last_bpm))
    grid = counted(found, max(end or 0.0, times[last])) if found else None
    if grid is None or grid.positions is None:
        return grid
    return replace(grid, positions=(grid.positions - 1 + numbers[0]) % _METER + 1)


def markers_of_beats(grid: BeatGrid) -> tuple[list[float], list[int]]:
    """Return the times of markers and which beat each is, so that beats lie evenly between them.

    A segment whose last beat is longer or shorter than the others has a marker there. There are two
    markers at least.
    """
    times: list[float] = []
    beats: list[int] = []
    for time, period, count, gap in zip(
        grid.times, grid.periods, grid.counts, [*np.diff(grid.times), None], strict=True
    ):
        even = gap is not None and abs(gap - count * period) <= _TIGHT
        if even or count > 1:
            times.append(float(time))
            beats.append(int(count) if even else int(count) - 1)
        if not even:
            times.append(float(time + (count - 1) * period))
            beats.append(1)
    if len(times) == 1:
        times.append(times[0] + float(grid.periods[-1]))
    else:
        beats.pop()
    return times, [0, *accumulate(beats)]


def from_zero(times: list[float], numbers: list[int]) -> tuple[list[float], list[int]]:
    """Return the markers from the first beat on that is not before 0, where programs may begin."""
    while len(times) > 1 and times[1] < 0:
        times, numbers = times[1:], numbers[1:]
    if times[0] >= 0 or len(times) == 1:
        return [max(0.0, times[0]), *times[1:]], numbers
    n = numbers[1] - numbers[0]
    period = (times[1] - times[0]) / n
    skipped = ceil(-times[0] / period - _SLACK)
    if skipped >= n:
        return from_zero(times[1:], numbers[1:])
    first = max(0.0, times[0] + skipped * period)
    return [first, *times[1:]], [numbers[0] + skipped, *numbers[1:]]


def _run(
    times: Sequence[float], numbers: Sequence[int], i: int, tolerance: float
) -> tuple[int, float, float]:
    """Return the last marker that one period meets from the `i`-th on, and which periods do."""
    shortest, longest, j = 0.0, float("inf"), i
    while j + 1 < len(times):
        n, span = numbers[j + 1] - numbers[i], times[j + 1] - times[i]
        low, high = max(shortest, (span - tolerance) / n), min(longest, (span + tolerance) / n)
        if low > high:
            break
        shortest, longest, j = low, high, j + 1
    return j, shortest, longest


def _plainest(shortest: float, longest: float, period: float) -> float:
    """Return the tempo of fewest decimals among periods, or of `period` where two do not do."""
    period = min(max(period, shortest), longest)
    for digits in (0, 1, 2):
        bpm = round(60 / period, digits)
        if bpm > 0 and shortest <= 60 / bpm <= longest:
            return bpm
    return 60 / period
