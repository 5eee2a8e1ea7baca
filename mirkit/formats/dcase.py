"""``.tsv``: tables of sound events as DCASE, DESED and sed_eval write them.

A table of one recording has the columns ``onset``, ``offset`` and ``event_label``, and those of
many begin with ``filename``. A recording without events is a row with empty cells. Weak labels have
the columns ``filename`` and ``event_labels``, with commas between the labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mirkit.annotation import Events
from mirkit.errors import FormatError
from mirkit.formats.text import Line, lines_of

COLUMNS = ("onset", "offset", "event_label")
CONFIDENCE = "confidence"
FILE = "filename"
WEAK = (FILE, "event_labels")


def dumps(value: Events) -> str:
    """Return the table of the events of one recording; with their confidence where it is known."""
    known = value.confidence is not None
    header = (*COLUMNS, CONFIDENCE) if known else COLUMNS
    rows = _cells(value)
    if value.confidence is not None:
        rows = [(*row, repr(x)) for row, x in zip(rows, value.confidence.tolist(), strict=True)]
    return _table(header, rows)


def loads(text: str, name: str) -> Events:
    """Return the events of a table of one recording.

    Raises
    ------
    FormatError
        Where columns are missing, or the table holds several recordings.
    """
    found = loads_table(text, name)
    if len(found) > 1:
        raise FormatError(
            f"{name} holds {len(found)} recordings; mirkit.formats.dcase.loads_table reads them"
        )
    return next(iter(found.values()), _events([]))


def dumps_table(events: Mapping[str, Events]) -> str:
    """Return the table of the events of many recordings, by file name.

    Examples
    --------
    >>> print(dumps_table({"a.wav": Events([[0.5, 1]], ("Dog",)), "b.wav": Events([], ())}))
    filename	onset	offset	event_label
    a.wav	0.5	1	Dog
    b.wav
    <BLANKLINE>
    """
    rows = []
    for name, value in events.items():
        rows += [(name, *row) for row in _cells(value)] or [(name,)]
    return _table((FILE, *COLUMNS), rows)


def loads_table(text: str, name: str) -> dict[str, Events]:
    r"""Return the events of each recording of a table, by file name, in the order of the table.

    Parameters
    ----------
    text
        The table; one without file names is that of a recording called ``""``.
    name
        Of the table, for messages.

    Raises
    ------
    FormatError
        Where a column is missing, or a cell is wrong; the message names the line.

    Examples
    --------
    >>> table = loads_table("filename\tonset\toffset\tevent_label\na.wav\t0\t1\tDog\n", "x")
    >>> table["a.wav"].labels
    ('Dog',)
    """
    header, lines = _read(text, name, COLUMNS)
    rows: dict[str, list[tuple[float, float, str, float | None]]] = {}
    for line in lines:
        cells = dict(zip(header, line.text.split("\t"), strict=False))
        mine = rows.setdefault(cells.get(FILE, "").strip(), [])
        if cells.get("onset", "").strip():
            mine.append(_row(line, cells))
    return {file: _events(each) for file, each in rows.items()}


def dumps_weak(labels: Mapping[str, Iterable[str | None]]) -> str:
    """Return the table of the labels of recordings, without times.

    Examples
    --------
    >>> print(dumps_weak({"a.wav": ("Dog", "Speech", "Dog")}), end="")
    filename	event_labels
    a.wav	Dog,Speech
    """
    rows = [(name, ",".join(sorted({x for x in own if x}))) for name, own in labels.items()]
    return _table(WEAK, rows)


def loads_weak(text: str, name: str) -> dict[str, tuple[str, ...]]:
    r"""Return the labels of each recording of a table of weak labels.

    A comma that a space follows belongs to a label, as in "Male speech, man speaking".

    Examples
    --------
    >>> loads_weak("filename\tevent_labels\na.wav\tDog,Waves, surf\n", "x")
    {'a.wav': ('Dog', 'Waves, surf')}
    """
    header, lines = _read(text, name, WEAK)
    found = {}
    for line in lines:
        cells = dict(zip(header, line.text.split("\t"), strict=False))
        marked = cells.get(WEAK[1], "").replace(", ", "\0").split(",")
        labels = (label.replace("\0", ", ").strip() for label in marked)
        found[cells[FILE].strip()] = tuple(label for label in labels if label)
    return found


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in (header, *rows))


def _cells(value: Events) -> list[tuple[str, ...]]:
    spans = zip(value.intervals.tolist(), value.labels, strict=True)
    return [(_seconds(a), _seconds(b), " ".join((label or "").split())) for (a, b), label in spans]


def _seconds(time: float) -> str:
    return f"{time:.6f}".rstrip("0").rstrip(".")


def _read(text: str, name: str, columns: tuple[str, ...]) -> tuple[list[str], list[Line]]:
    """Return the header of a table and the lines below it."""
    lines = list(lines_of(text, name))
    header = [cell.strip() for cell in lines[0].text.split("\t")] if lines else []
    missing = [column for column in columns if column not in header]
    if missing:
        raise FormatError(
            f"{name} has no column {missing[0]!r}; its first line is {lines[0].text!r}. "
            "Are the columns separated by tabs?"
            if lines
            else f"{name} is empty; its first line names the columns {', '.join(columns)}"
        )
    return header, lines[1:]


def _row(line: Line, cells: Mapping[str, str]) -> tuple[float, float, str, float | None]:
    start = line.time_in(cells["onset"], "onset")
    end = line.time_in(cells.get("offset", ""), "offset")
    if end < start:
        raise line.error(f"it ends at {end:g} s, before its start. Are these durations?")
    given = cells.get(CONFIDENCE, "").strip()
    confidence = line.number_in(given, CONFIDENCE) if given else None
    return start, end, cells.get("event_label", "").strip(), confidence


def _events(rows: list[tuple[float, float, str, float | None]]) -> Events:
    rows = sorted(rows, key=lambda row: row[0])
    intervals = np.array([row[:2] for row in rows]).reshape(-1, 2)
    known = [row[3] for row in rows if row[3] is not None]
    confidence = np.array(known) if rows and len(known) == len(rows) else None
    return Events(intervals, tuple(row[2] or None for row in rows), confidence)
