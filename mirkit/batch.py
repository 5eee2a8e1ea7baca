"""Many files, one function: in parallel, in order, and one bad file never stops the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mirkit.errors import MirkitError

Item = TypeVar("Item")

N_WAITING = 4
"""Items handed to the pool beyond those at work, for each worker: keeps memory bounded."""


@dataclass(frozen=True)
class Failure:
    """Why a file failed: the kind of the error and what it says."""

    type: str
    message: str


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

    todo = deque(items)
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

    return ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn"), initializer=_one_thread)


def _one_thread() -> None:
    """Keep each worker to one thread, as there is a worker for each core."""
    import os

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
