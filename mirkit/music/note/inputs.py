"""Read the two heads that a note decoder needs: semitones on one clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid


@dataclass(frozen=True, eq=False)
class NoteInput:
    """The heads ``note`` and ``onset``, a row for each pitch.

    Parameters
    ----------
    note, onset
        Probabilities, ``(n_pitches, n_frames)``, contiguous in time.
    pitches
        MIDI note number of each row, a semitone apart.
    grid
        The clock of the frames.
    provenance
        What the heads came from.
    """

    note: Floats32
    onset: Floats32
    pitches: tuple[int, ...]
    grid: FrameGrid
    provenance: Provenance | None


def read(
    activations: Activations, fmin: float | None = None, fmax: float | None = None
) -> NoteInput:
    """Return what a note decoder needs, for pitches from `fmin` to `fmax` [Hz].

    Raises
    ------
    UnknownName
        Where a head is missing.
    ParameterError
        Where the heads do not fit each other, or are of other things than notes.
    """
    note, onset = activations["note"], activations["onset"]
    if note.grid is None:
        raise ParameterError("the head 'note' has no grid; notes need one row per frame")
    if (note.labels, note.grid, note.n_frames) != (onset.labels, onset.grid, onset.n_frames):
        raise ParameterError("the heads 'note' and 'onset' differ in labels, grid or frames")
    pitches = _semitones(note.labels)
    kept = [i for i, pitch in enumerate(pitches) if _is_within(pitch, fmin, fmax)]
    first, last = (kept[0], kept[-1] + 1) if kept else (0, 0)
    return NoteInput(
        _rows("note", note)[first:last],
        _rows("onset", onset)[first:last],
        pitches[first:last],
        note.grid,
        activations.provenance,
    )


def _rows(name: str, head: Head) -> Floats32:
    values = head.probabilities()
    bad = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if bad.size:
        frame, column = (int(i) for i in np.unravel_index(bad[0], values.shape))
        raise ParameterError(
            f"{name}[{frame}, {column}] is {values[frame, column]:g}; probabilities lie in [0, 1]. "
            "Are these logits? Then kind is 'sigmoid_logits'."
        )
    return np.ascontiguousarray(values.T)


def _semitones(labels: tuple[str, ...]) -> tuple[int, ...]:
    """Return labels as MIDI note numbers, which must go up by semitones."""
    try:
        pitches = tuple(int(label) for label in labels)
    except ValueError:
        pitches = ()
    if not pitches or pitches != tuple(range(pitches[0], pitches[0] + len(labels))):
        raise ParameterError(
            f"the labels {', '.join(labels[:4])} … of the head 'note' are no MIDI note numbers "
            "that go up by semitones"
        )
    return pitches


def _is_within(pitch: int, fmin: float | None, fmax: float | None) -> bool:
    """Return whether the frequency of a pitch lies in a range, to a cent."""
    lowest = -np.inf if fmin is None else 69 + 12 * np.log2(fmin / 440)
    highest = np.inf if fmax is None else 69 + 12 * np.log2(fmax / 440)
    return bool(lowest - 0.01 <= pitch <= highest + 0.01)
