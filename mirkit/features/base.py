"""Base of the front ends: a callable from `Audio` to `Features`, and a stage for blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Features
from mirkit.arrays import Floats32
from mirkit.audio import Audio
from mirkit.audio.mixing import mono
from mirkit.audio.values import as_floats, check_finite
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid

SLICE = 1 << 17  # samples worked on at once: they and what is made of them stay in the cache


class FrontEnd(ABC):
    """A front end: frozen, hashable, without state of its own.

    `stream` is the primitive and a call is a stream of one block, so both give the same numbers,
    whatever the sizes of the blocks. Long blocks are worked on in short slices: memory is bounded
    by the result.

    Attributes
    ----------
    name
        What `Features` remember as their origin.
    sample_rate
        The rate that the audio must have [Hz].
    """

    name: str
    sample_rate: int

    @property
    @abstractmethod
    def n_bins(self) -> int:
        """Number of values in a frame."""

    @property
    @abstractmethod
    def grid(self) -> FrameGrid:
        """The clock of the frames."""

    @property
    @abstractmethod
    def latency(self) -> float:
        """The longest time from the center of a frame of one channel until it can be given [s]."""

    @abstractmethod
    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""

    @abstractmethod
    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come.

        Parameters
        ----------
        blocks
            Consecutive pieces of one recording at `sample_rate`, ``(n_samples,)`` or
            ``(n_channels, n_samples)`` floats, of any length. Several channels are mixed
            (`mirkit.audio.mixing`), and then come up to 50 ms later than one.
        """

    def __call__(self, audio: Audio) -> Features:
        """Return the features of a whole recording, whose channels are mixed.

        Raises
        ------
        ParameterError
            Where the audio has another sample rate.
        """
        if audio.sample_rate != self.sample_rate:
            raise ParameterError(
                f"audio has a sample rate of {audio.sample_rate} Hz, and the front end "
                f"{self.name!r} takes {self.sample_rate} Hz. Resample it first."
            )
        return self._gather(self.stream([audio.samples]))

    def _gather(self, blocks: Iterable[Floats32]) -> Features:
        values = np.concatenate([np.empty((0, self.n_bins), np.float32), *blocks])
        values.flags.writeable = False
        return Features(values, self.grid, self.name)


def mono_slices(blocks: Iterable[NDArray[Any]], sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield one channel as short pieces, ``(n_samples,)`` float32: see `mirkit.audio.mixing`.

    Raises
    ------
    ParameterError
        Where a block has more than two axes, or holds what samples are not (`as_floats`).
    AudioError
        Where a sample is NaN or infinite.
    """
    for part in mono(_slices(blocks), sample_rate):
        yield part[0]


def _slices(blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
    """Yield the blocks in short pieces, ``(n_channels, n_samples)``, checked."""
    first = 0
    for block in blocks:
        samples = _two_axes(np.asarray(block))
        for start in range(0, samples.shape[1], SLICE):
            part = as_floats("block", samples[:, start : start + SLICE])
            check_finite(part, first=first + start)
            yield part
        first += samples.shape[1]


def _two_axes(block: NDArray[Any]) -> NDArray[Any]:
    if block.ndim == 1:
        return block[None]
    if block.ndim != 2 or block.shape[0] == 0:
        raise ParameterError(
            f"block has shape {block.shape}; it is (n_samples,) or (n_channels, n_samples)"
        )
    return block


def check_source(name: str, features: Features, source: FrontEnd) -> None:
    """Raise `ParameterError` unless `features` have the clock and the bins of `source`."""
    if features.grid != source.grid or features.values.shape[1] != source.n_bins:
        raise ParameterError(
            f"{name!r} works on frames of {source.name!r}: {source.grid.fps:g} a second from "
            f"{source.grid.start:g} s, {source.n_bins} bins. These, of {features.front_end!r}, are "
            f"{features.grid.fps:g} a second from {features.grid.start:g} s, "
            f"{features.values.shape[1]} bins."
        )
