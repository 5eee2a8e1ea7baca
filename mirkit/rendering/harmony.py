"""Chords and progressions: from roman numerals and chord symbols to tones and labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from mirkit.errors import ParameterError
from mirkit.rendering.reading import check_table, list_of, read_toml
from mirkit.vocab import TONICS, pitch_class
from mirkit.vocab.chords import INTERVALS, SHORTHANDS

_PLAIN = (
    "maj", "min", "5", "7", "maj7", "min7", "maj6", "min6", "dim", "dim7", "hdim7", "aug", "sus4",
    "sus2", "9", "maj9", "min9", "minmaj7",
)  # fmt: skip

QUALITIES: dict[str, tuple[int, ...]] = {
    **{name: tuple(step % 12 for step in SHORTHANDS[name]) for name in _PLAIN},
    "13": (0, 4, 10, 2, 9),  # as it is played: without fifth and eleventh
    "sus4(b7)": (0, 5, 7, 10),
    "aug(b7)": (0, 4, 8, 10),
}
"""Semitones above the root of each chord quality, in Harte's shorthand."""

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_SUFFIXES = {
    "": "maj",
    "m": "min",
    "7": "7",
    "M7": "maj7",
    "maj7": "maj7",
    "m7": "min7",
    "6": "maj6",
    "m6": "min6",
    "dim": "dim",
    "o": "dim",
    "dim7": "dim7",
    "o7": "dim7",
    "m7b5": "hdim7",
    "ø": "hdim7",
    "aug": "aug",
    "+": "aug",
    "sus4": "sus4",
    "sus2": "sus2",
    "sus": "sus4",
    "9": "9",
    "M9": "maj9",
    "m9": "min9",
    "13": "13",
    "5": "5",
    "aug7": "aug(b7)",
    "7sus4": "sus4(b7)",
    "mM7": "minmaj7",
    "maj": "maj",
    "min": "min",
    "min7": "min7",
}
_BASS_TONES = {"3": 1, "5": 2, "7": 3}
_ROMAN = re.compile(r"([b#]?)([ivIV]+)(.*)")
_SYMBOL = re.compile(r"([A-G][b#]*)([^/]*)(?:/([A-G][b#]*))?$")


@dataclass(frozen=True)
class Chord:
    """A chord: pitch class of its root, quality, pitch class in the bass."""

    root: int
    quality: str
    bass: int

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes, root first."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])

    @property
    def label(self) -> str:
        """The label in Harte's syntax, such as ``A:min7``.

        Examples
        --------
        >>> Chord(0, "maj", 4).label, Chord(9, "min7", 9).label
        ('C:maj/3', 'A:min7')
        """
        name = f"{TONICS[self.root]}:{self.quality}"
        if self.bass == self.root:
            return name
        return f"{name}/{INTERVALS[(self.bass - self.root) % 12]}"


def roman(text: str, tonic: int) -> Chord:
    """Return the chord of a roman numeral over a tonic; small letters are minor.

    Examples
    --------
    >>> roman("bVII", tonic=0).label, roman("ii7", tonic=0).label, roman("I/3", tonic=7).label
    ('Bb:maj', 'D:min7', 'G:maj/3')
    """
    body, _, bass = text.partition("/")
    match = _ROMAN.fullmatch(body)
    if not match or match[2].upper() not in _DEGREES:
        raise ParameterError(f"{text!r} is no roman numeral such as 'bVII' or 'ii7'")
    shift = {"b": -1, "#": 1, "": 0}[match[1]]
    root = (tonic + _DEGREES[match[2].upper()] + shift) % 12
    suffix = match[3]
    if match[2].islower() and suffix in ("", "7", "6", "9"):
        suffix = "m" + suffix
    if suffix not in _SUFFIXES or bass not in ("", *_BASS_TONES):
        raise ParameterError(f"{text!r} is no roman numeral such as 'ii7' or 'V/3'")
    chord = Chord(root, _SUFFIXES[suffix], root)
    return chord if not bass else Chord(root, chord.quality, _bass_tone(chord, bass))


def _bass_tone(chord: Chord, interval: str) -> int:
    return chord.tones[_BASS_TONES[interval] % len(chord.tones)]


def symbol(text: str) -> Chord | None:
    """Return the chord of a lead-sheet symbol, or None where it is not understood.

    Examples
    --------
    >>> symbol("Bbm7b5").label, symbol("C7/E").label, symbol("Xyz")
    ('Bb:hdim7', 'C:7/3', None)
    """
    match = _SYMBOL.fullmatch(text.strip())
    if not match:
        return None
    quality = _SUFFIXES.get(match[2]) or _nearest_quality(match[2])
    root = pitch_class(match[1])
    return Chord(root, quality, pitch_class(match[3]) if match[3] else root)


def _nearest_quality(suffix: str) -> str:
    """Return the plain quality of a symbol with extensions: its third and its seventh."""
    if "dim" in suffix or "o" in suffix:
        return "dim"
    if "aug" in suffix or "#5" in suffix or "+" in suffix:
        return "aug"
    if "sus" in suffix:
        return "sus4"
    minor = suffix.startswith("m") and not suffix.startswith("maj")
    if "M7" in suffix or "maj" in suffix:
        return "maj7"
    has_seventh = any(number in suffix for number in ("7", "9", "11", "13"))
    return {(True, True): "min7", (True, False): "min", (False, True): "7"}.get(
        (minor, has_seventh), "maj"
    )


