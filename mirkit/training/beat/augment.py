"""Augmentation of beats: samples of one excerpt in numpy, features in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.training.augment import (
    Augmentation,
    Generator,
    add_noise,
    clip_softly,
    draw_curve,
    draw_factor,
    mute_bands,
    mute_frames,
    shift_bands,
)


@dataclass(frozen=True)
class BeatAugmentation(Augmentation):
    """Settings of the augmentation of beats; 0 leaves a change out.

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
        Number of stripes of bands that are muted, and their greatest width.
    time_masks, time_mask_width
        Number of stretches that are muted, and their greatest length [frames].
    mixup
        Parameter of the Beta distribution that mixes pairs of excerpts.
    """

    PROBABILITIES: ClassVar = ("lowpass", "noise", "clipping")

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
        super().__post_init__()
        if self.rate >= 1:
            raise ParameterError(f"rate is {self.rate}; it is a relative change below 1")


NONE = BeatAugmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""No augmentation at all."""


def draw_hop(hop_length: int, rate: float, rng: Generator) -> int:
    """Return a hop that differs from `hop_length` by up to `rate`, tempi being log-uniform."""
    return max(1, round(hop_length * draw_factor(rate, rng)))


def change_samples(samples: Floats32, settings: BeatAugmentation, rng: Generator) -> Floats32:
    """Return samples ``(n_samples,)`` at another level, perhaps clipped, perhaps with noise."""
    samples = samples * np.float32(10 ** (rng.uniform(-settings.gain, settings.gain) / 20))
    if rng.random() < settings.clipping:
        samples = clip_softly(samples, drive=rng.uniform(0, 15))
    if rng.random() < settings.noise:
        snr = rng.uniform(10, 40)
        samples = add_noise(samples, np.sqrt(np.mean(np.square(samples))) * 10 ** (-snr / 20), rng)
    return samples


def draw_equalizer(n_bins: int, settings: BeatAugmentation, rng: Generator) -> Floats32:
    """Return a gain for each frequency, ``(n_bins,)``: a smooth curve over octaves."""
    octave = np.log2(np.arange(n_bins) + 1) / np.log2(n_bins)
    decibels = draw_curve(
        octave, settings.equalizer, settings.lowpass, rng, cutoff=(0.7, 1.0), slope=0.05
    )
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def change_features(features: Tensor, settings: BeatAugmentation, rng: Generator) -> Tensor:
    """Return features ``(n_frames, n_bins)`` shifted, with stripes at their quietest level."""
    steps = int(rng.integers(-settings.pitch, settings.pitch + 1))
    features = shift_bands(features, steps).clone()
    floor = features.min()
    mute_bands(features, settings.band_masks, settings.band_mask_width, floor, rng)
    mute_frames(features, settings.time_masks, settings.time_mask_width, floor, rng)
    return features
