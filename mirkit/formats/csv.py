"""``.csv``: a header, then a row for each item; the header says what the rows are.

| header | value |
|---|---|
| ``time,position,confidence`` | `Beats`; with ``denominator`` where some are no quarters |
| ``bpm,score,confidence`` | `Tempo`: the chosen one, without a score, then all levels; with \
``meter,meter_confidence`` in the first row where one is known |
| ``time,bpm,meter`` | `TempoMap`; with ``denominator`` where some are no quarters |
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
from mirkit.arrays import Ints
from mirkit.errors import FormatError, ParameterError
from mirkit.formats.positions import read_positions
from mirkit.formats.spans import mend
from mirkit.formats.text import Line, check_seconds
from mirkit.vocab.meters import QUARTER

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
    rows = zip(x.times, positions, _column(x.confidence, len(x)), strict=True)
    return _with_notes(_BEATS, rows, x.denominators)


def _with_notes(
    header: tuple[str, ...], rows: Iterable[Row], denominators: Ints | None
) -> tuple[Row, Iterable[Row]]:
    """Return a table with the denominators as its last column, where some are no quarters."""
    if denominators is None or not np.any(denominators != QUARTER):
        return header, rows
    longer = ((*row, note) for row, note in zip(rows, denominators.tolist(), strict=True))
    return (*header, _NOTE), longer


def _tempo(x: Tempo) -> tuple[Row, Iterable[Row]]:
    rows: list[Row] = [
        (x.bpm, None, x.confidence),
        *((bpm, score, None) for bpm, score in x.hypotheses),
    ]
    if x.meter is None and x.meter_confidence is None:
        return _TEMPO, rows
    first, *levels = rows
    bars: list[Row] = [
        (*first, x.meter, x.meter_confidence), *((*row, None, None) for row in levels)
    ]  # fmt: skip
    return _TEMPO_BARS, bars


def _tempo_map(x: TempoMap) -> tuple[Row, Iterable[Row]]:
    rows = zip(x.times, x.bpms, _column(x.meters, len(x.times)), strict=True)
    return _with_notes(_TEMPO_MAP, rows, x.denominators)


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
_TEMPO_BARS = (*_TEMPO, "meter", "meter_confidence")
_NOTE = "denominator"
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
    cells = table.texts("position")
    beats = Beats(
        np.array(table.numbers("time")),
        _positions(cells, table),
        table.optional("confidence"),  # type: ignore[arg-type]
        denominators=_notes(table),
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
    first, line = dict(zip(table.header, table.rows[0], strict=True)), table.lines[0]
    if first["score"]:  # a table of levels alone
        return Tempo(levels[0][0], None, tuple(levels))

    def known(column: str) -> Any:
        return line.number_in(first[column], column) if first.get(column) else None

    return Tempo(
        known("bpm"), known("confidence"), tuple(levels), None, known("meter"),
        known("meter_confidence"),
    )  # fmt: skip


def _read_tempo_map(table: _Table) -> TempoMap:
    meters = table.optional("meter")
    return TempoMap(
        np.array(table.numbers("time")),
        np.array(table.numbers("bpm")),
        cast(Any, meters),
        denominators=_notes(table),
    )


def _notes(table: _Table) -> Any:
    return table.optional(_NOTE) if _NOTE in table.header else None


def _positions(cells: Sequence[str], table: _Table) -> Any:
    """Return the positions that cells hold, those of bar.beat too, or None where all are empty."""
    try:
        return read_positions(cells)
    except ParameterError as error:
        raise FormatError(f"{table.name}: {error}") from None


def _read_spans(kind: str) -> Callable[[_Table], Annotation]:
    def build(table: _Table) -> Annotation:
        rows = list(zip(table.numbers("start"), table.numbers("end"), strict=True))
        confidence: Any = table.optional("confidence")
        if kind in get_args(SegmentKind):
            labels = tuple(table.texts(kind))
            return Segments(mend(rows), labels, confidence, kind=cast(SegmentKind, kind))
        events = tuple(label or None for label in table.texts(kind))
        names = [name for name in ("pitch", "velocity") if name in table.header]
        known: Any = [table.optional(name) for name in names]
        return Events(np.array(rows), events, confidence, cast(EventKind, kind), None, *known)

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
    (*_BEATS, _NOTE): _read_beats,
    _TEMPO: _read_tempo,
    _TEMPO_BARS: _read_tempo,
    _TEMPO_MAP: _read_tempo_map,
    (*_TEMPO_MAP, _NOTE): _read_tempo_map,
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
