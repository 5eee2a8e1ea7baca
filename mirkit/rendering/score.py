"""Music before it sounds: a `Sheet` is music in beats, a `Score` the same music in seconds.

A source composes or reads a `Sheet`; `mirkit.rendering.performance` plays it, which makes a
`Score`. Both hold the beats, bars, chords and key that the music was made from, so the truth is
exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.values import Value

Note: TypeAlias = tuple[float, float, float, float]
Span: TypeAlias = tuple[float, float, str]

DRUMS = -1
"""The program of a part that plays drums: its pitches are General MIDI percussion keys."""


def note_array(notes: Iterable[Note]) -> Floats:
    """Return notes as an array ``(n, 4)`` in order of onset: onset, duration, pitch, velocity."""
    rows = sorted(notes)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True, eq=False)
class Part(Value):
    """The part of one instrument.

    Parameters
    ----------
    role
        What it does in the band: ``drums``, ``bass``, ``lead``, ``keys``, ...
    program
        General MIDI program, 0 to 127, or `DRUMS`.
    notes
        Shape ``(n, 4)``: onset, duration (both in beats in a sheet, in seconds in a score), MIDI
        pitch, velocity 1 to 127.
    kit
        The drum kit's program where the part plays drums.
    """

    role: str
    program: int
    notes: Floats
    kit: int = 0

    def __post_init__(self) -> None:
        notes = checks.frozen_array("notes", self.notes, np.float64, 2)
        if notes.shape[1] != 4:
            raise ParameterError(
                f"notes have shape {notes.shape}; they are (n, 4): onset, duration, pitch, velocity"
            )
        object.__setattr__(self, "notes", notes)

    @property
    def is_drums(self) -> bool:
        """True where its pitches name drums."""
        return self.program == DRUMS


@dataclass(frozen=True)
class Origin:
    """The origin of the music: what a split must keep apart.

    Parameters
    ----------
    source
        ``arranger``, ``mma``, ``groove``, ``pop909``, ...
    style
        Name of the style.
    song
        Identifier of the song or chart.
    groove
        Identifier of the rhythm patterns.
    """

    source: str
    style: str
    song: str
    groove: str


@dataclass(frozen=True, eq=False)
class Sheet(Value):
    """Music in beats at the level that listeners tap. Beat 0 is the first downbeat.

    Parameters
    ----------
    parts
        The instruments, times in beats.
    bars
        First beat of each bar, shape ``(n + 1,)``; the last entry ends the last bar.
    meter
        Time signature as written, such as ``6/8``.
    chords, keys, sections
        (start, end, label), in beats.
    origin
        Where it comes from.
    has_bars
        False where the bar lines are not known.
    """

    parts: tuple[Part, ...]
    bars: Floats
    meter: str
    origin: Origin
    chords: tuple[Span, ...] = ()
    keys: tuple[Span, ...] = ()
    sections: tuple[Span, ...] = ()
    has_bars: bool = True

    @property
    def n_beats(self) -> int:
        """Number of beats from the first downbeat to the end."""
        return round(float(self.bars[-1]))


@dataclass(frozen=True, eq=False)
class Score(Value):
    """Music in seconds, with the truth that annotations are taken from.

    Parameters
    ----------
    parts
        The instruments, times in seconds.
    beats
        Shape ``(n,)`` [s].
    positions
        Number of each beat in its bar (1 = downbeat); 0 where bars are not known.
    meter
        Time signature.
    origin
        Where it comes from.
    chords, keys, sections
        (start, end, label) [s].
    """

    parts: tuple[Part, ...]
    beats: Floats
    positions: NDArray[np.int64]
    meter: str
    origin: Origin
    chords: tuple[Span, ...] = ()
    keys: tuple[Span, ...] = ()
    sections: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        beats = checks.frozen_array("beats", self.beats, np.float64, 1)
        positions = checks.frozen_array("positions", self.positions, np.int64, 1)
        checks.same_length("positions", positions, len(beats))
        object.__setattr__(self, "beats", beats)
        object.__setattr__(self, "positions", positions)

    @property
    def bpm(self) -> float:
        """Tempo of the median beat interval [bpm]."""
        return float(60 / np.median(np.diff(self.beats)))

    @property
    def end(self) -> float:
        """The time at which the last note or beat ends [s]."""
        ends = [
            float((part.notes[:, 0] + part.notes[:, 1]).max())
            for part in self.parts
            if len(part.notes)
        ]
        return max([*ends, float(self.beats[-1])])

    @property
    def has_drums(self) -> bool:
        """True where drums play."""
        return any(part.is_drums and len(part.notes) for part in self.parts)


def join_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans with equal neighbors made one.

    Examples
    --------
    >>> join_spans([(0.0, 1.0, "N"), (1.0, 2.0, "N"), (2.0, 3.0, "A:min")])
    ((0.0, 2.0, 'N'), (2.0, 3.0, 'A:min'))
    """
    found: list[Span] = []
    for start, end, label in spans:
        if found and found[-1][2] == label and abs(found[-1][1] - start) < 1e-6:
            found[-1] = (found[-1][0], end, label)
        elif end - start > 1e-6:
            found.append((start, end, label))
    return tuple(found)


def bar_positions(n_beats: int, bars: Floats) -> NDArray[np.int64]:
    """Return the number of each beat 0 … n_beats - 1 in its bar (1 = downbeat).

    Examples
    --------
    >>> bar_positions(6, np.array([0.0, 3.0, 7.0]))
    array([1, 2, 3, 1, 2, 3])
    """
    starts = np.rint(bars).astype(np.int64)
    index = np.arange(n_beats)
    bar = np.searchsorted(starts, index, side="right") - 1
    return np.asarray(index - starts[bar] + 1, dtype=np.int64)


def crop(score: Score, start: float, end: float, preroll: float = 2.0) -> Score:
    """Return what sounds from `start` to `end` [s], moved so that `start` becomes 0.

    Notes keep negative onsets down to `-preroll`, so that what rings into the window does so.
    """
    keep = (score.beats >= start) & (score.beats < end)
    return Score(
        parts=tuple(_crop_part(part, start, end, preroll) for part in score.parts),
        beats=score.beats[keep] - start,
        positions=score.positions[keep],
        meter=score.meter,
        origin=score.origin,
        chords=_crop_spans(score.chords, start, end),
        keys=_crop_spans(score.keys, start, end),
        sections=_crop_spans(score.sections, start, end),
    )


def _crop_part(part: Part, start: float, end: float, preroll: float) -> Part:
    onsets = part.notes[:, 0]
    notes = part.notes[(onsets >= start - preroll) & (onsets < end)].copy()
    notes[:, 0] -= start
    return Part(part.role, part.program, notes, part.kit)


def _crop_spans(spans: tuple[Span, ...], start: float, end: float) -> tuple[Span, ...]:
    return tuple(
        (max(first, start) - start, min(last, end) - start, label)
        for first, last, label in spans
        if last > start and first < end
    )
