"""Markers with even beats between them: from a grid, and back to the tempi that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil

import numpy as np

from mirkit.decoding.grid import HAIR, BeatGrid
from mirkit.formats.dj.anchors import PLAIN_METER, TIGHT

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
        Of the markers [s], increasing; they may lie before the track, or begin late in it.
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
    found: list[tuple[int, float]] = []
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
            if i == 0 and times[0] > 0:  # beats before the first marker are counted back from it
                room = tolerance * span / (times[0] + span)
                shortest, longest = max(shortest, span - room), min(longest, span + room)
            chosen = _plainest(shortest, longest, span)
        found.append((i, chosen))
        period = 60 / chosen
        i = j
    if last_bpm is not None and (not found or found[-1][1] != last_bpm):
        found.append((last, last_bpm))
    if not found:
        return None
    return BeatGrid.of_markers(
        [times[i] for i, _ in found],
        [bpm for _, bpm in found],
        end or times[last],
        [numbers[i] % PLAIN_METER + 1 for i, _ in found],
        [PLAIN_METER] * len(found),
    )


def count_back(times: Sequence[float], numbers: Sequence[int]) -> tuple[list[float], list[int]]:
    """Return markers with one more: the first beat of the track, by the tempo of the first two.

    Examples
    --------
    >>> count_back([4.3, 5.3], [0, 2])
    ([0.3, 4.3, 5.3], [-8, 0, 2])
    """
    if len(times) < 2:
        return [*times], [*numbers]
    period = (times[1] - times[0]) / (numbers[1] - numbers[0])
    n = ceil((times[0] - HAIR) / period) - 1
    if n <= 0:
        return [*times], [*numbers]
    return [round(times[0] - n * period, 12), *times], [numbers[0] - n, *numbers]


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
        even = gap is not None and abs(gap - count * period) <= TIGHT
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
