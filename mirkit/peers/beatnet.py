"""BeatNet: a causal network for beats and downbeats, as published, in batch and live.

Its three models were trained on the same recordings with one data set left out of each:
``beatnet-1`` without GTZAN, ``beatnet-2`` without Ballroom, ``beatnet-3`` without the Rock Corpus.

References
----------
M. Heydari, F. Cwitkowitz and Z. Duan: BeatNet: CRNN and particle filtering for online joint beat,
downbeat and meter tracking. ISMIR 2021.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Features, HeadSpec
from mirkit.arrays import Blocks, Floats32
from mirkit.features.logfilt import LogBank
from mirkit.features.logs import LOG10, OffsetLog
from mirkit.features.spectrogram import LogSpectrogram, OnSpectrogram
from mirkit.features.stft import STFT
from mirkit.frames import FrameGrid
from mirkit.model import choose_heads
from mirkit.peers.layers import LSTM, LSTMState, softmax
from mirkit.peers.published import Published
from mirkit.zoo.checkpoints import load_content

POOL = 2
"""Neighboring values of the convolution of which the larger is kept."""

LONGEST = 1024
"""Frames that go through the network at once: more would not be faster, and take memory."""


@dataclass(frozen=True, slots=True)
class EvenBank:
    """A filterbank for spectra of an odd length, placed as if that were even (as madmom does).

    Each bin of a spectrum of 1,411 samples is taken for that of 1,410: weights were trained so.

    Parameters
    ----------
    bank
        The filters.
    """

    bank: LogBank

    def check(self, sample_rate: int, n_fft: int) -> None:
        """Raise `ParameterError` where the filters do not fit."""
        self.bank.check(sample_rate, n_fft - n_fft % 2)

    def matrix(self, sample_rate: int, n_fft: int) -> Floats32:
        """Return the weights, read-only, shape ``(n_bins, n_fft // 2 + 1)``."""
        return self.bank.matrix(sample_rate, n_fft - n_fft % 2)


@dataclass(frozen=True)
class RisingSpectrogram(OnSpectrogram):
    """A spectrogram, and beside it by how much each band rose since the frame before.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    spectrogram
        The spectrogram.
    """

    name: str
    spectrogram: LogSpectrogram

    @property
    def n_bins(self) -> int:
        """Number of values in a frame: two for each band."""
        return 2 * self.spectrogram.n_bins

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        before: Floats32 | None = None
        for frames in self.spectrogram.stream(blocks):
            before = frames[:1] if before is None else before
            rise = np.diff(frames, axis=0, prepend=before)
            before = frames[-1:]
            yield np.concatenate((frames, np.maximum(rise, 0)), axis=1)


BEATNET = RisingSpectrogram(
    "beatnet",
    LogSpectrogram(
        "beatnet_bands",
        22050,
        STFT(1411, 441, window="hann_symmetric", padding="zero", power=1),
        EvenBank(LogBank(24, 30, 17000)),
        OffsetLog(1.0, factor=LOG10),
    ),
)
"""136 bands and their rises, 50 frames a second."""


@dataclass(frozen=True, eq=False)
class BeatNet(Published):
    """The heads ``beat`` and ``downbeat``, 50 frames a second, each from the past alone.

    The network knows beats that are no downbeats, downbeats and the rest; a downbeat is a beat, so
    the beat head is the sum of the first two. Its states are explicit and begin at zero: one model
    serves any number of streams.
    """

    specs: ClassVar = {"beat": HeadSpec(("beat",)), "downbeat": HeadSpec(("downbeat",))}
    front_end = BEATNET

    @classmethod
    def read_checkpoint(cls, path: Path) -> dict[str, Floats32]:
        """Return the tensors in a published file, under their own names."""
        return {name: tensor.numpy() for name, tensor in load_content(path).items()}

    @property
    def latency(self) -> float:
        """The longest time from a beat until the stream gives it [s].

        The half of a window that lies after its center, and half a frame, for a beat is given with
        the frame nearest to it.
        """
        return BEATNET.latency + 0.5 * BEATNET.grid.period

    def run(self, features: Features) -> dict[str, Floats32]:
        """Return the beat and downbeat heads of the features of a recording."""
        return _heads(np.concatenate(list(self._probabilities([features.values]))))

    def stream(self, blocks: Blocks, heads: Iterable[str] | None = None) -> Iterator[Activations]:
        """Yield the activations of one recording as its blocks come, some frames at a time.

        Parameters
        ----------
        blocks
            Its consecutive pieces at `sample_rate`, ``(1, n_samples)`` floats, of any length.
        heads
            Names of the heads that are wanted; all where None.
        """
        specs, first = choose_heads(self.specs, heads, self.specs), 0
        for part in self._probabilities(BEATNET.stream(blocks)):
            grid = FrameGrid(BEATNET.grid.rate, float(BEATNET.grid.time_of(first)))
            yield self.wrap(specs, _heads(part), grid)
            first += len(part)

    def _probabilities(self, blocks: Iterable[Floats32]) -> Iterator[Floats32]:
        """Yield the probabilities of beat, downbeat and neither, ``(k, 3)``."""
        states = [layer.start for layer in self._memory]
        for frames in _pieces(blocks):
            x, states = self._remembered(self._seen(frames), states)
            yield softmax(x @ self.weights["linear.weight"].T + self.weights["linear.bias"])

    def _seen(self, frames: Floats32) -> Floats32:
        """Return what each frame shows by itself: convolution over bands, pool, projection."""
        kernels, bias = self.weights["conv1.weight"][:, 0], self.weights["conv1.bias"]
        windows = np.lib.stride_tricks.sliding_window_view(frames, kernels.shape[1], axis=1)
        # (n_frames, n_places, n_kernels) -> (n_frames, n_kernels, n_places)
        x = np.maximum(windows @ kernels.T + bias, 0).transpose(0, 2, 1)
        n_pooled = x.shape[2] // POOL
        x = x[..., : n_pooled * POOL].reshape(len(x), -1, POOL).max(axis=2)
        return np.asarray(x @ self.weights["linear0.weight"].T + self.weights["linear0.bias"])

    def _remembered(self, x: Floats32, states: list[LSTMState]) -> tuple[Floats32, list[LSTMState]]:
        after = []
        for layer, state in zip(self._memory, states, strict=True):
            x, state = layer(x, state)
            after.append(state)
        return x, after

    @cached_property
    def _memory(self) -> tuple[LSTM, ...]:
        return tuple(
            LSTM.from_torch(
                self.weights[f"lstm.weight_ih_l{i}"],
                self.weights[f"lstm.weight_hh_l{i}"],
                self.weights[f"lstm.bias_ih_l{i}"] + self.weights[f"lstm.bias_hh_l{i}"],
            )
            for i in range(2)
        )


def _pieces(blocks: Iterable[Floats32]) -> Iterator[Floats32]:
    """Yield the frames of blocks, none empty, none long."""
    for block in blocks:
        for first in range(0, len(block), LONGEST):
            yield block[first : first + LONGEST]


def _heads(probabilities: Floats32) -> dict[str, Floats32]:
    """Return the heads of probabilities of beat, downbeat and neither, ``(n_frames, 3)``."""
    beat = probabilities[:, :2].sum(axis=1, keepdims=True)
    return {"beat": beat, "downbeat": probabilities[:, 1:2]}
