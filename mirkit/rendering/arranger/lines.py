"""Bass lines and accompaniment: patterns that follow the chords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.rendering.arranger.patterns import shared_patterns
from mirkit.rendering.harmony import Chord, voicing
from mirkit.rendering.score import Note


@dataclass(frozen=True)
class Place:
    """One chord's stretch of a bar: where it lies and what comes next."""

    start: float
    length: float
    bar_start: float
    bar_length: int
    chord: Chord
    following: Chord


_STEPS = {"1": 0, "8": 12}


def bass_pitch(
    token: str, chord: Chord, following: Chord, low: int, rng: np.random.Generator
) -> int:
    """Return the pitch of a bass token, at or above `low`."""
    root = low + (chord.bass - low) % 12
    if token in _STEPS:
        return root + _STEPS[token]
    if token == "n":
        target = low + (following.bass - low) % 12
        return target + int(rng.choice([-1, 1, -2, 2]))
    if token == "6":
        return root + (9 if len(chord.tones) < 4 or 9 in chord.tones else 10)
    index = {"3": 1, "5": 2, "7": 3}[token]
    tones = chord.tones if len(chord.tones) > index else (*chord.tones, chord.tones[-1])
    tone = tones[min(index, len(tones) - 1)]
    return root + (tone - chord.bass) % 12


def play_tokens(
    tokens: str, place: Place, low: int, velocity: float, rng: np.random.Generator
) -> list[Note]:
    """Return the notes of a bar-long pattern that fall into one chord's stretch."""
    step = place.bar_length / len(tokens)
    notes: list[Note] = []
    for i, token in enumerate(tokens):
        at = place.bar_start + i * step
        if token in ".-" or not place.start - 1e-6 <= at < place.start + place.length - 1e-6:
            continue
        held = 1 + len(tokens[i + 1 :]) - len(tokens[i + 1 :].lstrip("-"))
        accent = 8 if i == 0 else 0
        pitch = bass_pitch(token, place.chord, place.following, low, rng)
        notes.append((at, held * step * 0.92, pitch, velocity + accent))
    return notes


def walk_bass(place: Place, low: int, velocity: float, rng: np.random.Generator) -> list[Note]:
    """Return a walking bass: chord tones on the way, a neighbor of the next root at the end."""
    n_beats = max(round(place.length), 1)
    notes: list[Note] = []
    pitch = bass_pitch("1", place.chord, place.following, low, rng)
    for i in range(n_beats):
        if i == n_beats - 1 and n_beats > 1:
            pitch = bass_pitch("n", place.chord, place.following, low, rng)
        elif i:
            pitch = bass_pitch(
                str(rng.choice(["3", "5", "7", "8", "6"])), place.chord, place.following, low, rng
            )
        notes.append((place.start + i, 0.93, pitch, velocity + (5 if i % 2 else 0)))
        if rng.random() < 0.08:  # a skipped note into the next beat
            notes[-1] = (place.start + i, 0.5, pitch, velocity)
            notes.append((place.start + i + 2 / 3, 0.3, pitch, velocity - 14))
    return notes


