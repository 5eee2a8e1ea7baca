"""From a grid to the markers of a format, and from markers to a grid.

Formats differ in how many decimals tempo and time have. Where the tempo is rounded, beats drift
from their place until the next marker, so there are as many markers as keep them within a bound.

Markers that are read may lie anywhere: programs put them before the start of the track, and count
back from the first where it lies late (see `BeatGrid.of_markers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mirkit.decoding.grid import BeatGrid, beat_counts
from mirkit.vocab.meters import QUARTER

DRIFT = 5e-4
"""How far a beat may drift between two markers because of a rounded tempo [s]."""

PLAIN_METER = 4
"""Beats in a bar, for formats that know no other."""

TIGHT = 1e-4
"""[s] A beat of one tempo that lies nearer than this to a marker is that marker."""

_FARTHEST = 1e6
"""[s] Nobody puts a marker there: it is damage."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A beat from which a tempo holds, with its place in the bar."""

    time: float
    bpm: float
    position: int = 1
    meter: int = PLAIN_METER
    denominator: int = QUARTER


def markers_of(grid: BeatGrid, decimals: int | None) -> list[Marker]:
    """Return the markers that hold a grid in a format whose tempi have `decimals` (None: all).

    A segment whose tempo is rounded gets a marker each time that its beats have drifted by
    `DRIFT`.
    """
    grid = with_bars(grid)
    assert grid.positions is not None
    assert grid.meters is not None
    assert grid.denominators is not None
    found = []
    bars = zip(grid.positions.tolist(), grid.meters.tolist(), grid.denominators.tolist(),
               strict=True)  # fmt: skip
    rows = zip(grid.times, grid.bpms, grid.counts, bars, strict=True)
    for time, bpm, count, (position, meter, note) in rows:
        written = float(bpm) if decimals is None else round(float(bpm), decimals)
        drift = abs(60 / written - 60 / bpm) if written else 0.0
        every = int(count) if drift * count <= DRIFT else max(1, int(DRIFT / drift))
        for k in range(0, int(count), every):
            place = (position - 1 + k) % meter + 1
            found.append(Marker(float(time + k * 60 / bpm), written, place, meter, note))
    return found


def grid_of(markers: Sequence[Marker], end: float | None) -> BeatGrid | None:
    """Return the grid of markers, up to `end` or else to the last of them; None without any."""
    found = _in_order(markers)
    if not found:
        return None
    return BeatGrid.of_markers(
        [x.time for x in found],
        [x.bpm for x in found],
        end,
        [min(max(x.position, 1), x.meter) for x in found],
        [x.meter for x in found],
        [x.denominator for x in found],
    )


def grid_of_markers(markers: Sequence[tuple[float, float]], end: float | None) -> BeatGrid | None:
    """Return the grid of (time [s], bpm) of a format that has no bars but those of four beats.

    The first marker is a downbeat, wherever it lies; the others go on counting.
    """
    found = _in_order([Marker(time, bpm) for time, bpm in markers])
    if not found:
        return None
    times, bpms = np.array([x.time for x in found]), np.array([x.bpm for x in found])
    counts = beat_counts(times, 60 / bpms, times[-1])
    places = (np.cumsum(counts) - counts) % PLAIN_METER + 1
    return BeatGrid.of_markers(times, bpms, end, places, np.full(len(found), PLAIN_METER))


def _in_order(markers: Sequence[Marker]) -> list[Marker]:
    """Return the markers by time; of two at one time the last, and none that is damaged."""
    unique = {x.time: x for x in markers if abs(x.time) < _FARTHEST and 0 < x.bpm < np.inf}
    return [unique[time] for time in sorted(unique)]


def with_bars(grid: BeatGrid) -> BeatGrid:
    """Return the grid with bars; where none are known, of four beats from the first one on."""
    if grid.positions is not None:
        return grid
    before = np.cumsum(grid.counts) - grid.counts
    return replace(grid, positions=before % PLAIN_METER + 1, meters=np.full(len(grid), PLAIN_METER))


def from_downbeat(grid: BeatGrid, *, evenly: bool = False) -> BeatGrid:
    """Return the grid whose first marker is a downbeat, for formats where it always is one.

    The beats before it are not lost: programs count back from the first marker. Where the first
    of several segments has no downbeat, the grid stays; so it does in formats whose beats lie
    `evenly` between markers, if only one would be left that is longer or shorter than the others.
    """
    if grid.positions is None or grid.meters is None:
        return grid
    n = int((grid.meters[0] - grid.positions[0] + 1) % grid.meters[0])
    left = int(grid.counts[0]) - n
    if left < 1 and len(grid) > 1:  # behind the last marker there is room
        return grid
    if evenly and left == 1 < len(grid) and n and not _is_even(grid):
        return grid
    times, positions = grid.times.copy(), grid.positions.copy()
    times[0] += n * grid.periods[0]
    positions[0] = 1
    return replace(grid, times=times, positions=positions, end=max(grid.end, float(times[0])))


def _is_even(grid: BeatGrid) -> bool:
    """Tell whether the first segment ends where its own tempo would have the next beat."""
    reached = grid.times[0] + grid.counts[0] * grid.periods[0]
    return abs(float(grid.times[1] - reached)) <= TIGHT


def one_tempo(grid: BeatGrid) -> BeatGrid:
    """Return the one tempo that fits all beats of a grid best, for formats that hold no more."""
    bpm, first = float(grid.bpms[0]), float(grid.times[0])
    if not grid.constant:
        times = grid.beats().times
        period, phase = np.polyfit(np.arange(len(times)), times, 1)
        bpm, first = 60 / period, phase if phase >= 0 else phase + np.ceil(-phase / period) * period
    bars = (None if x is None else x[:1] for x in (grid.positions, grid.meters, grid.denominators))
    return BeatGrid(np.array([first]), np.array([bpm]), max(grid.end, first), *bars)


def deviation(grid: BeatGrid, written: BeatGrid | None) -> float:
    """Return how far the beat of `grid` that suffers most lies from one of `written` [s].

    A grid that is written begins and ends where the program makes it, so it counts from the beat
    before the start of the track, which may lie a hair from it, to the last beat.
    """
    if written is None:
        return float("inf")
    beats = grid.beats().times
    whole = written.extend(float(beats[-1]) + written.periods[-1]).beats().times
    whole = np.concatenate([[whole[0] - written.periods[0]], whole])
    after = np.clip(np.searchsorted(whole, beats), 1, max(len(whole) - 1, 1))
    nearest = np.abs(whole[np.stack([after - 1, np.minimum(after, len(whole) - 1)])] - beats)
    return float(np.max(np.min(nearest, axis=0)))
