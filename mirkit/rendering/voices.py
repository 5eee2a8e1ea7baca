"""Instruments that no soundfont has: a singer with vowels and consonants, and FM synthesizers.

A singer's onsets are soft: the consonant comes before the beat, the pitch glides in. That is what
recordings have most of and samplers least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.rendering.score import Part

VOWELS = {
    "a": (800, 1200, 2600, 3500), "e": (450, 1900, 2600, 3500), "i": (300, 2300, 3000, 3700),
    "o": (450, 850, 2600, 3400), "u": (320, 750, 2400, 3300), "uh": (600, 1150, 2500, 3400),
}  # fmt: skip
"""Formants of a grown man's vowels [Hz]."""

LONGEST = 4.0
"""No note is made longer than this [s]."""


@dataclass(frozen=True)
class Throat:
    """A singer: size of the mouth, brightness, vibrato, how late the voice settles.

    Parameters
    ----------
    size
        Factor on the formants: 1 for a man, 1.17 for a woman.
    tilt
        Fall of the harmonics' amplitudes with their number.
    vibrato_cents, vibrato_hz
        Depth and rate.
    glide
        Time to reach a note from the one before [s].
    attack
        Rise of a vowel [s].
    consonants
        Chance that a note begins with one.
    """

    size: float
    tilt: float
    vibrato_cents: float
    vibrato_hz: float
    glide: float
    attack: float
    consonants: float


def draw_throat(rng: np.random.Generator) -> Throat:
    """Draw a singer."""
    return Throat(
        size=float(rng.uniform(0.95, 1.3)),
        tilt=float(rng.uniform(0.7, 1.5)),
        vibrato_cents=float(rng.uniform(0, 45)),
        vibrato_hz=float(rng.uniform(4.5, 6.8)),
        glide=float(rng.uniform(0.02, 0.09)),
        attack=float(rng.uniform(0.015, 0.07)),
        consonants=float(rng.uniform(0.3, 0.9)),
    )


def sing(
    part: Part, seconds: float, delay: float, sample_rate: int, rng: np.random.Generator
) -> Floats32:
    """Return a part sung, mono; note times are `delay` seconds later."""
    throat = draw_throat(rng)
    out = np.zeros(round(seconds * sample_rate) + sample_rate, np.float32)
    before = None
    for onset, length, pitch, velocity in part.notes.tolist():
        start = round((onset + delay) * sample_rate)
        pitch -= 12 if pitch > 81 else 0
        if not 0 <= start < len(out) - sample_rate:
            continue
        vowel = _vowel(pitch, before or pitch, min(length, LONGEST), throat, sample_rate, rng)
        _add(out, vowel * np.float32((velocity / 127) ** 1.5), start)
        if rng.random() < throat.consonants:
            sound = _consonant(sample_rate, rng)
            _add(out, sound * np.float32(velocity / 127), start - round(0.8 * len(sound)))
        before = pitch
    return out[: round(seconds * sample_rate)]


def _add(out: Floats32, sound: Floats32, start: int) -> None:
    first = max(-start, 0)
    last = min(len(sound), len(out) - start)
    if last > first:
        out[start + first : start + last] += sound[first:last]


def _vowel(
    pitch: float, before: float, length: float, throat: Throat, sample_rate: int,
    rng: np.random.Generator,
) -> Floats32:  # fmt: skip
    """Return a sung note: harmonics under formants, gliding in from the note before."""
    n = max(round((length + 0.05) * sample_rate), 64)
    time = np.arange(n, dtype=np.float32) / sample_rate
    bend = np.clip(before - pitch, -4, 4) * np.exp(-time / throat.glide)
    depth = throat.vibrato_cents / 100 * np.clip((time - 0.2) / 0.3, 0, 1)
    wobble = depth * np.sin(2 * np.pi * throat.vibrato_hz * time + rng.uniform(0, 6.28))
    frequency = 440 * 2 ** ((pitch - 69 + bend + wobble) / 12)
    phase = (2 * np.pi * np.cumsum(frequency) / sample_rate).astype(np.float32)
    center = float(440 * 2 ** ((pitch - 69) / 12))
    numbers = np.arange(1, max(int(min(7000, sample_rate / 2.3) / center), 1) + 1)
    formants = np.array(VOWELS[str(rng.choice(list(VOWELS)))]) * throat.size
    weights = (
        _formant_gain(np.asarray(numbers * center, np.float64), formants) * numbers**-throat.tilt
    )
    tone = np.zeros(n, np.float32)
    for number, weight in zip(numbers, weights / weights.max(), strict=True):
        if weight > 0.003:
            tone += np.float32(weight) * np.sin(np.float32(number) * phase)
    rise = np.minimum(time / throat.attack, 1)
    fall = np.clip((time[-1] - time) / 0.06, 0, 1)
    breath = 0.02 * rng.standard_normal(n, dtype=np.float32)
    return np.asarray((tone + breath) * rise * fall * 0.3, np.float32)


