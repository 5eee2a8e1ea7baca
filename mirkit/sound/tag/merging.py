"""What a network made of the windows of a recording, as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.sound.tag.clock import Clock
from mirkit.sound.tag.config import TagConfig
from mirkit.sound.tag.windows import Window

CLIP = ("tags", "embedding")
FRAMES = ("frames", "frame_embedding")


@dataclass
class Merger:
    """Takes windows in their order, and keeps means; rows by frame only where they are wanted.

    Parameters
    ----------
    clock
        How the recording was cut.
    frames
        Whether to keep what there is by frame.
    """

    clock: Clock
    frames: bool
    n_places: int = 0
    _weight: int = 0
    _sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _rows: dict[str, list[Floats32]] = field(default_factory=dict)

    def add(self, window: Window, outputs: Mapping[str, Floats32]) -> None:
        """Take what the network made of the next window, ``(n,)`` and ``(n_steps, n)`` each."""
        self.n_places = window.start + len(window)
        self._weight += len(window)
        for name in CLIP:
            if name in outputs and outputs[name].size:  # there may be no classes
                part = len(window) * outputs[name].astype(np.float64)
                self._sums[name] = self._sums.get(name, 0.0) + part
        if not self.frames:
            return
        for name in FRAMES:
            if name in outputs:
                self._rows.setdefault(name, []).append(self._kept(window, outputs[name]))
        if "embedding" in outputs:
            self._rows.setdefault("windows", []).append(outputs["embedding"][None])

    def activations(self, config: TagConfig, provenance: Provenance) -> Activations:
        """Return the heads of the whole recording.

        Raises
        ------
        ParameterError
            Where there was no window.
        """
        if not self._weight:
            raise ParameterError("there is nothing to hear: the blocks hold no samples")
        heads = {}
        for name, total in self._sums.items():
            mean = (total / self._weight).astype(np.float32)[None]
            heads[name] = _head(mean, config) if name == "tags" else _embedding(mean)
        return Activations({**heads, **self._by_frame(config)}, provenance)

    def _kept(self, window: Window, rows: Floats32) -> Floats32:
        """Return the rows that a window adds: not its context, nor what was padded."""
        first = 0 if window.start == 0 else self.clock.n_context
        last = self.clock.n_rows(len(window))
        if not window.is_last:
            last = self.clock.n_context + self.clock.rows_per_hop
        return rows[first:last]

    def _by_frame(self, config: TagConfig) -> dict[str, Head]:
        heads = {}
        if "frames" in self._rows:
            rows = np.concatenate(self._rows["frames"])
            heads["frames"] = _head(rows, config, self.clock.rows)
        if "frame_embedding" in self._rows:
            rows = np.concatenate(self._rows["frame_embedding"])
            heads["frame_embedding"] = _embedding(rows, self.clock.rows)
        elif "windows" in self._rows:
            grid = self.clock.of_windows(self.n_places)
            heads["frame_embedding"] = _embedding(np.concatenate(self._rows["windows"]), grid)
        return heads


def _head(values: Floats32, config: TagConfig, grid: FrameGrid | None = None) -> Head:
    return Head(values, config.labels, grid, config.activation)


def _embedding(values: Floats32, grid: FrameGrid | None = None) -> Head:
    labels = tuple(str(i) for i in range(values.shape[1]))
    return Head(values, labels, grid, "embedding")