Bars = tuple[tuple[Chord, ...], ...]


FILE = "tables/progressions.toml"


@cache
def families() -> Mapping[str, tuple[str, ...]]:
    """Return the chord progressions of each family: bars divided by ``|``, chords by blanks."""
    tables = read_toml(FILE)["families"]
    check_table(tables, dict.fromkeys(tables, list_of(numerals_complaint)), f"{FILE}: families")
    return MappingProxyType({name: tuple(texts) for name, texts in tables.items()})


@cache
def _followers(mode: str) -> Mapping[str, tuple[str, ...]]:
    """Return the chords that may follow each chord of a mode, the likeliest first."""
    table = read_toml(FILE)["next"][mode]
    check_table(table, dict.fromkeys(table, numerals_complaint), f"{FILE}: next.{mode}")
    return MappingProxyType({name: tuple(text.split()) for name, text in table.items()})


def numerals_complaint(text: object) -> str:
    """Return what is wrong with a line of roman numerals, or nothing.

    Examples
    --------
    >>> numerals_complaint("I|IV V"), numerals_complaint("I|W")
    ('', "is 'I|W': 'W' is no roman numeral such as 'bVII' or 'ii7'")
    """
    try:
        read_bars(str(text), 0)
    except ParameterError as error:
        return f"is {text!r}: {error}"
    return ""


def read_bars(text: str, tonic: int) -> Bars:
    """Return the bars of a line of roman numerals over a tonic.

    Examples
    --------
    >>> [[chord.label for chord in bar] for bar in read_bars("I|IV V7", tonic=0)]
    [['C:maj'], ['F:maj', 'G:7']]
    """
    bars = [bar.split() for bar in text.split("|")]
    if not all(bars):
        raise ParameterError(f"{text!r} has a bar without a chord")
    return tuple(tuple(roman(name, tonic) for name in bar) for bar in bars)


def progression(family: str, tonic: int, rng: np.random.Generator) -> Bars:
    """Return a progression of the family: now and then a walk through the functions instead."""
    texts = families()[family]
    if family in ("pop", "rock", "rock_minor", "ballad", "edm", "country") and rng.random() < 0.25:
        return _walk("minor" if family in ("rock_minor", "edm") else "major", tonic, rng)
    return read_bars(texts[int(rng.integers(len(texts)))], tonic)


def _walk(mode: str, tonic: int, rng: np.random.Generator) -> Bars:
    here = "I" if mode == "major" else "i"
    names = []
    for _ in range(int(rng.choice([4, 4, 8]))):
        names.append(here)
        following = _followers(mode)[here]
        here = following[min(int(rng.exponential(1.2)), len(following) - 1)]
    return tuple((roman(name, tonic),) for name in names)


def is_minor(family_bars: Bars, tonic: int) -> bool:
    """Return whether the chords on the tonic are minor, more of them than major."""
    thirds = [
        chord.quality.startswith(("min", "dim", "hdim"))
        for bar in family_bars
        for chord in bar
        if chord.root == tonic
    ]
    return bool(thirds) and sum(thirds) * 2 > len(thirds)


def likely_key(bars: Bars) -> tuple[int, bool]:
    """Return the tonic whose scale holds most tones of the chords, and whether it is minor.

    Chords on the tonic count more, the last chord most: leadsheets end at home.

    Examples
    --------
    >>> likely_key(tuple((symbol(name),) for name in ("Dm7", "G7", "CM7", "Am7", "Dm7", "C6")))
    (0, False)
    >>> likely_key(tuple((symbol(name),) for name in ("Am", "Dm", "E7", "Am")))
    (9, True)
    """
    chords = [chord for bar in bars for chord in bar]

    def fit(tonic: int, mode: str) -> float:
        scale = {(tonic + step) % 12 for step in SCALES[mode]}
        third = (tonic + (3 if mode == "minor" else 4)) % 12
        inside = sum(sum(tone in scale for tone in c.tones) / len(c.tones) for c in chords)
        home = sum(c.root == tonic and third in c.tones for c in chords) * 0.4
        ends = (chords[-1].root == tonic and third in chords[-1].tones) * 0.1 * len(chords)
        return inside + home + ends

    keys = [(fit(tonic, mode), tonic, mode == "minor") for tonic in range(12) for mode in SCALES]
    _, tonic, minor = max(keys)
    return tonic, minor


def transpose(bars: Bars, steps: int) -> Bars:
    """Return chords moved up by semitones.

    Examples
    --------
    >>> transpose(((symbol("C/E"),),), 2)[0][0].label
    'D:maj/3'
    """
    return tuple(
        tuple(Chord((c.root + steps) % 12, c.quality, (c.bass + steps) % 12) for c in bar)
        for bar in bars
    )


def voicing(
    chord: Chord, center: float, previous: list[int] | None = None, n_max: int = 4
) -> list[int]:
    """Return pitches of the chord near `center`, moving little from `previous`."""
    anchor = float(np.mean(previous)) if previous else center
    anchor = 0.5 * anchor + 0.5 * center
    pitches = {round((anchor - tone) / 12) * 12 + tone for tone in chord.tones[:n_max]}
    return sorted(pitches)
