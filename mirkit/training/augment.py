"""Augmentations: what is changed about an excerpt, so that the network never hears it twice.

Each is a small function of its input and a random generator. Those of samples work in numpy on
one excerpt, those of features in torch on a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError

Generator = np.random.Generator


@dataclass(frozen=True)
class Augmentation:
    """How far each augmentation goes; 0 leaves it out.

    Parameters
    ----------
    rate
        Greatest relative change of the frame rate, and so of the tempo: 0.2 is ±20 %.
    pitch
        Greatest shift of the bands, up or down.
    gain
        Greatest change of level [dB].
    equalizer
        Greatest gain or loss of any frequency [dB], in smooth curves.
    lowpass
        Probability of losing the highs above some frequency, as old recordings have.
    noise
        Probability of noise, 10 to 40 dB below the music.
    clipping
        Probability of soft clipping.
    band_masks, band_mask_width
        How many stripes of bands are muted, and their greatest width.
    time_masks, time_mask_width
        How many stretches are muted, and their greatest length [frames].
    mixup
        Parameter of the Beta distribution that mixes pairs of excerpts.
    """

    rate: float = 0.2
    pitch: int = 4
    gain: float = 12.0
    equalizer: float = 12.0
    lowpass: float = 0.1
    noise: float = 0.3
    clipping: float = 0.2
    band_masks: int = 2
    band_mask_width: int = 8
    time_masks: int = 2
    time_mask_width: int = 25
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} is {getattr(self, name)}; it is not negative")
        if self.rate >= 1:
            raise ParameterError(f"rate is {self.rate}; it is a relative change below 1")


NONE = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""No augmentation at all: for validation."""


def random_hop(hop_length: int, rate: float, rng: Generator) -> int:
    """Return a hop that differs from `hop_length` by up to `rate`, tempi being log-uniform."""
    factor = np.exp(rng.uniform(-1, 1) * np.log1p(rate))
    return max(1, round(hop_length * float(factor)))


def change_samples(samples: Floats32, how: Augmentation, rng: Generator) -> Floats32:
    """Return samples ``(n_samples,)`` at another level, perhaps clipped, perhaps with noise."""
    samples = samples * np.float32(10 ** (rng.uniform(-how.gain, how.gain) / 20))
    if rng.random() < how.clipping:
        samples = soft_clipped(samples, drive=rng.uniform(0, 15))
    if rng.random() < how.noise:
        samples = with_noise(samples, rng.uniform(10, 40), rng)
    return samples


def soft_clipped(samples: Floats32, drive: float) -> Floats32:
    """Return samples bent by a hyperbolic tangent, `drive` dB above their peak, at equal peak."""
    peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
    factor = np.float32(10 ** (drive / 20))
    bent = np.tanh(samples / np.float32(peak) * factor)
    return np.asarray(bent / np.tanh(factor) * np.float32(peak), dtype=np.float32)


def with_noise(samples: Floats32, snr: float, rng: Generator) -> Floats32:
    """Return samples with white noise `snr` dB below their power."""
    level = np.sqrt(np.mean(np.square(samples))) * 10 ** (-snr / 20)
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return np.asarray(samples + np.float32(level) * noise, dtype=np.float32)


def equalizer_gains(n_bins: int, how: Augmentation, rng: Generator) -> Floats32:
    """Return a gain for each frequency, ``(n_bins,)``: a smooth curve over octaves.

    Three random waves of half a period to three over all octaves; the highs cut where
    `lowpass` says so.
    """
    octave = np.log2(np.arange(n_bins) + 1) / np.log2(n_bins)
    periods, phases = rng.uniform(0.5, 3, 3), rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * periods * octave[:, None] + phases).mean(axis=1)
    decibels = rng.uniform(0, how.equalizer) * waves
    if rng.random() < how.lowpass:
        edge = rng.uniform(0.7, 1.0)
        decibels -= 60 * np.clip((octave - edge) / 0.05, 0, 1)
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def shift_bands(features: Tensor, steps: int) -> Tensor:
    """Return features ``(..., n_bins)`` shifted up by `steps` bands, the edge band repeated."""
    if steps == 0:
        return features
    n_bins = features.shape[-1]
    index = (torch.arange(n_bins, device=features.device) - steps).clamp(0, n_bins - 1)
    return features[..., index]


def mute_stripes(features: Tensor, how: Augmentation, rng: Generator) -> Tensor:
    """Return features ``(n_frames, n_bins)`` with stripes at the level of their quietest point."""
    n_frames, n_bins = features.shape
    features = features.clone()
    floor = features.min()
    for _ in range(how.band_masks):
        first, stop = _stripe(n_bins, how.band_mask_width, rng)
        features[:, first:stop] = floor
    for _ in range(how.time_masks):
        first, stop = _stripe(n_frames, how.time_mask_width, rng)
        features[first:stop] = floor
    return features


def mixed(batch: dict[str, Tensor], alpha: float, rng: Generator) -> dict[str, Tensor]:
    """Return a batch whose examples are mixed with one another, features and targets alike.

    Masks multiply: what is unknown of either is unknown of the mixture.
    """
    weight = float(rng.beta(alpha, alpha))
    size = len(batch["features"])
    other = torch.as_tensor(rng.permutation(size))
    return {
        name: x * x[other] if name.endswith("mask") else weight * x + (1 - weight) * x[other]
        for name, x in batch.items()
    }


def _stripe(size: int, greatest: int, rng: Generator) -> tuple[int, int]:
    width = int(rng.integers(0, min(greatest, size) + 1))
    first = int(rng.integers(0, size - width + 1))
    return first, first + width
