"""Framing: cut a signal that arrives in blocks of any size into frames that overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError

Padding = Literal["none", "zero", "reflect", "ramp"]


@dataclass(frozen=True, slots=True)
class Framing:
    """Frames of `frame_length` samples, `hop_length` apart.

    Parameters
    ----------
    frame_length, hop_length
        Length of a frame, and distance between the starts of neighbors [samples].
    padding
        What lies before the first sample and after the last:

        ``"none"``
            nothing; frame 0 starts at sample 0, and samples that fill no frame are dropped
            (Kaldi's snip_edges): ``1 + (n - frame_length) // hop_length`` frames.
        ``"reflect"``
            half a frame of the mirrored signal at each end; frame `i` is centered at sample
            ``i * hop_length`` (librosa, torch.stft): ``1 + n // hop_length`` frames of even
            length. A signal shorter than half a frame is mirrored again and again, and a single
            sample repeated.
        ``"zero"``
            zeros; frame `i` is centred at sample ``i * hop_length`` and no frame is centred
            past the end (madmom): ``ceil(n / hop_length)`` frames.
        ``"ramp"``
            as ``"zero"``, with a straight line from 0 to the first sample and from the last to 0.

        A signal without samples has no frames.
    """

    frame_length: int
    hop_length: int
    padding: Padding = "none"

    def __post_init__(self) -> None:
        checks.positive("hop_length", self.hop_length)
        if self.frame_length < self.hop_length:
            raise ParameterError(
                f"frame_length is {self.frame_length} and hop_length {self.hop_length} samples; "
                "frames are at least as long as their distance. Are the two swapped?"
            )
        if self.padding not in get_args(Padding):
            raise ParameterError(
                f"padding is {self.padding!r}; it is one of {', '.join(get_args(Padding))}"
            )

    @property
    def left(self) -> int:
        """Number of samples put before the first."""
        return 0 if self.padding == "none" else self.frame_length // 2

    @property
    def right(self) -> int:
        """Number of samples put after the last."""
        if self.padding in ("none", "reflect"):
            return self.left
        return self.frame_length - self.left - 1

    @property
    def center(self) -> int:
        """The sample at the center of frame 0."""
        return self.frame_length // 2 - self.left

    @property
    def delay(self) -> int:
        """Samples that must have come, counted from a frame's center, until the frame is known."""
        after_center = self.frame_length - self.frame_length // 2
        return max(after_center, self.left + 1) if self.padding == "reflect" else after_center

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a signal of `n_samples` has."""
        if n_samples < 1:
            return 0
        return self._whole(self.left + n_samples + self.right)

    def _whole(self, n_samples: int) -> int:
        return max(0, 1 + (n_samples - self.frame_length) // self.hop_length)

    def frames(self, blocks: Iterable[Floats32]) -> Iterator[NDArray[np.float32]]:
        """Yield the frames as they are complete, as read-only views ``(k, frame_length)``, k > 0.

        Parameters
        ----------
        blocks
            Consecutive pieces of one signal, each ``(n_samples,)``.
        """
        kept = np.empty(0, dtype=np.float32)
        for block in self._padded(blocks):
            kept = np.concatenate((kept, block)) if kept.size else block
            n_frames = self._whole(kept.size)
            if n_frames:
                yield _overlapping(kept, n_frames, self.frame_length, self.hop_length)
                kept = kept[n_frames * self.hop_length :]

    def _padded(self, blocks: Iterable[Floats32]) -> Iterator[Floats32]:
        """Yield the signal with its padding; the end is mirrored from the last samples kept."""
        blocks = (block for block in blocks if block.size)
        if self.padding == "none":
            yield from blocks
            return
        needed = self.left + 1 if self.padding == "reflect" else 1
        first = _gather(blocks, needed)
        if first.size < needed:
            yield from self._short(first)
            return
        yield self._pad(first, self.left, 0)
        tail = first[-self.left - 1 :]
        for block in blocks:
            yield block
            tail = np.concatenate((tail, block))[-self.left - 1 :]
        yield self._pad(tail, 0, self.right)[tail.size :]

    def _short(self, signal: Floats32) -> Iterator[Floats32]:
        if signal.size:
            yield self._pad(signal, self.left, self.right)

    def _pad(self, signal: Floats32, left: int, right: int) -> Floats32:
        if self.padding == "ramp":
            rise = np.linspace(0, signal[0], self.left, endpoint=False, dtype=np.float32)
            fall = np.linspace(0, signal[-1], self.left, endpoint=False, dtype=np.float32)[::-1]
            return np.concatenate((rise[:left], signal, fall[:right]))
        mode: Literal["constant", "reflect"] = "constant" if self.padding == "zero" else "reflect"
        return np.pad(signal, (left, right), mode=mode)


def _gather(blocks: Iterator[Floats32], n_samples: int) -> Floats32:
    """Take blocks until there are `n_samples`, or no more; return them as one."""
    taken: list[Floats32] = []
    have = 0
    while have < n_samples and (block := next(blocks, None)) is not None:
        taken.append(block)
        have += block.size
    return np.concatenate(taken) if taken else np.empty(0, dtype=np.float32)


def _overlapping(
    signal: Floats32, n_frames: int, frame_length: int, hop_length: int
) -> NDArray[np.float32]:
    step = signal.strides[0]
    return as_strided(signal, (n_frames, frame_length), (hop_length * step, step), writeable=False)
