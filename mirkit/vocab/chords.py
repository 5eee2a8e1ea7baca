"""Chords in Harte's syntax: ``C:maj``, ``A:min7/b3``, ``G:7(*5,#9)``, ``D:(1,4,b7)``, ``N``, ``X``.

    label     = "N" | "X" | root [":" (shorthand ["(" degrees ")"] | "(" degrees ")")] ["/" degree]
    degrees   = ["*"] degree {"," ["*"] degree}         * leaves a tone of the shorthand out
    degree    = {"b" | "#"} 1 … 13

A root alone is a major chord. N is no chord; X a chord that is not known or has no name.

References
----------
C. Harte, M. Sandler, S. Abdallah and E. Gómez: Symbolic representation of musical chords. ISMIR
2005.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from mirkit.errors import ParameterError
from mirkit.vocab.notes import SHARPS, pitch_class

SHORTHANDS: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "aug7": (0, 4, 8, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "9": (0, 4, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "min9": (0, 3, 7, 10, 14),
    "11": (0, 4, 7, 10, 14, 17),
    "maj11": (0, 4, 7, 11, 14, 17),
    "min11": (0, 3, 7, 10, 14, 17),
    "13": (0, 4, 7, 10, 14, 17, 21),
    "maj13": (0, 4, 7, 11, 14, 17, 21),
    "min13": (0, 3, 7, 10, 14, 17, 21),
    "5": (0, 7),
    "1": (0,),
}
"""Semitones above the root that each shorthand stands for."""

DEGREES = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 21)
"""Semitones above the root of the degrees 1 to 13 of the major scale."""

INTERVALS = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")
"""The usual degree of each number of semitones."""

SUFFIXES = {
    "": "maj", "M": "maj", "m": "min", "-": "min", "mi": "min",
    "M7": "maj7", "Δ": "maj7", "Δ7": "maj7", "ma7": "maj7", "m7": "min7", "-7": "min7",
    "mi7": "min7", "6": "maj6", "m6": "min6", "mM7": "minmaj7", "m(maj7)": "minmaj7",
    "mmaj7": "minmaj7", "o": "dim", "°": "dim", "o7": "dim7", "°7": "dim7", "ø": "hdim7",
    "ø7": "hdim7", "m7b5": "hdim7", "+": "aug", "+7": "aug7", "7#5": "aug7", "sus": "sus4",
    "7sus4": "sus4(b7)", "7sus": "sus4(b7)", "add9": "maj(9)", "madd9": "min(9)", "M9": "maj9",
    "m9": "min9", "m11": "min11", "m13": "min13", "7b9": "7(b9)", "7#9": "7(#9)", "7b5": "7(b5,*5)",
}  # fmt: skip
"""Harte's spelling of what follows the root in lead sheets, where it differs."""

_DEGREE = r"[b#]*(?:1[0-3]|[1-9])"
_LABEL = re.compile(
    rf"(?P<root>[A-G](?:b*|\#*))"
    rf"(?:(?P<colon>:)(?P<quality>[^(/]*)(?:\((?P<degrees>\*?{_DEGREE}(?:,\*?{_DEGREE})*)\))?)?"
    rf"(?:/(?P<bass>{_DEGREE}))?"
)
_LEAD_SHEET = re.compile(r"([A-Ga-g][b#♭♯]?):?([^/]*)(?:/([A-Ga-g][b#♭♯]?))?")


