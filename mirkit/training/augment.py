"""Augmentation: changes to excerpts, so that a network never hears the same one twice.

Each is a small function of its input and a random generator. The changes that a family of tasks
makes with them, and their settings, are in the family's own ``augment.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mirkit.arrays import Floats, Floats32
from mirkit.errors import ParameterError

Generator = np.random.Generator
Array = TypeVar("Array", NDArray[np.float32], Tensor)


@dataclass(frozen=True)
class Augmentation:
    """Settings of the changes that a family makes; 0 leaves one out.

    Attributes
    ----------
    PROBABILITIES
        Names of the settings that lie in [0, 1].
    SIGNED
        Names of the numbers that may be negative.
    """

    PROBABILITIES: ClassVar[tuple[str, ...]] = ()
    SIGNED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if name in self.PROBABILITIES and not 0 <= value <= 1:
                raise ParameterError(f"{name} is {value}; it is a probability, in [0, 1]")
            if isinstance(value, int | float) and value < 0 and name not in self.SIGNED:
                raise ParameterError(f"{name} is {value}; it is not negative")


def draw_factor(rate: float, rng: Generator) -> float:
    """Return a random factor between ``1 / (1 + rate)`` and ``1 + rate``, log-uniform."""
    return float(np.exp(rng.uniform(-1, 1) * np.log1p(rate)))


def draw_curve(
    place: Floats,
    greatest: float,
    lowpass: float,
    rng: Generator,
    cutoff: tuple[float, float],
    slope: float,
) -> Floats:
    """Return random gains [dB], a smooth curve over frequency, perhaps without the highs.

    The curve is the mean of three waves of half a period to three periods.

    Parameters
    ----------
    place
        Position of each frequency on the axis of the curve, from 0 to 1.
    greatest
        Greatest gain or loss [dB].
    lowpass
        Probability of a low-pass filter, 60 dB deep.
    rng
        Random generator.
    cutoff
        Where the filter begins, from and to [position].
    slope
        Its width [position].
    """
    periods, phases = rng.uniform(0.5, 3, 3), rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * periods * place[:, None] + phases).mean(axis=1)
    decibels: Floats = rng.uniform(0, greatest) * waves
    if rng.random() < lowpass:
        edge = rng.uniform(*cutoff)
        decibels -= 60 * np.clip((place - edge) / slope, 0, 1)
    return decibels


def add_noise(samples: Floats32, level: float, rng: Generator) -> Floats32:
    """Return samples ``(n_samples,)`` with white noise of this root mean square."""
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return np.asarray(samples + np.float32(level) * noise, dtype=np.float32)


def clip_softly(samples: Floats32, drive: float) -> Floats32:
    """Return samples bent by a hyperbolic tangent, `drive` dB above their peak, at equal peak."""
    peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
    factor = np.float32(10 ** (drive / 20))
    bent = np.tanh(samples / np.float32(peak) * factor)
    return np.asarray(bent / np.tanh(factor) * np.float32(peak), dtype=np.float32)


def draw_stripe(size: int, greatest: int, rng: Generator) -> slice:
    """Return a random stretch of up to `greatest` of `size` places."""
    width = int(rng.integers(0, min(greatest, size) + 1))
    first = int(rng.integers(0, size - width + 1))
    return slice(first, first + width)


def mute_bands(features: Array, n_stripes: int, width: int, level: Any, rng: Generator) -> None:
    """Set random stripes of features ``(n_frames, n_bins)``, up to `width` bins wide, to `level`.

    With `mute_frames` this is SpecAugment without its warping of time.

    References
    ----------
    D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition", Interspeech 2019.
    """
    for _ in range(n_stripes):
        features[:, draw_stripe(features.shape[1], width, rng)] = level


def mute_frames(values: Array, n_stripes: int, length: int, level: Any, rng: Generator) -> None:
    """Set random stretches of frames or samples, up to `length` of them, to `level`."""
    for _ in range(n_stripes):
        values[draw_stripe(len(values), length, rng)] = level


def shift_bands(features: Tensor, steps: int) -> Tensor:
    """Return features ``(..., n_bins)`` shifted up by `steps` bands, the edge band repeated."""
    if steps == 0:
        return features
    n_bins = features.shape[-1]
    index = (torch.arange(n_bins, device=features.device) - steps).clamp(0, n_bins - 1)
    return features[..., index]


def shift_bands_by_parts(x: Floats32, shift: float) -> Floats32:
    """Return ``(n_frames, n_bins)`` shifted up by `shift` bands, interpolated, edges repeated.

    Examples
    --------
    >>> shift_bands_by_parts(np.array([[1, 2, 4]], np.float32), 0.5).tolist()
    [[1.0, 1.5, 3.0]]
    """
    if shift == 0:
        return x
    n_bins = x.shape[1]
    at = np.clip(np.arange(n_bins) - shift, 0, n_bins - 1)
    index = np.minimum(at.astype(np.int64), n_bins - 2)
    share = (at - index).astype(np.float32)
    return np.asarray(x[:, index] * (1 - share) + x[:, index + 1] * share, np.float32)


def mix_examples(a: Mapping[str, Array], b: Mapping[str, Array], share: float) -> dict[str, Array]:
    """Return mixup: features and targets of `a` and `b`, the former weighted by `share`.

    Masks multiply: what is unknown in either is unknown in the mixture.

    References
    ----------
    H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """
    return {
        name: a[name] * b[name]
        if name.endswith("mask")
        else share * a[name] + (1 - share) * b[name]
        for name in a
    }
