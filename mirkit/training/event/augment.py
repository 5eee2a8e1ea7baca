"""Augmentation of scenes as log-mel features: more sounds, other rooms, other times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.arrays import Bools, Floats32

Batch = tuple[Floats32, Floats32]
"""Features ``(batch, n_frames, n_bins)`` and targets ``(batch, n_steps, n_classes)``."""


@dataclass(frozen=True)
class SceneAugment:
    """Change batches of scenes at random.

    Parameters
    ----------
    mix
        Share of the scenes to which another one of the batch is added, before the logarithm: what
        sounds in either sounds in both.
    gain
        Largest change of the level [dB].
    tone
        Standard deviation of the curve of the tone, at 6 places with lines between them [dB].
    roll
        Whether scenes begin anywhere and go on from their end at the beginning.
    """

    mix: float = 0.5
    gain: float = 9.0
    tone: float = 4.0
    roll: bool = True

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch, changed."""
        features, targets = batch
        if self.roll:
            features, targets = roll(features, targets, rng)
        features = features + self._tones(features.shape, rng)
        return mix_scenes(features, targets, rng.random(len(features)) < self.mix, rng)

    def _tones(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats32:
        """Return what to add to log energies, ``(batch, 1, n_bins)``."""
        n, _, n_bins = shape
        points = rng.normal(scale=self.tone, size=(n, 6))
        places = np.linspace(0, n_bins - 1, 6)
        curves = np.stack([np.interp(np.arange(n_bins), places, row) for row in points])
        level = rng.uniform(-self.gain, self.gain, (n, 1))
        added: Floats32 = ((curves + level) * (np.log(10) / 10)).astype(np.float32)
        return added[:, None]


def roll(features: Floats32, targets: Floats32, rng: np.random.Generator) -> Batch:
    """Return scenes that begin at random steps, and go on with what came before.

    Frames that do not fill the last step stay out of it, at the end.
    """
    step = -(-features.shape[1] // targets.shape[1])
    n_steps = features.shape[1] // step
    whole = n_steps * step
    features, targets = features.copy(), targets.copy()
    for x, y in zip(features, targets, strict=True):
        by = int(rng.integers(n_steps))
        x[:whole] = np.roll(x[:whole], by * step, axis=0)
        y[:n_steps] = np.roll(y[:n_steps], by, axis=0)
    return features, targets


def mix_scenes(
    features: Floats32, targets: Floats32, chosen: Bools, rng: np.random.Generator
) -> Batch:
    """Return scenes, those that are `chosen` with the energy of another one added.

    Parameters
    ----------
    features
        Natural logarithms of energies.
    targets
        What sounds when.
    chosen
        Shape ``(batch,)``, bool.
    """
    other = rng.permutation(len(features))
    both = np.logaddexp(features, features[other])
    sounds = np.maximum(targets, targets[other])
    pick = chosen[:, None, None]
    return np.where(pick, both, features), np.where(pick, sounds, targets)
