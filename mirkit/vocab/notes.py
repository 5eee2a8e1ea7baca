"""Notes: the names of the twelve pitch classes."""

from __future__ import annotations

from mirkit.errors import ParameterError

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""The one spelling of each pitch class as a tonic, C = 0."""

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""Each pitch class spelled without flats: what chord models name their classes."""

FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
"""Each pitch class spelled without sharps."""

PITCHES = SHARPS
"""Labels of a head of pitch classes."""

ACCIDENTALS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
"""What each sign adds [semitones]."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def pitch_class(name: str) -> int:
    """Return the pitch class of a note name: C = 0, each # adds one, each b takes one.

    Examples
    --------
    >>> pitch_class("Db"), pitch_class("B#")
    (1, 0)
    """
    if not name or name[0].upper() not in _LETTERS or set(name[1:]) - set(ACCIDENTALS):
        raise ParameterError(f"{name!r} is no note name; one is a letter A–G with # or b after it")
    return (_LETTERS[name[0].upper()] + sum(ACCIDENTALS[sign] for sign in name[1:])) % 12
