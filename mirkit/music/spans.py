"""Segments that span a whole recording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirkit.annotation import Segments


def spanning(segments: Segments, duration: float) -> Segments:
    """Return segments cut or stretched to begin at 0 and end at `duration` [s]."""
    kept = np.flatnonzero(segments.intervals[:, 0] < duration)
    if not len(kept):
        return segments
    intervals = np.minimum(segments.intervals[kept], duration)
    intervals[0, 0], intervals[-1, 1] = 0.0, duration
    sure = None if segments.confidence is None else segments.confidence[kept]
    labels = tuple(segments.labels[i] for i in kept)
    return replace(segments, intervals=intervals, labels=labels, confidence=sure)
