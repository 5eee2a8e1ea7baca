"""A variable-Q transform: magnitudes on a logarithmic frequency axis, for chords and keys.

Kernels are applied in the time domain. The real part of a kernel is even about its middle and the
imaginary part odd, so frames are folded there first, which halves the products. A kernel that is
shorter than the hop is applied several times in each frame, and the powers are averaged: no part
of the signal goes unheard, although there are only ten frames a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.features.base import FrontEnd, mono_slices
from mirkit.features.conditioning import RunningLevel, Step, condition, wait_of
from mirkit.features.framing import Framing
from mirkit.features.logs import OffsetLog
from mirkit.frames import FrameGrid

C1 = 440 * 2 ** (-45 / 12)  # [Hz]
LOG = OffsetLog(1.0, gain=300.0)
CHUNK = 32  # frames worked on at once, so that their copies stay in the cache


@dataclass(frozen=True)
class VQT(FrontEnd):
    """Magnitudes at equal intervals of pitch, then a logarithm; a sinusoid on a bin gives 1 before.

    A kernel is a Hann window on a complex sinusoid, `sample_rate * filter_scale` divided by
    ``bandwidth + gamma`` samples long, where the bandwidth of a bin is the distance of its
    neighbors. With `gamma` 0 that is the constant-Q transform.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    sample_rate
        The rate that the audio must have [Hz].
    hop_length
        Distance between frames [samples].
    fmin
        Frequency of the first bin at A4 = 440 Hz [Hz].
    n_octaves, bins_per_octave
        How many bins there are, and how close.
    filter_scale
        Length of the kernels; 1 makes neighbors just distinct.
    gamma
        What widens the lowest bands most, so that their kernels stay short [Hz].
    log
        The logarithm.
    tuning
        How far the recording is above A4 = 440 Hz [cents]; all bins move with it.
    conditioning
        What is done to the samples first; each step gives a sample for a sample.

    Examples
    --------
    >>> front = VQT("mine", n_octaves=5)
    >>> round(float(front.frequencies[1 + 9 * 3 + 2 * 36]), 3)
    220.0

    References
    ----------
    C. Schörkhuber et al., "A Matlab toolbox for efficient perfect reconstruction time-frequency
    transforms with log-frequency resolution", AES 2014.
    """

    name: str
    sample_rate: int = 11025
    hop_length: int = 1024
    fmin: float = C1 * 2 ** (-1 / 36)
    n_octaves: int = 7
    bins_per_octave: int = 36
    filter_scale: float = 0.7
    gamma: float = 0.33
    log: OffsetLog = LOG
    tuning: float = 0.0
    conditioning: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "fmin", "n_octaves", "bins_per_octave"):
            checks.positive(name, getattr(self, name))
        checks.positive("filter_scale", self.filter_scale)
        if self.gamma < 0:
            raise ParameterError(f"gamma is {self.gamma} Hz; it is 0 (constant Q) or more")
        highest = self.frequencies[-1] * (1 + self._relative_bandwidth)
        if highest > self.sample_rate / 2:
            raise ParameterError(
                f"the highest of {self.n_octaves} octaves from {self.fmin:g} Hz reaches to "
                f"{highest:g} Hz, past half the sample rate of {self.sample_rate} Hz"
            )

    @property
    def n_bins(self) -> int:
        """Number of values in a frame."""
        return self.n_octaves * self.bins_per_octave

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Centre of each bin, shape ``(n_bins,)`` [Hz]."""
        steps = np.arange(self.n_bins) / self.bins_per_octave + self.tuning / 1200
        return np.asarray(self.fmin * 2**steps)

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Length of each bin's kernel, shape ``(n_bins,)`` [samples, and fractions of one]."""
        bandwidths = self.frequencies * self._relative_bandwidth + self.gamma
        return np.asarray(self.filter_scale * self.sample_rate / bandwidths)

    @property
    def _relative_bandwidth(self) -> float:
        square = 2 ** (2 / self.bins_per_octave)
        return float((square - 1) / (square + 1))

    @property
    def framing(self) -> Framing:
        """Framing of the signal, in frames as long as the longest kernel."""
        reach = max(octave.reach for octave in _octaves(self))
        return Framing(max(2 * reach + 1, self.hop_length), self.hop_length, "zero")

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""
        return FrameGrid.from_hop(self.sample_rate, self.hop_length)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        return (self.framing.delay + wait_of(self.conditioning)) / self.sample_rate

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return self.framing.n_frames(n_samples)

    def magnitudes(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the logarithm was taken of."""
        exact = np.exp(values / np.float32(self.log.factor)) - np.float32(self.log.offset)
        return np.asarray(np.maximum(exact, 0) / np.float32(self.log.gain), dtype=np.float32)

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        octaves = _octaves(self)
        signal = condition(self.conditioning, mono_slices(blocks, self.sample_rate))
        for frames in self.framing.frames(signal):
            values = np.empty((len(frames), self.n_bins), np.float32)
            for start in range(0, len(frames), CHUNK):
                chunk = frames[start : start + CHUNK]
                mirror = _mirror(chunk)
                powers = [_powers(octave, chunk, mirror) for octave in octaves]
                np.concatenate(powers, axis=1, out=values[start : start + CHUNK])
            yield self.log(np.sqrt(values, out=values))


class _Octave(NamedTuple):
    """The kernels of one octave, and the places in a frame where they are applied."""

    even: NDArray[np.float32]  # (half + 1, n_bins): the real parts from their middle on
    odd: NDArray[np.float32]  # (half, n_bins): the imaginary parts from after their middle on
    n_parts: int
    step: int

    @property
    def half(self) -> int:
        return len(self.odd)

    @property
    def reach(self) -> int:
        """Samples on either side of a frame's center that are heard."""
        return self.half + (self.n_parts - 1) * self.step // 2


@lru_cache(maxsize=8)
def _octaves(vqt: VQT) -> tuple[_Octave, ...]:
    """Return the kernels, the lowest octave first."""
    per_octave = vqt.bins_per_octave
    return tuple(
        _octave(vqt, slice(start, start + per_octave)) for start in range(0, vqt.n_bins, per_octave)
    )


def _octave(vqt: VQT, bins: slice) -> _Octave:
    lengths = vqt.lengths[bins]
    half = int(lengths.max() / 2)
    n = np.arange(half + 1)[:, None]
    window = np.where(n < lengths / 2, np.cos(np.pi * n / lengths) ** 2, 0)
    window *= 2 / (window[0] + 2 * window[1:].sum(axis=0))
    phase = 2 * np.pi * vqt.frequencies[bins] / vqt.sample_rate * n
    n_parts = 1
    while vqt.hop_length / n_parts > lengths.min() and vqt.hop_length % (2 * n_parts) == 0:
        n_parts *= 2
    return _Octave(
        (window * np.cos(phase)).astype(np.float32),
        (window * np.sin(phase))[1:].astype(np.float32),
        n_parts,
        vqt.hop_length // n_parts,
    )


def _mirror(frames: Floats32) -> Floats32:
    """Return frames that overlap, each backwards: numpy adds what lies forwards faster."""
    n_frames, frame_length = frames.shape
    rows, columns = frames.strides
    n_samples = (n_frames - 1) * (rows // columns) + frame_length
    backwards = as_strided(frames, (n_samples,), (columns,), writeable=False)[::-1].copy()
    last = backwards[n_samples - frame_length :]  # the first frame lies at the end
    return as_strided(last, frames.shape, (-rows, columns), writeable=False)


def _powers(octave: _Octave, frames: Floats32, mirror: Floats32) -> Floats32:
    """Return the mean power in each frame, shape ``(k, n_bins)``."""
    half, n_parts, step = octave.half, octave.n_parts, octave.step
    middle = frames.shape[1] // 2 - (n_parts - 1) * step // 2
    after = _parts(frames, middle, step, (n_parts, half + 1))
    before = _parts(mirror, frames.shape[1] - 1 - middle, -step, (n_parts, half + 1))
    even = after + before
    even[..., 0] = after[..., 0]
    odd = after[..., 1:] - before[..., 1:]
    real = even.reshape(-1, half + 1) @ octave.even
    imaginary = odd.reshape(-1, half) @ octave.odd
    np.multiply(real, real, out=real)
    np.multiply(imaginary, imaginary, out=imaginary)
    power = np.add(real, imaginary, out=real).reshape(len(frames), n_parts, -1)
    return np.asarray(power.mean(axis=1)) if n_parts > 1 else power[:, 0]


def _parts(frames: Floats32, first: int, step: int, shape: tuple[int, int]) -> Floats32:
    """Return stretches of each frame, the first from `first` on, the others `step` apart."""
    rows, columns = frames.strides
    strides = (rows, step * columns, columns)
    return as_strided(frames[:, first:], (len(frames), *shape), strides, writeable=False)


# C1 to B7, three bins to a semitone, the middle one in tune: for chords and keys.
VQT_11K = VQT("vqt_11k", conditioning=(RunningLevel(lookahead=2756),))  # 0.25 s
