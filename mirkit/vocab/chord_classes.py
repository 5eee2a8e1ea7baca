"""The classes of chord models, and the smaller vocabularies that chords are reduced to.

| vocabulary | chords |
|---|---|
| ``majmin`` | major and minor |
| ``sevenths`` | major, minor, maj7, 7, min7 |
| ``full`` | all of `CHORD_QUALITIES` |

Each has N beside it.
"""

from __future__ import annotations

from functools import cache

from mirkit import checks
from mirkit.vocab.chords import NO_CHORD, SHORTHANDS, UNKNOWN, Chord, parse_chord
from mirkit.vocab.notes import SHARPS

CHORD_ROOTS = (*SHARPS, "N")
"""Labels of the root and bass heads of a chord model, 13."""

CHORD_QUALITIES = (
    "min", "maj", "dim", "aug", "min6", "maj6", "min7", "minmaj7", "maj7", "7", "dim7", "hdim7",
    "sus2", "sus4",
)  # fmt: skip
"""The qualities that chord models tell apart, in their order."""

CHORD_TAGS = (
    *(f"{root}:{quality}" for root in SHARPS for quality in CHORD_QUALITIES),
    "N",
    "X",
)
"""Labels of the tag head of a chord model, 170: index = root * 14 + quality, then N, then X."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "majmin": ("maj", "min"),
    "sevenths": ("maj", "min", "maj7", "7", "min7"),
    "full": CHORD_QUALITIES,
}
"""Qualities of each vocabulary."""

_REDUCED: dict[str, dict[str, tuple[str, ...]]] = {
    "majmin": {
        "maj": ("aug", "maj6", "maj7", "7", "sus2", "sus4"),
        "min": ("dim", "min6", "min7", "minmaj7", "dim7", "hdim7"),
    },
    "sevenths": {
        "maj": ("aug", "maj6", "sus2", "sus4"),
        "min": ("dim", "min6", "minmaj7", "dim7"),
        "min7": ("hdim7",),
    },
    "full": {},
}
"""What each quality takes in that a vocabulary lacks: by its third, a suspended one as major."""


def reduced_quality(quality: str, vocabulary: str) -> str:
    """Return what one of `CHORD_QUALITIES` is in a vocabulary.

    Raises
    ------
    UnknownName
        Where there is no such vocabulary.

    Examples
    --------
    >>> reduced_quality("hdim7", "sevenths"), reduced_quality("hdim7", "majmin")
    ('min7', 'min')
    """
    checks.member("chord vocabulary", vocabulary, VOCABULARIES)
    for kept, taken in _REDUCED[vocabulary].items():
        if quality in taken:
            return kept
    return quality


@cache
def tag_quality(chord: Chord) -> str | None:
    """Return which of `CHORD_QUALITIES` a chord is nearest to, or None.

    The quality with the most tones all of which are in the chord; of several its shorthand's own.
    The bass counts as a tone, ninths and above do not, and a fifth that is left out is thought
    there. None where no quality fits: N, X, a bare fifth, a flat fifth over a major third.

    Examples
    --------
    >>> [tag_quality(parse_chord(label)) for label in ("C:9", "C:maj/b7", "C:7(*5)", "C:5")]
    ['7', '7', '7', None]
    """
    if chord.root is None:
        return None
    steps = set(chord.core)
    if steps & {3, 4} and not steps & {6, 7, 8}:
        steps.add(7)
    fitting = [quality for quality in CHORD_QUALITIES if {*SHORTHANDS[quality]} <= steps]
    if not fitting:
        return None
    own = SHORTHANDS.get(chord.shorthand, ())
    return max(fitting, key=lambda q: (len(SHORTHANDS[q]), len({*SHORTHANDS[q]} & {*own})))


@cache
def reduce_chord(label: str, vocabulary: str = "full") -> str:
    """Return a chord in the labels of a vocabulary: `CHORD_TAGS`, in root position.

    Parameters
    ----------
    label
        In Harte's syntax.
    vocabulary
        One of `VOCABULARIES`.

    Returns
    -------
    str
        ``N`` for no chord, and ``X`` for what the vocabulary has nothing near to.

    Raises
    ------
    ParameterError
        Where `label` is no chord.
    UnknownName
        Where there is no such vocabulary.

    Examples
    --------
    >>> reduce_chord("Bb:min9/5"), reduce_chord("Bb:min9/5", "majmin"), reduce_chord("C:5")
    ('A#:min7', 'A#:min', 'X')
    """
    chord = parse_chord(label)
    quality = tag_quality(chord)
    if quality is None:
        return str(NO_CHORD if chord == NO_CHORD else UNKNOWN)
    assert chord.root is not None
    return f"{SHARPS[chord.root]}:{reduced_quality(quality, vocabulary)}"
