"""The joint beat-and-bar HMM, decoded exactly but only where its paths can differ.

A state is (bar length, beat in the bar, interval, phase in the beat). Within a beat the phase
goes on by one a frame and nothing else changes, so a beat is one step of a semi-Markov model: what
its frames earn is a difference of cumulative sums, and the max over tempo changes is taken at beat
boundaries only. No beat is shorter than the shortest interval, so all boundaries within a block of
that length depend on earlier blocks and are found together.

The path is the Viterbi path of the frame-by-frame HMM (tests hold it against madmom's); no back
pointers are kept, the walk back asks again which interval was best.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from mirkit.arrays import Floats, Ints

TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class BarModel:
    """The numbers of the HMM.

    Parameters
    ----------
    fps
        Frames per second.
    meters
        Bar lengths [beats]; the likeliest one is taken for the whole track.
    bpm_range
        Slowest and fastest tempo [bpm].
    n_tempi
        How many tempi to model, log-spaced; every whole number of frames where None.
    transition_lambda
        A beat of r times the interval of the last one costs ``transition_lambda * abs(r - 1)``.
    observation_lambda
        The first 1/observation_lambda of a beat is where the beat is seen.
    meter_priors
        How likely each of `meters` is; all alike where None.
    """

    fps: float
    meters: tuple[int, ...] = (3, 4)
    bpm_range: tuple[float, float] = (55.0, 215.0)
    n_tempi: int | None = 60
    transition_lambda: float = 100.0
    observation_lambda: float = 16.0
    meter_priors: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class BarPath:
    """The Viterbi path, one entry a beat.

    Parameters
    ----------
    starts
        Frame where each beat begins, shape ``(n,)``; the first may lie before frame 0.
    intervals
        Length of each beat [frames].
    widths
        How many of its first frames are beat frames.
    numbers
        Number of each beat in its bar.
    meter
        Bar length of the path [beats].
    log_probability
        Of the path, the meter's prior left out.
    """

    starts: Ints
    intervals: Ints
    widths: Ints
    numbers: Ints
    meter: int
    log_probability: float


def intervals_of(model: BarModel) -> Ints:
    """Return the beat intervals that `model` knows [frames], increasing."""
    slowest, fastest = model.bpm_range
    shortest, longest = 60 * model.fps / fastest, 60 * model.fps / slowest
    every = np.arange(round(shortest), round(longest) + 1)
    if model.n_tempi is None or model.n_tempi >= len(every):
        return every
    n = model.n_tempi
    while True:
        exponents = np.linspace(np.log2(shortest), np.log2(longest), n)
        intervals = np.unique(np.rint(2.0**exponents)).astype(np.int64)
        if len(intervals) >= model.n_tempi:
            return intervals
        n += 1


def tempo_changes(intervals: Ints, transition_lambda: float) -> Floats:
    """Return log P(next interval | interval), shape ``(n_intervals, n_intervals)``."""
    ratio = intervals / intervals[:, None]
    probability = np.exp(-transition_lambda * np.abs(ratio - 1))
    probability[probability <= np.spacing(1)] = 0
    probability /= probability.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        changes: Floats = np.log(probability)
    return changes


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Part of a model that does not depend on the activations.

    A slot is a beat of a bar of one of the lengths; the slots of all lengths stand in a row.
    """

    intervals: Ints
    changes: Floats
    steps: tuple[tuple[int, int, Floats], ...]
    numbers: Ints
    lengths: Ints
    before: Ints
    widths: Ints = field(repr=False)

    @property
    def longest(self) -> int:
        return int(self.intervals[-1])


@lru_cache(maxsize=16)
def _lattice(model: BarModel) -> _Lattice:
    intervals = intervals_of(model)
    changes = tempo_changes(intervals, model.transition_lambda)
    numbers = np.concatenate([np.arange(length) for length in model.meters])
    lengths = np.repeat(model.meters, model.meters)
    slots = np.arange(len(numbers))
    before = np.where(numbers == 0, slots + lengths - 1, slots - 1)
    border = 1 / model.observation_lambda
    # the phases are compared as madmom rounds them: number + phase, then the phase again
    widths = [
        [np.count_nonzero((np.arange(n) / n + number) % 1 < border) for number in numbers]
        for n in intervals
    ]
    return _Lattice(
        intervals=intervals,
        changes=changes,
        steps=tuple(_step(row) for row in changes),
        numbers=numbers,
        lengths=lengths,
        before=before,
        widths=np.array(widths),
    )


def _step(row: Floats) -> tuple[int, int, Floats]:
    """Return which intervals can follow one (from, to), and the column of their log P."""
    possible = np.flatnonzero(np.isfinite(row))
    low, high = int(possible[0]), int(possible[-1]) + 1
    return low, high, row[low:high, None].copy()


def decode(beat: Floats, downbeat: Floats | None, model: BarModel) -> BarPath | None:
    """Return the likeliest path, or None where there is no frame.

    Parameters
    ----------
    beat
        Probability of a beat that is not a downbeat (of any beat without `downbeat`),
        shape ``(n_frames,)``.
    downbeat
        Probability of a downbeat, or None: then every beat is the first of its bar, and
        `model.meters` is ``(1,)``.
    model
        The numbers of the HMM.

    References
    ----------
    F. Krebs, S. Böck, G. Widmer, "An efficient state space model for joint tempo and meter
    tracking", ISMIR 2015. S. Böck, F. Krebs, G. Widmer, "Joint beat and downbeat tracking with
    recurrent neural networks", ISMIR 2016.
    """
    if not len(beat):
        return None
    lattice = _lattice(model)
    gains, base = _gains(beat, downbeat, lattice, model.observation_lambda)
    scores = _enter(gains, lattice, len(beat))
    return _best_path(scores, lattice, model, base)


