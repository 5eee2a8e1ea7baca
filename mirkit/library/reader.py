"""`Reader`: what can be asked of a library; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mirkit import checks
from mirkit.annotation import Analysis, Embedding
from mirkit.audio import Track, reading
from mirkit.errors import ParameterError, UnknownName
from mirkit.library import ordering, records, review, scanning, searching, tables, worker
from mirkit.library.database import Database, from_sql, to_sql
from mirkit.library.makers import LIBRARY_TASKS, Maker
from mirkit.library.neighbors import Neighbors
from mirkit.library.review import Doubt
from mirkit.library.rows import COLUMNS, FailureRow, Status, TrackRow, track_row


class Reader:
    """The part of `mirkit.library.Library` that only reads."""

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.database = Database(path, read_only)
        self.neighbors = Neighbors(self.database)

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Library({str(self.path)!r})"

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __len__(self) -> int:
        return self.status().n_tracks

    @property
    def roots(self) -> list[str]:
        """The folders and files that the library is of."""
        return scanning.roots(self.database)

    def track(self, x: int | str | os.PathLike[str]) -> TrackRow:
        """Return a track by its number, its path, or its hash.

        Raises
        ------
        UnknownName
            Where the library has none.
        """
        number = x if isinstance(x, int) else self._number(x)
        rows = self.database.rows(f"select {COLUMNS} from tracks where id = ?", (number,))
        if not rows:
            raise UnknownName("track", str(x), [])
        return track_row(rows[0])

    def _number(self, x: str | os.PathLike[str]) -> int:
        text = os.fspath(x)
        whole = os.path.abspath(text)  # noqa: PTH100  # links stay
        for sql, value in (
            ("select track from files where path = ? and track is not null", to_sql(whole)),
            ("select id from tracks where content_hash = ?", to_sql(text)),
        ):
            if (found := self.database.value(sql, (value,))) is not None:
                return int(found)
        raise UnknownName("track", text, [])

    def places(self, track: int) -> list[str]:
        """Return the paths of a track, those that are there first."""
        sql = "select path from files where track = ? order by state, id"
        return [from_sql(row[0]) for row in self.database.rows(sql, (track,))]

    def get(self, track: int, task: str) -> Any:
        """Return the annotation of a task, a person's before a model's; None where there is none.

        Raises
        ------
        UnknownName
            Where there is no such task.
        """
        return records.load(self.database.connection, track, check_task(task))

    def maker(self, track: int, task: str) -> Maker | None:
        """Return what made the current result of a task, or None."""
        return records.origin(self.database.connection, track, check_task(task))

    def analysis(self, track: int) -> Analysis:
        """Return all annotations of a track that formats can hold."""
        row = self.track(track)
        found = {task: self.get(track, task) for task in LIBRARY_TASKS}
        held = {task: x for task, x in found.items() if x is not None and task in ANNOTATED}
        texts = {"title": row.title, "artist": row.artist, "album": row.album, "genre": row.genre}
        known = {name: text for name, text in texts.items() if text}
        source = Track(Path(row.path or row.title), known, row.content_hash)
        return Analysis(held, source, row.duration)

    def tags(self, track: int) -> list[tuple[str, float]]:
        """Return the tags of a track with their scores, best first."""
        sql = (
            "select name, score from track_tags join tags on tags.id = tag"
            " where track = ? order by score desc, name"
        )
        return [(str(row[0]), float(row[1])) for row in self.database.rows(sql, (track,))]

    def tracks(
        self, *, limit: int | None = 50, after: int = 0, status: str | None = None
    ) -> list[TrackRow]:
        """Return tracks in the order in which they came.

        Parameters
        ----------
        limit
            How many at most; None for all.
        after
            Number of the last track of the page before.
        status
            ``"new"``, ``"done"`` or ``"failed"``; None for all.
        """
        where = "here > 0 and id > ?" + ("" if status is None else " and status = ?")
        values = (after, *(() if status is None else (status,)), -1 if limit is None else limit)
        sql = f"select {COLUMNS} from tracks where {where} order by id limit ?"
        return [track_row(row) for row in self.database.rows(sql, values)]

    def search(self, query: str, *, limit: int | None = 50, offset: int = 0) -> list[TrackRow]:
        """Return the tracks that a query line finds, such as ``"bpm:120-126 key:~8A tag:jazz"``.

        Parameters
        ----------
        query
            See `mirkit.library.query`.
        limit
            How many at most; None for all.
        offset
            How many to leave out before.

        Raises
        ------
        ParameterError, UnknownName
            Where a term means nothing, or no track has a tag.
        """
        return searching.search(self.database, query, limit, offset)

    def similar(
        self, x: int | Embedding, n: int = 10, *, query: str = ""
    ) -> list[tuple[TrackRow, float]]:
        """Return the tracks that sound most alike, with the cosines of their embeddings.

        Parameters
        ----------
        x
            Number of a track, or the embedding of any recording by the model of the library: of a
            moment too, as ``mirkit.embed`` gives it.
        n
            How many at most.
        query
            A query line that they fulfill, too.

        Raises
        ------
        ParameterError
            Where there is no embedding of the track, or it is of another model.
        """
        embedding = self.get(x, "embed") if isinstance(x, int) else x
        if embedding is None:
            raise ParameterError(f"track {x} has no embedding: analyze it first (task embed)")
        wanted = None if not query else {row.id for row in self.search(query, limit=None)}
        n_near = n + 1 if wanted is None else _WIDE * (n + 1)
        found: list[tuple[TrackRow, float]] = []
        for number, score in self.neighbors.nearest(embedding, n_near):
            if number != x and (wanted is None or number in wanted) and len(found) < n:
                rows = self.database.rows(_HERE, (number,))
                found += [(track_row(row), score) for row in rows]
        return found

    def moment(self, track: int, at: float, length: float = 10.0) -> Embedding:
        """Return the embedding of a moment of a track, for `similar`.

        Parameters
        ----------
        track
            Its number.
        at
            Middle of the moment [s].
        length
            Its length [s].

        Raises
        ------
        ParameterError
            Where the track has no embedding yet, whose model is taken, or no file is there.
        """
        maker, path = self.maker(track, "embed"), self.track(track).path
        if maker is None or path is None:
            raise ParameterError(f"track {track} has no embedding: analyze it first (task embed)")
        sound = reading.read(path, mono=True, offset=max(0.0, at - length / 2), duration=length)
        found: Embedding = worker.system(maker)(sound)
        return found

    def playlist(self, rows: Sequence[TrackRow], first: int | None = None) -> list[TrackRow]:
        """Return tracks in an order for mixing: see `mirkit.library.ordering`."""
        return ordering.order(rows, first)

    def doubtful(self, limit: int = 50) -> list[Doubt]:
        """Return the tempi, grids and keys of models that are least sure, to be looked at."""
        return review.doubtful(self.database, limit)

    def failures(self, *, limit: int | None = None) -> list[FailureRow]:
        """Return what failed and why: files that cannot be read, and tasks of tracks."""
        sql = (
            "select path, null as task, error_type, error_message, track from files"
            " where state = 'unreadable' union all"
            " select path, task, results.error_type, results.error_message, results.track"
            " from tracks join results on results.track = tracks.id"
            " join files on files.track = tracks.id"
            " where status = 'failed' and current and results.error_type is not null"
            " order by 1, 2 limit ?"
        )
        rows = self.database.rows(sql, (-1 if limit is None else limit,))
        return [FailureRow(from_sql(row[0]), *row[1:]) for row in rows]

    def status(self) -> Status:
        """Return the counts of the library."""
        counts = {str(row[0]): int(row[1]) for row in self.database.rows("select * from counters")}
        tracks, files, results = (
            _with_prefix(counts, x) for x in ("tracks:", "files:", "results:")
        )
        tasks = {name.partition(":")[0] for name in results}
        by_task = {
            task: (results.get(f"{task}:done", 0), results.get(f"{task}:failed", 0))
            for task in LIBRARY_TASKS
            if task in tasks
        }
        size = self.path.stat().st_size
        n_tracks, n_files = sum(tracks.values()), files.get("here", 0)
        return Status(n_tracks, n_files, tracks, files, by_task, size)

    def table(self, rows: Sequence[TrackRow] | None = None) -> Any:
        """Return tracks as a table of pyarrow; all of the library where there are no `rows`."""
        return tables.arrow(self.tracks(limit=None) if rows is None else rows)

    def frame(self, rows: Sequence[TrackRow] | None = None) -> Any:
        """Return tracks as a data frame of pandas; all of the library where there are no `rows`."""
        return tables.frame(self.tracks(limit=None) if rows is None else rows)

    def problems(self) -> list[str]:
        """Return what is wrong with the database; an empty list is good news."""
        return self.database.problems()

    def back_up(self, path: str | os.PathLike[str]) -> Path:
        """Write a copy of the library, also while it is written to, and return its path."""
        return self.database.back_up(path)

    def duplicates(self) -> Iterator[list[TrackRow]]:
        """Yield the tracks that hold the same samples, or that lie at several paths.

        Copies of one file are one track with several `places`.
        """
        yield from scanning.duplicates(self.database)


_WIDE = 50  # neighbors that are looked at for each that also fulfills a query
_HERE = f"select {COLUMNS} from tracks where id = ? and here > 0"


def _with_prefix(counts: dict[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}


ANNOTATED = tuple(task for task in LIBRARY_TASKS if task != "loudness")
"""Tasks whose values formats can hold."""


def check_task(task: str) -> str:
    """Return the name of a task of a library.

    Raises
    ------
    UnknownName
        Where there is none of this name.
    """
    checks.member("task", task, LIBRARY_TASKS)
    return task
