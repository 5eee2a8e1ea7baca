"""Beats without weights: onset strength for where they may lie, tempograms for how fast they go.

The tempo head multiplies two tempograms. An autocorrelation answers to a tempo and to its
fractions, a Fourier transform to a tempo and its multiples; only the tempo itself is in both.

The height of the product, averaged over the recording, tells whether anything pulses at all. Noise
has chance peaks, the higher the fewer windows there are: what does not rise above them is answered
with silent activations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import __version__
from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Floats
from mirkit.features.conditioning import RunningLevel
from mirkit.features.logs import DECIBEL_OF_POWER, FloorLog
from mirkit.features.mel import MelBank
from mirkit.features.onset import OnsetStrength
from mirkit.features.spectrogram import LogSpectrogram
from mirkit.features.stft import STFT
from mirkit.features.tempogram import autocorrelation
from mirkit.model import Heard, features_of

SECONDS_PER_WINDOW = 8.0
SECONDS_PER_HOP = 1.0
LOCAL_SECONDS = 5.0
QUIET = 0.4
"""Onsets of surroundings this much softer than the recording count half."""

CHANCE_SECONDS = 24.0
"""Length of noise whose chance peaks reach twice the clarity that endless noise has [s]."""

COMB = (1.0, 0.5, 0.25, 0.25)
"""How much the autocorrelation at one, two, three and four beats counts."""


ONSET = OnsetStrength(
    "onset_86",
    LogSpectrogram(
        "mel_40",
        22050,
        STFT(1024, 256, padding="zero"),
        MelBank(40, 30.0, 10000.0),
        FloorLog(1e-4, DECIBEL_OF_POWER),  # what rustles in a fade or a hall is no onset
        conditioning=(RunningLevel(lookahead=5512),),
    ),
    lag=2,
    shift=0,  # measured on renders: moved by half a window, beats come 24 ms late
)


@dataclass(frozen=True)
class Tempogram:
    """Onset strength and tempograms as the activations of a beat network.

    Parameters
    ----------
    onset
        The onset strength.
    bpms
        The tempi of the tempo head [bpm].
    center_bpm, octaves
        The prior of tempi: log-normal around `center_bpm`, with this standard deviation.
    min_clarity
        The height of the tempograms' product below which nothing pulses, in a long recording.
    """

    onset: OnsetStrength = ONSET
    bpms: tuple[float, ...] = tuple(np.round(np.geomspace(30, 300, 168), 2).tolist())
    center_bpm: float = 90.0
    octaves: float = 0.4
    min_clarity: float = 0.06

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return self.onset.sample_rate

    @property
    def front_ends(self) -> tuple[OnsetStrength, ...]:
        """The onset strength."""
        return (self.onset,)

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the heads ``beat`` and ``tempo`` of a recording: see `mirkit.model.Model`."""
        features = features_of(x)
        if features is None:
            parts = [np.zeros((0, 1), np.float32), *self.onset.stream(x)]  # type: ignore[arg-type]
            return self.of(np.concatenate(parts)[:, 0])
        return self.of(next(iter(features.values())).values[:, 0])

    def of(self, strength: NDArray[np.float32]) -> Activations:
        """Return the heads of an onset strength, shape ``(n_frames,)``."""
        grid = self.onset.grid
        salience = local_salience(strength, round(LOCAL_SECONDS * grid.fps))
        periodicity = self.periodicity(salience)
        chance = 1 + CHANCE_SECONDS * grid.fps / max(len(salience), 1)
        provenance = Provenance("tempogram", __version__)
        if periodicity.max() < self.min_clarity * chance:
            silent = Head(np.zeros((len(salience), 1), np.float32), ("beat",), grid)
            return Activations({"beat": silent}, provenance)
        labels = tuple(f"{bpm:g}" for bpm in self.bpms)
        heads = {
            "beat": Head(salience[:, None], ("beat",), grid),
            "tempo": Head(self._with_prior(periodicity), labels, None, "softmax"),
        }
        return Activations(heads, provenance)

    def periodicity(self, salience: NDArray[np.float32]) -> Floats:
        """Return the mean product of the two tempograms at each tempo, ``(n_tempi,)``."""
        fps, bpms = self.onset.grid.fps, np.array(self.bpms)
        n_window = min(round(SECONDS_PER_WINDOW * fps), len(salience))
        if n_window < 2:
            return np.zeros(len(bpms))
        frames = windows(salience, n_window, round(SECONDS_PER_HOP * fps))
        frames = frames - frames.mean(axis=1, keepdims=True)
        products = comb(frames, 60 * fps / bpms) * spectrum(frames, bpms / (60 * fps))
        return np.asarray(products.mean(axis=0))

    def _with_prior(self, periodicity: Floats) -> NDArray[np.float32]:
        """Return the probability of each tempo, ``(1, n_tempi)``."""
        octaves = np.log2(np.array(self.bpms) / self.center_bpm)
        scores = periodicity * np.exp(-0.5 * (octaves / self.octaves) ** 2)
        return np.asarray(scores / scores.sum(), dtype=np.float32)[None]


