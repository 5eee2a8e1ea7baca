"""Audacity's label tracks: start [s], end [s] and label of each line, between tabs.

Beats are points (the end is the start) whose label is the position in the bar, or nothing; segments
and events are regions. Written with 6 decimals. In Audacity: File › Import › Labels. Read back,
points are beats, and what has a length is segments, whose kind their labels tell, as in ``.lab``
files.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np

from mirkit.annotation import Beats, Events, SegmentKind, Segments
from mirkit.errors import ParameterError
from mirkit.formats.lab import kind_of
from mirkit.formats.positions import read_positions
from mirkit.formats.spans import ROUNDING, mend
from mirkit.formats.text import Line, check_sorted, lines_of

_SHORTEST = 1e-6  # [s] a segment without length would be a point


def dumps(value: Beats | Segments | Events) -> str:
    """Return one line a beat, a segment or an event."""
    if isinstance(value, Beats):
        labels = beat_labels(value)
        rows = zip(value.times, labels, strict=True)
        return "".join(f"{time:.6f}\t{time:.6f}\t{label}\n" for time, label in rows)
    spans = zip(value.intervals, value.labels, strict=True)
    return "".join(
        f"{start:.6f}\t{max(end, start + _SHORTEST):.6f}\t{' '.join((label or '').split())}\n"
        for (start, end), label in spans
    )


def loads(text: str, name: str) -> Beats | Segments:
    """Return the beats of a file of points, or the segments of one of regions."""
    lines = [line for line in lines_of(text, name) if not line.text.startswith("\\")]
    rows = [_row(line) for line in lines]
    if all(start == end for start, end, _ in rows):
        check_sorted(lines, [start for start, _, _ in rows])
        return beats_of([start for start, _, _ in rows], [label for _, _, label in rows])
    regions = [(row, line) for row, line in zip(rows, lines, strict=True) if row[0] < row[1]]
    for ((_, end, _), _), ((start, _, _), line) in pairwise(regions):
        if start < end - ROUNDING:
            raise line.error(f"it starts before the region above ends, at {end:g} s")
    return segments_of([row for row, _ in regions])


def beat_labels(beats: Beats) -> list[str]:
    """Return the position of each beat as text, empty where it is not known."""
    if beats.positions is None:
        return [""] * len(beats)
    return [str(position or "") for position in beats.positions]


def beats_of(times: list[float], labels: list[str]) -> Beats:
    """Return beats from points with labels: numbers, or bar.beat; other labels mean nothing."""
    plain = [label if label.replace(".", "", 1).isdecimal() else "" for label in labels]
    try:
        return Beats(np.array(times), read_positions(plain))
    except ParameterError:  # such as tempi
        return Beats(np.array(times))


def segments_of(rows: list[tuple[float, float, str]]) -> Segments:
    """Return segments from rows of start, end and label; overlaps of rounding go."""
    labels = tuple(label for _, _, label in rows)
    return Segments(
        mend([row[:2] for row in rows]), labels, kind=cast(SegmentKind, kind_of(labels))
    )


def _row(line: Line) -> tuple[float, float, str]:
    words = line.text.split("\t", 2)
    if len(words) < 2:
        raise line.error("there are no two times with a tab between; a label has start and end")
    start, end = line.time_in(words[0], "start"), line.time_in(words[1], "end")
    if end < start:
        raise line.error(f"it ends at {end:g} s, before its start")
    return start, end, words[2].strip() if len(words) == 3 else ""