def draw_riff(bar_length: int, steps_per_beat: int, rng: np.random.Generator) -> str:
    """Return a new bass figure: the root on the one, a few syncopations."""
    n = bar_length * steps_per_beat
    tokens = ["1"] + ["."] * (n - 1)
    for i in range(1, n):
        chance = (
            0.42
            if i % steps_per_beat == 0
            else 0.34
            if i % max(steps_per_beat // 2, 1) == 0
            else 0.12
        )
        if rng.random() < chance:
            tokens[i] = str(rng.choice(list("11115588377n")))
        elif rng.random() < 0.4:
            tokens[i] = "-"
    return "".join(tokens)


def follow_kick(kick: str, rng: np.random.Generator) -> str:
    """Return a bass figure that plays with the kick drum and holds until its next stroke."""
    hold = "-" if rng.random() < 0.7 else "."
    figure = ["1" if mark in "Xx" else hold for mark in kick]
    figure[0] = "1"
    for i, token in enumerate(figure):
        if token == "1" and i and rng.random() < 0.2:
            figure[i] = str(rng.choice(["5", "8", "7"]))
    return "".join(figure)


def draw_figure(kind: str, kick: str, bar_length: int, grid: int, rng: np.random.Generator) -> str:
    """Return the bar-long figure of a bass kind; ``walk`` stands for the function `walk_bass`."""
    if kind == "kick" and kick:
        return follow_kick(kick, rng)
    if kind in ("riff", "kick"):
        return draw_riff(bar_length, 2 if bar_length > 4 or grid == 1 else grid, rng)
    if kind in shared_patterns("bass"):
        return fit_figure(str(rng.choice(shared_patterns("bass")[kind])), kind, bar_length)
    return kind


def fit_figure(figure: str, kind: str, bar_length: int) -> str:
    """Return a figure of four beats cut or repeated to the bar's length."""
    natural = {"waltz": 3, "boogie": 4, "rootfifth": 4}.get(kind, 4)
    if natural == bar_length or kind in ("whole",):
        return figure
    per_beat = len(figure) // natural
    return (figure * 3)[: per_beat * bar_length] if per_beat else figure


def comp(
    pattern: str,
    place: Place,
    center: int,
    velocity: float,
    previous: list[int],
    rng: np.random.Generator,
    pitches: list[int] | None = None,
) -> tuple[list[Note], list[int]]:
    """Return the accompaniment within one chord's stretch, and its voicing: `pitches`, or drawn."""
    if pitches is None:
        pitches = voicing(place.chord, center, previous, n_max=int(rng.choice([3, 4, 4])))
    step = place.bar_length / len(pattern)
    notes: list[Note] = []
    for i, token in enumerate(pattern):
        at = place.bar_start + i * step
        if token in ".-" or not place.start - 1e-6 <= at < place.start + place.length - 1e-6:
            continue
        held = 1 + len(pattern[i + 1 :]) - len(pattern[i + 1 :].lstrip("-"))
        length = min(held * step, place.start + place.length - at) * (0.96 if held > 1 else 0.8)
        accent = 6 if i == 0 else -10 if token == "s" else 0
        notes += [
            (at, length, pitch, velocity + accent)
            for pitch in _comp_pitches(token, pitches, place.chord, center)
        ]
    if not notes and place.start > place.bar_start and "x" in pattern and rng.random() < 0.5:
        notes = [(place.start, place.length * 0.9, pitch, velocity) for pitch in pitches]
    return notes, pitches


def _comp_pitches(token: str, pitches: list[int], chord: Chord, center: int) -> list[int]:
    if token in "xs":
        return pitches
    low = center - 18
    if token == "b":
        return [low + (chord.bass - low) % 12]
    if token == "f":
        return [low + (chord.tones[min(2, len(chord.tones) - 1)] - low) % 12]
    index = int(token)
    return [pitches[index % len(pitches)] + 12 * (index // len(pitches))]


def power_chord(chord: Chord, center: int) -> list[int]:
    """Return a power chord: root, fifth, octave."""
    low = center - 12
    root = low + (chord.root - low) % 12
    return [root, root + 7, root + 12]


@dataclass(frozen=True)
class Push:
    """Chords that come before their bar: by how much, and in which of four bars."""

    amount: float = 0.0
    bars: tuple[bool, ...] = (False,) * 4


def draw_push(grid: int, rng: np.random.Generator) -> Push:
    """Draw whether a song anticipates downbeats, as pop, rock and Latin bands often do."""
    if grid == 3 or rng.random() > 0.3:
        return Push()
    amount = 0.25 if grid == 4 and rng.random() < 0.6 else 0.5
    return Push(amount, tuple(bool(x) for x in rng.random(4) < rng.uniform(0.3, 0.9)))


def push_notes(notes: list[Note], push: Push, n_beats: int) -> list[Note]:
    """Return notes with those on the downbeat of a pushed bar moved ahead of it."""
    if not push.amount:
        return notes
    return [
        (onset - push.amount, length + push.amount, pitch, velocity)
        if onset >= n_beats and onset % n_beats < 1e-6 and push.bars[int(onset // n_beats) % 4]
        else (onset, length, pitch, velocity)
        for onset, length, pitch, velocity in notes
    ]
