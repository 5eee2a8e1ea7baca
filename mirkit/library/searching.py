"""Searching a library: from a query line to tracks."""

from __future__ import annotations

from functools import cache
from typing import Any

from mirkit.errors import UnknownName
from mirkit.library.database import Database
from mirkit.library.query import SHOWN, Query, parse
from mirkit.library.rows import COLUMNS, TrackRow, track_row
from mirkit.vocab.audioset import audioset_labels

_NO_TAG = -1
"""Number of a tag that no track has."""


def search(
    database: Database, text: str, limit: int | None = 50, offset: int = 0
) -> list[TrackRow]:
    """Return the tracks that a query line finds.

    Without ``sort:`` they come in the order of the number that is asked for, or in that in which
    they were added: an index has it, so that a page of a million tracks takes milliseconds.
    """
    sql, values = build_sql(database, parse(text))
    values = [*values, -1 if limit is None else limit, offset]
    return [track_row(row) for row in database.rows(f"{sql} limit ? offset ?", values)]


def build_sql(database: Database, query: Query) -> tuple[str, list[Any]]:
    """Return the SQL of a query and its values, without a limit."""
    tables, where = ["tracks"], ["tracks.here > 0"]
    values: list[Any] = []
    for i, (name, score) in enumerate(query.tags):
        number, threshold = _tag(database, name)
        tables.append(f"track_tags t{i}")
        where.append(f"t{i}.tag = ? and t{i}.score >= ? and t{i}.track = tracks.id")
        values += [number, _first(score, threshold, SHOWN)]
    if query.words:
        tables.append("words")
        where.append("words match ? and words.rowid = tracks.id")
        values.append(query.words)
    order = query.order or "tracks.id"
    if query.words and query.order is None:
        order = "words.rowid"
    elif query.tags and query.order in (None, "pulse", "bpm"):
        order = "t0.track"
    where += query.where
    sql = f"select {COLUMNS} from {', '.join(tables)} where {' and '.join(where)} order by {order}"
    return sql, [*values, *query.values]


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


@cache
def _classes() -> frozenset[str]:
    """Return the names that taggers may give, in lower case: none found is no mistake."""
    return frozenset(label.casefold() for label in audioset_labels())


def _tag(database: Database, name: str) -> tuple[int, float | None]:
    """Return the number and the threshold of a tag.

    Raises
    ------
    UnknownName
        Where no track has it, and it is no class of AudioSet's either.
    """
    rows = database.rows("select id, threshold from tags where name = ?", (name,))
    if not rows and name.casefold() in _classes():
        return _NO_TAG, None
    if not rows:
        known = [str(row[0]) for row in database.rows("select name from tags order by name")]
        raise UnknownName("tag", name, known)
    return int(rows[0][0]), rows[0][1]
