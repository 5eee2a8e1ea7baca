"""From beats to the simplest grid that explains them.

First the fewest segments of constant tempo such that no beat lies farther from its place than a
tolerance, with tempi on a lattice of 0.01 bpm, which is all that most DJ software can hold. Each is
made as long as it can be: whatever holds for a run of beats holds for each part of it, so no other
partition has fewer. Then the borders go where the beats lie nearest to the grid. Trackers err, so
segments are then joined, all of them first, as long as fewer beats are wrong for it than a segment
is charged (`mirkit.decoding.robust`). Where the meter changes and the tempo does not, another
segment begins, which goes on as the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from mirkit import checks
from mirkit.annotation import Beats
from mirkit.arrays import Floats, Ints
from mirkit.decoding import robust
from mirkit.decoding.counting import count_beats
from mirkit.decoding.grid import BeatGrid
from mirkit.errors import ParameterError
from mirkit.values import Value

_JITTER = 1e-3  # [s] no beat is known better, whatever the fit says
_ODDS = 100  # of a whole tempo against one other hundredth
_N_BORDERS = 33  # places tried for each border
_ROUND = 1e-9  # [s] what sums of floats may be off
_LONG = 32  # beats of a segment that counts as steady in full
_PIECE = 16  # beats that each further segment costs the quality
_STEADY_BARS = 4  # of another length in a row are another meter


@dataclass(frozen=True, eq=False)
class GridFit(Value):
    """A grid, and how well it explains the beats that it was fitted to.

    Parameters
    ----------
    grid
        The grid.
    residuals
        Beat minus its place in the grid, for each beat that is neither extra nor wrong, shape
        ``(n,)`` [s].
    n_missing
        How many beats of the grid between the first and the last were not among the beats.
    n_extra
        How many beats fell between those of the grid.
    tolerance
        Which no residual exceeds [s].
    quality
        How far the grid can be trusted without looking, in [0, 1]: to sort by, no probability. The
        product of the shares of beats that were neither missing, extra nor wrong and whose place
        in the bar agrees with the grid's, of how long segments are (1 from 32 beats on), of how few
        there are (a further one counts as if 16 beats were lost), and of how tightly beats lie
        around the grid (1 where exact, 0.6 where all lie at the tolerance).
    n_wrong
        How many beats lay elsewhere than on the grid, and were left out.
    """

    grid: BeatGrid
    residuals: Floats
    n_missing: int
    n_extra: int
    tolerance: float
    quality: float
    n_wrong: int = 0

    @property
    def constant(self) -> bool:
        """Tell whether one tempo holds for the whole track."""
        return self.grid.constant

    @property
    def rms(self) -> float:
        """Root of the mean square of the residuals [s]."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def max_error(self) -> float:
        """The largest residual [s]."""
        return float(np.max(np.abs(self.residuals)))


def fit_grid(
    beats: Beats,
    tolerance: float = 0.010,
    *,
    resolution: float | None = 0.01,
    snap: bool = True,
    end: float | None = None,
    one_tempo: bool = False,
) -> GridFit:
    """Return the grid of fewest segments in which beats keep their places, but for wrong ones.

    Parameters
    ----------
    beats
        At least two. Where one is missing the grid goes on; one between two others is left out,
        and so are wrong ones, where fewer than eight would need a segment of their own.
    tolerance
        How far a beat may lie from the grid [s].
    resolution
        Tempi are multiples of it [bpm]; None takes any.
    snap
        Whether a tempo near a whole number becomes it, where it keeps the tolerance and the beats
        do not speak against it.
    end
        Where the grid ends [s], such as the end of the track; None ends it at the last beat.
    one_tempo
        Whether to make one segment, whatever the number of wrong beats: that on which most lie.

    Raises
    ------
    ParameterError
        Where there are fewer than two beats.

    Examples
    --------
    >>> fit = fit_grid(Beats([0.251, 0.75, 1.249, 1.752, 2.75], positions=[1, 2, 3, 4, 2]))
    >>> fit.constant, fit.grid.bpm, fit.n_missing, round(fit.max_error, 3)
    (True, 120.0, 1, 0.002)
    """
    checks.positive("tolerance", tolerance)
    if resolution is not None:
        checks.positive("resolution", resolution)
    if len(beats) < 2:
        raise ParameterError(f"there are {len(beats)} beats; a grid needs at least two")
    kept, index = count_beats(beats.times)
    positions, notes = (
        None if x is None else x[kept] for x in (beats.positions, beats.denominators)
    )
    run = _Run(beats.times[kept], index, positions, len(beats), len(kept), end, notes)
    closest = float(np.min(np.diff(run.times)))
    if closest < 4 * tolerance:
        raise ParameterError(
            f"tolerance is {tolerance} s where beats lie {closest:.3f} s apart; "
            "it is at most a quarter of that"
        )
    cuts = borders(run.times, index, tolerance, resolution)
    run, cuts = _join(run, cuts, tolerance, resolution, one_tempo)
    times, index = run.times, run.index
    lines = [
        fit_line(times[a:b], index[a:b], tolerance, resolution, snap) for a, b in pairwise(cuts)
    ]
    return _assemble(run, cuts, _with_neighbors(lines, run.times), tolerance)


