"""Keys: their spelling, the wheels that DJs read them from, and their relations."""

from __future__ import annotations

import re

from mirkit.errors import ParameterError, UnknownName
from mirkit.vocab.notes import ACCIDENTALS, TONICS, pitch_class

MODES = ("major", "minor")

KEYS = tuple(f"{tonic} {mode}" for mode in MODES for tonic in TONICS)
"""The 24 keys in the order of a key model's classes: C major … B major, C minor … B minor."""

NOTATIONS = ("standard", "camelot", "openkey", "jams")
"""How a key may be written: ``A minor``, ``8A``, ``1m``, ``A:minor``."""

_MODE_NAMES = {
    "major": "major", "maj": "major", "": "major",
    "minor": "minor", "min": "minor", "m": "minor",
}  # fmt: skip

_CAMELOT_OF_C_MAJOR = 8
_OPEN_KEY_OF_C_MAJOR = 1
_WHEELS = {"camelot": (_CAMELOT_OF_C_MAJOR, "BA"), "openkey": (_OPEN_KEY_OF_C_MAJOR, "dm")}
_CODE = re.compile(r"(1[0-2]|[1-9])([ABdm])")


def normal_key(label: str) -> str:
    """Return a key in the one spelling of this package, such as ``"C# minor"``.

    Understands ``Dbmin``, ``C#:minor``, ``c# m`` and their like.

    Examples
    --------
    >>> normal_key("Db:min"), normal_key("A#")
    ('C# minor', 'Bb major')
    """
    text = label.strip().replace(":", " ")
    mode = text[1:].lstrip("".join(ACCIDENTALS))
    tonic, mode = text[: len(text) - len(mode)], mode.strip()
    mode = mode if mode in ("m", "M") else mode.lower()
    mode = "major" if mode == "M" else mode
    if not tonic or mode not in _MODE_NAMES:
        raise ParameterError(
            f"{label!r} is no key; one is a tonic and a mode, such as 'A minor' or 'Eb major'"
            + _guess(text)
        )
    return f"{TONICS[pitch_class(tonic)]} {_MODE_NAMES[mode]}"


def key_number(label: str) -> int:
    """Return the place of a key in `KEYS`.

    Examples
    --------
    >>> key_number("A minor")
    21
    """
    return KEYS.index(normal_key(label))


def write_key(label: str, notation: str = "standard") -> str:
    """Return a key in one of the `NOTATIONS`.

    Raises
    ------
    UnknownName
        Where there is no such notation.

    Examples
    --------
    >>> [write_key("A minor", notation) for notation in NOTATIONS]
    ['A minor', '8A', '1m', 'A:minor']
    """
    if notation not in NOTATIONS:
        raise UnknownName("key notation", notation, list(NOTATIONS))
    name = normal_key(label)
    if notation == "standard":
        return name
    if notation == "jams":
        return name.replace(" ", ":")
    first, letters = _WHEELS[notation]
    mode, pitch = divmod(KEYS.index(name), 12)
    fifths = 7 * (pitch + 3 * mode) % 12  # from C major, or from its relative A minor
    return f"{(first - 1 + fifths) % 12 + 1}{letters[mode]}"


def read_key(text: str) -> str:
    """Return the key that `text` means in any of the `NOTATIONS`, in the normal spelling.

    Examples
    --------
    >>> read_key("8A"), read_key("1m"), read_key("A:minor"), read_key("am")
    ('A minor', 'A minor', 'A minor', 'A minor')
    """
    match = _CODE.fullmatch(text.strip())
    if match is None:
        return normal_key(text)
    return KEY_OF_CODE[match[0]]


def relative_key(label: str) -> str:
    """Return the key of the same notes in the other mode: A minor of C major.

    Examples
    --------
    >>> relative_key("C major"), relative_key("A minor")
    ('A minor', 'C major')
    """
    mode, pitch = divmod(key_number(label), 12)
    return KEYS[12 * (1 - mode) + (pitch + (3 if mode else 9)) % 12]


def parallel_key(label: str) -> str:
    """Return the key of the same tonic in the other mode: C minor of C major.

    Examples
    --------
    >>> parallel_key("C major")
    'C minor'
    """
    return KEYS[(key_number(label) + 12) % 24]


def transposed_key(label: str, semitones: int) -> str:
    """Return the key that lies so many semitones higher.

    Examples
    --------
    >>> transposed_key("A minor", 3)
    'C minor'
    """
    mode, pitch = divmod(key_number(label), 12)
    return KEYS[12 * mode + (pitch + semitones) % 12]


def _guess(text: str) -> str:
    if _CODE.fullmatch(text):
        return f". Is it a DJ's code? Then it means {KEY_OF_CODE[text]!r}: use read_key"
    return ""


KEY_OF_CODE = {write_key(key, notation): key for notation in ("camelot", "openkey") for key in KEYS}
"""The key of each Camelot code (``8A``) and Open Key code (``1m``)."""
