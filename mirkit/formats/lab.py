"""``.lab``: one segment a line, start [s], end [s] and label. Chords are spelled as Harte does.

The convention of Isophonics, MIREX and mir_eval. Written with tabs and 6 decimals. What the labels
mean is told by their spelling: all Harte chords, or keys with their mode in full such as ``A
minor`` and ``D:minor`` (or behind Isophonics' ``Key``), or else segments; where that would be
wrong, a first line such as ``# kind: section`` says it. Overlaps of less than 1 ms are rounding,
and go.
"""

from __future__ import annotations

import re
from typing import cast, get_args

from mirkit.annotation import SegmentKind, Segments
from mirkit.errors import ParameterError
from mirkit.formats.spans import ROUNDING, mend
from mirkit.formats.text import Line, lines_of
from mirkit.vocab.keys import is_spelled_as_key, read_key

_CHORD = re.compile(r"[NX]|[A-G][#b]*(:[^\s/]+)?(/[#b]*\d+)?")
_KIND_LINE = re.compile(r"#\s*kind:\s*(\w+)\s*")


def dumps(segments: Segments) -> str:
    """Return one line a segment."""
    head = "" if kind_of(segments.labels) == segments.kind else f"# kind: {segments.kind}\n"
    rows = zip(segments.intervals, segments.labels, strict=True)
    return head + "".join(f"{start:.6f}\t{end:.6f}\t{_check(x)}\n" for (start, end), x in rows)


def loads(text: str, name: str) -> Segments:
    """Return the segments, which follow each other."""
    lines = list(lines_of(text, name))
    rows = [_row(line) for line in lines]
    for i in range(1, len(rows)):
        if rows[i][0] < rows[i - 1][1] - ROUNDING:
            raise lines[i].error(
                f"it starts before the line above ends, at {rows[i - 1][1]:g} s; "
                "sort the lines by time"
            )
    labels = tuple(label for _, _, label in rows)
    intervals = mend([(start, end) for start, end, _ in rows])
    said = _KIND_LINE.match(text)
    kind = said[1] if said and said[1] in get_args(SegmentKind) else kind_of(labels)
    return Segments(intervals, labels, kind=cast(SegmentKind, kind))


def _row(line: Line) -> tuple[float, float, str]:
    words = line.text.split(maxsplit=2)
    if len(words) < 3:
        raise line.error(
            f"there are {len(words)} columns; a segment has start, end and label. "
            "Is this a list of beats?"
        )
    start, end = line.time_in(words[0], "start"), line.time_in(words[1], "end")
    if end < start:
        raise line.error(
            f"it ends at {end:g} s, before its start; is the second column a duration?"
        )
    return start, end, words[2].strip()


def kind_of(labels: tuple[str, ...]) -> str:
    """Return what labels mean by their spelling: chord, key, or else segment."""
    if any(map(is_spelled_as_key, labels)) and all(map(_is_key, labels)):
        return "key"
    return "chord" if labels and all(map(_CHORD.fullmatch, labels)) else "segment"


def _is_key(label: str) -> bool:
    try:
        read_key(label)
    except ParameterError:
        return False
    return True


def _check(label: str) -> str:
    if not label.strip() or label != label.strip() or re.search(r"[\n\r]", label):
        raise ParameterError(
            f"label {label!r} cannot stand on a line of a .lab file: it is empty, or begins or "
            "ends with white space, or is of two lines"
        )
    return label
