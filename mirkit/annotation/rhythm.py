"""Beats and tempo: points in time with their places in bars, and the tempi that they mean.

A bar has a meter, the number of its beats, and a denominator, the note that each of them is written
as: 6/8 has six beats, which are eighths. A tempo counts the same beats, so that a bar always lasts
``meter * 60 / bpm`` seconds, whatever the denominator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from mirkit import checks, markup
from mirkit.activations import Provenance
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.values import Value, count, join, sure
from mirkit.vocab.meters import DENOMINATORS, QUARTER

STEADY = 0.1
"""How far an interval may be from the median one, as part of it, to count in a tempo."""


@dataclass(frozen=True, eq=False, repr=False)
class TempoHypothesis(Value):
    """One metrical level of a track, with the beats that it means.

    Parameters
    ----------
    bpm
        Its tempo [bpm].
    score
        How well it explains the activations, in [0, 1]; the scores of a track sum to 1.
    times
        Its beats, shape ``(n,)`` [s].
    positions
        Number of each beat in its bar (1 = downbeat, 0 = not known), or None.
    confidence
        Of each beat, or None.
    tempo_confidence
        How sure it is that this is the level listeners tap, in [0, 1], or None.
    meter_confidence
        How sure the number of beats in a bar is, in [0, 1], or None.
    """

    bpm: float
    score: float
    times: Floats = field(default_factory=lambda: np.empty(0))
    positions: Ints | None = None
    confidence: Floats | None = None
    tempo_confidence: float | None = None
    meter_confidence: float | None = None

    def __post_init__(self) -> None:
        checks.positive("bpm", self.bpm)
        checks.unit_number("score", checks.number("score", self.score))
        checks.unit_number("tempo_confidence", self.tempo_confidence)
        checks.unit_number("meter_confidence", self.meter_confidence)
        _freeze_beats(self)

    def summary(self) -> str:
        """Return tempo, score and number of beats."""
        beats = count(len(self.times), "beat")
        return join(f"{self.bpm:.1f} bpm", f"score {self.score:.2f}", beats)


@dataclass(frozen=True, eq=False, repr=False)
class Beats(Value):
    """The beats of a track: points in time, their place in the bar, and the other possible levels.

    Parameters
    ----------
    times
        Shape ``(n,)`` [s], increasing.
    positions
        Number of each beat in its bar (1 = downbeat, 0 = not known), or None for no bars at all.
    confidence
        Of each beat, or None.
    hypotheses
        The metrical levels, best first, each already decoded: `at`, `double` and `halve` look up.
    level
        Which hypothesis these beats are, or None where they are none of them.
    provenance
        Which model made them, or None.
    denominators
        The note that each beat is written as (4 = quarter, 8 = eighth), shape ``(n,)``; None where
        all are quarters, or nothing is known.

    Examples
    --------
    >>> beats = Beats([0.5, 1.0, 1.5, 2.0], positions=[1, 2, 3, 4])
    >>> len(beats), beats.bpm
    (4, 120.0)
    >>> beats.downbeats
    array([0.5])
    """

    times: Floats = field(default_factory=lambda: np.empty(0))
    positions: Ints | None = None
    confidence: Floats | None = None
    hypotheses: tuple[TempoHypothesis, ...] = ()
    level: int | None = None
    provenance: Provenance | None = None
    denominators: Ints | None = None

    def __post_init__(self) -> None:
        _freeze_beats(self)
        if self.denominators is not None:
            notes = frozen_denominators(self.denominators, len(self.times))
            needed = bool(np.any(notes != QUARTER))
            object.__setattr__(self, "denominators", notes if needed else None)
        object.__setattr__(self, "hypotheses", tuple(self.hypotheses))
        if self.level is not None and not 0 <= self.level < len(self.hypotheses):
            raise ParameterError(
                f"level is {self.level}, but there are {len(self.hypotheses)} hypotheses"
            )

    def summary(self) -> str:
        """Return number, tempo, meter and confidence."""
        return join(
            count(len(self), "beat"),
            None if self.bpm is None else f"{self.bpm:.1f} bpm",
            None if self.meter is None else f"{self.meter}/{self._denominator}",
            sure(self.track_confidence),
        )

    def picture(self) -> str:
        """Return a strip with a tick per beat, red and tall per downbeat."""
        first = [] if self.positions is None else (self.positions == 1).tolist()
        return markup.ticks(self.times.tolist(), first or [False] * len(self), self.summary())

    @property
    def _denominator(self) -> int:
        return QUARTER if self.denominators is None else int(self.denominators[0])

    def __len__(self) -> int:
        return len(self.times)

    @property
    def downbeats(self) -> Floats:
        """Times of the first beats of bars, shape ``(n_bars,)`` [s]; empty without positions."""
        if self.positions is None:
            return np.empty(0)
        downbeats: Floats = self.times[self.positions == 1]
        return downbeats

    @property
    def bpm(self) -> float | None:
        """Tempo of the chosen level [bpm]; measured from the beats without one; or None."""
        if self.level is not None:
            return self.hypotheses[self.level].bpm
        return measure_bpm(self.times)

    @property
    def tempo_confidence(self) -> float | None:
        """Confidence of the metrical level, in [0, 1], or None where it was not calibrated."""
        return None if self.level is None else self.hypotheses[self.level].tempo_confidence

    @property
    def meters(self) -> Ints | None:
        """Number of beats in each beat's bar, shape ``(n,)``, or None; 0 where no bar is known.

        The last bar, which may be cut off, is at least as long as the one before it, unless its
        beats are other notes.
        """
        if self.positions is None:
            return None
        meters = np.zeros(len(self), np.int64)
        starts = np.flatnonzero(self.positions == 1).tolist()
        length = 0
        for start, end in pairwise([0, *starts, len(self)]):
            held = int(np.max(self.positions[start:end], initial=0))
            n_beats = end - start if start in starts else 0
            length = max(held, n_beats, length if self._may_be_cut(start, end) else 0)
            meters[start:end] = length
        return meters

    def _may_be_cut(self, start: int, end: int) -> bool:
        """Tell whether a bar is the last, and of the same notes as the one before it."""
        notes = self.denominators
        return end == len(self) > start > 0 and (notes is None or notes[start] == notes[start - 1])

    @property
    def meter(self) -> int | None:
        """The number of beats that most bars have, or None where no bars are known."""
        if self.meters is None or self.positions is None:
            return None
        bars = self.meters[self.positions == 1]
        whole = bars[:-1] if len(bars) > 1 else bars
        return int(np.bincount(whole).argmax()) if len(whole) else None

    @property
    def meter_confidence(self) -> float | None:
        """Confidence of the meter, in [0, 1], or None where it was not calibrated."""
        return None if self.level is None else self.hypotheses[self.level].meter_confidence

    @property
    def track_confidence(self) -> float | None:
        """Share of the beats that is expected to be right: the mean of `confidence`, or None."""
        if self.confidence is None or not len(self.confidence):
            return None
        return float(self.confidence.mean())

    @property
    def tempo(self) -> Tempo:
        """The tempo and meter of these beats, with the other levels."""
        levels = tuple((level.bpm, level.score) for level in self.hypotheses)
        return Tempo(
            self.bpm, self.tempo_confidence, levels, self.provenance, self.meter,
            self.meter_confidence,
        )  # fmt: skip

    def at(self, level: int) -> Beats:
        """Return the beats of hypothesis `level` (0 = best).

        Raises
        ------
        ParameterError
            Where there are fewer hypotheses.
        """
        if not 0 <= level < len(self.hypotheses):
            raise ParameterError(
                f"level is {level}; this track has levels 0 to {len(self.hypotheses) - 1}"
                if self.hypotheses
                else "these beats carry no tempo hypotheses: they were read or made, not tracked"
            )
        chosen = self.hypotheses[level]
        return replace(
            self,
            times=chosen.times,
            positions=chosen.positions,
            confidence=chosen.confidence,
            level=level,
            denominators=None,
        )

    def double(self) -> Beats:
        """Return the beats at twice this tempo."""
        return self._at_ratio(2.0)

    def halve(self) -> Beats:
        """Return the beats at half this tempo."""
        return self._at_ratio(0.5)

    def _at_ratio(self, ratio: float) -> Beats:
        if self.bpm is None:
            raise ParameterError("these beats have no tempo: there are fewer than two")
        target = self.bpm * ratio
        for level, hypothesis in enumerate(self.hypotheses):
            if abs(hypothesis.bpm / target - 1) < 0.04:
                return self.at(level)
        known = ", ".join(f"{hypothesis.bpm:.1f}" for hypothesis in self.hypotheses) or "none"
        raise ParameterError(f"no level at {target:.1f} bpm was decoded; known levels: {known}")


@dataclass(frozen=True, eq=False, repr=False)
class Tempo(Value):
    """The tempo and the meter of a track.

    Parameters
    ----------
    bpm
        Beats a minute, or None where there is no pulse.
    confidence
        How sure the metrical level is, or None.
    hypotheses
        All levels as (bpm, score), best first.
    provenance
        Which model made it, or None.
    meter
        Beats in a bar, or None where no bars are known.
    meter_confidence
        How sure the meter is, or None.
    """

    bpm: float | None
    confidence: float | None = None
    hypotheses: tuple[tuple[float, float], ...] = ()
    provenance: Provenance | None = None
    meter: int | None = None
    meter_confidence: float | None = None

    def __post_init__(self) -> None:
        if self.bpm is not None:
            checks.positive("bpm", self.bpm)
        checks.unit_number("confidence", self.confidence)
        if self.meter is not None:
            checks.positive("meter", self.meter)
            object.__setattr__(self, "meter", int(self.meter))
        checks.unit_number("meter_confidence", self.meter_confidence)
        pairs = tuple((float(bpm), float(score)) for bpm, score in self.hypotheses)
        object.__setattr__(self, "hypotheses", pairs)

    def summary(self) -> str:
        """Return the tempo and the number of its levels."""
        bpm = "no pulse" if self.bpm is None else f"{self.bpm:.1f} bpm"
        levels = count(len(self.hypotheses), "level") if self.hypotheses else None
        return join(bpm, sure(self.confidence), levels)

    def picture(self) -> str:
        """Return a bar per level."""
        return markup.bars([(f"{bpm:.1f} bpm", score) for bpm, score in self.hypotheses])


@dataclass(frozen=True, eq=False, repr=False)
class TempoMap(Value):
    """Tempo and meter over time: each entry holds until the next begins.

    Parameters
    ----------
    times
        Where each tempo begins, shape ``(n,)`` [s], increasing.
    bpms
        The tempi, shape ``(n,)`` [bpm], in the beats that `meters` counts.
    meters
        Beats in a bar at each entry, shape ``(n,)``, or None where not known.
    provenance
        Which model made it, or None.
    denominators
        The note that a beat is written as at each entry (4 = quarter, 8 = eighth), shape ``(n,)``.
        Where there are meters, None stands for quarters; without meters there are none.

    Examples
    --------
    >>> TempoMap([0.0], [240.0], [6], denominators=[8]).bars
    array([1.5])
    """

    times: Floats
    bpms: Floats
    meters: Ints | None = None
    provenance: Provenance | None = None
    denominators: Ints | None = None

    def __post_init__(self) -> None:
        times = checks.frozen_array("times", self.times, np.float64, 1)
        checks.increasing_times("times", times)
        bpms = checks.frozen_array("bpms", self.bpms, np.float64, 1)
        checks.same_length("bpms", bpms, len(times))
        for bpm in bpms:
            checks.positive("bpms", bpm)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "bpms", bpms)
        if self.meters is not None:
            meters = checks.frozen_array("meters", self.meters, np.int64, 1)
            checks.same_length("meters", meters, len(times))
            object.__setattr__(self, "meters", meters)
        notes = denominators_of(self.meters, self.denominators)
        object.__setattr__(self, "denominators", notes)

    @property
    def bars(self) -> Floats | None:
        """Length of a bar at each entry, shape ``(n,)`` [s], or None where no meter is known."""
        return None if self.meters is None else self.meters * 60 / self.bpms


def _freeze_beats(value: Any) -> None:
    times = checks.frozen_array("times", value.times, np.float64, 1)
    checks.increasing_times("times", times)
    object.__setattr__(value, "times", times)
    if value.positions is not None:
        positions = checks.frozen_array("positions", value.positions, np.int64, 1)
        checks.same_length("positions", positions, len(times))
        if positions.size and positions.min() < 0:
            raise ParameterError(
                f"positions hold {positions.min()}; they count from 1, 0 means not known"
            )
        object.__setattr__(value, "positions", positions)
    confidence = checks.unit_interval("confidence", value.confidence, len(times))
    object.__setattr__(value, "confidence", confidence)


def frozen_denominators(value: Any, n: int) -> Ints:
    """Return `value` as `n` read-only denominators.

    Raises
    ------
    ParameterError
        Where one is no note value.
    """
    notes: Ints = checks.frozen_array("denominators", value, np.int64, 1)
    checks.same_length("denominators", notes, n)
    for note in notes.tolist():
        if note not in DENOMINATORS:
            raise ParameterError(
                f"denominators hold {note}; each is one of {', '.join(map(str, DENOMINATORS))}: "
                "the note that a beat is written as"
            )
    return notes


def denominators_of(meters: Ints | None, denominators: Any) -> Ints | None:
    """Return the denominators of meters, which are quarters where None are given.

    Raises
    ------
    ParameterError
        Where there are denominators and no meters.
    """
    if meters is None:
        if denominators is not None:
            raise ParameterError("denominators are given without meters; give both, or neither")
        return None
    notes = np.full(len(meters), QUARTER) if denominators is None else denominators
    return frozen_denominators(notes, len(meters))


def measure_bpm(times: Floats) -> float | None:
    """Return the median tempo over spans of eight beats [bpm], or None where there is no interval.

    Eight intervals at once measure a tempo eight times as finely as one does; of few beats the
    spans are shorter, so that there are as many of them. Intervals further than `STEADY` from
    their median, as at a held beat or a missing one, count as the median: a span would pass them
    on to all the beats that it covers.
    """
    if len(times) < 2:
        return None
    intervals = np.diff(times)
    median = np.median(intervals)
    is_steady = np.abs(intervals - median) <= STEADY * median
    even = np.append(0.0, np.cumsum(np.where(is_steady, intervals, median)))
    span = min(8, max(1, len(intervals) // 2))
    return float(60 * span / np.median(even[span:] - even[:-span]))
