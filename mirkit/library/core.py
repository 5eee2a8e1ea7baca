"""`Library`: the tracks of a music library, what is known of them, and how to find them again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mirkit.errors import ParameterError
from mirkit.library import records, review, scanning
from mirkit.library.analyzing import AnalysisReport, Analyzer, Plan, Progress, executor_of
from mirkit.library.executors import Executor
from mirkit.library.makers import Maker, human, makers
from mirkit.library.reader import Reader, check_task
from mirkit.library.records import Result
from mirkit.library.review import Probe
from mirkit.library.scanning import ScanReport


class Library(Reader):
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
    >>> from pathlib import Path
    >>> from mirkit.annotation import Beats
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Library(Path(folder.name) / "music.db") as library:
    ...     number = library.add_content("ab" * 32, title="Take Five")
    ...     library.correct(number, "beats", Beats([0.5, 1.0, 1.5, 2.0]))
    ...     library.track(number).bpm, len(library.get(number, "beats"))
    (120.0, 4)
    >>> folder.cleanup()
    """

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
            records.forget_human(db, track, check_task(task))

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


def _check_kind(task: str, value: Any) -> None:
    from mirkit.tasks import TASKS

    wanted = TASKS[task].value if check_task(task) in TASKS else "Loudness"
    if type(value).__name__ != wanted:
        raise ParameterError(f"value is {value!r}; {task} is corrected by {wanted}")
