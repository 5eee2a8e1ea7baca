"""Executors: where jobs run. In this process, in others of this machine, or on a cluster (Ray).

An executor has ``run(work, jobs)``, which takes jobs as it can use them and yields each with its
outcome, in any order. A process that dies takes down the job that it held, and no other.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import Any, Protocol

from mirkit import checks
from mirkit.batch import Failure
from mirkit.errors import ParameterError, plain_warnings
from mirkit.library.worker import Job, Outcome, fail

Work = Callable[[Job], Outcome]

THREAD_VARIABLES = (
    "MIRKIT_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
"""What keeps a worker to one thread, so that n workers use n processors."""


class Executor(Protocol):
    """The place where jobs run."""

    def run(self, work: Work, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its outcome, in any order."""
        ...

    @property
    def in_hand(self) -> list[str]:
        """The paths that are being worked on."""
        ...


@dataclass
class Serial:
    """Jobs run in this process, one after the other.

    Parameters
    ----------
    share
        Share of the time that is worked, in (0, 1]; the rest is rested, to leave the processor to
        others.
    """

    share: float = 1.0
    in_hand: list[str] = field(default_factory=list)

    def run(self, work: Work, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its outcome, in order."""
        check_share(self.share)
        for job in jobs:
            self.in_hand = [job.path]
            with _one_blas_thread():
                outcome = work_and_rest(work, job, self.share)
            yield job, outcome
        self.in_hand = []


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Keep matrix products to one thread: sums in another order differ in their last bits."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(1):
        yield


@dataclass
class Processes:
    """Jobs run in processes of this machine, each of which keeps its models and uses one thread.

    Parameters
    ----------
    n_jobs
        Number of processes.
    share
        As for `Serial`, of each process.
    niceness
        How far the processes give way to others, 0 to 19.
    """

    n_jobs: int
    share: float = 1.0
    niceness: int = 0
    _workers: list[_Process] = field(default_factory=list)

    @property
    def in_hand(self) -> list[str]:
        """The paths that are being worked on."""
        return [worker.job.path for worker in self._workers if worker.job is not None]

    def run(self, work: Work, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its outcome, as they come."""
        check_share(self.share)
        checks.positive("n_jobs", self.n_jobs)
        try:
            yield from self._run(work, jobs)
        finally:
            for worker in self._workers:
                worker.kill()
            self._workers.clear()

    def _run(self, work: Work, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        for _ in range(self.n_jobs):
            if not self._start(work, jobs):
                break
        while self._workers:
            ready = connection.wait([worker.pipe for worker in self._workers])
            for worker in [each for each in self._workers if each.pipe in ready]:
                job = worker.job
                assert job is not None
                outcome = worker.outcome()
                if outcome is None:
                    self._workers.remove(worker)
                    worker.kill()
                    yield job, fail(job, _death(job, worker))
                    self._start(work, jobs)
                else:
                    if not worker.give(next(jobs, None)):
                        self._workers.remove(worker)
                    yield job, outcome

    def _start(self, work: Work, jobs: Iterator[Job]) -> bool:
        """Start a worker on the next job; return whether there was one."""
        job = next(jobs, None)
        if job is None:
            return False
        worker = _Process(work, self.share, self.niceness)
        worker.give(job)
        self._workers.append(worker)
        return True


def _death(job: Job, worker: _Process) -> Failure:
    code = worker.process.exitcode
    why = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
    return Failure("AudioError", f"{job.path}: the process that read it died ({why})")


class _Process:
    """A process that works on one job at a time."""

    def __init__(self, work: Work, share: float, niceness: int) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.job: Job | None = None
        self.process = context.Process(
            target=_serve, args=(theirs, work, share, niceness), daemon=True
        )
        with one_thread():
            self.process.start()
        theirs.close()

    def give(self, job: Job | None) -> bool:
        """Give the next job, or let the process end; return whether there was one."""
        self.job = job
        with suppress(OSError):  # it has died: that is seen when it is asked for the outcome
            self.pipe.send(job)
        if job is None:
            self.process.join(5)
            self.kill()
        return job is not None

    def outcome(self) -> Outcome | None:
        """Return what came of the job, or None where the process has died."""
        try:
            found: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return None
        return found

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class one_thread:  # noqa: N801  # a context manager, which reads as a verb
    """Set the variables that keep processes that start to one thread, and set them back."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        for name in THREAD_VARIABLES:
            os.environ.setdefault(name, "1")

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)


def _serve(pipe: Any, work: Work, share: float, niceness: int) -> None:
    """Work on jobs until there are no more, or whoever gives them has died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gives the jobs decides
    plain_warnings()
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    with suppress(EOFError, OSError):
        while (job := pipe.recv()) is not None:
            pipe.send(work_and_rest(work, job, share))


def work_and_rest(work: Work, job: Job, share: float) -> Outcome:
    """Work on a job, then rest as long as the share of the time asks for."""
    start = time.perf_counter()
    outcome = work(job)
    if share < 1:
        time.sleep((time.perf_counter() - start) * (1 - share) / share)
    return outcome


def check_share(share: float) -> None:
    """Raise `ParameterError` unless a share of the time lies in (0, 1]."""
    if not 0 < checks.number("share", share) <= 1:
        raise ParameterError(f"share is {share}; it lies in (0, 1]. Is it in percent?")
