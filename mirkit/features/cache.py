"""Features that several tasks need, computed once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mirkit import checks
from mirkit.activations import Features
from mirkit.audio import reading
from mirkit.audio.sources import Source, content_hash, track
from mirkit.features.base import FrontEnd


@dataclass
class FeatureCache:
    """Features by the content of a recording and the front end, the least recently used dropped.

    May be shared by threads: two that ask for the same features compute them once.

    Parameters
    ----------
    max_bytes
        What all features together may take. Features larger than that are made and not kept.

    Examples
    --------
    >>> from mirkit.features import front_end
    >>> cache = FeatureCache(max_bytes=2**20)
    >>> noise = np.random.default_rng(0).uniform(-1, 1, 11025)
    >>> first = cache.features((noise, 11025), front_end("vqt_11k"))
    >>> cache.features((noise, 11025), front_end("vqt_11k")) is first
    True
    """

    max_bytes: int = 256 * 2**20
    n_hits: int = 0
    n_misses: int = 0
    _kept: OrderedDict[tuple[str, FrontEnd], Features] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: dict[tuple[str, FrontEnd], threading.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks.positive("max_bytes", self.max_bytes)

    @property
    def n_bytes(self) -> int:
        """Bytes of the features that are kept."""
        with self._lock:
            return sum(features.values.nbytes for features in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __bool__(self) -> bool:
        return True  # an empty cache is a cache: `given or FeatureCache()` keeps it

    def clear(self) -> None:
        """Forget all features."""
        with self._lock:
            self._kept.clear()

    def features(self, source: Source, front_end: FrontEnd) -> Features:
        """Return the features of a recording, from memory where they are there.

        Parameters
        ----------
        source
            What `mirkit.audio.reading.read` takes.
        front_end
            The front end, at whose rate the recording is read.
        """
        recording = track(source)
        key = (content_hash(recording), front_end)
        return self.get(key, lambda: _computed(recording, front_end))

    def get(self, key: tuple[str, FrontEnd], compute: Callable[[], Features]) -> Features:
        """Return what is kept under `key`, or else compute and keep it."""
        with self._lock:
            turn = self._busy.setdefault(key, threading.Lock())
        with turn:
            found = self._found(key)
            if found is None:
                found = compute()
                self._keep(key, found)
        with self._lock:
            self._busy.pop(key, None)
        return found

    def _found(self, key: tuple[str, FrontEnd]) -> Features | None:
        with self._lock:
            if key not in self._kept:
                self.n_misses += 1
                return None
            self.n_hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]

    def _keep(self, key: tuple[str, FrontEnd], features: Features) -> None:
        with self._lock:
            self._kept[key] = features
            total = sum(each.values.nbytes for each in self._kept.values())
            while total > self.max_bytes:
                total -= self._kept.popitem(last=False)[1].values.nbytes


def _computed(source: Source, front_end: FrontEnd) -> Features:
    with reading.blocks(source, front_end.sample_rate) as blocks:
        parts = list(front_end.stream(blocks))
    values = np.concatenate([np.empty((0, front_end.n_bins), np.float32), *parts])
    values.flags.writeable = False
    return Features(values, front_end.grid, front_end.name)
