"""Backgrounds where no music plays: noise, places and crowds, and a voice that babbles.

Such stretches teach a model of chords to say that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from mirkit.arrays import Floats32
from mirkit.rendering import effects
from mirkit.rendering.score import Span
from mirkit.rendering.voices import VOWELS

KINDS = ("noise", "babble", "ambience")
"""Sections that have a background."""

FADE = 0.04
"""Rise and fall of a background [s]."""


def add_backgrounds(
    samples: Floats32,
    sections: Iterable[Span],
    sample_rate: int,
    rng: np.random.Generator,
    ambience: Callable[[], Floats32] | None = None,
) -> Floats32:
    """Return samples with a background under each section of `KINDS`, as loud as music."""
    out = samples.copy()
    level = max(effects.rms(samples), 0.02)
    for start, end, label in sections:
        first, last = round(max(start, 0) * sample_rate), round(end * sample_rate)
        n = min(last, len(out)) - first
        if label not in KINDS or n < 2 * FADE * sample_rate + 2:
            continue
        bed = _make_background(label, n, sample_rate, rng, ambience)
        gain = level * effects.decibels(float(rng.uniform(-18, 0))) / (effects.rms(bed) + 1e-9)
        out[first : first + n] += bed * _fades(n, sample_rate) * np.float32(gain)
    return out


def _make_background(
    label: str, n: int, sample_rate: int, rng: np.random.Generator,
    ambience: Callable[[], Floats32] | None,
) -> Floats32:  # fmt: skip
    if label == "babble":
        return babble(n, sample_rate, rng)
    if label == "ambience" and ambience is not None:
        recording = ambience()
        return np.resize(np.roll(recording, -int(rng.integers(len(recording)))), n)
    return effects.noise(n, float(rng.uniform(-9, 0)), sample_rate, rng)


def _fades(n: int, sample_rate: int) -> Floats32:
    place = np.minimum(np.arange(n), np.arange(n)[::-1]) / (FADE * sample_rate)
    return np.minimum(place, 1).astype(np.float32)


def babble(n: int, sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Return a voice that speaks no language: syllables of gliding pitch, hisses, pauses."""
    out = np.zeros(n + sample_rate, np.float32)
    usual, size = float(rng.uniform(90, 230)), float(rng.uniform(0.95, 1.25))
    place = 0
    while place < n:
        if rng.random() < 0.12:
            place += round(float(rng.uniform(0.15, 0.6)) * sample_rate)
            continue
        length = round(float(rng.uniform(0.09, 0.28)) * sample_rate)
        if rng.random() < 0.4:
            hiss = np.diff(rng.standard_normal(length // 3 + 1)) * np.hanning(length // 3)
            out[place : place + length // 3][: len(hiss)] += (0.06 * hiss).astype(np.float32)
            place += length // 4
        tone = _syllable(
            usual * float(np.exp(rng.normal(scale=0.18))), length, size, sample_rate, rng
        )
        out[place : place + length] += tone[: len(out) - place]
        place += round(length * float(rng.uniform(0.85, 1.15)))
    return out[:n]


def _syllable(
    pitch: float, length: int, size: float, sample_rate: int, rng: np.random.Generator
) -> Floats32:
    """Return a vowel on a pitch [Hz] that glides as it does in speech."""
    glide = np.linspace(0, float(rng.normal(scale=0.25)), length)
    phase = (
        np.cumsum(pitch * np.exp(glide) * (1 + 0.01 * rng.standard_normal(length))) / sample_rate
    )
    pulses = np.mod(phase, 1) ** 4
    spectrum = np.fft.rfft(pulses - pulses.mean(), 2 * length)
    frequencies = np.fft.rfftfreq(2 * length, 1 / sample_rate)
    formants = np.array(VOWELS[str(rng.choice(list(VOWELS)))]) * size
    peaks = 1 / (1 + ((frequencies[:, None] - formants) / 110) ** 2) @ np.array([1, 0.6, 0.3, 0.2])
    voiced = np.fft.irfft(spectrum * (peaks + 0.01), 2 * length)[:length] * np.hanning(length)
    return np.asarray(voiced / (np.abs(voiced).max() + 1e-9), np.float32)


def choose_recording(
    paths: Sequence[Path], read: Callable[[Path], Floats32], rng: np.random.Generator
) -> Callable[[], Floats32] | None:
    """Return a function that reads a random one of the recordings, or None where there are none."""
    return (lambda: read(paths[int(rng.integers(len(paths)))])) if paths else None
