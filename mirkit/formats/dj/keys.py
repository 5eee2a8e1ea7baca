"""Keys in the notations of DJ software; the wheels are those of `mirkit.vocab.keys`.

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

from collections.abc import Callable

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.vocab import KEYS
from mirkit.vocab.keys import key_number, read_key, write_key

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_TAG_MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_TAG_MINOR = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


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
    checks.member("key notation", notation, NOTATIONS)
    return NOTATIONS[notation](key_number(parse_key(key)))


def parse_key(text: str) -> str:
    """Return the key that a text means to a DJ: one of the 24 major and minor ones.

    Raises
    ------
    ParameterError
        Where it is no key, or in another mode, for which DJ software has no place.

    Examples
    --------
    >>> parse_key("8A"), parse_key("12d"), parse_key("Dbm"), parse_key("F# major")
    ('A minor', 'F major', 'C# minor', 'F# major')
    """
    key = read_key(text)
    if key not in KEYS:
        raise ParameterError(f"{text!r} is no major or minor key; DJ software knows no other")
    return key


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
    return KEYS[index]


def _plain(majors: tuple[str, ...], minors: tuple[str, ...]) -> Callable[[int], str]:
    names = (*majors, *(f"{minor}m" for minor in minors))
    return lambda number: names[number]


NOTATIONS: dict[str, Callable[[int], str]] = {
    "standard": lambda number: KEYS[number],
    "tag": _plain(_TAG_MAJOR, _TAG_MINOR),
    "sharp": _plain(_SHARPS, _SHARPS),
    "flat": _plain(_FLATS, _FLATS),
    "camelot": lambda number: write_key(KEYS[number], "camelot"),
    "open": lambda number: write_key(KEYS[number], "openkey"),
    "traktor": str,
    "mixxx": lambda number: str(number + 1),
}
"""The notations by name: each from the place of a key in `mirkit.vocab.KEYS`."""
