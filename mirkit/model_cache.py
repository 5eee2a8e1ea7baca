"""Loaded models, kept for later calls."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from mirkit import checks
from mirkit.zoo import registry
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import thread_count


class ModelCache:
    """Loaded models, the least recently used dropped when their weights take too much memory.

    Parameters
    ----------
    max_bytes
        Bytes of all weights together; a larger model is loaded and not kept.
    """

    def __init__(self, max_bytes: int = 2**30) -> None:
        checks.positive("max_bytes", max_bytes)
        self.max_bytes = max_bytes
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights that are kept."""
        return sum(size for _, size in self._kept.values())

    def clear(self) -> None:
        """Forget all models."""
        with self._lock:
            self._kept.clear()

    def get(
        self,
        card: Card,
        weights: str | None,
        device: str | None,
        n_threads: int | None,
        n_batch: int | None,
        download: bool,
    ) -> Any:
        """Return the model of a card, loaded now where it is not there yet."""
        settings = {"device": device, "n_threads": n_threads, "n_batch": n_batch}
        key = (card.name, card.sha256, _stamp(weights), device, thread_count(n_threads), n_batch)
        with self._lock:
            if key not in self._kept:
                settings |= {"download": download or None}
                given = {name: value for name, value in settings.items() if value is not None}
                model = registry.load_model(card, weights, **given)
                self._kept[key] = (model, int(getattr(model, "n_bytes", 0)))
            self._kept.move_to_end(key)
            model = self._kept[key][0]
            while self.n_bytes > self.max_bytes:
                self._kept.popitem(last=False)
            return model


def _stamp(weights: str | None) -> Any:
    """Return what changes when a checkpoint does: its path, size and time of change."""
    if weights is None or not Path(weights).is_file():
        return weights
    status = Path(weights).stat()
    return str(Path(weights).resolve()), status.st_size, status.st_mtime_ns
