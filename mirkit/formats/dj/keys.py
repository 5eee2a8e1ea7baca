"""Keys in the notations of DJ software, all computed from the circle of fifths.

| notation | A minor | C# minor / Db major | holds |
|---|---|---|---|
| ``standard`` | A minor | C# minor, C# major | the one spelling of this package |
| ``tag`` | Am | C#m, Db | what file tags hold: the spelling that is usual for each key |
| ``sharp``, ``flat`` | Am | C#m, C# and Dbm, Db | one accidental for all |
| ``camelot`` | 8A | 12A, 3B | |
| ``open`` | 1m | 5m, 8d | Open Key |
| ``traktor`` | 21 | 13, 1 | `MUSICAL_KEY` of Traktor |
| ``mixxx`` | 22 | 14, 2 | `ChromaticKey` of Mixxx |
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab import MODES, TONICS, normal_key, pitch_class

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_TAG_MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_TAG_MINOR = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")

_CAMELOT = re.compile(r"0?(1[0-2]|[1-9])([ABab])")
_OPEN = re.compile(r"0?(1[0-2]|[1-9])([DMdm])")
_OPEN_TO_CAMELOT = 7  # 1d is 8B


def spell_key(key: str, notation: str = "tag") -> str:
    """Return a key in a notation; numbers as text.

    Parameters
    ----------
    key
        In any spelling that `parse_key` knows.
    notation
        One of `NOTATIONS`.

    Examples
    --------
    >>> [spell_key("A minor", name) for name in ("tag", "camelot", "open", "traktor", "mixxx")]
    ['Am', '8A', '1m', '21', '22']
    """
    if notation not in NOTATIONS:
        raise UnknownName("key notation", notation, list(NOTATIONS))
    tonic, mode = parse_key(key).split()
    return NOTATIONS[notation](pitch_class(tonic), mode == "minor")


def parse_key(text: str) -> str:
    """Return a key in the one spelling of this package; understands names, Camelot and Open Key.

    Examples
    --------
    >>> parse_key("8A"), parse_key("12d"), parse_key("Dbm"), parse_key("F# major")
    ('A minor', 'F major', 'C# minor', 'F# major')
    """
    text = text.strip()
    if match := _CAMELOT.fullmatch(text):
        number = (int(match[1]) - 1 - _OPEN_TO_CAMELOT) % 12
        return _on_circle(number, match[2] in "Aa")
    if match := _OPEN.fullmatch(text):
        return _on_circle(int(match[1]) - 1, match[2] in "Mm")
    return normal_key(text)


def key_of_number(number: int, notation: str = "traktor") -> str:
    """Return the key that Traktor or Mixxx numbers so.

    Raises
    ------
    ParameterError
        Where it numbers none.

    Examples
    --------
    >>> key_of_number(21), key_of_number(22, "mixxx")
    ('A minor', 'A minor')
    """
    index = number - {"traktor": 0, "mixxx": 1}[notation]
    if not 0 <= index < 24:
        raise ParameterError(f"{number} is no key of {notation}, which numbers 24 of them")
    return f"{TONICS[index % 12]} {MODES[index // 12]}"


def _on_circle(fifths: int, minor: bool) -> str:
    """Return the key so many fifths above C major, or above A minor."""
    tonic = TONICS[(7 * fifths + (9 if minor else 0)) % 12]
    return f"{tonic} {MODES[minor]}"


def _fifths(tonic: int, minor: bool) -> int:
    """Return how many fifths a key lies above C major, or above A minor."""
    return 7 * (tonic + (3 if minor else 0)) % 12


def _plain(majors: tuple[str, ...], minors: tuple[str, ...]) -> Callable[[int, bool], str]:
    return lambda tonic, minor: f"{minors[tonic]}m" if minor else majors[tonic]


NOTATIONS: dict[str, Callable[[int, bool], str]] = {
    "standard": lambda tonic, minor: f"{TONICS[tonic]} {MODES[minor]}",
    "tag": _plain(_TAG_MAJOR, _TAG_MINOR),
    "sharp": _plain(_SHARPS, _SHARPS),
    "flat": _plain(_FLATS, _FLATS),
    "camelot": lambda tonic, minor: (
        f"{(_fifths(tonic, minor) + _OPEN_TO_CAMELOT) % 12 + 1}{'A' if minor else 'B'}"
    ),
    "open": lambda tonic, minor: f"{_fifths(tonic, minor) + 1}{'m' if minor else 'd'}",
    "traktor": lambda tonic, minor: str(tonic + 12 * minor),
    "mixxx": lambda tonic, minor: str(tonic + 12 * minor + 1),
}
"""The notations by name: each from pitch class and whether the key is minor."""