def _join(
    run: _Run, cuts: list[int], tolerance: float, resolution: float | None, one_tempo: bool
) -> tuple[_Run, list[int]]:
    """Return the run without its wrong beats, numbered anew, and where its segments begin."""
    pieces = robust.find_pieces(run.times, run.index, cuts, tolerance, resolution, one_tempo)
    kept = np.concatenate([piece.on for piece in pieces])
    if kept.all() and len(pieces) == len(cuts) - 1:
        return run, cuts
    index = _renumber(run, pieces)
    borders = [0, *np.cumsum([np.count_nonzero(piece.on) for piece in pieces]).tolist()]
    rest = (None if x is None else x[kept] for x in (run.positions, run.notes))
    positions, notes = rest
    return replace(
        run, times=run.times[kept], index=index, positions=positions, notes=notes
    ), borders


def _renumber(run: _Run, pieces: list[robust.Piece]) -> Ints:
    """Return the numbers of the beats that are on: within pieces as their grids have it."""
    found: list[int] = []
    last = -1
    for piece in pieces:
        on = piece.first + np.flatnonzero(piece.on)
        numbers = piece.numbers[piece.on]
        step = 0 if last < 0 else max(1, int(run.index[on[0]] - run.index[last]))
        found += (numbers - numbers[0] + (found[-1] + step if found else 0)).tolist()
        last = int(on[-1])
    return np.array(found, np.int64)


@dataclass(frozen=True)
class _Run:
    """The beats that are neither extra nor wrong, and what there was besides."""

    times: Floats
    index: Ints
    positions: Ints | None
    n_beats: int
    n_kept: int
    end: float | None
    notes: Ints | None = None


def borders(times: Floats, index: Ints, tolerance: float, resolution: float | None) -> list[int]:
    """Return where segments begin, in the partition of fewest, and where the last ends.

    Parameters
    ----------
    times, index
        The beats [s] and their numbers, both ``(n,)``.
    tolerance, resolution
        As in `fit_grid`.
    """
    n = len(times)
    late = [0]
    while late[-1] < n:
        late.append(reach(times, index, late[-1], tolerance, resolution))
    if len(late) == 2:
        return late
    # the same from behind gives the earliest place of each border
    back = [0]
    while back[-1] < n:
        back.append(reach(-times[::-1], -index[::-1], back[-1], tolerance, resolution))
    early = [n - x for x in reversed(back)]
    return _best_borders(times, index, early, late, tolerance, resolution)


def reach(
    times: Floats, index: Ints, first: int, tolerance: float, resolution: float | None
) -> int:
    """Return the end of the longest run of beats from `first` that one tempo explains.

    Any two beats of a run bound the period between them: their distance, give or take twice the
    tolerance, over their numbers. A tempo explains the run if no two beats forbid it.
    """
    bounds = _bounds(times[first:], index[first:], tolerance)
    for i, (low, high) in enumerate(bounds, start=first + 1):
        if low > high or not _on_lattice(low, high, resolution):
            return i
    return len(times)


def fit_line(
    times: Floats, index: Ints, tolerance: float, resolution: float | None, snap: bool
) -> tuple[float, float]:
    """Return the tempo [bpm] of a run that one explains, and the time of its first beat [s].

    The tempo of least squares, moved to the nearest that keeps the tolerance and lies on the
    lattice; then the mean phase, moved likewise.
    """
    if len(times) == 1:
        return 0.0, float(times[0])  # takes the tempo of a neighbor
    steps = index - index[0]
    slope, _ = np.polyfit(steps, times, 1)
    *_, (low, high) = _bounds(times, steps, tolerance)
    best = 60 / float(np.clip(slope, low, high))
    fastest = 60 / low if low > 0 else np.inf
    bpm = best
    if resolution is not None:
        first, last = _multiples(low, high, resolution)
        bpm = round(resolution * float(np.clip(np.rint(best / resolution), first, last)), 9)
    whole = float(np.rint(best))
    if snap and 60 / high <= whole <= fastest and _no_worse(times, steps, whole):
        bpm = whole
    offsets = times - steps * (60 / bpm)
    phase = np.clip(np.mean(offsets), np.max(offsets) - tolerance, np.min(offsets) + tolerance)
    return bpm, max(0.0, float(phase))


