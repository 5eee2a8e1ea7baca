"""Pitch bends: the pitch of notes in fractions of a semitone, from a multipitch posteriorgram.

The bins of the head are finer than semitones; between two of them the centroid of the peak tells
where the pitch lies.
"""

from __future__ import annotations

import numpy as np

from mirkit.activations import Head
from mirkit.annotation import Events
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError

WHOLE, BENT = 0.5, 5 / 3
"""Standard deviation of the weight of what is near the pitch of a note, for the note as a whole
and where it may bend [semitones]."""

REACH = 2
"""Bins to each side of a peak that its centroid is of."""


def fine_pitches(contour: Head, notes: Events) -> Floats:
    """Return the pitch of each note over all its frames, shape ``(n,)`` [MIDI note number].

    Parameters
    ----------
    contour
        How sure a model is of each pitch at each frame; labels are MIDI note numbers, evenly
        spaced.
    notes
        Notes that were decoded from the same activations.
    """
    values = contour.probabilities()
    means = [values[start:end].mean(axis=0) for start, end in _frames(contour, notes)]
    rows = np.array(means, np.float64).reshape(-1, len(contour.labels))
    return _follow(contour, rows, _semitones(notes), WHOLE)


def pitch_curves(contour: Head, notes: Events) -> tuple[Floats, ...]:
    """Return the pitch of each note at each of its frames [MIDI note number].

    Examples
    --------
    >>> from mirkit.frames import FrameGrid
    >>> labels = [f"{59 + i / 3:.4f}" for i in range(7)]
    >>> values = np.array([[0, 0, 0.2, 0.8, 0.2, 0, 0], [0, 0, 0, 0.2, 0.8, 0.2, 0]])
    >>> contour = Head(values, labels, FrameGrid.from_fps(10))
    >>> notes = Events([[0.0, 0.2]], ("60",), kind="note")
    >>> pitch_curves(contour, notes)[0].round(2)
    array([60.  , 60.33])
    """
    values = contour.probabilities()
    spans = zip(_frames(contour, notes), _semitones(notes), strict=True)
    return tuple(
        _follow(contour, values[start:end].astype(np.float64), np.full(end - start, pitch), BENT)
        for (start, end), pitch in spans
    )


def _frames(contour: Head, notes: Events) -> list[tuple[int, int]]:
    """Return the first frame of each note, and the first after it; one frame at least."""
    if contour.grid is None:
        raise ParameterError("the head 'contour' has no grid; bends need one row per frame")
    starts, ends = contour.grid.frame_at(notes.intervals.T)
    starts = np.clip(starts, 0, contour.n_frames - 1)
    ends = np.clip(ends, starts + 1, contour.n_frames)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _semitones(notes: Events) -> Floats:
    if notes.pitches is None:
        raise ParameterError("these notes have no pitches; bends are around them")
    return np.rint(notes.pitches)


def _follow(contour: Head, values: Floats, pitches: Floats, spread: float) -> Floats:
    """Return the pitch at the highest peak of each row, near pitches ``(n_rows,)``."""
    bins = np.array([float(label) for label in contour.labels])
    distance = (bins - pitches[:, None]) / spread
    best = np.argmax(values * np.exp(-0.5 * distance**2), axis=1)
    step = (bins[-1] - bins[0]) / (len(bins) - 1)
    return np.asarray(bins[best] + step * _centroid(values, best))


def _centroid(values: Floats, best: Ints) -> Floats:
    """Return the centroid of the bins around the best of each row, relative to it [bins].

    What the lower of the bins next to these has is taken off first.
    """
    around = np.arange(-REACH - 1, REACH + 2)
    padded = np.pad(values, ((0, 0), (REACH + 1, REACH + 1)), mode="reflect")
    near = np.take_along_axis(padded, best[:, None] + REACH + 1 + around, axis=1)
    weight = np.maximum(near - near.min(axis=1, keepdims=True), 0)[:, 1:-1]
    total = np.maximum(weight.sum(axis=1), 1e-12)
    return np.asarray((weight * around[1:-1]).sum(axis=1) / total)
