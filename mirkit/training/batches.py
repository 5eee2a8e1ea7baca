"""Batches in an order that only the seed decides, prepared ahead in threads."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from torch import Tensor

from mirkit.arrays import Ints
from mirkit.training.run import Run

Batch = list[dict[str, Tensor]]
"""This process's share of a batch, in parts."""

SHUFFLE, EXAMPLE, DROPOUT = range(3)  # purposes of a seed


@contextlib.contextmanager
def open_batches(run: Run) -> Iterator[Iterator[Batch]]:
    """Yield an iterator of the batches from the run's step on."""
    n_workers = run.recipe.loop.workers
    if n_workers == 0:
        yield (make_batch(run, step) for step in range(run.step, run.recipe.loop.n_steps))
        return
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            yield _prefetch(run, pool, n_workers + 1)
        finally:
            pool.shutdown(cancel_futures=True)


def _prefetch(run: Run, pool: ThreadPoolExecutor, n_ahead: int) -> Iterator[Batch]:
    waiting: list[Future[Batch]] = []
    for step in range(run.step, run.recipe.loop.n_steps):
        waiting.append(pool.submit(make_batch, run, step))
        if len(waiting) > n_ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def make_batch(run: Run, step: int) -> Batch:
    """Return this process's share of the batch of `step`, in parts."""
    loop, seed, ranks = run.recipe.loop, run.recipe.seed, run.ranks
    places = range(step * loop.batch_size, (step + 1) * loop.batch_size)[ranks.rank :: ranks.world]
    size = math.ceil(len(places) / loop.accumulate)
    return [
        run.task.batch(
            [clip_at(place, run.task.n_clips, seed) for place in part],
            [(seed, EXAMPLE, place) for place in part],
        )
        for part in (places[i : i + size] for i in range(0, len(places), size))
    ]


def clip_at(place: int, n_clips: int, seed: int) -> int:
    """Return the clip at a place of the endless sequence in which each epoch is shuffled anew."""
    epoch, index = divmod(place, n_clips)
    return int(_permute(seed, epoch, n_clips)[index])


@lru_cache(maxsize=4)
def _permute(seed: int, epoch: int, n_clips: int) -> Ints:
    return np.random.default_rng((seed, SHUFFLE, epoch)).permutation(n_clips)


def dropout_seed(run: Run) -> int:
    """Return torch's seed for the run's step, another for each process."""
    numbers = (run.recipe.seed, DROPOUT, run.step, run.ranks.rank)
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
