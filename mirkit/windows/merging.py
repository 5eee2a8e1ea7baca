"""The heads of a recording, merged from those of its windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mirkit.activations import Head, HeadSpec
from mirkit.arrays import Floats, Floats32
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.windows.cutting import Average, Window


@dataclass
class Merger:
    """Take the outputs of windows in their order: rows are joined, clip-level heads averaged.

    A clip-level head is the mean over windows, each by its weight: of logits, which is exact where
    the head is linear in a mean over frames, or of probabilities, so that a score is near the
    share of the recording in which its class sounds.

    Parameters
    ----------
    specs
        The heads that are wanted.
    grid
        The clock of the places that windows are cut from.
    average
        The domain in which clip-level heads are averaged.
    hop
        Places from a window to the next.
    """

    specs: Mapping[str, HeadSpec]
    grid: FrameGrid
    average: Average
    hop: int
    _n_windows: int = 0
    _length: int = 0
    _weight: int = 0
    _sums: dict[str, Floats] = field(default_factory=dict)
    _only: dict[str, Floats32] = field(default_factory=dict)
    _rows: dict[str, list[Floats32]] = field(default_factory=dict)

    def add(self, window: Window, outputs: Mapping[str, Floats32]) -> None:
        """Take the outputs for the next window, each ``(n,)`` or ``(n_rows, n)``."""
        self._n_windows += 1
        self._length = self._length or len(window)
        self._weight += window.weight
        for name, spec in self.specs.items():
            values = outputs.get(spec.output or name)
            if values is None:  # a head that this network of its kind lacks
                continue
            if spec.per == "clip":
                self._add_clip(name, spec, values, window.weight)
            else:
                rows = values[None] if spec.per == "window" else values.reshape(len(values), -1)
                kept = rows if spec.per == "window" else rows[window.rows(spec.step)]
                self._rows.setdefault(name, []).append(kept)

    def heads(self) -> dict[str, Head]:
        """Return the heads of the whole recording.

        Raises
        ------
        ParameterError
            Where there was no window.
        """
        if not self._weight:
            raise ParameterError("the recording is empty: the blocks hold no samples")
        return {
            name: self._head(name, spec)
            for name, spec in self.specs.items()
            if name in self._sums or name in self._rows
        }

    def _add_clip(self, name: str, spec: HeadSpec, values: Floats32, weight: int) -> None:
        self._only[name] = values
        if self.average == "logits" and spec.kind != "embedding":
            values = Head(values[None], spec.labels, None, spec.kind).logits()[0]
        self._sums[name] = self._sums.get(name, 0.0) + weight * values.astype(np.float64)

    def _head(self, name: str, spec: HeadSpec) -> Head:
        grid = None
        if spec.per == "clip":
            values = self._mean(name, spec)[None]
        else:
            values = np.concatenate(self._rows[name])
            grid = self._grid_of_windows() if spec.per == "window" else self._grid_of_rows(spec)
        labels = spec.labels or tuple(map(str, range(values.shape[1])))
        return Head(values, labels, grid, spec.kind)

    def _mean(self, name: str, spec: HeadSpec) -> Floats32:
        if self._n_windows == 1:
            return self._only[name]
        mean = self._sums[name] / self._weight
        if self.average == "logits" and spec.kind in ("sigmoid", "softmax"):
            return np.asarray(Head.from_logits(mean[None], spec.labels, None, spec.kind).values[0])
        return np.asarray(mean, dtype=np.float32)

    def _grid_of_rows(self, spec: HeadSpec) -> FrameGrid:
        return FrameGrid(self.grid.rate / spec.step, float(self.grid.time_of(spec.first)))

    def _grid_of_windows(self) -> FrameGrid:
        """Return the clock of the middles of the windows."""
        middle = float(self.grid.time_of((self._length - 1) / 2))
        return FrameGrid(self.grid.rate / self.hop, middle)
