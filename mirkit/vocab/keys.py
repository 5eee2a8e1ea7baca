"""Keys: their spelling, the wheels that DJs read them from, and their relations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.vocab.notes import ACCIDENTALS, TONICS, pitch_class

MODES = ("major", "minor")

CHURCH_MODES = (
    "ionian", "dorian", "phrygian", "lydian", "mixolydian", "aeolian", "locrian",
)  # fmt: skip

OTHER_MODES = (*CHURCH_MODES, "modal", "other")
"""Modes beside major and minor: they are kept as labels, and not scored."""

KEYS = tuple(f"{tonic} {mode}" for mode in MODES for tonic in TONICS)
"""The 24 keys in the order of a key model's classes: C major … B major, C minor … B minor."""

NO_KEY = "N"
"""The label of a stretch without a key."""

NOTATIONS = ("standard", "camelot", "openkey", "jams")
"""How a key may be written: ``A minor``, ``8A``, ``1m``, ``A:minor``."""

_MODE_NAMES = {
    "": "major", "major": "major", "maj": "major", "M": "major",
    "minor": "minor", "min": "minor", "m": "minor", "natural minor": "minor",
    "harmonic minor": "minor", "melodic minor": "minor",
    "dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "aeo": "aeolian",
    "loc": "locrian", "ion": "ionian", **{mode: mode for mode in OTHER_MODES},
}  # fmt: skip
_FULL_NAMES = (*MODES, *OTHER_MODES)
_NOTHING = {"n", "x", "none", "silence", "no key", "off key", "o"}

_CAMELOT_OF_C_MAJOR = 8
_OPEN_KEY_OF_C_MAJOR = 1
_WHEELS = {"camelot": (_CAMELOT_OF_C_MAJOR, "BA"), "openkey": (_OPEN_KEY_OF_C_MAJOR, "dm")}
_LETTERS = {"a": "A", "b": "B", "d": "d", "m": "m"}
_CODE = re.compile(r"0?(1[0-2]|[1-9])\s?([ABDM])", re.IGNORECASE)
_PREFIX = re.compile(r"key(?:\s*[:=]\s*|\s+)", re.IGNORECASE)
_NAME = re.compile(
    rf"([A-G])([\s-]?(?:sharp|flat)(?![a-z])|(?-i:[{''.join(ACCIDENTALS)}]*))"
    r"(?:[\s:_-]+(?=\w)|:)?(.*)",
    re.IGNORECASE,
)
_TONICS = "ABCDEFGabcdefg"
_SIGNS = {"sharp": "#", "flat": "b"}
_BETWEEN = re.compile(r"\s+[-–—]\s+|\s*[|/(),;]\s*")


def read_key(text: str) -> str:
    r"""Return the key that a text means, in the one spelling of this package: ``"C# minor"``.

    Names are understood as Harte, JAMS, MIREX, Isophonics, file tags and people write them
    (``Db:min``, ``C# m``, ``A flat minor``, ``Key<TAB>D:minor``), Camelot and Open Key codes
    (``8A``, ``08a``, ``1m``), and both side by side (``8A - Am``). Modes beside major and minor are
    kept as labels (``"D dorian"``). What stands for no key (``N``, ``X``, ``Silence``, the ``o`` of
    ID3) is ``"N"``.

    Raises
    ------
    ParameterError
        Where the text is no key, or names two.

    Examples
    --------
    >>> [read_key(text) for text in ("Db:min", "8A", "1m", "Key\tD:minor", "E:mixolydian", "N")]
    ['C# minor', 'A minor', 'A minor', 'D minor', 'E mixolydian', 'N']
    """
    if not isinstance(text, str):
        raise ParameterError(f"{text!r} is no key; one is a text such as 'A minor' or '8A'")
    name = _PREFIX.sub("", text.strip(), count=1) if _PREFIX.match(text.strip()) else text.strip()
    if name.casefold() in _NOTHING:
        return NO_KEY
    found = set(_readings(name))
    if len(found) == 1:
        return found.pop()
    if found:
        raise ParameterError(f"{text!r} names two keys: {' and '.join(sorted(found))}")
    tonic = name[:1]
    why = f", as {tonic!r} is no note name" if tonic.isalpha() and tonic not in _TONICS else ""
    raise ParameterError(
        f"{text!r} is no key{why}; one is a tonic and a mode, such as 'A minor' or 'Eb major', or "
        "a DJ's code, such as '8A' or '1m'"
    )