def _gains(
    beat: Floats, downbeat: Floats | None, lattice: _Lattice, observation_lambda: float
) -> tuple[Floats, float]:
    """Return cumulative log odds of beat against no beat, by class, and what no beat at all earns.

    Row ``longest + t`` holds the sum over the frames before t; frames outside earn nothing.
    """
    columns = [beat] if downbeat is None else [downbeat, beat]
    nothing = np.maximum(1 - np.sum(columns, axis=0), TINY) / (observation_lambda - 1)
    odds = [np.log(np.maximum(column, TINY)) - np.log(nothing) for column in columns]
    pad = lattice.longest
    sums = np.cumsum(np.pad(odds, ((0, 0), (pad + 1, pad))), axis=1)
    return sums, float(np.log(nothing).sum())


def _earned(gains: Floats, lattice: _Lattice, low: int, high: int) -> Floats:
    """Return what beats that begin in rows `low` to `high` earn: ``(n_intervals, n_slots, n)``.

    Many intervals share a width, and many slots a class: each such pair is one difference of rows.
    """
    classes = np.minimum(lattice.numbers, len(gains) - 1)
    first = int(lattice.widths.min())
    widths = range(first, int(lattice.widths.max()) + 1)
    pairs = np.stack([gains[:, low + width : high + width] for width in widths])
    pairs -= gains[:, low:high]
    earned: Floats = pairs[lattice.widths - first, classes]
    return earned


def _enter(gains: Floats, lattice: _Lattice, n_frames: int) -> Floats:
    """Return the best score of a path that ends a beat, by interval, slot and where it began.

    The frames begin `longest` before frame 0: beats that are under way when the recording begins.
    """
    intervals, n_slots = lattice.intervals, len(lattice.numbers)
    block, pad = int(intervals[0]), lattice.longest
    width = pad + n_frames
    scores = np.empty((len(intervals), n_slots, width))
    # the path may be in any state just before frame 0, all alike, among those of its bar length
    start = -np.log(intervals.sum() * lattice.lengths)[:, None]
    scores[:, :, :pad] = start + _earned(gains, lattice, 0, pad)
    beats = np.arange(len(intervals))[:, None] * n_slots + lattice.before
    sources = (beats * width - intervals[:, None])[:, :, None] + np.arange(block)
    flat = scores.reshape(-1)
    for first in range(pad, width, block):
        n = min(block, width - first)
        done = flat.take(sources[:, :, :n] + first)
        best = _after_change(done, lattice)
        best += _earned(gains, lattice, first, first + n)
        scores[:, :, first : first + n] = best
    return scores


def _after_change(done: Floats, lattice: _Lattice) -> Floats:
    """Return the best score into each interval, from those that a beat of each has ended with."""
    flat = done.reshape(len(done), -1)
    best = np.full_like(flat, -np.inf)
    buffer = np.empty_like(flat)
    for ended, (low, high, changes) in zip(flat, lattice.steps, strict=True):
        changed, known = buffer[low:high], best[low:high]
        np.add(ended, changes, out=changed)
        np.maximum(known, changed, out=known)
    return best.reshape(done.shape)


def _best_path(scores: Floats, lattice: _Lattice, model: BarModel, base: float) -> BarPath:
    first = scores.shape[2] - lattice.longest
    # a beat that has ended before the last frame is not the last
    over = np.arange(lattice.longest) + lattice.intervals[:, None] < lattice.longest
    totals = np.where(over[:, None, :], -np.inf, scores[:, :, first:])
    ranked = totals + _slot_priors(model)[:, None]
    row, slot, column = (int(i) for i in np.unravel_index(int(ranked.argmax()), ranked.shape))
    beats = _walk_back(scores, lattice, (row, slot, first + column))
    rows, slots, frames = np.array(beats[::-1]).T
    return BarPath(
        starts=frames - lattice.longest,
        intervals=lattice.intervals[rows],
        widths=lattice.widths[rows, slots],
        numbers=lattice.numbers[slots] + 1,
        meter=int(lattice.lengths[slot]),
        log_probability=float(totals[row, slot, column]) + base,
    )


def _slot_priors(model: BarModel) -> Floats:
    priors = np.ones(len(model.meters)) if model.meter_priors is None else model.meter_priors
    with np.errstate(divide="ignore"):
        return np.repeat(np.log(priors), model.meters)


def _walk_back(
    scores: Floats, lattice: _Lattice, end: tuple[int, int, int]
) -> list[tuple[int, int, int]]:
    row, slot, frame = end
    beats = [end]
    rows = np.arange(len(lattice.intervals))
    while frame >= lattice.longest:
        slot = int(lattice.before[slot])
        ended = scores[rows, slot, frame - lattice.intervals]
        row = int(np.argmax(ended + lattice.changes[:, row]))
        frame -= int(lattice.intervals[row])
        beats.append((row, slot, frame))
    return beats


def pick(path: BarPath, activation: Floats, correct: bool = True) -> tuple[Ints, Ints]:
    """Return the frame of each beat of a path and its number in the bar.

    Parameters
    ----------
    path
        As `decode` returns it.
    activation
        Largest probability of any beat, shape ``(n_frames,)``.
    correct
        Take the highest frame among a beat's beat frames; else the first of them.
    """
    lows = np.maximum(path.starts, 0)
    highs = np.minimum(path.starts + path.widths, len(activation))
    seen = np.flatnonzero(lows < highs)
    frames = lows[seen]
    if correct:
        peaks = [int(activation[lows[i] : highs[i]].argmax()) for i in seen]
        frames = frames + np.array(peaks, dtype=np.int64)
    return frames, path.numbers[seen]
