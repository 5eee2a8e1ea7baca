"""Peaks of a curve over frames, and where between the frames they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats, Ints


def window_maximum(curve: NDArray[Any], radius: int) -> NDArray[Any]:
    """Return the largest value within `radius` frames of each frame, shape ``(n_frames,)``."""
    if radius == 0 or not len(curve):
        return curve
    largest: NDArray[Any] = np.pad(curve, radius, constant_values=-np.inf)
    width, wanted = 1, 2 * radius + 1
    while width < wanted:  # two windows that overlap, or meet, make one
        shift = min(width, wanted - width)
        largest = np.maximum(largest[:-shift], largest[shift:])
        width += shift
    return largest


def find_peaks(curve: Floats, threshold: float, radius: int = 1) -> Ints:
    """Return the frames that reach `threshold` and that no frame within `radius` exceeds.

    Where frames within `radius` share the largest value, the first of them is the peak.

    Parameters
    ----------
    curve
        Shape ``(n_frames,)``.
    threshold
        Smallest value of a peak.
    radius
        Frames on either side that a peak tops.

    Returns
    -------
    Shape ``(n_peaks,)``, increasing.

    Examples
    --------
    >>> find_peaks(np.array([0, 0.5, 0.2, 0.9, 0.9, 0]), threshold=0.3)
    array([1, 3])
    """
    frames = np.flatnonzero((curve >= threshold) & (curve >= window_maximum(curve, radius)))
    if not len(frames):
        return frames
    first_of_ties = np.concatenate(([True], np.diff(frames) > radius))
    kept: Ints = frames[first_of_ties]
    return kept


def refine(curve: Floats, frames: Ints) -> Floats:
    """Return where the parabola through each frame and its neighbors peaks, in frames.

    A frame that is not a local maximum, or that lies at an end, stays where it is; none moves
    by more than half a frame.

    Parameters
    ----------
    curve
        Shape ``(n_frames,)``.
    frames
        Shape ``(n,)``.

    Examples
    --------
    >>> refine(np.array([0, 1, 3, 3, 0.0]), np.array([2, 4]))
    array([2.5, 4. ])
    """
    inner = np.clip(frames, 1, max(len(curve) - 2, 1))
    if len(curve) < 3:
        return frames.astype(np.float64)
    left, middle, right = curve[inner - 1], curve[inner], curve[inner + 1]
    bend = 2 * middle - left - right
    is_peak = (inner == frames) & (middle >= left) & (middle >= right) & (bend > 0)
    shift = 0.5 * (right - left) / np.where(is_peak, bend, 1.0)
    refined: Floats = frames.astype(np.float64) + np.where(is_peak, shift, 0.0)
    return refined
