"""Conditioning of samples before frames are cut, each step on blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Blocks


class Step(Protocol):
    """A step from blocks of samples to blocks of samples.

    `delay` is how many samples it withholds, and `lookahead` how many it waits for.
    """

    delay: ClassVar[int]

    @property
    def lookahead(self) -> int:
        """Samples that it waits for, before it gives one."""

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block after this step."""


def condition(steps: Sequence[Step], blocks: Blocks) -> Blocks:
    """Return blocks of samples after all steps, the first of them first."""
    for step in steps:
        blocks = step(blocks)
    return blocks


def delay_of(steps: Sequence[Step]) -> int:
    """Return how many samples steps withhold, all together."""
    return sum(step.delay for step in steps)


def wait_of(steps: Sequence[Step]) -> int:
    """Return how many samples must have come before steps give one that they do not withhold."""
    return sum(step.delay + step.lookahead for step in steps)


@dataclass(frozen=True, slots=True)
class Gain:
    """Multiply by `factor`: Kaldi's filterbanks expect samples of full scale ±32768."""

    factor: float
    delay: ClassVar[int] = 0
    lookahead: ClassVar[int] = 0

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block times the factor."""
        for block in blocks:
            yield block * np.float32(self.factor)


@dataclass(frozen=True, slots=True)
class RunningLevel:
    """Divide by the running peak: an automatic gain control that never turns the gain up.

    So what follows does not depend on the level of a recording, and what is quiet behind something
    loud, such as a fade-out, stays quiet. A look-ahead keeps what leads to the first sound, such as
    the ringing of resamplers and codecs, from being amplified.

    Parameters
    ----------
    lookahead
        How many samples behind a sample count for its peak.
    floor
        The least peak: what never exceeds it is silence, and stays near it. -140 dB, the noise of
        24 bits.

    Examples
    --------
    >>> samples = np.array([0.0, 0.5, 0.25, -1.0, 0.5], np.float32)
    >>> [block.tolist() for block in RunningLevel()([samples])]
    [[0.0, 1.0, 0.5, -1.0, 0.5], []]
    >>> [block.tolist() for block in RunningLevel(lookahead=2)([samples])]
    [[0.0, 0.5, 0.25], [-1.0, 0.5]]
    """

    lookahead: int = 0
    floor: float = 1e-7
    delay: ClassVar[int] = 0

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block over the largest magnitude up to each of its samples, or beyond."""
        peak = np.float32(self.floor)
        waiting = np.empty(0, np.float32)
        for block in blocks:
            if not len(block):
                continue
            waiting = np.concatenate([waiting, block])
            n_ready = max(0, len(waiting) - self.lookahead)
            if max(block.max(), -block.min()) <= peak:
                yield waiting[:n_ready] / peak
            else:
                peaks: NDArray[np.float32] = np.maximum.accumulate(np.abs(block))
                np.maximum(peaks, peak, out=peaks)
                peak = peaks[-1]
                yield waiting[:n_ready] / peaks[len(peaks) - n_ready :]
            waiting = waiting[n_ready:]
        yield waiting / peak


@dataclass(frozen=True, slots=True)
class Int16RoundTrip:
    """Clip to ±1 and cut to 16 bits, as LAION's CLAP was trained."""

    delay: ClassVar[int] = 0
    lookahead: ClassVar[int] = 0

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block as 16 bits hold it."""
        full = np.float32(32767)
        for block in blocks:
            yield np.trunc(np.clip(block, -1, 1) * full) / full


@dataclass(frozen=True, slots=True)
class PreEmphasis:
    """``y[i] = x[i + 1] - coefficient * x[i]``: the result is one sample shorter."""

    coefficient: float
    delay: ClassVar[int] = 1
    lookahead: ClassVar[int] = 0

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the weighted differences of neighbors, across blocks too."""
        last = np.empty(0, dtype=np.float32)
        for block in blocks:
            signal = np.concatenate((last, block))
            last = signal[-1:]
            yield signal[1:] - np.float32(self.coefficient) * signal[:-1]
