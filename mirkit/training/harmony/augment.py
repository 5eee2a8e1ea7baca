"""Augmentation of chords and key, all in the magnitudes of a VQT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirkit.arrays import Bools, Floats32
from mirkit.features import VQT
from mirkit.training.augment import Augmentation, Generator
from mirkit.training.stores import Clip, Store


@dataclass(frozen=True)
class HarmonyAugmentation(Augmentation):
    """Settings of the augmentation of chords and key; 0 leaves a change out.

    Parameters
    ----------
    transposition
        Greatest shift, up or down [semitones].
    detuning
        Greatest detuning of one excerpt in four; the others are off by a tenth of it [cents].
    gain
        Greatest change of level [dB].
    equalizer
        Standard deviation of a smooth random curve over pitch [dB].
    noise
        Probability that other sounds are mixed in.
    drums
        Probability that another clip's drums, or whatever is not tonal, are mixed in, by its
        magnitudes averaged over half an octave.
    nothing
        Probability that a part of an excerpt is replaced by noise or silence, without a chord.
    mask
        Probability that a stretch of up to a second goes silent, its truth unchanged.
    """

    PROBABILITIES: ClassVar = ("noise", "drums", "nothing", "mask")

    transposition: int = 6
    detuning: float = 50.0
    gain: float = 18.0
    equalizer: float = 5.0
    noise: float = 0.35
    drums: float = 0.25
    nothing: float = 0.12
    mask: float = 0.15


@dataclass(frozen=True)
class MagnitudeChanges:
    """Changes to the magnitudes of excerpts, ``(n_frames, n_bins)``.

    Parameters
    ----------
    settings
        Size of each change.
    front_end
        Front end of the stores.
    n_frames
        Length of an excerpt.
    music
        Clips whose drums are mixed in.
    noise
        Sounds without chords to mix in; synthetic noise where it holds none.
    """

    settings: HarmonyAugmentation
    front_end: VQT
    n_frames: int
    music: Store
    noise: Store

    def __call__(self, magnitudes: Floats32, rng: Generator) -> tuple[Floats32, Bools]:
        """Return changed magnitudes, and the frames in which no music is left."""
        settings = self.settings
        magnitudes = magnitudes * self._draw_gains(rng)
        if rng.random() < settings.noise:
            noise = self._draw_noise(rng)
            magnitudes = mix_magnitudes(magnitudes, noise, -rng.uniform(3, 25))
        if rng.random() < settings.drums:
            drums = self._draw_drums(rng)
            magnitudes = mix_magnitudes(magnitudes, drums, rng.uniform(-12, 3))
        silent = np.zeros(self.n_frames, bool)
        if rng.random() < settings.nothing:
            silent = self._overwrite(magnitudes, rng)
        if rng.random() < settings.mask:
            start = int(rng.integers(0, self.n_frames))
            magnitudes[start : start + int(rng.integers(1, 11))] *= 0.001
        return magnitudes, silent

    def _draw_gains(self, rng: Generator) -> Floats32:
        """Return a random level and a smooth random curve over pitch, as factors."""
        knots = rng.normal(0, self.settings.equalizer, 9)
        level = rng.uniform(-self.settings.gain, self.settings.gain)
        bins = np.linspace(0, 8, self.front_end.n_bins)
        decibels = level + np.interp(bins, np.arange(9), knots)
        return np.asarray(10 ** (decibels / 20), dtype=np.float32)

    def _draw_drums(self, rng: Generator) -> Floats32:
        """Return the attacks of another clip: its rising magnitudes, smeared over pitch."""
        clip, first = self._draw_place(self.music, rng)
        other = self.front_end.magnitudes(self.music.excerpt(clip, first, self.n_frames))
        rise = np.maximum(np.diff(other, axis=0, prepend=other[:1]), 0)
        width = self.front_end.bins_per_octave // 2
        sums = np.cumsum(np.pad(rise, ((0, 0), (width // 2 + 1, width // 2)), "edge"), axis=1)
        smear = (sums[:, width:] - sums[:, :-width])[:, : rise.shape[1]] / width
        spread = rng.gamma(4, 0.25, smear.shape).astype(np.float32)
        return np.asarray(np.maximum(smear, 0) * spread, dtype=np.float32)

    def _overwrite(self, magnitudes: Floats32, rng: Generator) -> Bools:
        """Overwrite a part by noise or silence, and return its frames."""
        silent = np.zeros(self.n_frames, bool)
        if rng.random() < 0.4:
            silent[:] = True
        else:
            edge = int(rng.integers(8, self.n_frames))
            silent[slice(edge, None) if rng.random() < 0.5 else slice(0, edge)] = True
        filling = self._draw_noise(rng) if rng.random() < 0.75 else np.zeros_like(magnitudes)
        floor = rng.gamma(1, 1, magnitudes.shape) * 10 ** rng.uniform(-6, -3)
        magnitudes[silent] = (filling * self._draw_gains(rng) + floor)[silent]
        return silent

    def _draw_noise(self, rng: Generator) -> Floats32:
        """Return magnitudes of sounds without chords, or of synthetic noise."""
        if not self.noise.clips or rng.random() < 0.3:
            tilt = np.exp2(np.linspace(0, rng.uniform(-4, 6), self.front_end.n_bins))
            loud = np.exp(rng.normal(0, 0.5, (self.n_frames, 1)))
            shape = np.sqrt(rng.gamma(1, 1, (self.n_frames, self.front_end.n_bins)))
            return np.asarray(0.01 * shape * loud * tilt, dtype=np.float32)
        clip, first = self._draw_place(self.noise, rng)
        values = self.noise.excerpt(clip, first, min(self.n_frames, clip.length))
        n_times = -(-self.n_frames // len(values))
        return self.front_end.magnitudes(np.tile(values, (n_times, 1))[: self.n_frames])

    def _draw_place(self, store: Store, rng: Generator) -> tuple[Clip, int]:
        clip = store.clips[int(rng.integers(len(store)))]
        return clip, int(rng.integers(0, max(1, clip.length - self.n_frames)))


def mix_magnitudes(a: Floats32, b: Floats32, decibels: float) -> Floats32:
    """Return the magnitudes of `a` with `b` mixed in at a level relative to it [dB]."""
    wanted = _level(a) * 10 ** (decibels / 20)
    b = b * np.float32(wanted / max(_level(b), 1e-6))
    return np.asarray(np.sqrt(a**2 + b**2), dtype=np.float32)


def _level(magnitudes: Floats32) -> float:
    return float(np.sqrt(np.mean(magnitudes**2)))
