"""Segments as boundaries without gaps, for measures that compare two of them over time."""

from __future__ import annotations

import numpy as np

from mirkit.annotation import Segments
from mirkit.arrays import Floats


def gapless(segments: Segments, gap: str = "N") -> tuple[Floats, list[str]]:
    """Return the boundaries and labels of segments, with `gap` for what lies between them."""
    edges: list[float] = []
    labels: list[str] = []
    for (start, end), label in zip(segments.intervals.tolist(), segments.labels, strict=True):
        if end <= start:
            continue
        if edges and start > edges[-1] + 1e-9:
            edges.append(start)
            labels.append(gap)
        elif not edges:
            edges.append(start)
        edges.append(end)
        labels.append(label)
    return np.array(edges), labels


def fit_span(
    segments: Segments, start: float, end: float, gap: str = "N"
) -> tuple[Floats, list[str]]:
    """Return boundaries and labels cut to a span, or filled up with `gap`."""
    edges, labels = gapless(segments, gap)
    if not labels or edges[-1] <= start or edges[0] >= end:
        return np.array([start, end]), [gap]
    if edges[0] > start:
        edges, labels = np.concatenate([[start], edges]), [gap, *labels]
    if edges[-1] < end:
        edges, labels = np.concatenate([edges, [end]]), [*labels, gap]
    inside = (edges[1:] > start) & (edges[:-1] < end)
    kept = np.concatenate([edges[:-1][inside], [edges[1:][inside][-1]]])
    return np.clip(kept, start, end), [x for x, is_in in zip(labels, inside, strict=True) if is_in]


def labels_at(edges: Floats, labels: list[str], times: Floats) -> list[str]:
    """Return the label at each time, which lies between two boundaries."""
    return [labels[i] for i in np.searchsorted(edges, times, side="right") - 1]
