"""Melodies over any chord: its own scale, passing notes, appoggiaturas, blue notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirkit.rendering.arranger.melody import Motif
from mirkit.rendering.harmony import SCALES, Chord
from mirkit.rendering.score import Note

BLUE = (3, 6, 10)
"""Blue notes above the tonic [semitones]."""


def chord_scale(chord: Chord, tonic: int, minor: bool) -> frozenset[int]:
    """Return the scale over a chord: the key's, without what rubs against a tone outside it.

    Examples
    --------
    >>> sorted(chord_scale(Chord(9, "7", 9), tonic=0, minor=False))
    [1, 4, 5, 7, 9, 11]
    """
    tones = set(chord.tones)
    key = {(tonic + step) % 12 for step in SCALES["minor" if minor else "major"]}
    foreign = tones - key
    kept = {note for note in key if not {(note + 1) % 12, (note - 1) % 12} & foreign}
    return frozenset(kept | tones)


class Singer:
    """A singer's way through a song: range, habits, and the note sung last."""

    def __init__(self, center: int, rng: np.random.Generator) -> None:
        self.low, self.high = center - 9, center + 12
        self.here = center
        self.leaning = float(rng.uniform(0.0, 0.25))
        self.blue = float(rng.uniform(0.1, 0.3)) if rng.random() < 0.15 else 0.0
        self.owed: int | None = None

    def sing(
        self, shape: Motif, start: float, harmony: Harmony, rng: np.random.Generator
    ) -> list[Note]:
        """Return a motif sung at a place [beats]."""
        notes: list[Note] = []
        for onset, length in zip(shape.onsets, shape.lengths, strict=True):
            at = start + onset
            chord, tonic, minor, end = harmony.at(at)
            pitch = self._next(onset % 1 == 0 or length > 0.9, chord, tonic, minor, rng)
            after = harmony.at(end)[0]
            if at + length > end and pitch % 12 not in after.tones:
                length = max(end - at, 0.1)
            notes.append((at, length, float(pitch), 88.0 + float(rng.normal()) * 4))
        return notes

    def _next(
        self, strong: bool, chord: Chord, tonic: int, minor: bool, rng: np.random.Generator
    ) -> int:
        """Return the next pitch: a chord's tone where it weighs, steps elsewhere."""
        scale = chord_scale(chord, tonic, minor)
        if self.owed is not None and self.owed % 12 in scale:  # the appoggiatura resolves
            self.here, self.owed = self.owed, None
            return self.here
        self.owed = None
        wanted = self.here + int(rng.choice([-4, -3, -2, -1, 1, 2, 3, 4]))
        if self.blue and not strong and rng.random() < self.blue:
            self.here = self._nearest(wanted, {(tonic + step) % 12 for step in BLUE})
        elif strong:
            self.here = self._nearest(wanted, set(chord.tones))
            if rng.random() < self.leaning:
                self.owed = self.here
                return self._nearest(self.here + 2, set(scale) - {self.here % 12})
        else:
            self.here = self._nearest(wanted, set(scale))
        return self.here

    def _nearest(self, pitch: int, classes: set[int]) -> int:
        """Return the pitch of one of the classes nearest to `pitch` within the range."""
        fitting = [p for p in range(self.low, self.high + 1) if p % 12 in classes]
        return min(fitting, key=lambda p: abs(p - pitch))


class Harmony:
    """The chord and key that hold at each beat of a song.

    Parameters
    ----------
    starts
        First beat of each chord, ascending.
    chords
        (chord, tonic, minor) of each.
    end
        Where the last ends [beats].
    """

    def __init__(
        self, starts: Sequence[float], chords: Sequence[tuple[Chord, int, bool]], end: float
    ) -> None:
        self._starts = np.array(starts)
        self._chords = chords
        self._ends = [*starts[1:], end]

    def at(self, beat: float) -> tuple[Chord, int, bool, float]:
        """Return the chord at a beat, its key's tonic and mode, and where it ends [beats]."""
        index = max(int(np.searchsorted(self._starts, beat + 1e-6, side="right")) - 1, 0)
        chord, tonic, minor = self._chords[index]
        return chord, tonic, minor, self._ends[index]
