"""Vocabularies and spellings that tasks and formats share: notes, keys, chords.

The label lists of the heads of chord and key models stand here, in their order, and nowhere else.
"""

from __future__ import annotations

from mirkit.vocab.chord_classes import (
    CHORD_QUALITIES,
    CHORD_ROOTS,
    CHORD_TAGS,
    VOCABULARIES,
    reduce_chord,
)
from mirkit.vocab.chords import Chord, parse_chord
from mirkit.vocab.keys import KEYS, MODES, normal_key
from mirkit.vocab.notes import PITCHES, SHARPS, TONICS, pitch_class

__all__ = [
    "CHORD_QUALITIES",
    "CHORD_ROOTS",
    "CHORD_TAGS",
    "KEYS",
    "MODES",
    "PITCHES",
    "SHARPS",
    "TONICS",
    "VOCABULARIES",
    "Chord",
    "normal_key",
    "parse_chord",
    "pitch_class",
    "reduce_chord",
]
