"""The front end of crema: librosa's constant-Q transform, in numpy.

Like librosa's, kernels keep only the largest values of their spectra. The second harmonic of a bin
is the bin an octave higher, so seven octaves give both.

References
----------
C. Schörkhuber and A. Klapuri: Constant-Q transform toolbox for music processing. SMC 2010.
R. M. Bittner, B. McFee, J. Salamon, P. Li and J. P. Bello: Deep salience representations for F0
estimation in polyphonic music. ISMIR 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.features import FrontEnd
from mirkit.features.base import mono_slices
from mirkit.frames import FrameGrid
from mirkit.peers.octaves import SLICE, Framer, Octave, transform

SAMPLE_RATE = 44100
HOP_LENGTH = 4096
FMIN = 440 * 2 ** (-45 / 12)
"""C1 [Hz]."""

BINS_PER_OCTAVE = 36
N_OCTAVES = 6
"""Octaves that the network hears of each harmonic."""

N_BINS = N_OCTAVES * BINS_PER_OCTAVE
N_HARMONICS = 2
N_FFT = 1024
"""Samples that hold the longest kernel of an octave, at a rate at which that octave lies low."""

DROPPED = 0.01
"""Part of the sum of magnitudes in the spectrum of a kernel that is left out."""

LEAST = 1e-5
RANGE = 80.0
"""What lies further below the loudest is taken for that [dB]."""

RESAMPLER_DELAY = 1024
"""Samples at the lower rate that a resampler withholds, at most: it works on blocks of its own."""


@dataclass(frozen=True)
class CremaCQT(FrontEnd):
    """Magnitudes from C1 up, seven octaves, one frame in 93 ms.

    What fills no hop at the end of a recording has no frame, except where that is all there is.
    """

    name: str = "crema"
    sample_rate: int = SAMPLE_RATE

    @property
    def n_bins(self) -> int:
        """Number of values in a frame."""
        return N_BINS + (N_HARMONICS - 1) * BINS_PER_OCTAVE

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""
        return FrameGrid.from_hop(SAMPLE_RATE, HOP_LENGTH)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        lowest = 1 << (N_OCTAVES + N_HARMONICS - 1)
        return (SLICE + (N_FFT / 2 + 2 * RESAMPLER_DELAY) * lowest) / SAMPLE_RATE

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return max(1, n_samples // HOP_LENGTH) if n_samples > 0 else 0

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        heard = _Counter()
        octaves = [_octave(i) for i in range(1, N_OCTAVES + N_HARMONICS)]
        n_given, held = 0, np.empty((0, self.n_bins), np.float32)
        for values in transform(octaves, heard.through(mono_slices(blocks, SAMPLE_RATE))):
            held = np.concatenate((held, values))
            n_known = min(len(held), heard.n_samples // HOP_LENGTH - n_given)
            if n_known > 0:
                yield held[:n_known]
                n_given, held = n_given + n_known, held[n_known:]
        if not n_given and len(held):
            yield held[:1]


@dataclass(eq=False)
class _Counter:
    """Count the samples of pieces that go by."""

    n_samples: int = 0

    def through(self, pieces: Iterable[Floats32]) -> Iterator[Floats32]:
        for piece in pieces:
            self.n_samples += piece.size
            yield piece


def _halving() -> Any:
    import soxr

    return soxr.ResampleStream(2, 1, 1, dtype="float32", quality="HQ")


@dataclass(eq=False)
class _Resampler:
    """Halve the rate of a signal that comes in pieces."""

    stream: Any = field(default_factory=_halving)

    def __call__(self, samples: Floats32, is_last: bool) -> Floats32:
        return np.asarray(self.stream.resample_chunk(samples, last=is_last))


def _octave(i: int) -> Octave:
    """Return the octave that is analyzed once the rate was halved `i` times."""
    # halving the rate is to keep the energy, and so the level of what is left
    kernels = _kernels() * np.float32(2 ** (i / 2))
    return Octave(_Resampler(), Framer(N_FFT, HOP_LENGTH >> i), kernels)


@lru_cache(maxsize=1)
def _kernels() -> Floats32:
    """Return the real parts of all kernels, then the imaginary ones, ``(N_FFT, 72)``.

    They are those of the highest octave, at half the sample rate; an octave lower at a quarter
    they would be the same.
    """
    rate = SAMPLE_RATE / 2
    steps = np.arange(BINS_PER_OCTAVE) / BINS_PER_OCTAVE + N_OCTAVES + N_HARMONICS - 2
    frequencies = FMIN * 2.0**steps
    square = 2 ** (2 / BINS_PER_OCTAVE)
    lengths = (square + 1) / (square - 1) * rate / frequencies
    spectra = np.array([_spectrum(*each) for each in zip(frequencies / rate, lengths, strict=True)])
    # a frame's spectrum times the kernel's is the frame times the kernel's transform
    kernels = np.fft.fft(spectra * np.sqrt(lengths)[:, None] / N_FFT, N_FFT, axis=1)
    return np.concatenate((kernels.real, kernels.imag)).T.astype(np.float32)


def _spectrum(frequency: float, length: float) -> NDArray[np.complex128]:
    """Return the largest values of the spectrum of a kernel, 0 for the others.

    Parameters
    ----------
    frequency
        Of the kernel [cycles per sample].
    length
        Of the kernel [samples, and fractions of one].
    """
    times = np.arange(-length // 2, length // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(times)) / len(times))
    kernel = np.zeros(N_FFT, complex)
    start = (N_FFT - len(times)) // 2
    weights = window / window.sum()
    kernel[start : start + len(times)] = weights * np.exp(2j * np.pi * frequency * times)
    spectrum = np.fft.fft(kernel)[: N_FFT // 2 + 1]
    magnitudes = np.abs(spectrum)
    ranked = np.sort(magnitudes)
    dropped = int((np.cumsum(ranked) < DROPPED * ranked.sum()).sum())
    return np.where(magnitudes >= ranked[dropped], spectrum, 0)


def harmonics(magnitudes: Floats32) -> Floats32:
    """Return decibels below the loudest of each harmonic, ``(n_frames, 216, 2)``.

    Parameters
    ----------
    magnitudes
        Those of a whole recording, ``(n_frames, 252)``.
    """
    heard = (magnitudes[:, i * BINS_PER_OCTAVE :][:, :N_BINS] for i in range(N_HARMONICS))
    return np.stack([decibels(harmonic) for harmonic in heard], axis=2)


def decibels(magnitudes: Floats32) -> Floats32:
    """Return magnitudes as decibels below the largest, none further than 80."""
    level = 20 * np.log10(np.maximum(magnitudes, LEAST))
    level -= level.max()
    return np.asarray(np.maximum(level, -RANGE), np.float32)
