"""``.sv.csv``: what Sonic Visualiser exports and imports as a table, without a header.

| | |
|---|---|
| beats | time [s], label (the position in the bar) |
| segments | start [s], value, duration [s], label |
"""

from __future__ import annotations

import csv
import io

from mirkit.annotation import Beats, Segments
from mirkit.errors import FormatError
from mirkit.formats.audacity import beat_labels, beats_of, segments_of
from mirkit.formats.text import Line, check_sorted


def dumps(value: Beats | Segments) -> str:
    """Return one row a beat, or a segment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if isinstance(value, Beats):
        for time, label in zip(value.times, beat_labels(value), strict=True):
            writer.writerow([f"{time:.9f}", label])
        return out.getvalue()
    heights = {label: i for i, label in enumerate(dict.fromkeys(value.labels))}
    for (start, end), label in zip(value.intervals, value.labels, strict=True):
        writer.writerow([f"{start:.9f}", heights[label], f"{end - start:.9f}", label])
    return out.getvalue()


def loads(text: str, name: str) -> Beats | Segments:
    """Return beats where rows have up to two cells, and segments where they have three or four."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error as error:
        raise FormatError(f"{name}: {error}") from None
    lines = [Line(name, number, ",".join(row)) for number, row in enumerate(rows, start=1)]
    widths = {min(len(row), 3) for row in rows}
    if widths <= {1, 2}:
        times = [line.time_in(row[0]) for row, line in zip(rows, lines, strict=True)]
        check_sorted(lines, times)
        return beats_of(times, [row[1].strip() if len(row) == 2 else "" for row in rows])
    if len(widths) > 1:
        raise FormatError(f"{name} has rows of beats (2 cells) and of segments (3 or 4)")
    spans = []
    for row, line in zip(rows, lines, strict=True):
        start = line.time_in(row[0], "start")
        length = line.time_in(row[-2], "duration")
        spans.append((start, start + length, row[-1].strip()))
    return segments_of(spans)
