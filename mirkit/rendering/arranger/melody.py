"""Melodies: rhythmic motifs that return, steps on the scale, chord tones on the beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.rendering.harmony import SCALES, Chord
from mirkit.rendering.score import Note


@dataclass(frozen=True)
class Motif:
    """A rhythm of a few bars: onsets and lengths [beats]."""

    onsets: tuple[float, ...]
    lengths: tuple[float, ...]


def draw_motif(
    n_bars: int,
    bar_length: int,
    density: float,
    grid: int,
    syncopation: float,
    rng: np.random.Generator,
) -> Motif:
    """Draw a rhythm with about `density` notes a beat, and a rest at its end."""
    n_steps = n_bars * bar_length * grid
    strength = np.array([_strength(i, grid, bar_length, syncopation) for i in range(n_steps)])
    share = density / grid
    chance = np.clip(strength * share / strength.mean(), 0, 0.95)
    rest_from = n_steps - int(rng.integers(0, max(bar_length * grid // 2, 1) + 1))
    chance[rest_from:] *= 0.1
    steps = np.flatnonzero(rng.random(n_steps) < chance)
    onsets = steps / grid
    gaps = np.diff(np.append(onsets, n_bars * bar_length))
    lengths = np.minimum(gaps * rng.uniform(0.7, 1.0), rng.choice([1.0, 2.0, 4.0]))
    return Motif(tuple(map(float, onsets)), tuple(map(float, lengths)))


def _strength(step: int, grid: int, bar_length: int, syncopation: float) -> float:
    if step % (grid * bar_length) == 0:
        return 1.0 - 0.5 * syncopation
    if step % grid == 0:
        return 0.85 - 0.4 * syncopation
    if grid % 2 == 0 and step % (grid // 2) == 0:
        return 0.55 + 0.3 * syncopation
    return 0.3


def sing(
    shape: Motif,
    start: float,
    chord_at: dict[int, Chord],
    tonic: int,
    minor: bool,
    center: int,
    velocity: float,
    rng: np.random.Generator,
) -> list[Note]:
    """Return the motif at a place as a line of small steps over the chords."""
    scale = SCALES["minor" if minor else "major"]
    allowed = np.array([p for p in range(center - 9, center + 13) if (p - tonic) % 12 in scale])
    here = int(rng.integers(len(allowed)))
    notes: list[Note] = []
    for onset, length in zip(shape.onsets, shape.lengths, strict=True):
        here = int(np.clip(here + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]), 0, len(allowed) - 1))
        pitch = int(allowed[here])
        chord = chord_at.get(int(start + onset))
        if chord and (onset % 1 == 0 or length > 0.9):
            pitch = _nearest_tone(pitch, chord)
        notes.append((start + onset, length, pitch, velocity + rng.normal() * 4))
    return notes


def _nearest_tone(pitch: int, chord: Chord) -> int:
    for distance in range(7):
        for candidate in (pitch - distance, pitch + distance):
            if candidate % 12 in chord.tones:
                return candidate
    return pitch


def play_pickup(tonic: int, center: int, rng: np.random.Generator) -> list[Note]:
    """Return one to three notes that lead into the first downbeat."""
    n = int(rng.integers(1, 4))
    length = float(rng.choice([0.5, 1.0])) if n > 1 else 1.0
    fifth = center + (tonic + 7 - center) % 12
    return [(-length * (n - i), length * 0.9, float(fifth + 2 * i), 86.0) for i in range(n)]
