"""Transforms of pitch that lower the rate from octave to octave, in blocks of any size.

The highest octave is analyzed at the full rate; for each below it the rate is halved, so that one
set of kernels serves all octaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import as_strided

from mirkit.arrays import Floats32

CHUNK = 512
"""Frames that are multiplied at once, so that they stay in the cache."""

SLICE = 1 << 15
"""Samples that are worked on at once, whatever the sizes of the blocks, so that sums are too."""

Lowering = Callable[[Floats32, bool], Floats32]
"""From the next piece of a signal, and whether it is the last, to what it adds at a lower rate."""


def unchanged(samples: Floats32, is_last: bool) -> Floats32:
    """Return the samples of an octave that is analyzed at the rate that they have."""
    return samples


@dataclass(eq=False)
class Framer:
    """Cut a signal that comes in pieces into frames, one centered at every whole hop.

    Frames may be further apart than they are long.

    Parameters
    ----------
    length, hop
        Length of a frame, which is even, and distance of neighbors [samples].
    mirrored
        Whether the signal is mirrored at its ends; otherwise, and where it is no longer than half a
        frame, zeros lie around it.
    """

    length: int
    hop: int
    mirrored: bool = False
    _kept: Floats32 = field(default_factory=lambda: np.empty(0, np.float32))
    _first: int = 0  # place of the next frame in what is kept
    _begun: bool = False

    def __call__(self, samples: Floats32, is_last: bool) -> Floats32:
        """Return the frames that the next piece completes, as views ``(k, length)``."""
        half = self.length // 2
        signal = np.concatenate((self._kept, samples)) if self._kept.size else samples
        if not self._begun and (is_last or signal.size > half):
            self._begun, self.mirrored = True, self.mirrored and signal.size > half
            signal = self._pad(signal, half, 0)
        if is_last:
            signal = self._pad(signal, 0, half)
        n_frames = max(0, 1 + (signal.size - self._first - self.length) // self.hop)
        n_frames = n_frames if self._begun else 0
        frames = _views(signal[self._first :], n_frames, self.length, self.hop)
        following = self._first + n_frames * self.hop
        n_gone = max(0, min(following, signal.size - half - 1))  # the end may yet be mirrored
        self._kept, self._first = signal[n_gone:], following - n_gone
        return frames

    def _pad(self, signal: Floats32, left: int, right: int) -> Floats32:
        if self.mirrored:
            return np.pad(signal, (left, right), mode="reflect")
        return np.pad(signal, (left, right))


@dataclass(eq=False)
class Octave:
    """One octave of a transform, as a signal comes in pieces.

    Parameters
    ----------
    lower
        What makes its samples of those of the octave above.
    frame
        What cuts them into frames.
    kernels
        Real parts of the kernels, then imaginary parts, ``(length, 2 * n_bins)``.
    """

    lower: Lowering
    frame: Framer
    kernels: Floats32

    def magnitudes(self, frames: Floats32) -> Floats32:
        """Return the magnitudes of frames, ``(n_frames, n_bins)``."""
        n_bins = self.kernels.shape[1] // 2
        values = np.empty((len(frames), n_bins), np.float32)
        for first in range(0, len(frames), CHUNK):
            parts = (np.ascontiguousarray(frames[first : first + CHUNK]) @ self.kernels).T
            values[first : first + CHUNK] = np.hypot(*parts.reshape(2, n_bins, -1)).T
        return values


def transform(octaves: Sequence[Octave], pieces: Iterable[Floats32]) -> Iterator[Floats32]:
    """Yield the bins of all octaves, the lowest first, as soon as all octaves have a frame.

    Parameters
    ----------
    octaves
        The octaves, the highest first.
    pieces
        Consecutive pieces of a signal, each ``(n_samples,)``.
    """
    waiting = [np.empty((0, each.kernels.shape[1] // 2), np.float32) for each in octaves]
    for piece, is_last in _with_end(pieces):
        samples = piece
        for i, octave in enumerate(octaves):
            samples = octave.lower(samples, is_last)
            values = octave.magnitudes(octave.frame(samples, is_last))
            waiting[i] = np.concatenate((waiting[i], values))
        n_frames = min(map(len, waiting))
        if n_frames:
            yield np.concatenate([values[:n_frames] for values in waiting[::-1]], axis=1)
            waiting = [values[n_frames:] for values in waiting]


def _with_end(pieces: Iterable[Floats32]) -> Iterator[tuple[Floats32, bool]]:
    """Yield a signal in pieces of one length, and whether each is the last, which may be short."""
    kept: list[Floats32] = []
    n_kept = 0
    for piece in pieces:
        kept.append(piece)
        n_kept += piece.size
        if n_kept > SLICE:
            signal = np.concatenate(kept)
            n_whole = (n_kept - 1) // SLICE * SLICE  # a sample is left for the end
            for first in range(0, n_whole, SLICE):
                yield signal[first : first + SLICE], False
            kept, n_kept = [signal[n_whole:]], n_kept - n_whole
    if n_kept:
        yield np.concatenate(kept), True


def _views(signal: Floats32, n_frames: int, length: int, hop: int) -> Floats32:
    """Return frames of a signal without a copy."""
    step = signal.strides[0]
    return as_strided(signal, (n_frames, length), (hop * step, step), writeable=False)