@dataclass(frozen=True)
class Chord:
    """A chord as its label says it.

    Parameters
    ----------
    name
        The root as it was spelled, or ``"N"`` (no chord) or ``"X"`` (not known).
    shorthand
        One of `SHORTHANDS`, or an empty text where `degrees` hold all tones.
    degrees
        What is added to the shorthand, or with ``*`` left out of it.
    bass
        Degree of the lowest tone.

    Examples
    --------
    >>> chord = parse_chord("A:min7/b3")
    >>> chord.root, chord.steps, chord.bass_step, chord.pitch_classes
    (9, (0, 3, 7, 10), 3, (0, 4, 7, 9))
    >>> str(chord.in_root_position().transpose(1))
    'A#:min7'
    """

    name: str
    shorthand: str = ""
    degrees: tuple[str, ...] = ()
    bass: str = "1"

    def __str__(self) -> str:
        """Return the label."""
        if self.root is None:
            return self.name
        degrees = f"({','.join(self.degrees)})" if self.degrees else ""
        bass = "" if self.bass == "1" else f"/{self.bass}"
        return f"{self.name}:{self.shorthand}{degrees}{bass}"

    @property
    def root(self) -> int | None:
        """Pitch class of the root (C = 0); None for N and X."""
        return None if self.name in ("N", "X") else pitch_class(self.name)

    @property
    def bass_step(self) -> int | None:
        """Semitones from the root up to the lowest tone, 0 to 11; None for N and X."""
        return None if self.root is None else degree_step(self.bass) % 12

    @property
    def steps(self) -> tuple[int, ...]:
        """Semitones above the root of all tones, folded into one octave: the bass too."""
        return self._steps(folded=True)

    @property
    def core(self) -> tuple[int, ...]:
        """The steps within an octave above the root, and the bass: ninths and above left out."""
        return self._steps(folded=False)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes of all tones, in order; none for N and X."""
        root = self.root
        return () if root is None else tuple(sorted((root + step) % 12 for step in self.steps))

    def in_root_position(self) -> Chord:
        """Return the chord with its root in the bass."""
        return replace(self, bass="1")

    def transpose(self, semitones: int) -> Chord:
        """Return the chord so many semitones higher; its root is spelled with a sharp if need be.

        N and X stay what they are.
        """
        root = self.root
        if root is None or semitones % 12 == 0:
            return self
        return replace(self, name=SHARPS[(root + semitones) % 12])

    def _steps(self, folded: bool) -> tuple[int, ...]:
        if self.root is None:
            return ()
        counts = dict.fromkeys(range(12), 0)
        for step, n in self._spell():
            if folded or step < 12:
                counts[step % 12] += n
        kept = {step for step, n in counts.items() if n > 0}
        return tuple(sorted(kept | {degree_step(self.bass) % 12}))

    def _spell(self) -> Iterator[tuple[int, int]]:
        """Yield the steps that the label names, with 1, or -1 where it leaves them out."""
        yield from ((step, 1) for step in SHORTHANDS.get(self.shorthand, (0,)))
        for degree in {*self.degrees}:
            yield degree_step(degree.lstrip("*")), -1 if degree.startswith("*") else 1


NO_CHORD = Chord("N")
UNKNOWN = Chord("X")


@cache
def parse_chord(label: str) -> Chord:
    """Return the chord that a label in Harte's syntax spells.

    Raises
    ------
    ParameterError
        Where it is no such label; where it looks like a lead sheet's, with what it would be here.

    Examples
    --------
    >>> str(parse_chord("Db")), parse_chord("C:maj(9)/3").degrees
    ('Db:maj', ('9',))
    >>> parse_chord("Am7")
    Traceback (most recent call last):
    mirkit.errors.ParameterError: 'Am7' is no chord in Harte's syntax; did you mean 'A:min7'?
    """
    if label in ("N", "X"):
        return NO_CHORD if label == "N" else UNKNOWN
    match = _LABEL.fullmatch(label)
    if match is None:
        raise ParameterError(_complaint(label))
    quality = match["quality"] or ""
    degrees = tuple(match["degrees"].split(",")) if match["degrees"] else ()
    if not match["colon"]:
        quality = "maj"
    if (quality or not degrees) and quality not in SHORTHANDS:
        raise ParameterError(_complaint(label))
    if not quality and any(degree.startswith("*") for degree in degrees):
        raise ParameterError(
            f"{label!r} leaves a tone out of nothing; a shorthand goes before it: 'C:maj(*5)'"
        )
    return Chord(match["root"], quality, degrees, match["bass"] or "1")


def degree_step(degree: str) -> int:
    """Return the semitones above the root of a degree such as ``b7`` or ``#11``.

    Examples
    --------
    >>> degree_step("b7"), degree_step("9"), degree_step("bb7")
    (10, 14, 9)
    """
    number = degree.lstrip("b#")
    signs = degree[: len(degree) - len(number)]
    return DEGREES[int(number) - 1] + signs.count("#") - signs.count("b")


def bass_degree(step: int, steps: tuple[int, ...]) -> str:
    """Return the usual degree of a bass so many semitones above the root of a chord.

    Examples
    --------
    >>> bass_degree(4, (0, 4, 7)), bass_degree(9, (0, 3, 6, 9))
    ('3', 'bb7')
    """
    return "bb7" if step == 9 and {3, 6, 9} <= set(steps) else INTERVALS[step]


def _complaint(label: str) -> str:
    """Say that a label is no chord, with the one that may have been meant."""
    guess = _guess(label.strip())
    if guess is not None:
        return f"{label!r} is no chord in Harte's syntax; did you mean {guess!r}?"
    return (
        f"{label!r} is no chord in Harte's syntax; it is a root A–G, a colon and one of "
        f"{', '.join(SHORTHANDS)}, such as 'C:maj', 'A:min7' or 'G:7/3', or N for no chord"
    )


def _guess(text: str) -> str | None:
    """Return the label that a lead sheet's symbol, or a slip, means; or None."""
    if text.lower() in ("n", "nc", "n.c.", "none", "no chord", "x"):
        return "X" if text.lower() == "x" else "N"
    match = _LEAD_SHEET.fullmatch(text)
    if match is None:
        return None
    root = _plain(match[1])
    suffix = match[2].strip()
    quality = SUFFIXES.get(suffix) or _near(suffix)
    if quality is None:
        return None
    bass = "" if match[3] is None else _slash(root, _plain(match[3]))
    return f"{root}:{quality}{bass}"


def _near(suffix: str) -> str | None:
    from difflib import get_close_matches

    if suffix.lower() in SHORTHANDS:
        return suffix.lower()
    return next(iter(get_close_matches(suffix.lower(), SHORTHANDS, 1, 0.7)), None)


def _plain(note: str) -> str:
    return note[0].upper() + note[1:].replace("♭", "b").replace("♯", "#")


def _slash(root: str, bass: str) -> str:
    step = (pitch_class(bass) - pitch_class(root)) % 12
    return f"/{INTERVALS[step]}" if step else ""
