"""Attacks: beats are placed to the millisecond where sounds begin, which networks blur.

A beat is the instant at which the sounds that make it begin: where the envelope of attacks rises
fastest. The network finds the beat, and the rise near it tells the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.activations import Features, Head
from mirkit.arrays import Floats, Ints
from mirkit.frames import FrameGrid

HEAD = "attack"
"""Name of the head that holds the envelope."""

FRONT_END = "attack_22k"
"""Front end whose features `attack_head` takes."""

SPAN = 0.01
"""How long before and after an instant the envelope is averaged, to tell how it rises [s]."""

REACH = 0.035
"""How far from a beat its attack is looked for [s]."""

NEAR = 0.015
"""Standard deviation of the bell that prefers attacks near the beat [s]."""

SHARP = 2.0
"""Rise of the logarithm of the envelope from which an attack is sharp enough to tell the place."""

SILENT = 1e-4
"""Added to the envelope before the logarithm."""

FAINT = 0.1
"""Of the strongest attack near: what is weaker is a filter's ringing, or another sound."""

N_LINE = 8
"""Sharp attacks that it takes to move a grid."""

OFF_LINE = 0.01
"""Attacks farther from the median do not count for a grid [s]."""


def attack_head(envelope: Features) -> Head:
    """Return the head that holds the features of `FRONT_END`, shape ``(n_frames, 1)``."""
    return Head(envelope.values, (HEAD,), envelope.grid, "measure")


@dataclass(frozen=True, eq=False)
class Attacks:
    """The envelope of attacks of a track.

    Parameters
    ----------
    levels
        The envelope, shape ``(n_frames,)``; at least one frame.
    grid
        The clock of the frames.
    """

    levels: Floats
    grid: FrameGrid

    @classmethod
    def of(cls, head: Head) -> Attacks | None:
        """Return what a head such as that of `attack_head` holds, or None where it has no clock."""
        if head.grid is None or not head.n_frames:
            return None
        return cls(head.values[:, 0].astype(np.float64), head.grid)

    def offsets(self, times: Floats) -> Floats:
        """Return how much later than each time its attack is [s]; NaN where none is sharp."""
        reach, n = int(REACH * self.grid.fps), max(1, round(SPAN * self.grid.fps))
        frames = self.grid.frame_at(times)
        near = frames[:, None] + np.arange(-reach - n, reach + n)
        levels = self.levels[np.clip(near, 0, len(self.levels) - 1)]
        rises = _rises(np.log(levels + SILENT + FAINT * levels.max(axis=1, keepdims=True)), n)
        away = self.grid.time_of(near[:, n : n + rises.shape[1]]) - times[:, None]
        best = (rises * np.exp(-0.5 * (away / NEAR) ** 2)).argmax(axis=1)
        row = np.arange(len(times))
        sharp = _rises(np.log(levels + SILENT), n)[row, best] >= SHARP
        place = best + _peak(rises, best)
        return np.where(sharp, self.grid.time_of(frames - reach + place) - times, np.nan)

    def place(self, times: Floats) -> Floats:
        """Return beats at their attacks; where beats are evenly spaced, they stay so.

        Parameters
        ----------
        times
            Beats, increasing, shape ``(n,)`` [s].

        Returns
        -------
        numpy.ndarray
            The beats, shape ``(n,)``: those without a sharp attack where they were, but for a grid,
            which is moved, and stretched by a hair, to the line through the attacks.
        """
        if not len(times):
            return times
        off = self.offsets(times)
        moved = _line(off) if _is_even(times) else np.nan_to_num(off)
        placed = np.maximum(times + moved, 0)
        return placed if np.all(np.diff(placed) > 0) else times


def _rises(levels: Floats, n: int) -> Floats:
    """Return the mean of `n` frames from each on, less that of `n` before it, in each row.

    The nearer ones weigh more, so that a single loud frame rises most where it is. The first value
    is that of frame `n`. A sound begins in the frame that first rises: on average in its middle,
    where its time is.
    """
    weights = np.arange(1.0, n + 1)
    kernel = np.concatenate([-weights, weights[::-1]]) / weights.sum()
    return np.asarray(np.lib.stride_tricks.sliding_window_view(levels, 2 * n, axis=1) @ kernel)


def _peak(rows: Floats, best: Ints) -> Floats:
    """Return how far from the best of each row the parabola through it peaks, in frames."""
    inner = np.clip(best, 1, rows.shape[1] - 2)
    left, own, right = (rows[np.arange(len(rows)), inner + k] for k in (-1, 0, 1))
    bend = 2 * own - left - right
    is_peak = (inner == best) & (own >= left) & (own >= right) & (bend > 0)
    return np.asarray(np.where(is_peak, 0.5 * (right - left) / np.where(is_peak, bend, 1.0), 0.0))


def _is_even(times: Floats) -> bool:
    """Return whether beats are those of a grid; the first may have been cut off."""
    return len(times) > N_LINE and float(np.ptp(np.diff(times[1:]))) < 1e-6


def _line(off: Floats) -> Floats:
    """Return the line through offsets by number, those far from the median left out."""
    known = np.flatnonzero(~np.isnan(off))
    if len(known) < N_LINE:
        return np.zeros(len(off))
    kept = known[np.abs(off[known] - np.median(off[known])) <= OFF_LINE]
    if len(kept) < N_LINE:
        return np.zeros(len(off))
    slope, first = np.polyfit(kept, off[kept], 1)
    return np.asarray(first + slope * np.arange(len(off)))
