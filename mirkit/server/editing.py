"""Beat grid editing: what people do to beats that are not right, as functions from beats to beats.

The vocabulary is that of DJ software: halve and double, shift, set the tempo, one tempo for all,
set the downbeat, adjust from here. What lies before a "from here" is kept as it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirkit import checks
from mirkit.activations import Provenance
from mirkit.annotation import Beats
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError

HUMAN = Provenance("human")
"""Provenance of corrected annotations."""

METER = 4
"""Beats in a bar where none are known."""

ROUND = (1.0, 0.5, 0.1, 0.01)
"""Multiples that a tempo is rounded to [bpm], the coarsest first."""

DRIFT = 0.015
"""Bound on the drift that rounding of a tempo may cause at either end [s]."""

FASTEST, SLOWEST = 1000.0, 10.0  # tempi that are taken [bpm]


def halve(beats: Beats) -> Beats:
    """Return the beats at half the tempo: the level that was decoded, or else every second beat.

    The first downbeat stays a beat.
    """
    if (level := _decoded(beats, 0.5)) is not None:
        return level
    first = _first_downbeat(beats)
    kept = np.arange(first % 2, len(beats), 2)
    return _edited(beats, beats.times[kept], _count(len(kept), first // 2, meter_of(beats)))


def double(beats: Beats) -> Beats:
    """Return the beats at twice the tempo: the level that was decoded, or else one between two."""
    if (level := _decoded(beats, 2.0)) is not None:
        return level
    _check_tempo(2 * _bpm(beats))
    middles = (beats.times[1:] + beats.times[:-1]) / 2
    times = np.sort(np.concatenate([beats.times, middles]))
    return _edited(beats, times, _count(len(times), 2 * _first_downbeat(beats), meter_of(beats)))


def shift(beats: Beats, by: float) -> Beats:
    """Return the beats moved by a number of beats; whole beats move the downbeats alone."""
    whole, part = divmod(checks.number("by", by), 1)
    positions = _positions(beats)
    meter = meter_of(beats)
    moved = (positions - 1 - int(whole)) % meter + 1
    times = beats.times
    if part:
        steps = np.diff(times, append=2 * times[-1] - times[-2])
        times = times + part * steps
    return _edited(beats, times, moved, keep=True)


def nudge(beats: Beats, seconds: float) -> Beats:
    """Return the beats moved by a time [s]; those that fall before 0 are gone."""
    times = beats.times + checks.number("seconds", seconds)
    kept = times >= 0
    return _edited(beats, times[kept], _positions(beats)[kept])


def set_bpm(beats: Beats, bpm: float, end: float, anchor: float | None = None) -> Beats:
    """Return beats of one tempo through `anchor` [s], the first downbeat where None, up to `end`.

    The beat nearest to the anchor keeps its place in the bar.
    """
    _check_tempo(bpm)
    at = len(beats) and (_first_downbeat(beats) if anchor is None else nearest(beats, anchor))
    start = anchor if anchor is not None else float(beats.times[at]) if len(beats) else 0.0
    position = int(_positions(beats)[at]) if len(beats) else 1
    return laid(beats, start, bpm, end, position)


def laid(beats: Beats, anchor: float, bpm: float, end: float, position: int = 1) -> Beats:
    """Return beats of one tempo over the whole recording; that at `anchor` has this position."""
    period = 60 / bpm
    if not 0 <= anchor <= end:
        raise ParameterError(f"anchor is {anchor} s; the recording lasts from 0 to {end:.2f} s")
    before = int(anchor / period + 1e-9)
    after = int((end - anchor) / period + 1e-9)
    steps = np.arange(-before, after + 1)
    meter = meter_of(beats)
    return _edited(
        beats, np.maximum(anchor + steps * period, 0.0), (position - 1 + steps) % meter + 1
    )


def one_tempo(beats: Beats, end: float) -> Beats:
    """Return beats of the one tempo that fits best, rounded as far as no beat moves by 15 ms."""
    index, times = _numbered(beats.times)
    period, start = _line(index, times)
    exact = 60 / period
    middle = (index[0] + index[-1]) / 2
    reach = (index[-1] - index[0]) / 2
    for step in ROUND:
        bpm = max(step, round(exact / step) * step)
        if abs(60 / bpm - period) * reach <= DRIFT:
            break
    center = start + middle * period
    first = _first_downbeat(beats)
    anchor = center + (index[first] - middle) * 60 / bpm if first < len(index) else center
    return laid(beats, float(np.clip(anchor, 0, end)), bpm, end, int(_positions(beats)[first]))


def set_downbeat(beats: Beats, time: float, *, from_here: bool = False) -> Beats:
    """Return the beats with a downbeat at the beat nearest to a time [s].

    Bars are counted from there to both sides, or only from there on.
    """
    at = nearest(beats, time)
    counted = (np.arange(len(beats)) - at) % meter_of(beats) + 1
    positions = np.where(np.arange(len(beats)) < at, _positions(beats), counted)
    return _edited(beats, beats.times, positions if from_here else counted, keep=True)


def set_meter(beats: Beats, meter: int) -> Beats:
    """Return the beats in bars of another number of beats; the first downbeat stays."""
    if not 1 <= meter <= 32:
        raise ParameterError(f"meter is {meter}; bars have 1 to 32 beats")
    return _edited(beats, beats.times, _count(len(beats), _first_downbeat(beats), meter), keep=True)


def adjust_from(beats: Beats, time: float, end: float, bpm: float | None = None) -> Beats:
    """Return the beats with one at `time` [s], and those behind it laid anew; the others are kept.

    Without `bpm` the beats behind move with the one nearest to `time`; with it they are laid in
    that tempo up to `end`.
    """
    at = nearest(beats, time)
    period = 60 / _bpm(beats)
    kept = beats.times[:at][beats.times[:at] < time - period / 4]
    positions = _positions(beats)
    if bpm is None:
        times = np.concatenate([kept, beats.times[at:] + (time - beats.times[at])])
        places = np.concatenate([positions[: len(kept)], positions[at:]])
        inside = times <= max(end, time)
        return _edited(beats, times[inside], places[inside])
    _check_tempo(bpm)
    steps = np.arange(int((end - time) * bpm / 60 + 1e-9) + 1)
    places = (positions[at] - 1 + steps) % meter_of(beats) + 1
    return _edited(
        beats,
        np.concatenate([kept, time + steps * 60 / bpm]),
        np.concatenate([positions[: len(kept)], places]),
    )


def stretch(beats: Beats, start: float, end: float, n_beats: int) -> Beats:
    """Return the beats with `n_beats` equal steps between two times [s]; the others are kept."""
    if not (end > start and n_beats >= 1):
        raise ParameterError(f"{n_beats} beats from {start} s to {end} s; end lies behind start")
    _check_tempo(60 * n_beats / (end - start))
    margin = (end - start) / n_beats / 4
    before = beats.times < start - margin
    after = beats.times > end + margin
    inner = np.linspace(start, end, n_beats + 1)
    times = np.concatenate([beats.times[before], inner, beats.times[after]])
    positions, meter = _positions(beats), meter_of(beats)
    first = int(positions[nearest(beats, start)])
    places = (first - 1 + np.arange(n_beats + 1)) % meter + 1
    return _edited(beats, times, np.concatenate([positions[before], places, positions[after]]))


def move(beats: Beats, time: float, to: float) -> Beats:
    """Return the beats with the one nearest to `time` moved [s], between its neighbors."""
    at = nearest(beats, time)
    low = beats.times[at - 1] if at else -1e-9
    high = beats.times[at + 1] if at + 1 < len(beats) else np.inf
    if not low < to < high:
        raise ParameterError(
            f"to is {to} s; it lies between the neighbors {low:.3f} and {high:.3f}"
        )
    times = beats.times.copy()
    times[at] = to
    return _edited(beats, times, _positions(beats), keep=True)


def insert(beats: Beats, time: float) -> Beats:
    """Return the beats with one more; those behind it are counted anew."""
    at = int(np.searchsorted(beats.times, time))
    near = beats.times[max(0, at - 1) : at + 1]
    if len(near) and np.abs(near - time).min() < 60 / FASTEST:
        raise ParameterError(f"time is {time} s; there is a beat already")
    positions = _positions(beats)
    place = int(positions[at]) if at < len(beats) else int(positions[-1]) % meter_of(beats) + 1
    times = np.insert(beats.times, at, time)
    rest = (place + np.arange(len(beats) - at)) % meter_of(beats) + 1
    return _edited(beats, times, np.concatenate([positions[:at], [place], rest]))


def delete(beats: Beats, time: float) -> Beats:
    """Return the beats without the one nearest to a time [s]."""
    at = nearest(beats, time)
    if len(beats) < 3:
        raise ParameterError("there are only two beats left; a grid needs them")
    return _edited(beats, np.delete(beats.times, at), np.delete(_positions(beats), at))


def tap(beats: Beats, taps: Floats, end: float, *, from_here: bool = False) -> Beats:
    """Return beats as somebody tapped them: their tempo and place from a line through the taps.

    Whole recordings are laid in that tempo, or the part from the first tap on.
    """
    taps = np.sort(np.asarray(taps, np.float64))
    if len(taps) < 4:
        raise ParameterError(f"there are {len(taps)} taps; tap at least four times")
    index, times = _numbered(taps)
    period, start = _line(index, times)
    bpm = 60 / period
    _check_tempo(bpm)
    anchor = float(np.clip(start + index[0] * period, 0, end))
    if from_here and len(beats):
        return adjust_from(beats, anchor, end, bpm)
    return laid(beats, anchor, bpm, end)


def nearest(beats: Beats, time: float) -> int:
    """Return the index of the beat nearest to a time [s].

    Raises
    ------
    ParameterError
        Where there are no beats.
    """
    if not len(beats):
        raise ParameterError("there are no beats; set a tempo or tap one first")
    return int(np.abs(beats.times - checks.number("time", time)).argmin())


def meter_of(beats: Beats) -> int:
    """Return how many beats most bars have."""
    return beats.meter or METER


def _decoded(beats: Beats, ratio: float) -> Beats | None:
    """Return the level at this ratio where the beats are untouched and it was decoded."""
    if beats.level is None or beats.bpm is None:
        return None
    for level, hypothesis in enumerate(beats.hypotheses):
        if abs(hypothesis.bpm / (beats.bpm * ratio) - 1) < 0.04:
            return replace(beats.at(level), provenance=HUMAN)
    return None


def _edited(beats: Beats, times: Floats, positions: Ints, *, keep: bool = False) -> Beats:
    """Return beats that a person made; with `keep` each is as sure as it was."""
    if len(times) < 2:
        raise ParameterError("less than two beats would be left; a grid needs them")
    confidence = beats.confidence if keep else None
    return replace(
        beats, times=times, positions=positions, confidence=confidence, level=None,
        provenance=HUMAN, denominators=None,
    )  # fmt: skip


def _positions(beats: Beats) -> Ints:
    """Return the positions; where none are known, bars of four from the first beat on."""
    if beats.positions is None or not (beats.positions > 0).all():
        return _count(len(beats), _first_downbeat(beats), meter_of(beats))
    return beats.positions


def _count(n: int, first: int, meter: int) -> Ints:
    """Return the positions of `n` beats of which number `first` is a downbeat."""
    return (np.arange(n) - first) % meter + 1


def _first_downbeat(beats: Beats) -> int:
    if beats.positions is None:
        return 0
    found = np.flatnonzero(beats.positions == 1)
    return int(found[0]) if len(found) else 0


def _bpm(beats: Beats) -> float:
    if beats.bpm is None:
        raise ParameterError("these beats have no tempo: there are fewer than two")
    return beats.bpm


def _check_tempo(bpm: float) -> None:
    if not SLOWEST <= checks.number("bpm", bpm) <= FASTEST:
        raise ParameterError(f"bpm is {bpm:g}; it lies in {SLOWEST:g} … {FASTEST:g}")


def _numbered(times: Floats) -> tuple[Ints, Floats]:
    """Return the number of each time on an even grid, whatever is missing between them."""
    if len(times) < 2:
        raise ParameterError("there are fewer than two beats; they have no tempo")
    steps = np.diff(times)
    usual = float(np.median(steps))
    return np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(steps / usual)))]), times


def _line(index: Floats | Ints, times: Floats) -> tuple[float, float]:
    """Return slope [s] and start [s] of the line that most beats lie near: Huber's, reweighted."""
    weights = np.ones(len(times))
    for _ in range(8):
        slope, start = np.polyfit(index, times, 1, w=np.sqrt(weights))
        off = np.abs(times - start - slope * index)
        scale = max(1.5 * float(np.median(off)), 1e-3)
        weights = np.minimum(1.0, scale / np.maximum(off, 1e-9))
    return float(slope), float(start)
