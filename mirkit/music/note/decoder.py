"""Note creation: notes from onset and note posteriorgrams, by thresholds and peaks.

References
----------
R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal and S. Ewert, "A lightweight
instrument-agnostic model for polyphonic note transcription and multipitch estimation",
ICASSP 2022, section 2.4.
J. Salamon and E. Gómez, "Melody extraction from polyphonic music signals using pitch contour
characteristics", IEEE TASLP 2012, whose search for contours the last step follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Events
from mirkit.arrays import Floats, Floats32
from mirkit.calibration import platt_scale
from mirkit.errors import ParameterError
from mirkit.gate import SilenceGate
from mirkit.music.note.contour import fine_pitches
from mirkit.music.note.inputs import NoteInput, read
from mirkit.system import Table, find_decoder
from mirkit.zoo.registry import Card

DEFAULT = "posteriorgram"

RISE_STEPS = 2
"""Frames over which a rise of the note activation is an onset."""

NEAR = 3
"""Frames around the start of a note in which its onset activation peaks."""


class FoundNote(NamedTuple):
    """A note on the clock of the frames.

    `start` is its first frame and `end` the first after it, `row` the row of its pitch, and
    `strength` the mean note activation in between.
    """

    start: int
    end: int
    row: int
    strength: float


@dataclass(frozen=True, kw_only=True)
class NoteDecoder:
    """Decode notes that begin at peaks of the onset activation and last as the note activation.

    From the last onset to the first: a note begins at a local maximum of the onset activation of
    at least `onset_threshold`, and ends before the note activation stays below `frame_threshold`
    for `max_gap`. The frames of a note, and those a semitone above and below, are taken from what
    later steps see. Then what is left above `frame_threshold` is searched for notes without an
    onset, from the strongest frame on, in both directions (the melodia trick).

    Parameters
    ----------
    onset_threshold
        Least onset activation at which a note begins, above 0 and at most 1. Lower finds more
        notes, also wrong ones.
    frame_threshold
        Least note activation at which a note sounds, above 0 and at most 1. Lower makes notes
        longer.
    min_length
        Notes that are not longer are left out [s].
    max_gap
        How long the note activation must be below the threshold for a note to end [s].
    fmin, fmax
        Lowest and highest fundamental frequency, both included [Hz]; None for no limit.
    infer_onsets
        Whether a rise of the note activation counts as an onset too, scaled so that the steepest
        rise equals the highest onset activation.
    melodia
        Whether notes without an onset are searched for.
    bends
        Whether pitches are as fine as the head ``contour`` says, to about 5 cents; else they are
        whole semitones. `mirkit.music.note.contour` also follows bends within a note.
    calibration
        Slope and offset of the logistic curve from the onset activation to the confidence, or None
        where the onset activation is the confidence.
    """

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    min_length: float = 0.1277
    max_gap: float = 0.1277
    fmin: float | None = None
    fmax: float | None = None
    infer_onsets: bool = True
    melodia: bool = True
    bends: bool = False
    calibration: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("onset_threshold", "frame_threshold"):
            checks.positive(name, getattr(self, name))
            checks.unit_number(name, getattr(self, name))
        for name in ("min_length", "max_gap", "fmin", "fmax"):
            if getattr(self, name) is not None:
                checks.positive(name, getattr(self, name))
        checks.instance("bends", self.bends, (bool, np.bool_), "True or False")
        if self.fmin is not None and self.fmax is not None and self.fmin > self.fmax:
            raise ParameterError(
                f"fmin is {self.fmin} and fmax {self.fmax} Hz; are the two swapped?"
            )

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the heads that are decoded."""
        return ("note", "onset", "contour") if self.bends else ("note", "onset")

    def __call__(self, activations: Activations) -> Events:
        """Return the notes of `activations`, in order of their starts.

        The confidence of a note comes from the onset activation at its start, which tells right
        notes from wrong ones better than the note activation does.
        """
        inputs = read(activations, self.fmin, self.fmax)
        found = sorted(self.find(inputs), key=lambda note: (note.start, note.row))
        spans = np.array([(note.start, note.end) for note in found]).reshape(-1, 2)
        notes = Events(
            inputs.grid.time_of(spans),
            tuple(str(inputs.pitches[note.row]) for note in found),
            platt_scale(np.array([_peak(inputs.onset, note) for note in found]), self.calibration),
            "note",
            inputs.provenance,
        )
        if self.bends:
            notes = replace(notes, pitches=fine_pitches(activations["contour"], notes))
        return notes

    def find(self, inputs: NoteInput) -> list[FoundNote]:
        """Return the notes in the order in which they are found."""
        fps = inputs.grid.fps
        search = _Search(
            inputs.note,
            self.frame_threshold,
            min_frames=round(self.min_length * fps),
            gap=bytes(max(1, round(self.max_gap * fps))),
        )
        onsets = find_onsets(inputs, self.onset_threshold, self.infer_onsets)
        notes = [note for frame, row in onsets if (note := search.from_onset(frame, row))]
        if self.melodia:
            notes += [note for frame, row in search.left() if (note := search.around(frame, row))]
        return notes


