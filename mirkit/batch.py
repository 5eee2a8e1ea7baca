"""Many files, one function: in parallel, in order, and one bad file never stops the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mirkit.errors import MirkitError, plain_warnings

Item = TypeVar("Item")

_NAMED = 10  # failed files that a summary names

N_WAITING = 4
"""Items handed to the pool beyond those at work, for each worker: keeps memory bounded."""


@dataclass(frozen=True)
class Failure:
    """Why a file failed: the kind of the error and what it says."""

    type: str
    message: str


@dataclass
class Tally:
    """Counts of the files of a batch, and the summary that ends it.

    Parameters
    ----------
    n_done
        How many were done.
    failed
        Names of those that were not.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.done()
    >>> tally.fail("b.mp3")
    >>> tally.summary("out"), tally.status
    ('1 done, 1 failed: b.mp3; written to out', 1)
    """

    n_done: int = 0
    failed: list[str] = field(default_factory=list)

    def done(self) -> None:
        """Count a file that was done."""
        self.n_done += 1

    def fail(self, name: str) -> None:
        """Count a file that failed."""
        self.failed.append(name)

    def count(self, name: str, failure: Failure | None) -> None:
        """Count a file that was done, or that failed."""
        if failure is None:
            self.done()
        else:
            self.fail(name)

    @property
    def status(self) -> int:
        """Exit status of the command: 0 where all were done, or 1."""
        return 1 if self.failed else 0

    @property
    def worth_saying(self) -> bool:
        """Tell whether there was more than one file: one has had its own line already."""
        return self.n_done + len(self.failed) > 1

    def summary(self, where: object = None) -> str:
        """Return how many were done and which failed, and where the rest was written."""
        text = f"{self.n_done} done, {len(self.failed)} failed"
        if self.failed:
            shown = ", ".join(self.failed[:_NAMED])
            more = len(self.failed) - _NAMED
            text += f": {shown}" + (f" and {more} others" if more > 0 else "")
        return text if where is None else f"{text}; written to {where}"


def run_batch(
    function: Callable[[Item], Any], items: Sequence[Item], n_jobs: int = 1, title: str = ""
) -> Iterator[tuple[Item, Any]]:
    """Yield each item with its result, or with a `Failure`, in the order of `items`.

    With `n_jobs` above 1 they run in that many processes. Where a process dies (a decoder may
    crash on a damaged file), the items it may have held run again one by one, each in a process of
    its own, so that only the culprit fails. A bar on stderr shows the progress where it is a
    terminal and there is more than one item.
    """
    from tqdm import tqdm

    outcomes = (
        ((item, _attempt(function, item)) for item in items)
        if n_jobs == 1 or len(items) < 2
        else _parallel(function, items, n_jobs)
    )
    hidden = len(items) < 2 or not sys.stderr.isatty()
    yield from tqdm(outcomes, title, len(items), disable=hidden, unit="file", dynamic_ncols=True)


def _attempt(function: Callable[[Item], Any], item: Item) -> Any:
    try:
        return function(item)
    except MirkitError as error:
        return Failure(type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001  # a defect of ours must not stop the other files
        return Failure(type(error).__name__, f"{item}: internal error: {error}")


def _parallel(
    function: Callable[[Item], Any], items: Sequence[Item], n_jobs: int
) -> Iterator[tuple[Item, Any]]:
    from collections import deque
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children

    todo = deque(items)
    others = set(active_children())
    while todo:
        pool = _pool(n_jobs)
        waiting: deque[tuple[Item, Future[Any]]] = deque()
        try:
            while todo or waiting:
                while todo and len(waiting) < n_jobs * (1 + N_WAITING):
                    waiting.append((todo[0], pool.submit(_attempt, function, todo[0])))
                    todo.popleft()
                item, future = waiting[0]
                outcome = future.result()
                waiting.popleft()
                yield item, outcome
        except BrokenProcessPool:
            for item, _ in waiting:
                yield item, _alone(function, item)
        except BaseException:  # an interrupt, or nobody wants the rest: what they do is lost
            for process in set(active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)  # waits: a worker cut off while it starts complains


def _alone(function: Callable[[Item], Any], item: Item) -> Any:
    """Run one item in a process of its own."""
    from concurrent.futures.process import BrokenProcessPool

    with _pool(1) as pool:
        try:
            return pool.submit(_attempt, function, item).result()
        except BrokenProcessPool:
            return Failure("AudioError", f"{item}: the process that read it died")


def _pool(n_jobs: int) -> Any:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Keep a worker to one thread, as there is one for each core, and its warnings to one line.

    Interrupts are for the parent, which ends its workers.
    """
    import os
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plain_warnings()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
