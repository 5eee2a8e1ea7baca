"""`Library`: the tracks of a music library, what is known of them, and how to find them again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mirkit.annotation import Analysis, Embedding
from mirkit.audio import Track, reading
from mirkit.errors import ParameterError, UnknownName
from mirkit.library import ordering, records, review, scanning, searching, tables, worker
from mirkit.library.analyzing import AnalysisReport, Analyzer, Plan, Progress, executor_of
from mirkit.library.database import Database, from_sql, to_sql
from mirkit.library.executors import Executor
from mirkit.library.makers import LIBRARY_TASKS, Maker, human, makers
from mirkit.library.neighbors import Neighbors
from mirkit.library.records import Result
from mirkit.library.review import Doubt, Probe
from mirkit.library.rows import COLUMNS, FailureRow, Status, TrackRow, track_row
from mirkit.library.scanning import ScanReport


class Library:
    """A music library in one file: its tracks, and what models and people know of them.

    Several threads may use one library, and several processes one file.

    Parameters
    ----------
    path
        The file, such as ``"music.db"``; it is made where there is none.
    read_only
        Whether nothing may be written.

    Raises
    ------
    FormatError
        Where the file is no library, or one of a newer version.
    WriteError
        Where it cannot be made or written.

    Examples
    --------
    >>> import tempfile
    >>> from mirkit.annotation import Beats
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Library(Path(folder.name) / "music.db") as library:
    ...     number = library.add_content("ab" * 32, title="Take Five")
    ...     library.correct(number, "beats", Beats([0.5, 1.0, 1.5, 2.0]))
    ...     library.track(number).bpm, len(library.get(number, "beats"))
    (120.0, 4)
    >>> folder.cleanup()
    """

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

    # What it is of

    def add(
        self,
        *paths: str | os.PathLike[str],
        verify: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> ScanReport:
        """Make folders and files part of the library, and scan all that it is of.

        Parameters
        ----------
        *paths
            Folders and files; none to scan again.
        verify
            Whether to hash files again whose size and time of change are as they were.
        progress
            Is called with the path of each file that is hashed.

        Raises
        ------
        AudioError
            Where a path is not there.
        """
        scanning.add_roots(self.database, paths)
        return scanning.scan(self.database, verify=verify, progress=progress)

    @property
    def roots(self) -> list[str]:
        """The folders and files that the library is of."""
        return scanning.roots(self.database)

    def add_content(self, content_hash: str, **columns: Any) -> int:
        """Add a track that has no file here, by its hash; return its number.

        Parameters
        ----------
        content_hash
            sha256 of the file, as hex.
        **columns
            Columns of `TrackRow`: ``title``, ``artist``, ``duration``, …
        """
        names = ["content_hash", "added", *columns]
        marks = ", ".join("?" * len(names))
        with self.database.write() as db:
            db.execute(
                f"insert into tracks ({', '.join(names)}) values ({marks})"
                " on conflict (content_hash) do nothing",
                (content_hash, time.time(), *columns.values()),
            )
        return self._number(content_hash)

    # The analysis

    def analyze(
        self,
        tasks: Sequence[str] | None = None,
        *,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        n_jobs: int = 1,
        limit: int | None = None,
        retry: bool = False,
        share: float = 1.0,
        niceness: int = 0,
        executor: Executor | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> AnalysisReport:
        """Analyze what is new or changed; what is done is kept, whatever ends the analysis.

        A file is decoded once for all tasks. Every track ends as results, or reasons for there
        being none. An interrupt (Ctrl-C) ends it and is told in the report.

        Parameters
        ----------
        tasks
            Names of tasks; None for `mirkit.library.DEFAULT_TASKS`.
        settings
            Arguments of `mirkit.load` by task, such as ``{"tags": {"model": "cnn14"}}``.
        n_jobs
            Number of processes, one thread each; 1 works in this one.
        limit
            How many tracks at most; None for all.
        retry
            Whether to try again what has failed.
        share
            Share of the time that each process works, in (0, 1].
        niceness
            How far the processes give way to others, 0 to 19.
        executor
            Where the jobs run, in the place of `n_jobs`, `share` and `niceness`.
        progress
            Is called after each track.
        """
        analyzer = Analyzer(
            self.database,
            makers(tasks, settings),
            executor or executor_of(n_jobs, share, niceness),
            limit,
            retry,
            progress,
        )
        return analyzer.run()

    def plan(
        self,
        tasks: Sequence[str] | None = None,
        *,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        retry: bool = False,
    ) -> Plan:
        """Return what `analyze` would do."""
        return Analyzer(self.database, makers(tasks, settings), retry=retry).plan()

    # What is known

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
        return records.load(self.database.connection, track, _known_task(task))

    def maker(self, track: int, task: str) -> Maker | None:
        """Return what made the current result of a task, or None."""
        return records.origin(self.database.connection, track, _known_task(task))

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

    def store(self, track: int, maker: Maker, result: Result) -> None:
        """Write what a maker made of a track."""
        with self.database.write() as db:
            records.store(db, track, maker, result)

    def correct(self, track: int, task: str, value: Any) -> None:
        """Keep what a person says of a track; no analysis takes its place.

        Parameters
        ----------
        track
            Its number.
        task
            Name of the task.
        value
            The annotation.

        Raises
        ------
        ParameterError
            Where the value is of another kind than the task's.
        """
        _check_kind(task, value)
        self.store(track, human(task), Result(task, value))

    def uncorrect(self, track: int, task: str) -> None:
        """Forget what a person said of a track; the newest result of a model comes back."""
        with self.database.write() as db:
            records.forget_human(db, track, _known_task(task))

    def doubtful(self, limit: int = 50) -> list[Doubt]:
        """Return the tempi, grids and keys of models that are least sure, to be looked at."""
        return review.doubtful(self.database, limit)

    def teach(self, tag: str, examples: Sequence[int], others: Sequence[int] = ()) -> Probe:
        """Learn a tag of one's own from 5 to 20 examples: see `mirkit.library.review`.

        Parameters
        ----------
        tag
            Its name.
        examples
            Numbers of tracks that have it.
        others
            Numbers of tracks that do not; without them other tracks of the library stand for
            these.
        """
        return review.teach(self.database, tag, examples, others)

    # Lists

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

    # Upkeep

    def remove(self, *paths: str | os.PathLike[str]) -> int:
        """Take folders and files out of the library, with what is known of them alone.

        Returns
        -------
        int
            How many tracks were removed.
        """
        return scanning.remove_roots(self.database, paths)

    def forget_missing(self) -> int:
        """Remove the tracks whose files are gone; return how many."""
        return scanning.forget_missing(self.database)

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


def _known_task(task: str) -> str:
    if task not in LIBRARY_TASKS:
        raise UnknownName("task", task, list(LIBRARY_TASKS))
    return task


def _check_kind(task: str, value: Any) -> None:
    from mirkit.tasks import TASKS

    wanted = TASKS[task].value if _known_task(task) in TASKS else "Loudness"
    if type(value).__name__ != wanted:
        raise ParameterError(f"value is {value!r}; {task} is corrected by {wanted}")