def find_onsets(inputs: NoteInput, threshold: float, infer: bool) -> list[tuple[int, int]]:
    """Return frame and row of each onset, the last first, of those at one time the highest."""
    rises = [rise(row) if infer else np.zeros(len(row)) for row in inputs.note]
    steepest = max((float(row.max(initial=0)) for row in rises), default=0.0)
    highest = inputs.onset.max(initial=0)
    found: list[tuple[int, int]] = []
    for number, (onset, steps) in enumerate(zip(inputs.onset, rises, strict=True)):
        curve = onset.astype(np.float64)
        if steepest > 0:
            curve = np.maximum(curve, highest * steps / steepest)
        middle = curve[1:-1]
        is_peak = (middle > curve[:-2]) & (middle > curve[2:]) & (middle >= threshold)
        found += [(frame, number) for frame in (np.flatnonzero(is_peak) + 1).tolist()]
    return sorted(found, reverse=True)


def rise(activation: Floats32) -> Floats:
    """Return how far each frame is above all of the last few, or 0; the first frames do not rise.

    Examples
    --------
    >>> rise(np.array([0, 0, 0.5, 0.75, 0.75, 0.25], np.float32))
    array([0.  , 0.  , 0.5 , 0.25, 0.  , 0.  ])
    """
    curve = activation.astype(np.float64)
    up = np.zeros(len(curve))
    if len(curve) > RISE_STEPS:
        before = [curve[RISE_STEPS - n : len(curve) - n] for n in range(1, RISE_STEPS + 1)]
        up[RISE_STEPS:] = np.maximum(curve[RISE_STEPS:] - np.max(before, axis=0), 0)
    return up


def _peak(onset: Floats32, note: FoundNote) -> float:
    """Return the highest onset activation near the start of a note."""
    return float(onset[note.row, max(0, note.start - NEAR) : note.start + NEAR + 1].max())


class _Search:
    """Search what sounds and belongs to no note yet: a row of bytes for each pitch, one per frame.

    Parameters
    ----------
    note
        Note activation, ``(n_pitches, n_frames)``.
    threshold
        What sounds is at least this.
    min_frames
        Notes that are not longer are left out.
    gap
        The bytes of a silence that ends a note.
    """

    def __init__(self, note: Floats32, threshold: float, min_frames: int, gap: bytes) -> None:
        self.note = note
        self.threshold = np.float64(threshold)
        self.min_frames = min_frames
        self.gap = gap
        self.n_frames = note.shape[1]
        self.rows = [bytearray((row >= self.threshold).tobytes()) for row in note]

    def from_onset(self, frame: int, row: int) -> FoundNote | None:
        """Return the note that begins at a frame, and take it; None where it is too short."""
        end, _ = self._ahead(frame, row)
        if end - frame <= self.min_frames:
            return None
        self._take(frame, end, row)
        return self._note(frame, end, row)

    def around(self, frame: int, row: int) -> FoundNote | None:
        """Return the note around a frame, and take all that was looked at; None if too short.

        As its authors have it, the last frame that sounds is not of the note.
        """
        self.rows[row][frame] = 0
        end, after = self._ahead(frame, row)
        start, before = self._back(frame, row)
        self._take(frame + 1, after, row)
        self._take(before, frame, row)
        if end - 1 - start <= self.min_frames:
            return None
        return self._note(start, end - 1, row)

    def left(self) -> Iterator[tuple[int, int]]:
        """Yield frame and row of what is left above the threshold, the strongest first.

        What is taken meanwhile is passed over.
        """
        sounding = np.array([np.frombuffer(row, np.bool_) for row in self.rows], dtype=np.bool_)
        above = sounding.reshape(self.note.shape) & (self.note > self.threshold)
        rows, frames = np.nonzero(above)
        order = np.lexsort((rows, frames, -self.note[rows, frames]))
        for frame, row in zip(frames[order].tolist(), rows[order].tolist(), strict=True):
            if self.rows[row][frame]:
                yield frame, row

    def _ahead(self, frame: int, row: int) -> tuple[int, int]:
        """Return the end of what sounds after a frame, and of what was looked at to find it.

        The last frame of the recording is never looked at.
        """
        last = self.n_frames - 1
        at = self.rows[row].find(self.gap, frame + 1, last)
        if at >= 0:
            return at, at + len(self.gap)
        end = self.rows[row].rfind(1, frame + 1, last) + 1
        return max(end, frame + 1), max(last, frame + 1)

    def _back(self, frame: int, row: int) -> tuple[int, int]:
        """Return the start of what sounds before a frame, and of what was looked at to find it.

        The first frame of the recording is never looked at.
        """
        at = self.rows[row].rfind(self.gap, 1, max(frame, 1))
        if at >= 0:
            return at + len(self.gap), at
        start = self.rows[row].find(1, 1, max(frame, 1))
        return (frame if start < 0 else start), min(1, frame)

    def _take(self, start: int, end: int, row: int) -> None:
        """Take frames of a pitch, and of those a semitone above and below."""
        for near in self.rows[max(0, row - 1) : row + 2]:
            near[start:end] = bytes(end - start)

    def _note(self, start: int, end: int, row: int) -> FoundNote:
        return FoundNote(start, end, row, float(self.note[row, start:end].mean(dtype=np.float64)))


DECODERS: Table = {"posteriorgram": NoteDecoder}
"""The decoders by name."""

GATE = SilenceGate({"note": None, "onset": None, "contour": None})


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> NoteDecoder:
    """Return the decoder called `name`, or the default one, with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: its calibration is used.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.

    Examples
    --------
    >>> decoder(min_length=0.06).min_length
    0.06
    """
    if card is not None and card.confidence:
        options.setdefault("calibration", (card.confidence["slope"], card.confidence["offset"]))
    found: NoteDecoder = find_decoder("note decoder", DECODERS, name or DEFAULT, options)
    return found
