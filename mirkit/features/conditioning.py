"""What some front ends do to the samples before they cut frames, each step on blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Blocks


class Step(Protocol):
    """A step from blocks of samples to blocks of samples; `delay` is how many it withholds."""

    delay: ClassVar[int]

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block after this step."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Multiply by `factor`: Kaldi's filterbanks expect samples of full scale ±32768."""

    factor: float
    delay: ClassVar[int] = 0

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield each block times the factor."""
        for block in blocks:
            yield block * np.float32(self.factor)


@dataclass(frozen=True, slots=True)
class Int16RoundTrip:
    """Clip to ±1 and cut to 16 bits, as LAION's CLAP was trained."""

    delay: ClassVar[int] = 0

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

    def __call__(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the weighted differences of neighbours, across blocks too."""
        last = np.empty(0, dtype=np.float32)
        for block in blocks:
            signal = np.concatenate((last, block))
            last = signal[-1:]
            yield signal[1:] - np.float32(self.coefficient) * signal[:-1]
