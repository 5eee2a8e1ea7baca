"""The front end of crema: librosa's constant-Q transform, in numpy.

The recording is halved in rate octave by octave, and one set of kernels serves all. Like librosa,
kernels keep the largest values of their spectra only. The second harmonic is heard by the same
bins an octave higher, so seven octaves give both.

References
----------
C. Schörkhuber and A. Klapuri: Constant-Q transform toolbox for music processing. SMC 2010.
R. M. Bittner, B. McFee, J. Salamon, P. Li and J. P. Bello: Deep salience representations for F0
estimation in polyphonic music. ISMIR 2017.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirkit.arrays import Floats32

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

CHUNK = 512
"""Frames worked on at once."""


def harmonic_cqt(samples: Floats32) -> Floats32:
    """Return decibels below the loudest of each harmonic, ``(n_frames, 216, 2)``.

    Parameters
    ----------
    samples
        A whole recording at 44.1 kHz, ``(n_samples,)``. What fills no hop at its end has no frame,
        except where that is all there is.
    """
    if not samples.size:
        return np.empty((0, N_BINS, N_HARMONICS), np.float32)
    values = constant_q(samples)[: max(1, samples.size // HOP_LENGTH)]
    heard = (values[:, i * BINS_PER_OCTAVE :][:, :N_BINS] for i in range(N_HARMONICS))
    return np.stack([decibels(harmonic) for harmonic in heard], axis=2)


def constant_q(samples: Floats32) -> Floats32:
    """Return magnitudes from C1 up, ``(n_frames, 252)``; frame i is centered at sample 4096 i."""
    import soxr

    octaves = []
    for i in range(1, N_OCTAVES + N_HARMONICS):
        samples = soxr.resample(samples, 2, 1, "HQ")
        # halving the rate is to keep the energy, and so the level of what is left
        octaves.append(_octave(samples, HOP_LENGTH >> i) * np.float32(2 ** (i / 2)))
    n_frames = min(map(len, octaves))
    return np.concatenate([octave[:n_frames] for octave in octaves[::-1]], axis=1)


def _octave(samples: Floats32, hop_length: int) -> Floats32:
    """Return the magnitudes of the octave that the kernels fit at this rate, ``(n_frames, 36)``."""
    kernels = _kernels()
    padded = np.pad(samples, N_FFT // 2)
    frames = sliding_window_view(padded, N_FFT)[::hop_length]
    values = np.empty((len(frames), BINS_PER_OCTAVE), np.float32)
    for first in range(0, len(frames), CHUNK):
        parts = (np.ascontiguousarray(frames[first : first + CHUNK]) @ kernels).T
        values[first : first + CHUNK] = np.hypot(*parts.reshape(2, BINS_PER_OCTAVE, -1)).T
    return values


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


def decibels(magnitudes: Floats32) -> Floats32:
    """Return magnitudes as decibels below the largest, none further than 80."""
    level = 20 * np.log10(np.maximum(magnitudes, LEAST))
    level -= level.max()
    return np.asarray(np.maximum(level, -RANGE), np.float32)
