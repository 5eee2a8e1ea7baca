"""Spell roots with the sharps or flats of the key that a piece is most in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mirkit.vocab.chords import parse_chord

_LINE = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#",
         "D#", "A#", "E#")  # fmt: skip
"""The line of fifths, C in place 7: no note that is rarely written."""

_C = 7
_KEYS = range(-5, 7)  # fifths from C major: five flats to six sharps
_SCALE = range(-1, 6)  # fifths from its tonic to the notes of a major key
_NEAR = range(-4, 8)  # and to all twelve notes, as they are most often spelled


def spell_chords(labels: Sequence[str], weights: Iterable[float] | None = None) -> tuple[str, ...]:
    """Return chords with their roots spelled as one key signature would have them.

    The signature is the one whose scale holds the most of the chords' tones; of equals the one
    with the fewest sharps or flats. Labels that are already spelled otherwise are respelled.

    Parameters
    ----------
    labels
        Chords in Harte's syntax.
    weights
        How much each counts, such as its duration [s]; all alike where None.

    Examples
    --------
    >>> spell_chords(["F:maj", "A#:maj", "C:7"]), spell_chords(["E:maj", "G#:min", "N"])
    (('F:maj', 'Bb:maj', 'C:7'), ('E:maj', 'G#:min', 'N'))
    """
    chords = [parse_chord(label) for label in labels]
    heard = [0.0] * 12
    for chord, weight in zip(
        chords, [1.0] * len(chords) if weights is None else weights, strict=True
    ):
        for pitch in chord.pitch_classes:
            heard[pitch] += weight
    signature = max(_KEYS, key=lambda fifths: (round(_held(heard, fifths), 9), -abs(fifths)))
    names = {7 * fifths % 12: _name(fifths) for fifths in (signature + i for i in _NEAR)}
    spelled = []
    for chord in chords:
        name = chord.name if chord.root is None else names[chord.root]
        spelled.append(str(type(chord)(name, chord.shorthand, chord.degrees, chord.bass)))
    return tuple(spelled)


def _held(heard: list[float], fifths: int) -> float:
    """Return how much of what was heard lies in the scale of a signature."""
    return sum(heard[7 * (fifths + i) % 12] for i in _SCALE)


def _name(fifths: int) -> str:
    """Return the note so many fifths from C, or its enharmonic where that one is rarely written."""
    place = _C + fifths
    return _LINE[place + 12 if place < 0 else place - 12 if place >= len(_LINE) else place]