def _multiples(low: float, high: float, resolution: float) -> tuple[float, float]:
    """Return the first and last multiple of `resolution` [bpm] with a period in between [s]."""
    last = np.floor(60 / low / resolution + 1e-7) if low > 0 else np.inf
    return float(np.ceil(60 / high / resolution - 1e-7)), float(last)


def _on_lattice(low: float, high: float, resolution: float | None) -> bool:
    """Tell whether a tempo of the lattice has a period between `low` and `high` [s]."""
    if resolution is None:
        return True
    first, last = _multiples(low, high, resolution)
    return max(first, 1) <= last


def _bounds(times: Floats, index: Ints, tolerance: float) -> Iterator[tuple[float, float]]:
    """Yield, after each beat from the second on, the shortest and the longest period so far [s]."""
    low, high = 0.0, np.inf
    for i in range(1, len(times)):
        rise, steps = times[i] - times[:i], index[i] - index[:i]
        low = max(low, float(np.max((rise - 2 * tolerance - _ROUND) / steps)))
        high = min(high, float(np.min((rise + 2 * tolerance + _ROUND) / steps)))
        yield low, high


def _no_worse(times: Floats, steps: Ints, bpm: float) -> bool:
    """Tell whether a whole tempo is likelier than another, given the beats.

    Half of all steady tracks count as made at a whole tempo, so its odds against one other
    hundredth are 100 to 1 before the beats are heard. Errors of trackers come in runs: so many
    beats tell as much as fewer independent ones would.
    """
    own = times - np.polyval(np.polyfit(steps, times, 1), steps)
    given = times - steps * 60 / bpm
    given = given - np.mean(given)
    noise = _JITTER**2
    alike = float(np.clip(np.dot(own[1:], own[:-1]) / (np.dot(own, own) + noise), 0, 0.9))
    n_independent = len(times) * (1 - alike) / (1 + alike)
    ratio = (np.mean(given**2) + noise) / (np.mean(own**2) + noise)
    return bool(n_independent * np.log(ratio) <= 2 * np.log(_ODDS))


def _best_borders(
    times: Floats,
    index: Ints,
    early: list[int],
    late: list[int],
    tolerance: float,
    resolution: float | None,
) -> list[int]:
    """Return the borders between the earliest and the latest that leave the least squares."""
    squares = _Squares(times, index)
    costs, back = {0: 0.0}, []
    for first, last in zip(early[1:], late[1:], strict=True):
        places = np.unique(np.linspace(first, last, _N_BORDERS).round().astype(int)).tolist()
        reached = {a: reach(times, index, a, tolerance, resolution) for a in costs}
        best: dict[int, tuple[float, int]] = {}
        for b in places:
            able = [(costs[a] + squares(a, b), a) for a in costs if a < b <= reached[a]]
            if able:
                best[b] = min(able)
        back.append({b: a for b, (_, a) in best.items()})
        costs = {b: cost for b, (cost, _) in best.items()}
    place, found = len(times), [len(times)]
    for step in reversed(back):
        place = step[place]
        found.append(place)
    return found[::-1]


class _Squares:
    """Least squares of any run of beats, from running sums."""

    def __init__(self, times: Floats, index: Ints) -> None:
        x, y = index - np.mean(index), times - np.mean(times)
        table = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
        self.sums = np.concatenate([np.zeros((6, 1)), np.cumsum(table, axis=1)], axis=1)

    def __call__(self, a: int, b: int) -> float:
        n, x, y, xx, xy, yy = self.sums[:, b] - self.sums[:, a]
        if n < 3:
            return 0.0
        return max(0.0, float(yy - y * y / n - (xy - x * y / n) ** 2 / (xx - x * x / n)))


def _assemble(
    run: _Run, cuts: list[int], lines: list[tuple[float, float]], tolerance: float
) -> GridFit:
    """Return the fit of segments that are known; where the meter changes, another one begins."""
    n_beats = np.diff(cuts)
    cuts, lines = _with_meters(run, cuts, lines)
    bpms, phases = (np.array(column) for column in zip(*lines, strict=True))
    firsts = np.array(cuts[:-1])
    segment = np.repeat(np.arange(len(firsts)), np.diff(cuts))
    places = phases[segment] + (run.index - run.index[firsts[segment]]) * 60 / bpms[segment]
    positions = meters = notes = None
    agreement = 1.0
    if run.positions is not None and np.any(run.positions == 1):
        positions, meters, agreement = _bars(run, cuts)
        notes = _notes(run, cuts)
    heard = BeatGrid(phases, bpms, max(float(places[-1]), phases[-1]), positions, meters, notes)
    n_missing = max(0, int(np.sum(heard.counts)) - len(run.times))
    residuals = run.times - places
    return GridFit(
        replace(heard, end=max(heard.end, run.end or 0.0)),
        checks.frozen_array("residuals", residuals, np.float64, 1),
        n_missing,
        run.n_beats - run.n_kept,
        tolerance,
        _quality(run, n_beats, residuals / tolerance, n_missing, agreement),
        run.n_kept - len(run.times),
    )