def comb(frames: NDArray[np.float32], lags: Floats) -> Floats:
    """Return the autocorrelation at each lag and its multiples, ``(n_windows, n_lags)``, above 0.

    Parameters
    ----------
    frames
        Windows of onset strength without their mean, ``(n_windows, n_frames)``.
    lags
        Periods, ``(n_lags,)`` [frames].
    """
    n = frames.shape[1]
    correlation = autocorrelation(frames) / np.arange(n, 0, -1)
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    weights = np.array(COMB) / sum(COMB)
    return np.asarray(
        sum(
            weight * np.maximum(_at(correlation, k * lags), 0)
            for k, weight in enumerate(weights, 1)
        )
    )


def spectrum(frames: NDArray[np.float32], frequencies: Floats) -> Floats:
    """Return the magnitude of the Fourier transform of each window, ``(n_windows, n_frequencies)``.

    In units of what white noise of the same power has. `frequencies` are in cycles a frame.
    """
    n = frames.shape[1]
    phases = np.exp(-2j * np.pi * np.arange(n)[:, None] * frequencies)
    power = n * frames.var(axis=1, keepdims=True)
    magnitude = np.abs(frames @ phases.astype(np.complex64))
    return np.asarray(magnitude / np.sqrt(np.maximum(power, 1e-12)), dtype=np.float64)


def _at(rows: NDArray[Any], places: Floats) -> Floats:
    """Return each row at places between its columns, 0 beyond the last."""
    n = rows.shape[1]
    left = np.minimum(places.astype(np.int64), max(n - 2, 0))
    share = places - left
    between = rows[:, left] * (1 - share) + rows[:, np.minimum(left + 1, n - 1)] * share
    return np.where(places <= n - 1, between, 0.0)


def local_salience(strength: NDArray[np.float32], n_window: int) -> NDArray[np.float32]:
    """Return how far each onset stands out of its surroundings, in [0, 1), ``(n_frames,)``.

    What lies above the mean of `n_window` frames around it, in units of their root mean square.
    """
    if not strength.any():
        return np.zeros_like(strength)
    above = np.maximum(strength - moving_mean(strength, n_window), 0)
    loudness = np.sqrt(moving_mean(above**2, n_window))
    relative = above / (loudness + QUIET * np.sqrt(np.mean(above**2)) + 1e-9)
    return np.asarray(1 - np.exp(-0.5 * relative), dtype=np.float32)


def moving_mean(values: NDArray[Any], n_window: int) -> Floats:
    """Return the mean of up to `n_window` values around each, fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    index = np.arange(len(values))
    first = np.maximum(index - n_window // 2, 0)
    last = np.minimum(index + n_window // 2 + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


def windows(values: NDArray[Any], n_window: int, n_hop: int) -> NDArray[Any]:
    """Return windows that lie `n_hop` apart, the last at the end, ``(n_windows, n_window)``."""
    last = len(values) - n_window
    starts = [*range(0, last, n_hop), last]
    return np.lib.stride_tricks.sliding_window_view(values, n_window)[starts]
