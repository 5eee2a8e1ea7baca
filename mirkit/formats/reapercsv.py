"""``.reaper.csv``: what REAPER's Region/Marker Manager exports and imports.

| column | holds |
|---|---|
| ``#`` | M and a number for a marker, R and a number for a region |
| ``Name`` | ``beat`` and the position in the bar; or the label of a section |
| ``Start``, ``End``, ``Length`` | ``hours:minutes:seconds``; a marker has a start only |
| ``Color`` | six hexadecimal digits, or nothing; not written |

Beats are markers, segments are regions. Times have colons, so that REAPER takes none for bars and
beats, whatever its ruler shows. Read are times that were exported as seconds or with colons. Where
there are regions they are read as segments, and markers beside them (the cues) are left out;
without, the markers named ``beat`` are beats, or all of them where none is.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import pairwise

from mirkit.annotation import Beats, Segments
from mirkit.errors import FormatError
from mirkit.formats.audacity import beat_labels, beats_of, segments_of
from mirkit.formats.spans import ROUNDING
from mirkit.formats.text import Line

_HEADER = ("#", "Name", "Start", "End", "Length")
_NUMBER = re.compile(r"([MR])\d+")
_BEAT = re.compile(r"beat ?(\d*)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_BARS = re.compile(r"-?\d+\.\d+\.\d+")
_FRAMES = re.compile(r"\d+:\d+:\d+[:;]\d+")
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the table: a region, or a marker where it has no end."""

    line: Line
    name: str
    start: float
    end: float | None


def dumps(value: Beats | Segments) -> str:
    """Return a marker a beat, or a region a segment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADER)
    if isinstance(value, Beats):
        labels = beat_labels(value)
        for i, (time, label) in enumerate(zip(value.times.tolist(), labels, strict=True), 1):
            writer.writerow([f"M{i}", f"beat {label}".rstrip(), _clock(time), "", ""])
        return out.getvalue()
    spans = zip(value.intervals.tolist(), value.labels, strict=True)
    for i, ((start, end), label) in enumerate(spans, 1):
        length = _clock((round(end * _MICRO) - round(start * _MICRO)) / _MICRO)
        writer.writerow([f"R{i}", " ".join(label.split()), _clock(start), _clock(end), length])
    return out.getvalue()


def loads(text: str, name: str) -> Beats | Segments:
    """Return the segments of a table with regions, or else its beats."""
    marks = _marks(text, name)
    regions = sorted((x.start, x.end, i) for i, x in enumerate(marks) if x.end is not None)
    if regions:
        _check_apart([marks[i] for _, _, i in regions])
        return segments_of([(start, end, marks[i].name) for start, end, i in regions])
    beats = [(mark, _BEAT.fullmatch(mark.name)) for mark in marks]
    named = [(mark, found[1]) for mark, found in beats if found]
    points = sorted((mark.start, label) for mark, label in named or [(m, "") for m in marks])
    return beats_of([time for time, _ in points], [label for _, label in points])


def _check_apart(regions: list[Mark]) -> None:
    """Raise where a region begins before the one above ends; sections do not overlap."""
    for above, mark in pairwise(regions):
        if above.end is not None and mark.start < above.end - ROUNDING:
            raise mark.line.error(
                f"region {mark.name!r} starts before {above.name!r} ends, at {above.end:g} s"
            )


def _marks(text: str, name: str) -> list[Mark]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        rows = [(Line(name, reader.line_num, ",".join(row)), row) for row in reader if any(row)]
    except csv.Error as error:
        raise FormatError(f"{name}, line {reader.line_num}: {error}") from None
    header = tuple(cell.strip() for cell in rows[0][1]) if rows else ()
    if not set(_HEADER[:4]) <= set(header):
        raise FormatError(
            f"{name}, line 1: the header is {','.join(header)!r}, not {','.join(_HEADER)}; export "
            "it from the Region/Marker Manager"
        )
    return [_mark(line, dict(zip(header, row, strict=False))) for line, row in rows[1:]]


def _mark(line: Line, cells: dict[str, str]) -> Mark:
    number = _NUMBER.fullmatch(cells["#"].strip())
    if number is None:
        raise line.error(f"{cells['#']!r} is neither a marker (M1) nor a region (R1)")
    if number[1] == "M":
        return Mark(line, cells.get("Name", "").strip(), _time(line, cells, "Start"), None)
    start, end = _time(line, cells, "Start"), _time(line, cells, "End")
    if end < start:
        raise line.error("the region ends before its start")
    return Mark(line, cells.get("Name", "").strip(), start, end)


def _time(line: Line, cells: dict[str, str], column: str) -> float:
    """Return the time [s] in a column, of seconds or with colons."""
    word = cells.get(column, "").strip()
    if _BARS.fullmatch(word) or _FRAMES.fullmatch(word):
        raise line.error(
            f"{column} {word} counts bars or frames; show minutes:seconds in REAPER's ruler, and "
            "export again"
        )
    if clock := _CLOCK.fullmatch(word):
        hours, minutes, seconds = clock.groups()
        whole = int(hours or 0) * 3600 + int(minutes) * 60
        return round((whole * _MICRO) + float(seconds) * _MICRO) / _MICRO
    return line.time_in(word, column)


def _clock(time: float) -> str:
    """Return hours:minutes:seconds, with six decimals.

    Examples
    --------
    >>> _clock(3725.5), _clock(0.25)
    ('1:02:05.500000', '0:00:00.250000')
    """
    seconds, micro = divmod(round(time * _MICRO), _MICRO)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micro:06d}"
