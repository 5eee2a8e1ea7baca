"""Gates: whether a recording holds anything that counts, such as more than silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from mirkit.activations import Activations, Head
from mirkit.arrays import Blocks, Bools, Floats, Floats32
from mirkit.frames import FrameGrid

LEVEL = "level"
"""Name of the head that holds the peak level, one row per tenth of a second."""

SILENCE = 10 ** (-70 / 20)
"""Peak level of silence: 70 dB below full scale, the noise of 8 to 12 bits.

A recording that stays below it is silent; in others, what lies as far below their peak is.
"""

SECONDS_PER_LEVEL = 0.1


class Gate(Protocol):
    """From activations to activations without what does not count."""

    def __call__(self, activations: Activations) -> Activations:
        """Return the activations with the classes of silence where nothing counts."""
        ...


@dataclass
class LevelMeter:
    """Measure the peak level of a recording, in steps of 0.1 s, as its blocks go by.

    Parameters
    ----------
    sample_rate
        Of the blocks [Hz].
    """

    sample_rate: int
    n_samples: int = 0
    _levels: list[Floats32] = field(default_factory=list)
    _rest: Floats32 = field(default_factory=lambda: np.empty(0, np.float32))

    def through(self, blocks: Blocks) -> Iterator[Floats32]:
        """Yield mono blocks ``(1, n_samples)`` as they are, and measure them."""
        for block in blocks:
            self._measure(block[0])
            yield block

    @property
    def duration(self) -> float:
        """Length of the recording so far [s]."""
        return self.n_samples / self.sample_rate

    def head(self) -> Head:
        """Return the peak of each step, shape ``(n_steps, 1)``; the last may be short."""
        last = [_peaks(self._rest[None])] if self._rest.size else []
        levels = np.concatenate([np.empty(0, np.float32), *self._levels, *last])
        rate = Fraction(self.sample_rate, self._n_step)
        return Head(levels[:, None], (LEVEL,), FrameGrid(rate, float(1 / rate / 2)), "measure")

    @property
    def _n_step(self) -> int:
        return max(1, round(SECONDS_PER_LEVEL * self.sample_rate))

    def _measure(self, samples: Floats32) -> None:
        self.n_samples += len(samples)
        samples = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(samples) - len(samples) % self._n_step
        self._levels.append(_peaks(samples[:whole].reshape(-1, self._n_step)))
        self._rest = samples[whole:].copy()


def _peaks(rows: Floats32) -> Floats32:
    """Return the largest magnitude of each row."""
    if not len(rows):
        return np.empty(0, np.float32)
    return np.asarray(np.maximum(rows.max(axis=1), -rows.min(axis=1)), dtype=np.float32)


@dataclass(frozen=True)
class SilenceGate:
    """Give silence the class that stands for it, whatever the model says.

    Parameters
    ----------
    classes
        Index of that class in each head; None where no class stands for it: then all classes
        become 0, or alike where they exclude each other.
    whole
        Whether only recordings that are silent throughout count as silence.
    """

    classes: Mapping[str, int | None]
    whole: bool = False

    def __call__(self, activations: Activations) -> Activations:
        """Return the activations with silence told as such; without levels, as they are."""
        if LEVEL not in activations:
            return activations
        level = activations[LEVEL]
        heads = dict(activations)
        for name, index in self.classes.items():
            if name in heads:
                heads[name] = self._gated(heads[name], level, index)
        return Activations(heads, activations.provenance, activations.duration)

    def _gated(self, head: Head, level: Head, index: int | None) -> Head:
        silent = self._silent(head, level)
        if not silent.any():
            return head
        values = head.probabilities().copy()
        n = values.shape[1]
        is_exclusive = head.kind.startswith("softmax")
        if index is None:
            values[silent] = 1 / n if is_exclusive else 0.0
        else:
            values[silent] = np.eye(n)[index]
        return Head(values, head.labels, head.grid, "softmax" if is_exclusive else "sigmoid")

    def _silent(self, head: Head, level: Head) -> Bools:
        """Return which rows of a head are silent."""
        if self.whole or head.grid is None:
            is_silent = float(level.values.max(initial=0.0)) <= SILENCE
            return np.full(head.n_frames, is_silent)
        return silent_at(level, head.grid.times(head.n_frames))


def silent_at(level: Head, times: Floats) -> Bools:
    """Return at which times [s] nothing sounds, nor in the step of a level head before or after.

    What sounds is measured against the peak of the recording, so that quiet ones are heard.
    """
    peak = float(level.values.max(initial=0.0))
    threshold = SILENCE * min(1.0, peak) if peak > SILENCE else np.inf
    loud = np.pad(level.values[:, 0] > threshold, 1)
    near = loud[:-2] | loud[1:-1] | loud[2:]
    if not len(near) or level.grid is None:
        return np.ones(len(times), dtype=bool)
    steps = np.clip((times * level.grid.fps).astype(np.int64), 0, len(near) - 1)
    silent: Bools = ~near[steps]
    return silent
