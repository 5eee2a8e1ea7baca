"""The grid of a track: segments of constant tempo, each from a beat on until the next begins.

It is what DJ software, sequencers and metronomes hold instead of single beats. `fit_grid` makes one
from beats (see `mirkit.decoding.gridfit`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mirkit import checks
from mirkit.annotation import Beats, TempoMap
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.values import Value

_BESIDE = 0.4
"""Of a beat: nearer than this to the next segment there is none, but that segment's first."""

_SLACK = 1e-6
"""Of a beat: how far the last beat may seem to lie behind the end, by rounding."""


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
        self._freeze_bars(len(times))

    def _freeze_bars(self, n: int) -> None:
        if (self.positions is None) != (self.meters is None):
            raise ParameterError("positions and meters are both given, or neither is")
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
        inner = np.floor(np.diff(self.times) / self.periods[:-1] + 1 - _BESIDE)
        last = np.floor((self.end - self.times[-1]) / self.periods[-1] + _SLACK) + 1
        counts: Ints = np.maximum(np.append(inner, last), 1).astype(np.int64)
        return counts

    @property
    def constant(self) -> bool:
        """Whether one tempo holds for the whole track."""
        return len(self) == 1

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
        positions = (self.positions[segment] - 1 + number) % self.meters[segment] + 1
        return Beats(times, positions)

    def tempo_map(self) -> TempoMap:
        """Return the tempi, with the meters where they are known."""
        return TempoMap(self.times, self.bpms, self.meters)

    def extended(self, end: float | None = None) -> BeatGrid:
        """Return the grid of the whole track: back to its first beat after 0, on to `end` [s]."""
        n = int(np.floor(self.times[0] / self.periods[0] + _SLACK))
        times = self.times.copy()
        times[0] = max(0.0, times[0] - n * self.periods[0])
        grid = replace(self, times=times, end=self.end if end is None else max(end, times[-1]))
        return grid if n == 0 else replace(grid, positions=_stepped(grid, -n, only_first=True))

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
        positions = meters = None
        if self.meters is not None:
            meters = self.meters[kept]
            positions = ((index + moved) // 2 % self.meters + 1)[kept]
        return BeatGrid(times[kept], self.bpms[kept] / 2, self.end, positions, meters)

    def shift(self, beats: float) -> BeatGrid:
        """Return the grid moved by a number of beats, such as 0.5, 1 or -1, downbeats and all.

        Whole beats move the downbeats only; a fraction moves the beats.
        """
        if not np.isfinite(beats):
            raise ParameterError(f"beats is {beats}; it is a number such as 0.5 or -1")
        whole, part = divmod(beats, 1)
        grid = replace(self, positions=_stepped(self, -int(whole)))
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


def _stepped(grid: BeatGrid, n_beats: int, only_first: bool = False) -> Ints | None:
    """Return the positions `n_beats` later in the bar."""
    if grid.positions is None or grid.meters is None:
        return None
    steps = np.full(len(grid), n_beats)
    if only_first:
        steps[1:] = 0
    positions: Ints = (grid.positions - 1 + steps) % grid.meters + 1
    return positions
