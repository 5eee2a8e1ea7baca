"""What is known of a recording: beats, segments, events, tags, key, tempo, captions, embeddings.

Times are seconds in float64. `confidence` lies in [0, 1] and is None where it was not calibrated.
Values do no input or output: `mirkit.save` and `mirkit.read` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Provenance
from mirkit.arrays import Floats
from mirkit.audio import Track
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.values import Value


@dataclass(frozen=True, eq=False)
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
    """

    bpm: float
    score: float
    times: Floats = field(default_factory=lambda: np.empty(0))
    positions: NDArray[np.int64] | None = None
    confidence: Floats | None = None
    tempo_confidence: float | None = None

    def __post_init__(self) -> None:
        checks.positive("bpm", self.bpm)
        checks.unit_number("score", self.score)
        checks.unit_number("tempo_confidence", self.tempo_confidence)
        checks.freeze_beats(self)


@dataclass(frozen=True, eq=False)
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

    Examples
    --------
    >>> beats = Beats([0.5, 1.0, 1.5, 2.0], positions=[1, 2, 3, 4])
    >>> len(beats), beats.bpm
    (4, 120.0)
    >>> beats.downbeats
    array([0.5])
    """

    times: Floats = field(default_factory=lambda: np.empty(0))
    positions: NDArray[np.int64] | None = None
    confidence: Floats | None = None
    hypotheses: tuple[TempoHypothesis, ...] = ()
    level: int | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        checks.freeze_beats(self)
        object.__setattr__(self, "hypotheses", tuple(self.hypotheses))
        if self.level is not None and not 0 <= self.level < len(self.hypotheses):
            raise ParameterError(
                f"level is {self.level}, but there are {len(self.hypotheses)} hypotheses"
            )

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
        """Tempo of the chosen level [bpm]; of the median beat interval without one; or None."""
        if self.level is not None:
            return self.hypotheses[self.level].bpm
        if len(self.times) < 2:
            return None
        return float(60 / np.median(np.diff(self.times)))

    @property
    def tempo_confidence(self) -> float | None:
        """How sure the metrical level is, in [0, 1], or None where it was not calibrated."""
        return None if self.level is None else self.hypotheses[self.level].tempo_confidence

    @property
    def track_confidence(self) -> float | None:
        """Share of the beats that is expected to be right: the mean of `confidence`, or None."""
        if self.confidence is None or not len(self.confidence):
            return None
        return float(self.confidence.mean())

    @property
    def tempo(self) -> Tempo:
        """The tempo of these beats, with the other levels."""
        levels = tuple((level.bpm, level.score) for level in self.hypotheses)
        return Tempo(self.bpm, self.tempo_confidence, levels, self.provenance)

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


@dataclass(frozen=True, eq=False)
class Tempo(Value):
    """The tempo of a track.

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
    """

    bpm: float | None
    confidence: float | None = None
    hypotheses: tuple[tuple[float, float], ...] = ()
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        if self.bpm is not None:
            checks.positive("bpm", self.bpm)
        checks.unit_number("confidence", self.confidence)
        pairs = tuple((float(bpm), float(score)) for bpm, score in self.hypotheses)
        object.__setattr__(self, "hypotheses", pairs)


@dataclass(frozen=True, eq=False)
class TempoMap(Value):
    """How the tempo goes: each entry holds until the next begins.

    Parameters
    ----------
    times
        Where each tempo begins, shape ``(n,)`` [s], increasing.
    bpms
        The tempi, shape ``(n,)`` [bpm].
    meters
        Beats in a bar at each entry, shape ``(n,)``, or None where not known.
    provenance
        Which model made it, or None.
    """

    times: Floats
    bpms: Floats
    meters: NDArray[np.int64] | None = None
    provenance: Provenance | None = None

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


SegmentKind = Literal["chord", "key", "section", "segment"]
EventKind = Literal["event", "onset", "note"]


@dataclass(frozen=True, eq=False)
class Segments(Value):
    """A partition of time: chords, local keys, sections. Segments do not overlap.

    Parameters
    ----------
    intervals
        Shape ``(n, 2)``: start and end [s].
    labels
        One for each segment; Harte chord labels, keys such as ``"C# minor"``, section names.
    confidence
        Of each segment, or None.
    kind
        What the labels mean.
    provenance
        Which model made them, or None.
    """

    intervals: Floats
    labels: tuple[str, ...]
    confidence: Floats | None = None
    kind: SegmentKind = "segment"
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        checks.freeze_intervals(self, get_args(SegmentKind))
        overlaps = np.flatnonzero(self.intervals[1:, 0] < self.intervals[:-1, 1] - 1e-9)
        if overlaps.size:
            i = int(overlaps[0])
            raise ParameterError(
                f"segment {i + 1} starts at {self.intervals[i + 1, 0]} s, before segment {i} ends "
                f"at {self.intervals[i, 1]} s; what may overlap are Events"
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Events(Value):
    """Things that happen, which may overlap: sound events, onsets, notes.

    Parameters
    ----------
    intervals
        Shape ``(n, 2)``: start and end [s]; an onset ends where it starts.
    labels
        One for each event; MIDI note numbers for notes.
    confidence
        Of each event, or None.
    kind
        What they are.
    provenance
        Which model made them, or None.
    pitches
        MIDI note number of each note, shape ``(n,)``, with a fraction where it lies between two
        semitones (69 is A4 = 440 Hz). None reads the labels of notes, where they are numbers.
    velocities
        MIDI velocity of each note, 1 to 127, shape ``(n,)``, or None.

    Examples
    --------
    >>> notes = Events([[0, 1], [0.5, 2]], ("60", "69"), kind="note")
    >>> notes.pitches, notes.frequencies.round(1)
    (array([60., 69.]), array([261.6, 440. ]))
    """

    intervals: Floats
    labels: tuple[str, ...]
    confidence: Floats | None = None
    kind: EventKind = "event"
    provenance: Provenance | None = None
    pitches: Floats | None = None
    velocities: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        checks.freeze_intervals(self, get_args(EventKind))
        checks.freeze_pitches(self)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def frequencies(self) -> Floats | None:
        """Frequency of each pitch, shape ``(n,)`` [Hz], or None where pitches are not known."""
        return None if self.pitches is None else 440 * 2 ** ((self.pitches - 69) / 12)


@dataclass(frozen=True, eq=False)
class Tags(Value):
    """Labels of a whole recording and their scores in [0, 1], best first."""

    labels: tuple[str, ...]
    scores: Floats
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        labels = tuple(self.labels)
        scores = checks.unit_interval("scores", self.scores, len(labels))
        if scores is None:
            raise ParameterError("scores is None; each tag needs one")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "labels", tuple(labels[i] for i in order))
        object.__setattr__(
            self, "scores", checks.frozen_array("scores", scores[order], np.float64, 1)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.labels, (float(score) for score in self.scores), strict=True)


@dataclass(frozen=True, eq=False)
class Key(Value):
    """The key of a whole track, and where it is in another.

    Parameters
    ----------
    label
        Such as ``"C# minor"``, or None where there is no key.
    confidence
        How sure the label is, or None.
    provenance
        Which model made it, or None.
    segments
        The local keys, or None where they are not known; what made the key made them.
    tuning_cents
        How far the recording is above A4 = 440 Hz [cents], or None.

    Examples
    --------
    >>> key = Key("a:min")
    >>> key.label, key.write("camelot")
    ('A minor', '8A')
    """

    label: str | None
    confidence: float | None = None
    provenance: Provenance | None = None
    segments: Segments | None = None
    tuning_cents: float | None = None

    def __post_init__(self) -> None:
        from mirkit.vocab import normal_key

        if self.label is not None:
            object.__setattr__(self, "label", normal_key(self.label))
        checks.unit_number("confidence", self.confidence)
        if self.segments is not None and self.segments.kind != "key":
            raise ParameterError(f"segments are of kind {self.segments.kind!r}; local keys are key")
        if self.segments is not None:  # made by what made the key
            object.__setattr__(self, "segments", replace(self.segments, provenance=None))
        if self.tuning_cents is not None and not -100 <= self.tuning_cents <= 100:
            raise ParameterError(
                f"tuning_cents is {self.tuning_cents}; it lies in -100 … 100. Is it in hertz?"
            )

    def write(self, notation: str = "standard") -> str | None:
        """Return the label in one of `mirkit.vocab.keys.NOTATIONS`, or None for no key."""
        from mirkit.vocab.keys import write_key

        return None if self.label is None else write_key(self.label, notation)


@dataclass(frozen=True, eq=False)
class Caption(Value):
    """A sentence that describes a recording."""

    text: str
    confidence: float | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        checks.unit_number("confidence", self.confidence)


@dataclass(frozen=True, eq=False)
class Embedding(Value):
    """Vectors that a model gives a recording.

    Parameters
    ----------
    values
        Shape ``(n_frames, n_dimensions)``; one row at clip level.
    grid
        The clock of the rows, or None at clip level.
    provenance
        Which model made it, or None.
    """

    values: NDArray[np.float32]
    grid: FrameGrid | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "values", checks.frozen_array("values", self.values, np.float32, 2)
        )


Annotation: TypeAlias = (
    Beats | Tempo | TempoMap | Segments | Events | Tags | Key | Caption | Embedding
)


@dataclass(frozen=True, eq=False)
class Analysis(Value, Mapping[str, Annotation]):
    """All annotations of one track, as a read-only mapping from task (``"beats"``, …) to value.

    Parameters
    ----------
    annotations
        The annotations by task.
    track
        What they are of, or None.
    duration
        Length of the recording [s], or None where not known.
    """

    annotations: Mapping[str, Annotation]
    track: Track | None = field(default=None, compare=False)
    duration: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", MappingProxyType(dict(self.annotations)))

    def __getitem__(self, task: str) -> Annotation:
        return self.annotations[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self.annotations)

    def __len__(self) -> int:
        return len(self.annotations)
