"""Analyzing a library: what is left is claimed, worked on, and written file by file.

Each file is one short transaction, so that an interruption costs the files in hand and no other.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from mirkit.batch import Failure
from mirkit.library import records
from mirkit.library.claims import Owner
from mirkit.library.database import Database, from_sql
from mirkit.library.executors import Executor, Processes, Serial
from mirkit.library.makers import Maker
from mirkit.library.packing import pack
from mirkit.library.worker import Job, Outcome, work

_AHEAD = 8  # tracks that are claimed at once


@dataclass(frozen=True)
class Progress:
    """Progress of an analysis.

    Parameters
    ----------
    n_done
        Tracks that are dealt with in this run.
    n_total
        Tracks that were left when it began.
    n_failed
        Those of `n_done` that failed.
    seconds
        How long it has run [s].
    in_hand
        The files that are being worked on.
    """

    n_done: int
    n_total: int
    n_failed: int
    seconds: float
    in_hand: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Tracks per second."""
        return self.n_done / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Remaining time [s], or None before the first track."""
        return max(0, self.n_total - self.n_done) / self.rate if self.rate else None


@dataclass
class AnalysisReport:
    """Report of an analysis.

    Parameters
    ----------
    n_done
        Tracks that were analyzed.
    n_failed
        Tracks of which a task failed.
    n_same
        Tracks whose tags alone had changed: what was known of them was taken over.
    n_gone
        Tracks whose file was not there any more.
    audio_seconds
        How much was heard [s].
    seconds
        How long it took [s].
    task_seconds
        How long the workers took for each task [s].
    work_seconds
        How long the workers took for all [s], with decoding.
    interrupted
        Whether it was ended before all was done.
    """

    n_done: int = 0
    n_failed: int = 0
    n_same: int = 0
    n_gone: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    task_seconds: dict[str, float] = field(default_factory=dict)
    work_seconds: float = 0.0
    interrupted: bool = False

    def summary(self) -> str:
        """Return the counts and the speed as text."""
        counts = f"{self.n_done} analyzed, {self.n_failed} failed"
        counts += f", {self.n_same} unchanged but for tags" if self.n_same else ""
        counts += f", {self.n_gone} gone" if self.n_gone else ""
        if self.seconds and self.audio_seconds:
            speed = self.audio_seconds / self.seconds
            digits = 0 if speed >= 10 else 1
            counts += f"; {self.seconds:.1f} s, {speed:.{digits}f} times as fast as they play"
        return counts


@dataclass(frozen=True)
class Plan:
    """Work of an analysis that is left.

    Parameters
    ----------
    makers
        By task, those that others need first.
    n_tracks
        Tracks of which something is left.
    tasks
        How many tracks each task is left for.
    """

    makers: Mapping[str, Maker]
    n_tracks: int
    tasks: Mapping[str, int]


@dataclass
class Analyzer:
    """An analysis of a library.

    Parameters
    ----------
    database
        Of the library.
    makers
        By task, those that others need first; see `mirkit.library.makers.makers`.
    executor
        Where the jobs run.
    limit
        How many tracks at most, or None.
    retry
        Whether to try again what has failed.
    progress
        Is called after each track.
    """

    database: Database
    makers: Mapping[str, Maker]
    executor: Executor = field(default_factory=Serial)
    limit: int | None = None
    retry: bool = False
    progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        with self.database.write() as db:
            self._ids = {task: records.maker_id(db, x) for task, x in self.makers.items()}
        self._began = time.time()
        self._taken = 0

    def plan(self) -> Plan:
        """Return what is left to do."""
        where = self._left()
        n = int(self.database.value(f"select count(*) from tracks where here > 0 and {where}"))
        sql = "select count(*) from tracks where here > 0 and {}"
        tasks = {
            task: int(self.database.value(sql.format(self._left([number]))))
            for task, number in self._ids.items()
        }
        return Plan(self.makers, n, tasks)

    def run(self) -> AnalysisReport:
        """Do what is left; what is done is kept, whatever ends it."""
        report, start = AnalysisReport(), time.monotonic()
        n_total = self.plan().n_tracks
        n_total = n_total if self.limit is None else min(n_total, self.limit)
        owner = Owner(self.database)
        try:
            while self._round(owner, report, start, n_total):
                pass  # what was taken over from other tracks may lack a task
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            report.seconds = time.monotonic() - start
            owner.leave()
        return report

    def _round(self, owner: Owner, report: AnalysisReport, start: float, n_total: int) -> bool:
        """Do what is left; return whether that may have left something."""
        n_same = report.n_same
        with closing(self._outcomes(owner)) as outcomes:
            for job, outcome in outcomes:
                self._store(owner, job, outcome, report)
                report.seconds = time.monotonic() - start
                self._tell(report, n_total)
        return report.n_same > n_same

    def _outcomes(self, owner: Owner) -> Generator[tuple[Job, Outcome], None, None]:
        yield from self.executor.run(work, self._jobs(owner))

    def _tell(self, report: AnalysisReport, n_total: int) -> None:
        if self.progress is not None:
            n = report.n_done + report.n_failed + report.n_same + report.n_gone
            in_hand = tuple(self.executor.in_hand)
            self.progress(Progress(n, n_total, report.n_failed, report.seconds, in_hand))

    # What is left

    def _left(self, numbers: Sequence[int] | None = None) -> str:
        """Return the condition that a track lacks results of makers."""
        wanted = list(self._ids.values()) if numbers is None else list(numbers)
        listed = ", ".join(map(str, wanted))
        tried = f" and (error_type is null or made >= {self._began!r})" if self.retry else ""
        return (
            "(select count(*) from results where track = tracks.id"
            f" and maker in ({listed}){tried}) < {len(wanted)}"
        )

    def _jobs(self, owner: Owner) -> Iterator[Job]:
        """Yield what is left, claimed; once more from the start, for what came meanwhile."""
        after, n_round = 0, 0
        while True:
            found = self._claim(owner, after)
            n_round += len(found)
            for track in found:
                after = track
                job = self._job(track)
                if job is not None:
                    yield job
            if found:
                continue
            if not n_round or not after:
                return
            after, n_round = 0, 0

    def _claim(self, owner: Owner, after: int) -> list[int]:
        n = _AHEAD if self.limit is None else min(_AHEAD, self.limit - self._taken)
        if n <= 0:
            return []
        sql = (
            f"select id from tracks where here > 0 and id > ? and {self._left()}"
            " and not exists (select 1 from claims where track = tracks.id) order by id limit ?"
        )
        with self.database.write() as db:
            found = [int(row[0]) for row in db.execute(sql, (after, n))]
            owner.claim(db, found)
        self._taken += len(found)
        return found

    def _job(self, track: int) -> Job | None:
        row = self.database.rows(
            "select path, status, audio_hash from files join tracks on tracks.id = track"
            " where track = ? and state = 'here' order by files.id limit 1",
            (track,),
        )
        if not row:
            return None
        path, status, audio_hash = row[0]
        missing = tuple(x for task, x in self.makers.items() if not self._is_done(track, task))
        needs = {need for maker in missing for need in maker.needs} - {x.task for x in missing}
        known = {need: self._packed(track, need) for need in needs}
        hint = audio_hash if status == "new" and self._twin(track, audio_hash) else None
        return Job(track, from_sql(path), missing, known, hint)

    def _twin(self, track: int, audio_hash: str | None) -> int | None:
        return twin(self.database.connection, track, audio_hash)

    def _is_done(self, track: int, task: str) -> bool:
        tried = " and (error_type is null or made >= ?)" if self.retry else ""
        values = (track, self._ids[task], *((self._began,) if self.retry else ()))
        sql = f"select 1 from results where track = ? and maker = ?{tried}"
        return self.database.value(sql, values) is not None

    def _packed(self, track: int, task: str) -> bytes:
        """Return the result of a task that others need, of the maker that they count on."""
        sql = (
            "select value from results join contents on result = results.id"
            " where track = ? and maker = ?"
        )
        found = self.database.value(sql, (track, self._ids[task]))
        if found is not None:
            return bytes(found)
        failure = self.database.rows(
            "select error_type, error_message from results where track = ? and maker = ?",
            (track, self._ids[task]),
        )
        return pack(Failure(*failure[0]))

    # What is written

    def _store(self, owner: Owner, job: Job, outcome: Outcome, report: AnalysisReport) -> None:
        with self.database.write() as db:
            if outcome.audio_hash is None and not os.path.exists(job.path):  # noqa: PTH110
                report.n_gone += 1  # it stays claimed, so that it is not tried again in this run
                return
            owner.release(db, job.track)
            if db.execute("select 1 from tracks where id = ?", (job.track,)).fetchone() is None:
                report.n_gone += 1  # it was removed meanwhile
                return
            self._write(db, job, outcome)
        self._count(outcome, report)

    def _write(self, db: sqlite3.Connection, job: Job, outcome: Outcome) -> None:
        if outcome.audio_hash is not None:
            _write_columns(db, job.track, outcome)
        if outcome.is_same:
            adopt(db, job.track, str(outcome.audio_hash))
        makers = {maker.task: maker for maker in job.makers}
        for result in outcome.results:
            records.store(db, job.track, makers[result.task], result)

    def _count(self, outcome: Outcome, report: AnalysisReport) -> None:
        report.audio_seconds += outcome.duration or 0.0
        report.work_seconds += outcome.seconds
        for result in outcome.results:
            spent = report.task_seconds.get(result.task, 0.0) + (result.seconds or 0.0)
            report.task_seconds[result.task] = spent
        if outcome.is_same:
            report.n_same += 1
        elif any(isinstance(result.value, Failure) for result in outcome.results):
            report.n_failed += 1
        else:
            report.n_done += 1


def _write_columns(db: sqlite3.Connection, track: int, outcome: Outcome) -> None:
    """Write what a file says of itself; a title that is empty stays the name of the file."""
    db.execute(
        "update tracks set audio_hash = ?, duration = ? where id = ?",
        (outcome.audio_hash, outcome.duration, track),
    )
    for name in TEXTS:
        if text := outcome.metadata.get(name):
            clean = text.encode("utf-8", "replace").decode()
            db.execute(f"update tracks set {name} = ? where id = ?", (clean, track))


TEXTS = ("title", "artist", "album", "genre")
"""What of the metadata of a file has a column."""


def twin(db: sqlite3.Connection, track: int, audio_hash: str | None) -> int | None:
    """Return the newest other track that holds the same samples and was analyzed, or None."""
    row = db.execute(
        "select id from tracks where audio_hash = ? and id != ? and status != 'new'"
        " order by id desc limit 1",
        (audio_hash, track),
    ).fetchone()
    return None if row is None else int(row[0])


def adopt(db: sqlite3.Connection, track: int, audio_hash: str) -> None:
    """Take over all results of another track that holds the same samples."""
    other = twin(db, track, audio_hash)
    if other is None:
        return
    rows = db.execute(
        "select results.id, maker, task, current, error_type, error_message, seconds, made,"
        " value from results left join contents on result = results.id where track = ?",
        (other,),
    ).fetchall()
    for _, *columns, _, value in rows:
        cursor = db.execute(
            "insert into results (track, maker, task, current, error_type, error_message,"
            " seconds, made) values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
            (track, *columns, time.time()),
        )
        if value is not None and cursor.rowcount:
            db.execute("insert into contents values (?, ?)", (cursor.lastrowid, value))
    records.describe_all(db, track)


def executor_of(n_jobs: int, share: float = 1.0, niceness: int = 0) -> Executor:
    """Return the executor for a number of jobs on this machine."""
    if n_jobs == 1 and not niceness:
        return Serial(share)
    return Processes(n_jobs, share, niceness)