def _formant_gain(
    frequencies: NDArray[np.float64], formants: NDArray[np.float64]
) -> NDArray[np.float64]:
    widths = np.array([90, 110, 160, 220])
    levels = np.array([1.0, 0.6, 0.35, 0.2])
    peaks = levels / (1 + ((frequencies[:, None] - formants) / widths) ** 2)
    return np.asarray(peaks.sum(axis=1) + 0.01)


def _consonant(sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Return a burst of noise: long and high as in s, or short as in t and k."""
    hissing = rng.random() < 0.5
    n = round(float(rng.uniform(0.05, 0.11) if hissing else rng.uniform(0.012, 0.03)) * sample_rate)
    noise = np.diff(rng.standard_normal(n + 1, dtype=np.float32))
    if not hissing:
        noise = np.cumsum(noise) * np.float32(0.5)
    shape = np.hanning(n) if hissing else np.exp(-np.arange(n) / (0.25 * n))
    return np.asarray(noise * shape * rng.uniform(0.02, 0.09), np.float32)


@dataclass(frozen=True)
class Patch:
    """An FM sound: modulator ratio and index, how fast both die, second voice's detuning."""

    ratio: float
    index: float
    index_decay: float
    decay: float
    attack: float
    detune: float


def draw_patch(role: str, rng: np.random.Generator) -> Patch:
    """Draw a patch that suits a role: plucked for basses and keys, held for leads and pads."""
    held = role in ("lead", "pad", "strings", "brass")
    return Patch(
        ratio=float(rng.choice([0.5, 1, 1, 1, 2, 2, 3, 4, 1.41, 7])),
        index=float(rng.uniform(0.5, 6.0)),
        index_decay=float(rng.uniform(0.05, 1.0)),
        decay=float(rng.uniform(1.0, 6.0) if held else rng.uniform(0.15, 1.5)),
        attack=float(
            rng.uniform(0.01, 0.3) if role in ("pad", "strings") else rng.uniform(0.001, 0.02)
        ),
        detune=float(rng.choice([0.0, rng.uniform(2, 15)])),
    )


def synthesize(
    part: Part, seconds: float, delay: float, sample_rate: int, rng: np.random.Generator
) -> Floats32:
    """Return a part played by an FM synthesizer, mono; note times are `delay` seconds later."""
    patch = draw_patch(part.role, rng)
    out = np.zeros(round(seconds * sample_rate) + sample_rate, np.float32)
    for onset, length, pitch, velocity in part.notes.tolist():
        start = round((onset + delay) * sample_rate)
        if 0 <= start < len(out) - sample_rate:
            tone = _fm(pitch, min(length, LONGEST), patch, sample_rate)
            _add(out, tone * np.float32((velocity / 127) ** 1.5), start)
    return out[: round(seconds * sample_rate)]


def _fm(pitch: float, length: float, patch: Patch, sample_rate: int) -> Floats32:
    release = min(0.15, 0.3 * patch.decay)
    n = max(round((length + release) * sample_rate), 64)
    time = np.arange(n, dtype=np.float32) / np.float32(sample_rate)
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    limit = max(
        0.4 * sample_rate / (frequency * max(patch.ratio, 1)) - 1, 0.2
    )  # keeps from aliasing
    index = np.float32(min(patch.index, limit)) * np.exp(-time / np.float32(patch.index_decay))
    phase = np.float32(2 * np.pi * frequency) * time
    bend = index * np.sin(np.float32(patch.ratio) * phase)
    tone = np.sin(phase + bend)
    if patch.detune:
        tone = tone + np.sin(phase * np.float32(2 ** (patch.detune / 1200)) + bend)
    rise = np.minimum(time / np.float32(patch.attack), 1)
    fall = np.clip((np.float32(length + release) - time) / np.float32(release), 0, 1)
    return np.asarray(
        tone * rise * fall * np.exp(-time / np.float32(patch.decay)) * 0.2, np.float32
    )
