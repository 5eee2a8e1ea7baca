"""The key of the last half minute, found anew every few seconds, beside the beats."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Key
from mirkit.hosts.live.events import KeyFound

Find = Callable[[tuple[NDArray[np.float32], int]], Key]


class KeyWatch:
    """Keep the last seconds of music and have their key found on a thread of its own.

    Parameters
    ----------
    sample_rate
        Of what it hears [Hz].
    find
        From ``(samples, sample_rate)`` to `Key`; `mirkit.key` where None.
    seconds
        How much is kept [s].
    every
        Time from one search to the next [s].
    """

    def __init__(
        self,
        sample_rate: int,
        find: Find | None = None,
        *,
        seconds: float = 30.0,
        every: float = 5.0,
    ) -> None:
        self.sample_rate, self.seconds, self.every = sample_rate, seconds, every
        self._find = find or default_find()
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._n_kept = 0
        self._next = every
        self._key: Any = ""  # no key is None, so this is neither
        self._pool = ThreadPoolExecutor(1, "mirkit-key")
        self._search: Future[Key] | None = None

    def hear(
        self, samples: NDArray[np.float32], end: float, *, wait: bool = False
    ) -> Iterator[KeyFound]:
        """Take in a block that ends at `end` [s]; yield the key where it is another than before.

        With `wait` a search is waited for, so that the answer depends on the music alone.
        """
        self._keep(samples)
        if end >= self._next and self._search is None:
            self._next = end + self.every
            music = np.concatenate(self._blocks), self.sample_rate
            self._search = self._pool.submit(self._find, music)
        if self._search is not None and (wait or self._search.done()):
            found = self._search.result()
            self._search = None
            if found.label != self._key:
                self._key = found.label
                yield KeyFound(end, found.label, found.confidence)

    def _keep(self, samples: NDArray[np.float32]) -> None:
        self._blocks.append(samples)
        self._n_kept += len(samples)
        while self._n_kept - len(self._blocks[0]) >= self.seconds * self.sample_rate:
            self._n_kept -= len(self._blocks.popleft())


def default_find(model: str | None = None) -> Find:
    """Return `mirkit.key` with a model, loaded now: a name that is wrong is told at once."""
    from mirkit.system import load

    find: Find = load(model, task="key")
    return find
