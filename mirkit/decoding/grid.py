"""The grid of a track: segments of constant tempo, each from a beat on until the next begins.

It is what DJ software, sequencers and metronomes hold instead of single beats. `fit_grid` makes one
from beats (see `mirkit.decoding.gridfit`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.annotation import Beats, TempoMap
from mirkit.annotation.rhythm import denominators_of
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.values import Value

_BESIDE = 0.4
"""Of a beat: nearer than this to the next segment there is none, but that segment's first."""

_SLACK = 1e-6
"""Of a beat: how far the last beat may seem to lie behind the end, by rounding."""

_MOST_BEATS = 10_000_000
"""Nobody hears as many beats; a damaged file may hold a tempo that makes more."""

_GOES_ON = 1e-6
"""[s] A segment that begins nearer to the next beat of the one before it goes on with it."""

HAIR = 1e-4
"""[s] A beat that lies less before the start of the track, by rounding, is the one at its start."""


@dataclass(frozen=True, eq=False)
class BeatGrid(Value):
    """Segments of constant tempo.

    Segment ``i`` has a beat at ``times[i]`` and then one every ``60 / bpms[i]`` seconds, up to the
    last that comes 0.4 beats or more before the next segment.

    Parameters
    ----------
    times
        The first beat of each segment, shape ``(n,)`` [s], increasing; at least one.
    bpms
        The tempo of each segment, shape ``(n,)`` [bpm].
    end
        Where the grid ends [s]: no beat comes after it.
    positions
        Number in its bar of each segment's first beat, shape ``(n,)`` (1 = downbeat), or None where
        no bars are known.
    meters
        Beats in a bar of each segment, shape ``(n,)``, or None as `positions`.
    denominators
        The note that a beat of each segment is written as (4 = quarter, 8 = eighth), shape
        ``(n,)``. Where there are meters, None stands for quarters; without meters there are none.

    Examples
    --------
    >>> grid = BeatGrid([0.25], [120.0], end=2.5, positions=[4], meters=[4])
    >>> grid.beats().times, grid.beats().positions
    (array([0.25, 0.75, 1.25, 1.75, 2.25]), array([4, 1, 2, 3, 4]))
    """

    times: Floats
    bpms: Floats
    end: float
    positions: Ints | None = None
    meters: Ints | None = None
    denominators: Ints | None = None

    def __post_init__(self) -> None:
        times = checks.frozen_array("times", self.times, np.float64, 1)
        checks.increasing_times("times", times)
        if not times.size:
            raise ParameterError("times is empty; a grid has at least one segment")
        object.__setattr__(self, "times", times)
        bpms = checks.frozen_array("bpms", self.bpms, np.float64, 1)
        checks.same_length("bpms", bpms, len(times))
        for bpm in bpms:
            checks.positive("bpms", bpm)
        object.__setattr__(self, "bpms", bpms)
        if not (np.isfinite(self.end) and self.end >= times[-1]):
            raise ParameterError(
                f"end is {self.end} s; it is not before the last segment, at {times[-1]} s"
            )
        object.__setattr__(self, "end", float(self.end))
        if (self.end - times[0]) * np.max(bpms) / 60 > _MOST_BEATS:
            raise ParameterError(
                f"bpms reach {np.max(bpms):g} over {self.end - times[0]:g} s; no recording has so "
                "many beats"
            )
        self._freeze_bars(len(times))

    def _freeze_bars(self, n: int) -> None:
        if (self.positions is None) != (self.meters is None):
            raise ParameterError("positions and meters are both given, or neither is")
        notes = denominators_of(self.meters, self.denominators)
        object.__setattr__(self, "denominators", notes)
        if self.positions is None:
            return
        positions = checks.frozen_array("positions", self.positions, np.int64, 1)
        meters = checks.frozen_array("meters", self.meters, np.int64, 1)
        checks.same_length("positions", positions, n)
        checks.same_length("meters", meters, n)
        bad = np.flatnonzero((positions < 1) | (positions > meters))
        if bad.size:
            i = int(bad[0])
            raise ParameterError(
                f"positions[{i}] is {positions[i]} in a bar of {meters[i]}; it counts from 1"
            )
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "meters", meters)

    @classmethod
    def of_markers(
        cls,
        times: Any,
        bpms: Any,
        end: float | None = None,
        positions: Any = None,
        meters: Any = None,
        denominators: Any = None,
    ) -> BeatGrid:
        """Return the grid of markers that may lie before the track, or begin late in it.

        Programs count back from their first marker, so its beats go back to the first one behind
        the start of the track. A marker before the start moves on by whole beats to the first that
        is none, or gives way to the next marker where that comes first. In both cases its place in
        the bar goes with it.

        Parameters
        ----------
        times
            Of the markers, shape ``(n,)`` [s], increasing; negative ones are before the track.
        bpms, positions, meters, denominators
            Of each marker, as in the grid.
        end
            Where the grid ends [s]; None, or a time before the last marker, ends it there.

        Examples
        --------
        >>> grid = BeatGrid.of_markers([-0.1], [120.0], 2.0, positions=[1], meters=[4])
        >>> grid.times, grid.positions
        (array([0.4]), array([2]))
        >>> BeatGrid.of_markers([8.5], [120.0], 30.0, positions=[1], meters=[4]).times
        array([0.5])
        """
        times, bpms = np.array(times, dtype=np.float64), np.asarray(bpms, dtype=np.float64)
        bars = [None if x is None else np.array(x) for x in (positions, meters, denominators)]
        first, steps = _start(times, 60 / bpms)
        if len(times):
            times[first] = max(0.0, times[first] + steps * 60 / bpms[first])
        if bars[0] is not None and bars[1] is not None and len(times):
            bars[0][first] = (bars[0][first] - 1 + steps) % bars[1][first] + 1
        last = float(np.max(times[first:], initial=0.0 if end is None else end))
        kept = (None if x is None else x[first:] for x in bars)
        return cls(times[first:], bpms[first:], last, *kept)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def periods(self) -> Floats:
        """Length of a beat in each segment, shape ``(n,)`` [s]."""
        periods: Floats = 60 / self.bpms
        return periods

    @property
    def counts(self) -> Ints:
        """Number of beats in each segment, shape ``(n,)``, each at least 1."""
        return beat_counts(self.times, self.periods, self.end)

    @property
    def constant(self) -> bool:
        """Tell whether one tempo holds for the whole track, whatever its meters."""
        on = self.times[:-1] + self.counts[:-1] * self.periods[:-1]
        same = np.all(self.bpms == self.bpms[0]) and np.all(np.abs(self.times[1:] - on) < _GOES_ON)
        return bool(same)

    @property
    def bpm(self) -> float:
        """The tempo that holds for the longest time [bpm]."""
        held = np.diff(np.append(self.times, self.end))
        bpms, which = np.unique(self.bpms, return_inverse=True)
        return float(bpms[np.argmax(np.bincount(which, weights=held))])

    @property
    def first_downbeat(self) -> float | None:
        """Time of the first downbeat [s], or None where there are no bars."""
        downbeats = self.beats().downbeats
        return float(downbeats[0]) if len(downbeats) else None

    def beats(self) -> Beats:
        """Return every beat of the grid."""
        counts = self.counts
        segment = np.repeat(np.arange(len(self)), counts)
        number = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
        times = self.times[segment] + number * self.periods[segment]
        if self.positions is None or self.meters is None:
            return Beats(times)
        assert self.denominators is not None
        positions = (self.positions[segment] - 1 + number) % self.meters[segment] + 1
        return Beats(times, positions, denominators=self.denominators[segment])

    def tempo_map(self) -> TempoMap:
        """Return the tempi, with the meters where they are known."""
        return TempoMap(self.times, self.bpms, self.meters, denominators=self.denominators)

    def extend(self, end: float | None = None) -> BeatGrid:
        """Return the grid of the whole track: back to its first beat after 0, on to `end` [s]."""
        n = int(np.floor(self.times[0] / self.periods[0] + _SLACK))
        times = self.times.copy()
        times[0] = max(0.0, times[0] - n * self.periods[0])
        grid = replace(self, times=times, end=self.end if end is None else max(end, times[-1]))
        return grid if n == 0 else replace(grid, positions=_step(grid, -n, only_first=True))

    def double(self) -> BeatGrid:
        """Return the grid at twice this tempo; downbeats stay, and there are more of them."""
        positions = None
        if self.positions is not None and self.meters is not None:
            positions = 2 * (self.positions - 1) % self.meters + 1
        return replace(self, bpms=2 * self.bpms, positions=positions)

    def halve(self) -> BeatGrid:
        """Return the grid at half this tempo; of two beats the one with the downbeat stays.

        Every other downbeat goes, from the second on, as bars keep their number of beats.
        """
        index = self._beats_since_downbeat()
        moved = index % 2
        times = self.times + moved * self.periods
        kept = np.append(times[:-1] < self.times[1:], True)
        if times[-1] > self.end:
            kept[-1] = len(self) == 1
            times[-1] = min(times[-1], self.end)
        bpms = self.bpms[kept] / 2
        if self.meters is None or self.denominators is None:
            return BeatGrid(times[kept], bpms, self.end)
        positions = ((index + moved) // 2 % self.meters + 1)[kept]
        notes = self.denominators[kept]
        return BeatGrid(times[kept], bpms, self.end, positions, self.meters[kept], notes)

    def shift(self, beats: float) -> BeatGrid:
        """Return the grid moved by a number of beats, such as 0.5, 1 or -1, downbeats and all.

        Whole beats move the downbeats only; a fraction moves the beats.
        """
        if not np.isfinite(beats):
            raise ParameterError(f"beats is {beats}; it is a number such as 0.5 or -1")
        whole, part = divmod(beats, 1)
        grid = replace(self, positions=_step(self, -int(whole)))
        if not part:
            return grid
        times = grid.times + part * grid.periods
        return replace(grid, times=times, end=max(self.end, float(times[-1])))

    def _beats_since_downbeat(self) -> Ints:
        """Return how many beats each segment begins after the first bar line, by its positions."""
        index = np.cumsum(self.counts) - self.counts
        if self.positions is None or self.meters is None:
            return index
        index += self.positions[0] - 1
        # where a bar was cut, positions do not follow from the counts: go to the nearest that do
        off = self.positions - 1 - index
        return np.maximum(index + (off + self.meters // 2) % self.meters - self.meters // 2, 0)


def beat_counts(times: Floats, periods: Floats, end: float) -> Ints:
    """Return the number of beats from each marker to the next, and from the last to `end`.

    A beat that is nearer than 0.4 beats to the next marker is that marker. Each has one at least.

    Examples
    --------
    >>> beat_counts(np.array([-1.0, 0.5]), np.array([0.5, 0.25]), 1.0)
    array([3, 3])
    """
    inner = np.floor(np.diff(times) / periods[:-1] + 1 - _BESIDE)
    last = np.floor((end - times[-1]) / periods[-1] + _SLACK) + 1
    counts: Ints = np.maximum(np.append(inner, last), 1).astype(np.int64)
    return counts


def _start(times: Floats, periods: Floats) -> tuple[int, int]:
    """Return the marker that a grid begins with, and by how many beats it moves (see `of_markers`).

    Where the first marker is behind the start of the track, the beat at the start is not counted:
    it would be the last one of a bar that was never played.
    """
    first = int(np.searchsorted(times, -HAIR)) - 1  # the last one before the start
    if first < 0:
        return 0, -max(int(np.ceil((times[0] - HAIR) / periods[0])) - 1, 0) if len(times) else 0
    steps = int(np.ceil((-HAIR - times[first]) / periods[first]))
    reached = times[first] + (steps + _BESIDE) * periods[first]
    if first + 1 < len(times) and times[first + 1] <= reached:
        return first + 1, 0
    return first, steps


def _step(grid: BeatGrid, n_beats: int, only_first: bool = False) -> Ints | None:
    """Return the positions `n_beats` later in the bar."""
    if grid.positions is None or grid.meters is None:
        return None
    steps = np.full(len(grid), n_beats)
    if only_first:
        steps[1:] = 0
    positions: Ints = (grid.positions - 1 + steps) % grid.meters + 1
    return positions
