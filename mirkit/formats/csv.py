"""``.csv``: a header, then a row for each item; the header says what the rows are.

| header | value |
|---|---|
| ``time,position,confidence`` | `Beats` |
| ``bpm,score,confidence`` | `Tempo`: the chosen one, without a score, then all levels |
| ``time,bpm,meter`` | `TempoMap` |
| ``start,end,KIND,confidence`` | `Segments`; KIND is chord, key, section or segment |
| ``start,end,KIND,confidence`` | `Events`; KIND is event or onset |
| ``start,end,note,confidence,pitch,velocity`` | `Events`, notes; read without the last two too |
| ``label,score`` | `Tags` |
| ``key,confidence,tuning_cents`` | `Key`; read without ``tuning_cents`` too |
| ``caption,confidence`` | `Caption` |

A cell is empty where nothing is known. Numbers are written in full: they come back exactly.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast, get_args

import numpy as np

from mirkit.annotation import (
    Annotation,
    Beats,
    Caption,
    EventKind,
    Events,
    Key,
    SegmentKind,
    Segments,
    Tags,
    Tempo,
    TempoMap,
)
from mirkit.errors import FormatError
from mirkit.formats.text import Line, check_seconds

Row = Sequence[Any]
Cells = dict[str, list[str]]


def dumps(value: Annotation) -> str:
    """Return the table of `value`."""
    header, rows = _TABLES[type(value)](value)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_cell(cell) for cell in row] for row in rows])
    return out.getvalue()


def loads(text: str, name: str) -> Annotation:
    """Return the value that the header announces."""
    table = _Table(text, name)
    for header, build in _BUILDERS.items():
        if table.header == header:
            return build(table)
    known = "; ".join(",".join(header) for header in _BUILDERS)
    raise FormatError(
        f"{name}, line 1: the header {','.join(table.header)!r} is not known; known are: {known}. "
        "Is the header missing, or is the separator another than the comma?"
    )


class _Table:
    """The cells of a file, by column, which turn into numbers with errors that name the line."""

    def __init__(self, text: str, name: str) -> None:
        reader = csv.reader(io.StringIO(text), strict=True)
        self.name = name
        self.rows: list[list[str]] = []
        self.lines: list[Line] = []
        try:
            for row in reader:
                if len(row) > 1 or any(cell.strip() for cell in row):
                    self.rows.append([cell.strip() for cell in row])
                    self.lines.append(Line(name, reader.line_num, ",".join(row)))
        except csv.Error as error:
            raise FormatError(f"{name}, line {reader.line_num}: {error}") from None
        self.header = tuple(self.rows.pop(0)) if self.rows else ()
        self.lines = self.lines[1:]
        for row, line in zip(self.rows, self.lines, strict=True):
            if len(row) != len(self.header):
                raise line.error(
                    f"there are {len(row)} cells under {len(self.header)} headings; "
                    "is a comma in a number, or in a label without quotes?"
                )

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, column: str) -> list[str]:
        at = self.header.index(column)
        return [row[at] for row in self.rows]

    def numbers(self, column: str) -> list[float]:
        return [
            line.number_in(cell, column)
            for cell, line in zip(self.texts(column), self.lines, strict=True)
        ]

    def optional(self, column: str) -> list[float] | None:
        """Return the numbers of a column that is full, or None for one that is empty."""
        cells = self.texts(column)
        if not any(cells):
            return None
        if not all(cells):
            raise self.lines[cells.index("")].error(f"{column} is missing, which other lines have")
        return self.numbers(column)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float | np.floating) else value


def _column(values: Any, n: int) -> Iterable[Any]:
    return [None] * n if values is None else values


def _beats(x: Beats) -> tuple[Row, Iterable[Row]]:
    positions = [p or None for p in _column(x.positions, len(x))]
    return _BEATS, zip(x.times, positions, _column(x.confidence, len(x)), strict=True)


def _tempo(x: Tempo) -> tuple[Row, Iterable[Row]]:
    return _TEMPO, [
        (x.bpm, None, x.confidence),
        *((bpm, score, None) for bpm, score in x.hypotheses),
    ]


def _tempo_map(x: TempoMap) -> tuple[Row, Iterable[Row]]:
    return _TEMPO_MAP, zip(x.times, x.bpms, _column(x.meters, len(x.times)), strict=True)


def _spans(x: Segments | Events) -> tuple[Row, Iterable[Row]]:
    starts, ends = x.intervals.T
    confidence = _column(x.confidence, len(x))
    rows = zip(starts, ends, x.labels, confidence, strict=True)
    if not isinstance(x, Events) or x.kind != "note":
        return ("start", "end", x.kind, "confidence"), rows
    more = zip(_column(x.pitches, len(x)), _column(x.velocities, len(x)), strict=True)
    return _NOTES, [(*row, *two) for row, two in zip(rows, more, strict=True)]


_BEATS = ("time", "position", "confidence")
_TEMPO = ("bpm", "score", "confidence")
_TEMPO_MAP = ("time", "bpm", "meter")
_NOTES = ("start", "end", "note", "confidence", "pitch", "velocity")
_TAGS = ("label", "score")
_KEY = ("key", "confidence", "tuning_cents")
_SHORT_KEY = ("key", "confidence")
_CAPTION = ("caption", "confidence")

_TABLES: dict[type, Callable[[Any], tuple[Row, Iterable[Row]]]] = {
    Beats: _beats,
    Tempo: _tempo,
    TempoMap: _tempo_map,
    Segments: _spans,
    Events: _spans,
    Tags: lambda x: (_TAGS, x),
    Key: lambda x: (_KEY, [(x.label, x.confidence, x.tuning_cents)]),
    Caption: lambda x: (_CAPTION, [(x.text, x.confidence)]),
}


def _read_beats(table: _Table) -> Beats:
    cells = zip(table.texts("position"), table.lines, strict=True)
    positions = [int(line.number_in(cell, "position")) if cell else 0 for cell, line in cells]
    beats = Beats(
        np.array(table.numbers("time")),
        np.array(positions, dtype=np.int64) if any(positions) else None,
        table.optional("confidence"),  # type: ignore[arg-type]
    )
    check_seconds(table.name, beats.times)
    return beats


def _read_tempo(table: _Table) -> Tempo:
    if not len(table):
        return Tempo(None)
    levels = [
        (line.number_in(bpm, "bpm"), line.number_in(score, "score"))
        for bpm, score, line in zip(
            table.texts("bpm"), table.texts("score"), table.lines, strict=True
        )
        if score
    ]
    bpm, score, confidence = table.rows[0]
    if score:  # a table of levels alone
        return Tempo(levels[0][0], None, tuple(levels))
    line = table.lines[0]
    return Tempo(
        line.number_in(bpm, "bpm") if bpm else None,
        line.number_in(confidence, "confidence") if confidence else None,
        tuple(levels),
    )


def _read_tempo_map(table: _Table) -> TempoMap:
    meters = table.optional("meter")
    return TempoMap(
        np.array(table.numbers("time")),
        np.array(table.numbers("bpm")),
        None if meters is None else np.array(meters, dtype=np.int64),
    )


def _read_spans(kind: str) -> Callable[[_Table], Annotation]:
    def build(table: _Table) -> Annotation:
        intervals = np.array([table.numbers("start"), table.numbers("end")]).T
        labels = tuple(table.texts(kind))
        confidence: Any = table.optional("confidence")
        if kind in get_args(SegmentKind):
            return Segments(intervals, labels, confidence, kind=cast(SegmentKind, kind))
        names = [name for name in ("pitch", "velocity") if name in table.header]
        known: Any = [table.optional(name) for name in names]
        return Events(intervals, labels, confidence, cast(EventKind, kind), None, *known)

    return build


def _read_tags(table: _Table) -> Tags:
    return Tags(tuple(table.texts("label")), np.array(table.numbers("score")))


def _only(table: _Table, column: str) -> tuple[str, float | None]:
    if len(table) != 1:
        raise FormatError(f"{table.name}: {column} has one row, and there are {len(table)}")
    confidence = table.optional("confidence")
    return table.texts(column)[0], confidence[0] if confidence else None


def _read_key(table: _Table) -> Key:
    label, confidence = _only(table, "key")
    cents = table.optional("tuning_cents") if "tuning_cents" in table.header else None
    return Key(label or None, confidence, tuning_cents=cents[0] if cents else None)


_BUILDERS: dict[tuple[str, ...], Callable[[_Table], Annotation]] = {
    _BEATS: _read_beats,
    _TEMPO: _read_tempo,
    _TEMPO_MAP: _read_tempo_map,
    **{
        ("start", "end", kind, "confidence"): _read_spans(kind)
        for kind in (*get_args(SegmentKind), *get_args(EventKind))
    },
    _NOTES: _read_spans("note"),
    _TAGS: _read_tags,
    _KEY: _read_key,
    _SHORT_KEY: _read_key,
    _CAPTION: lambda table: Caption(*_only(table, "caption")),
}
