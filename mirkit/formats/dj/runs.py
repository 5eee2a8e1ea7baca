"""From beats that a program holds one by one, or in groups, to the tempi that it means by them."""

from __future__ import annotations

from collections.abc import Sequence

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj.anchors import counted

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
        Which beat each marker is, increasing.
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
    return counted(found, max(end or 0.0, times[last])) if found else None


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
