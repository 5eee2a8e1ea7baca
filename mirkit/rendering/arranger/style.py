"""Styles of music as values: tempo, instruments, rhythmic patterns, harmony, manners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": (0, 0, 1, 2),
    "epiano": (4, 5, 4, 5, 2),
    "organ": (16, 17, 18, 16),
    "keys": (0, 1, 2, 4, 5, 16, 17),
    "acoustic": (24, 25, 25),
    "clean": (26, 27, 27, 28),
    "distorted": (29, 30, 30, 29),
    "muted": (28, 27),
    "strings": (48, 49, 50, 51, 44),
    "pad": (88, 89, 90, 91, 92, 94, 95, 50, 51),
    "choir": (52, 53, 54, 91),
    "brass": (61, 61, 62, 63, 56, 57),
    "synth": (80, 81, 82, 84, 87, 90, 62, 63),
    "pluck": (80, 81, 12, 11, 45, 99, 98, 108),
    "bass": (33, 33, 34, 33, 36),
    "pickbass": (34, 33),
    "upright": (32, 32, 32, 33),
    "synthbass": (38, 39, 38, 87, 39),
    "slap": (36, 37, 33),
    "reed": (65, 66, 64, 67, 71),
    "flute": (73, 74, 72, 75),
    "lead": (65, 66, 73, 26, 27, 29, 30, 22, 21, 53, 54, 40, 80, 81, 85, 11),
    "voice": (53, 54, 52, 85, 73, 71, 68),
    "leadguitar": (29, 30, 27, 26),
    "synthlead": (80, 81, 82, 83, 84, 85, 86, 87),
    "jazzlead": (65, 66, 56, 59, 26, 11, 57, 71, 0),
    "latinlead": (56, 57, 73, 0, 24, 65, 61, 71),
    "accordion": (21, 23, 22),
    "mallets": (11, 12, 13, 9, 10),
    "solostring": (40, 41, 42, 40),
    "pizzicato": (45, 45, 46),
    "wood": (68, 69, 70, 71, 73),
    "harp": (46, 24),
    "countrylead": (40, 25, 27, 22, 105, 40),
    "harpsichord": (6, 7),
    "banjo": (105, 25),
    "cello": (42, 43, 42),
    "chiporgan": (80, 81, 19, 20),
}
"""General MIDI programs that can play each kind of instrument (0-based; repeats weigh)."""


@dataclass(frozen=True)
class Layer:
    """An accompanying instrument.

    Parameters
    ----------
    kind
        Row of `PROGRAMS`.
    patterns
        One bar each: ``x`` chord, ``s`` softer chord, ``0``-``9`` a tone of the chord, ``b`` low
        root, ``f`` low fifth, ``-`` holds on, ``.`` rest; the length sets the step.
    chance
        Probability that a song has it.
    center
        Middle of its range [MIDI pitch].
    velocity
        Mean loudness.
    """

    kind: str
    patterns: tuple[str, ...]
    chance: float = 0.7
    center: int = 60
    velocity: int = 70


@dataclass(frozen=True)
class Style:
    """A style of music as the arranger plays it.

    Parameters
    ----------
    name
        Its name.
    tempo
        (slowest, usual, fastest) at the level listeners tap [bpm].
    beats_per_bar, meter
        Tapped beats in a bar, and the time signature as written.
    drums
        One-bar patterns, such as ``"K:x...x... S:....x..."``; letters in `drums.KEYS`. Validation
        and test have the last of three or more to themselves.
    kits
        Drum kits (General MIDI programs).
    bass
        Names of shared bass patterns, or ``walk``, ``riff``, ``kick`` (with the bass drum) or
        ``none``.
    bass_kind
        Row of `PROGRAMS`.
    layers
        Accompanying instruments.
    lead
        Row of `PROGRAMS` for the melody.
    melody
        (chance of a melody, notes in a beat).
    families
        Families of chord progressions.
    charts
        Lead sheets are played too.
    swing, swing_unit, manners
        How it is played; see `performance.Feel`.
    electronic
        Chance of a kit made of one-shot samples.
    drumless
        Chance that a song has no drums at all.
    fills
        Chance of a fill at the end of a phrase.
    grid
        Melody steps in a beat.
    two_bar
        Patterns of 16 steps span two bars, as a clave does.
    """

    name: str
    tempo: tuple[float, float, float]
    beats_per_bar: int = 4
    meter: str = "4/4"
    drums: tuple[str, ...] = ()
    kits: tuple[int, ...] = (0, 8, 16)
    bass: tuple[str, ...] = ("kick", "roots8")
    bass_kind: str = "bass"
    layers: tuple[Layer, ...] = ()
    lead: str = "lead"
    melody: tuple[float, float] = (0.7, 1.2)
    families: tuple[str, ...] = ("pop",)
    charts: bool = False
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: float = 1.0
    manners: tuple[str, ...] = ("tight", "human")
    electronic: float = 0.0
    drumless: float = 0.03
    fills: float = 0.5
    grid: int = 2
    two_bar: bool = False

    def draw_tempo(self, rng: np.random.Generator) -> float:
        """Draw a tempo [bpm]: the usual one most often, never outside the range."""
        low, usual, high = np.log(self.tempo)
        return float(np.exp(rng.triangular(low, usual, high)))