normal_key = read_key
"""The same reader, by the name of what it gives: labels in one spelling."""


def _readings(name: str) -> Iterator[str]:
    """Yield the keys that a text names: one, or those of its parts, or none."""
    whole = _single(name)
    if whole is not None:
        yield whole
        return
    parts = [part for part in _BETWEEN.split(name) if part]
    if len(parts) == 1:  # a code and a name without a sign between
        parts = [*name.split(maxsplit=1)] if _CODE.match(name) else [*name.rsplit(maxsplit=1)]
    keys = [_single(part) for part in parts]
    if len(keys) > 1 and None not in keys:
        yield from (key for key in keys if key is not None)


def _single(name: str) -> str | None:
    """Return the key of one code or name, or None where it is neither."""
    if match := _CODE.fullmatch(name):
        return KEY_OF_CODE[match[1] + _LETTERS[match[2].lower()]]
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    tonic, sign, mode = match.groups()
    word = sign.strip(" -\t").lower()
    named = mode if mode in ("m", "M") else " ".join(mode.lower().split())
    if named not in _MODE_NAMES:
        return None
    return f"{TONICS[pitch_class(tonic + _SIGNS.get(word, sign))]} {_MODE_NAMES[named]}"


def is_spelled_as_key(label: str) -> bool:
    r"""Return whether a label can be nothing but a key: it says so, or names its mode in full.

    Examples
    --------
    >>> [is_spelled_as_key(x) for x in ("Db minor", "Key\tE", "D:dorian", "D:min", "C", "N")]
    [True, True, True, False, False, False]
    """
    try:
        key = read_key(label)
    except ParameterError:
        return False
    return key != NO_KEY and (
        bool(_PREFIX.match(label)) or label.lower().strip().endswith(_FULL_NAMES)
    )


def is_scored(label: str) -> bool:
    """Return whether measures know a key: major and minor ones, in any spelling.

    Examples
    --------
    >>> is_scored("A minor"), is_scored("D dorian"), is_scored("N")
    (True, False, False)
    """
    return read_key(label) in KEYS


def key_number(label: str) -> int:
    """Return the place of a key in `KEYS`.

    Raises
    ------
    ParameterError
        Where it is another mode, or no key.

    Examples
    --------
    >>> key_number("A minor")
    21
    """
    key = read_key(label)
    if key not in KEYS:
        raise ParameterError(f"{label!r} is none of the 24 major and minor keys")
    return KEYS.index(key)


def write_key(label: str, notation: str = "standard") -> str:
    """Return a key in one of the `NOTATIONS`.

    Raises
    ------
    UnknownName
        Where there is no such notation.
    ParameterError
        Where a wheel has no place for the key, as for other modes than major and minor.

    Examples
    --------
    >>> [write_key("A minor", notation) for notation in NOTATIONS]
    ['A minor', '8A', '1m', 'A:minor']
    """
    checks.member("key notation", notation, NOTATIONS)
    name = read_key(label)
    if notation == "standard":
        return name
    if notation == "jams":
        return name.replace(" ", ":")
    first, letters = _WHEELS[notation]
    mode, pitch = divmod(key_number(name), 12)
    fifths = 7 * (pitch + 3 * mode) % 12  # from C major, or from its relative A minor
    return f"{(first - 1 + fifths) % 12 + 1}{letters[mode]}"


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


def transpose_key(label: str, semitones: int) -> str:
    """Return the key that lies so many semitones higher.

    Examples
    --------
    >>> transpose_key("A minor", 3)
    'C minor'
    """
    mode, pitch = divmod(key_number(label), 12)
    return KEYS[12 * mode + (pitch + semitones) % 12]


KEY_OF_CODE = {write_key(key, notation): key for notation in ("camelot", "openkey") for key in KEYS}
"""The key of each Camelot code (``8A``) and Open Key code (``1m``)."""
