"""Attack envelope: how strongly the signal moves within milliseconds, which spectra blur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.features.base import FrontEnd, mono_slices
from mirkit.features.conditioning import Step, condition, delay_of, wait_of
from mirkit.features.framing import Framing
from mirkit.features.logfilt import LEVEL
from mirkit.frames import FrameGrid

SLICE = 1 << 14
"""Samples worked on at once."""


@dataclass(frozen=True)
class AttackEnvelope(FrontEnd):
    """Root mean square of the first difference of the signal in short frames that do not overlap.

    The difference weighs high frequencies, in which attacks stand out from what sounds already.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    sample_rate
        Rate of the audio [Hz].
    hop_length
        Length of a frame [samples].
    conditioning
        What is done to the samples first.
    """

    name: str
    sample_rate: int = 22050
    hop_length: int = 55
    conditioning: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        checks.positive("sample_rate", self.sample_rate)
        checks.positive("hop_length", self.hop_length)

    @property
    def n_bins(self) -> int:
        """One value a frame."""
        return 1

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""
        return FrameGrid.from_hop(self.sample_rate, self.hop_length)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        return (self._framing.delay + wait_of(self.conditioning)) / self.sample_rate

    @property
    def _framing(self) -> Framing:
        return Framing(self.hop_length, self.hop_length, "zero")

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return self._framing.n_frames(n_samples - delay_of(self.conditioning))

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield the envelope, ``(k, 1)``, as soon as the samples it needs have come."""
        signal = condition(self.conditioning, mono_slices(blocks, self.sample_rate))
        for frames in self._framing.frames(_differences(signal)):
            yield np.sqrt(np.einsum("ij,ij->i", frames, frames) / self.hop_length)[:, None]


def _differences(blocks: Iterable[Floats32]) -> Iterator[Floats32]:
    """Yield each sample less the one before it; the first is as it is where nothing precedes it."""
    last: Floats32 | None = None
    for whole in blocks:
        for block in (whole[start : start + SLICE] for start in range(0, len(whole), SLICE)):
            yield np.diff(block, prepend=block[:1] if last is None else last)
            last = block[-1:]


ATTACK_22K = AttackEnvelope("attack_22k", conditioning=(LEVEL,))
