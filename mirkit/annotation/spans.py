"""Labels of stretches of time: a partition of it, or what may overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from mirkit import checks, markup
from mirkit.activations import Provenance
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.values import Value, count, join

SegmentKind = Literal["chord", "key", "section", "segment"]
EventKind = Literal["event", "onset", "note"]


@dataclass(frozen=True, eq=False, repr=False)
class Segments(Value):
    """A partition of time: chords, local keys, sections. Segments do not overlap.

    Parameters
    ----------
    intervals
        Shape ``(n, 2)``: start and end [s].
    labels
        One for each segment; Harte chord labels, section names, keys in any spelling, which are
        held as ``"C# minor"``.
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
        _freeze_intervals(self, get_args(SegmentKind))
        if self.kind == "key":
            object.__setattr__(self, "labels", tuple(map(_key, self.labels)))
        overlaps = np.flatnonzero(self.intervals[1:, 0] < self.intervals[:-1, 1] - 1e-9)
        if overlaps.size:
            i = int(overlaps[0])
            raise ParameterError(
                f"segment {i + 1} starts at {self.intervals[i + 1, 0]} s, before segment {i} ends "
                f"at {self.intervals[i, 1]} s; what may overlap are Events"
            )

    def summary(self) -> str:
        """Return the number, and the first labels."""
        first = ", ".join(map(str, self.labels[:3]))
        more = ", …" if len(self.labels) > 3 else ""
        return join(count(len(self), self.kind), f"{first}{more}")

    def picture(self) -> str:
        """Return a strip with a colored stretch per segment."""
        return markup.spans(_spans_of(self), self.summary())

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False, repr=False)
class Events(Value):
    """Things that happen, which may overlap: sound events, onsets, notes.

    Parameters
    ----------
    intervals
        Shape ``(n, 2)``: start and end [s]; an onset ends where it starts.
    labels
        One for each event, or None where it has none; MIDI note numbers for notes.
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
    labels: tuple[str | None, ...]
    confidence: Floats | None = None
    kind: EventKind = "event"
    provenance: Provenance | None = None
    pitches: Floats | None = None
    velocities: Ints | None = None

    def __post_init__(self) -> None:
        _freeze_intervals(self, get_args(EventKind), or_none=True)
        checks.freeze_pitches(self)

    def summary(self) -> str:
        """Return the number, and the first labels."""
        first = ", ".join(map(str, self.labels[:3]))
        more = ", …" if len(self.labels) > 3 else ""
        return join(count(len(self), self.kind), f"{first}{more}")

    def picture(self) -> str:
        """Return a strip with a colored stretch per event."""
        return markup.spans(_spans_of(self), self.summary())

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def frequencies(self) -> Floats | None:
        """Frequency of each pitch, shape ``(n,)`` [Hz], or None where pitches are not known."""
        return None if self.pitches is None else 440 * 2 ** ((self.pitches - 69) / 12)


def _spans_of(value: Segments | Events) -> list[markup.Span]:
    pairs = zip(value.intervals.tolist(), value.labels, strict=True)
    return [(start, end, label) for (start, end), label in pairs]


def _key(label: str) -> str:
    from mirkit.vocab.keys import NO_KEY, read_key

    return read_key(label) if label else NO_KEY


def _freeze_intervals(value: Any, kinds: tuple[str, ...], or_none: bool = False) -> None:
    if value.kind not in kinds:
        raise ParameterError(f"kind is {value.kind!r}; it is one of {', '.join(kinds)}")
    intervals = checks.intervals("intervals", value.intervals)
    labels = checks.texts("labels", value.labels, or_none=or_none)
    checks.same_length("labels", labels, len(intervals))
    if np.any(np.diff(intervals[:, 0]) < 0):
        raise ParameterError("intervals are not sorted by start")
    object.__setattr__(value, "intervals", intervals)
    object.__setattr__(value, "labels", labels)
    confidence = checks.unit_interval("confidence", value.confidence, len(intervals))
    object.__setattr__(value, "confidence", confidence)