def _with_meters(
    run: _Run, cuts: list[int], lines: list[tuple[float, float]]
) -> tuple[list[int], list[tuple[float, float]]]:
    """Return the segments, cut once more where bars of another length or note set in to stay.

    The tempo goes on there, and so does the phase.
    """
    places, found = [], []
    for (a, b), (bpm, phase) in zip(pairwise(cuts), lines, strict=True):
        for place in [a, *_bar_changes(run, a, b)]:
            places.append(place)
            found.append((bpm, phase + float(run.index[place] - run.index[a]) * 60 / bpm))
    return [*places, cuts[-1]], found


def _bar_changes(run: _Run, a: int, b: int) -> Iterator[int]:
    """Yield where, between two beats, bars change for so long that it is no slip of the tracker."""
    if run.positions is None:
        return
    starts = a + np.flatnonzero(run.positions[a:b] == 1)
    notes = np.zeros(len(starts), np.int64) if run.notes is None else run.notes[starts]
    bars = list(zip(np.diff(run.index[starts]).tolist(), notes.tolist(), strict=False))
    steady = None
    for bar, group in groupby(range(len(bars)), key=lambda i: bars[i]):
        places = list(group)
        if len(places) < _STEADY_BARS:
            continue
        if steady not in (None, bar):
            yield int(starts[places[0]])
        steady = bar


def _with_neighbors(lines: list[tuple[float, float]], times: Floats) -> list[tuple[float, float]]:
    """Give segments of one beat, which have no tempo, that of the segment before or after."""
    usual = 60 / float(np.median(np.diff(times)))
    filled: list[tuple[float, float]] = []
    for i, (bpm, phase) in enumerate(lines):
        near = [filled[-1][0]] if filled else [x for x, _ in lines[i + 1 :] if x]
        filled.append((bpm or (near[0] if near else usual), phase))
    return filled


def _bars(run: _Run, cuts: list[int]) -> tuple[Ints, Ints, float]:
    """Return position and meter of each segment, as most of its beats say, and how many agree."""
    assert run.positions is not None
    usual = _meter(run.index, run.positions, 0)
    positions: list[int] = []
    meters: list[int] = []
    n_agree = since = 0
    for a, b in pairwise(cuts):
        index, said = run.index[a:b] - run.index[a], run.positions[a:b]
        meter = _meter(index, said, usual)
        known = (said >= 1) & (said <= meter)
        votes = np.bincount((said - 1 - index)[known] % meter, minlength=meter)
        if a and not votes.any():  # goes on counting
            votes[(positions[-1] - 1 + run.index[a] - since) % meters[-1] % meter] = 1
        first = int(np.argmax(votes))
        n_agree += int(np.sum(said == (first + index) % meter + 1))
        positions.append(first + 1)
        meters.append(meter)
        since = int(run.index[a])
    n_known = int(np.sum(run.positions > 0))
    return np.array(positions), np.array(meters), n_agree / n_known


def _notes(run: _Run, cuts: list[int]) -> Ints | None:
    """Return the denominator of each segment, as most of its beats have it."""
    if run.notes is None:
        return None
    return np.array([np.bincount(run.notes[a:b]).argmax() for a, b in pairwise(cuts)])


def _meter(index: Ints, positions: Ints, usual: int) -> int:
    """Return the most frequent number of beats between downbeats; without any, `usual`."""
    lengths = np.diff(index[positions == 1])
    if len(lengths):
        return int(np.argmax(np.bincount(lengths)))
    return usual or int(np.max(positions))


def _quality(run: _Run, n_beats: Ints, errors: Floats, n_missing: int, agreement: float) -> float:
    """Return what `GridFit.quality` holds; `errors` are residuals in tolerances."""
    n = len(run.times)
    present = n / (n + n_missing) * n / run.n_beats
    steady = float(np.sum(n_beats * np.minimum(n_beats / min(_LONG, n), 1))) / n
    steady *= float(np.exp(-(len(n_beats) - 1) * _PIECE / n))
    tight = float(np.mean(np.exp(-0.5 * errors**2)))
    return present * steady * tight * agreement
