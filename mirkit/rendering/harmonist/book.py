"""Idioms: short progressions in which each chord quality is at home.

Roman numerals as `harmony.roman` reads them, small letters minor; bars are divided by ``|``, chords
that share a bar by blanks. After a slash stands the bass: ``3 5 7`` a tone of the chord, ``T`` the
tonic and ``D`` the dominant held as a pedal. The letter in front names the key's mode: ``M`` major
(mixolydian and lydian too, where the tonic's third is major), ``m`` minor (dorian, phrygian too).
"""

from __future__ import annotations

from dataclasses import dataclass

from mirkit.errors import UnknownName

IDIOMS: dict[str, tuple[str, ...]] = {
    "maj": (
        "M I|IV|V|I", "M I|V|vi|IV", "M I|bVII|IV|I", "M I|bVI|bVII|I", "M I|III|IV|iv",
        "M I|II|IV|I", "M I|bIII|IV|I", "M I V/3|vi|IV I/3|V", "m i|bVI|bIII|bVII",
        "m i|bVII|bVI|V", "m i|bII/3|V|i", "M I|IV/T|V/T|I", "M I|bVI|IV|bII", "m i|IV|bVII|i",
        "M I/3|IV|I/5|V", "M I|VI|II|V",
    ),
    "min": (
        "m i|iv|v|i", "m i|iv|bVII|bIII", "M vi|ii|iii|vi", "m i|v|iv|i", "m i|bVI|iv|V",
        "M I|iii|IV|iv", "M I|v|IV|I", "m i|ii|i|ii", "m i|bvi|i|bvi", "m i/3|iv|i/5|V",
        "m i|iv/T|V/T|i", "m i|bII|i|bvii", "M I|bvi|I|iv", "m i|biii|bII|i", "m i|iv|i|v",
        "m i|i/3|iv|iv/3",
    ),
    "dim": (
        "M I|#io|ii|V", "M I|viio/3|I/3|IV", "M IV|#ivo|I/5|V", "m i|iio/3|V|i", "m i|viio|i|V",
        "M I|biiio|ii|V", "M V|#vo|vi|IV", "m i|viio/3|i/3|iv", "M I|io|I|V", "m io|i|iio|i",
        "m iv|iio|V|i", "M vi|#ivo|IV|V", "M ii|#iio|iii|IV", "m i|bVI|iio|V", "M I|viio/T|I|io",
        "m i|#ivo|V|i",
    ),
    "aug": (
        "M I|I+|I6|I7", "M I|I+|IV|iv", "M I|V+|I|V", "m i|V+|i|V+", "m i|bIII+|bVI|V",
        "M I|I+|vi|IV", "M I|III+|vi|IV", "M I+|II+|I+|II+", "M V+|I|II+|V", "m iv|V+|i|bIII+",
        "M IV|IV+|ii|V+", "M I|V+|vi|III+", "M I+|IV|I+|IV", "m i|bIII+|bIII|IV",
        "M I|bVI+|I|bVI+", "M ii|V+|I|I+",
    ),
    "min6": (
        "m i6|iiø|V7|i6", "m i6|iv6|i6|V7", "m i|imM7|i7|i6", "M IM7|iv6|IM7|iv6", "M I|IV|iv6|I",
        "m i6|bVI7|V7|i6", "M IVM7|iv6|iii7|VI7", "M ii7|iv6|I|I", "m i6|i6|iv6|iv6",
        "M I6|iv6|I6|iv6", "m i6|V7|i6|V7", "m i6|bII7|i6|V+", "m i6|v6|iv6|v6", "M I|ii6|I|iv6",
        "m i6|bIII|iv6|V7", "M I7|iv6|I7|iv6",
    ),
    "maj6": (
        "M I6|vi7|ii7|V7", "M I6|I6|IV6|IV6", "M I|IM7|I6|IM7", "M I6|#io7|ii7|V7",
        "M IV6|V|I6|I6", "m i7|bIII6|bVI6|V7", "M I6|IV6|I6|V7", "M I6|bVII6|I6|bVII6",
        "m i6|bVI6|V7|i6", "M ii7|V7|I6|I6", "M I6|bIII6|bVI6|bII6", "M I6|II7|ii7|I6",
        "M IV6|iv6|I6|VI7", "m bVI6|bVII6|i|i", "M I6|V6|IV6|V7", "M I6|bVI6|I6|V+",
    ),
    "min7": (
        "M ii7|V7|IM7|vi7", "m i7|iv7|i7|iv7", "m i7|IV7|i7|IV7", "M iii7|vi7|ii7|V7",
        "m i7|v7|iv7|v7", "M vi7|IV|I|V", "m i7|ii7|i7|ii7", "m i7|bvii7|bvi7|V7",
        "M I|ii7/T|V/T|I", "m i7|biii7|iv7|biii7", "M ii7|iii7|vi7|ii7", "m i7/3|iv7|i7/5|v7",
        "m i7|bVII|bVI|v7", "M iii7|biii7|ii7|V7", "m i7|bIII|iv7|V", "M IVM7|iii7|ii7|I",
    ),
    "minmaj7": (
        "m i|imM7|i7|i6", "m imM7|imM7|iv7|V7", "m i6|imM7|i7|IV7", "m imM7|iiø|V7|imM7",
        "M IM7|ivmM7|IM7|V7", "m imM7|ivmM7|imM7|ivmM7", "M vi|vimM7|vi7|II7",
        "m imM7|bVIM7|iiø|V7", "M I|IVM7|ivmM7|I", "m i|imM7/7|i7/7|i6", "m imM7|IV7|imM7|IV7",
        "M ii|iimM7|ii7|V7", "m imM7|V7|imM7|V+", "m i7|imM7|iv|ivmM7", "m imM7|bII7|imM7|bII7",
        "M iii|iiimM7|iii7|VI7",
    ),
    "maj7": (
        "M IM7|IVM7|IM7|IVM7", "M IM7|vi7|ii7|V7", "M IM7|iii7|IVM7|V7", "m i7|bVIM7|bIIIM7|bVII",
        "m bVIM7|bVII|i7|i7", "M IM7|bVIIM7|IM7|bVIIM7", "M IM7|bIIIM7|bVIM7|bIIM7",
        "M IVM7|iii7|ii7|IM7", "m i7|bIIM7|i7|bIIM7", "M IM7|II7|IVM7|iv6", "M IM7/3|IVM7|IM7/5|V7",
        "M IM7|I7|IVM7|iv6", "m i7|bVIM7|iv7|V7", "M IM7|bIIM7|IM7|bIIM7", "M IM7|IM7|IVM7|V7",
        "M IVM7|V/T|IM7|IM7",
    ),
    "7": (
        "M I7|IV7|I7|V7", "M ii7|V7|I|I", "M I|VI7|II7|V7", "M III7|VI7|II7|V7",
        "M I7|bVII7|I7|bVII7", "m i|V7|i|V7", "m i|bVI7|V7|i", "M I|V7/3|I|V7/5",
        "M I|I7/7|IV/3|iv/3", "m i|iv|V7/7|i/3", "M I|bII7|I|bII7", "M V7/T|I|V7/T|I",
        "M I7|IV7|I7|VI7", "m i7|IV7|bVII7|bIII", "M I7|I7|IV7|IV7", "m i|V7/D|i/5|V7",
    ),
    "dim7": (
        "M I|#io7|ii7|V7", "M IV|#ivo7|I/5|V7", "m i|viio7|i|V7", "M I6|biiio7|ii7|V7",
        "M V7|#vo7|vi|II7", "m iv|viio7|i|i", "M I|io7|I|V7", "m i|#ivo7|V|i",
        "M I7|IV7|#ivo7|I7/5", "m i|viio7/T|i|viio7/T", "M IM7 #io7|ii7 #iio7|iii7 VI7|ii7 V7",
        "m viio7/3|i/3|viio7|i", "m i|iio7|V7|i", "M I|viio7|vi|#ivo7", "m i|#iiio7|iv|viio7",
        "M io7|I|io7|I",
    ),
    "hdim7": (
        "m iiø|V7|i|i", "m i7|iiø|V7|i7", "M iiø|V7|IM7|IM7", "M #ivø|IVM7|iii7|VI7",
        "M #ivø|iv6|I/5|V7", "M viiø|III7|vi|vi", "m iiø|iiø|V7|V7", "m i|viø|iiø|V7",
        "M IM7|viiø|III7|vi7", "m iv7|iiø|V+|i", "m iiø/T|i|iiø/T|i", "M viiø/T|I|viiø/T|I",
        "m i6|bVI7|iiø|V7", "M iiiø|VI7|iiø|V7", "m i|iiø|bIIM7|i", "M IM7|#ivø|VII7|iii7",
    ),
    "sus2": (
        "M Isus2|I|IVsus2|IV", "M Isus2|Vsus2|visus2|IVsus2", "M Isus2|bVIIsus2|IVsus2|Isus2",
        "M IVsus2|Isus2|Vsus2|vi", "m isus2|bVIsus2|bVII|i", "m i|isus2|iv|ivsus2",
        "M I|Isus2|V|Vsus2", "M IVsus2|V|vi|Isus2", "m isus2|isus2|bVIIsus2|bVII",
        "m isus2|ivsus2|isus2|V", "M Isus2|IIsus2|IVsus2|I", "M visus2|IVsus2|Isus2|V",
        "m bVIsus2|bVIIsus2|isus2|i", "M Isus2|bIIIsus2|IV|I", "M I|IVsus2|I|IVsus2",
        "m isus2|v|ivsus2|i",
    ),
    "sus4": (
        "M I|Vsus4|V|I", "M Isus4|I|IVsus4|IV", "M Vsus4|V|Isus4|I", "M I|Isus4|I|V",
        "m i|Vsus4|V|i", "m isus4|i|bVIIsus4|bVII", "M Isus4|bVIIsus4|Isus4|IV",
        "M ii7|Vsus4|V7|I", "M IV|Vsus4|V|vi", "m isus4|isus4|ivsus4|iv", "M I|IIsus4|Vsus4|V",
        "M Isus4|Isus4|bIIIsus4|IV", "m bVI|Vsus4|V|i", "M Isus4|IVsus4|Vsus4|I",
        "m i|ivsus4|isus4|i", "M iisus4|ii|Vsus4|V",
    ),
    "5": (
        "m i5|bVI5|bVII5|i5", "m i5|i5|bIII5|iv5", "m i5|bII5|i5|bVII5", "M I5|IV5|V5|IV5",
        "m i5 bIII5|iv5 bV5", "M I5|bVII5|IV5|I5", "m i5|bVII5|bVI5|v5", "M I5|V5|bVII5|IV5",
        "m i5|iv5|bVI5|bVII5", "m i5|i5|bVI5|bII5", "M I5|bIII5|IV5|I5", "m i5|v5|iv5|bIII5",
    ),
    "inversions": (
        "M I|V/3|vi|I/5|IV|I/3|ii7|V", "M I/3|IV|I/5|V7", "M I|V7/7|I/3|IV", "m i|V/3|i/3|iv",
        "m i|v/3|bVI|i/5", "M I|ii7/7|V7/3|I", "M IV|I/3|ii/3|I/5", "m i/5|iv/3|V7/3|i",
        "M vi|I/5|IV|IV/3", "m i|bVII/3|bIII|iv/3", "M I|IM7/7|vi|I/5", "m i/3|bVI/5|iv/3|V/3",
        "M I/5|V7/5|I|V/3", "M I|II/3|V7/7|I/3", "m i|i7/7|iv/3|V", "M I|III/3|vi|II/3",
    ),
    "pedal": (
        "M I|IV/T|V/T|I", "M I|bVII/T|IV/T|I", "m i|iv/T|bVII/T|i", "m i|bVI/T|iv/T|V/T",
        "M IV/D|I/D|V7|V7", "M I|II/T|iv/T|I", "m i|bII/T|V/T|i", "M ii7/D|IV/D|V|V",
        "m i/D|iv/D|V7|V7", "M I|V7/T|IV/T|iv/T", "m i|bVII/T|bVI/T|bVII/T", "M I|vi/T|ii7/T|I",
    ),
}  # fmt: skip
"""Idioms by what they are there for: a quality, or the bass."""

PLACES = ("train", "train", "test", "train", "val", "train", "test", "train")
"""Split of the idioms by their place in each list, again and again: no split knows another's."""

FUNCTIONS = {
    "M": "I|ii|iii|IV|V|V7|vi|ii7|IVM7|iv|IM7|vi7|bVII",
    "m": "i|iv|v|V|V7|bVI|bVII|bIII|iv7|i7|bVIM7|iio|bII",
}
"""Chords among which a walk goes, by mode."""


@dataclass(frozen=True)
class Idiom:
    """A progression: whether its key is minor, and its bars of roman numerals."""

    minor: bool
    bars: tuple[tuple[str, ...], ...]


def read(text: str) -> Idiom:
    """Return the idiom that a line of `IDIOMS` stands for.

    Examples
    --------
    >>> read("m i|iv V/3")
    Idiom(minor=True, bars=(('i',), ('iv', 'V/3')))
    """
    mode, bars = text.split(" ", 1)
    return Idiom(mode == "m", tuple(tuple(bar.split()) for bar in bars.split("|")))


def idioms(feature: str, split: str, minor: bool | None = None) -> tuple[Idiom, ...]:
    """Return the idioms of a split for a feature, those of one mode where it has any.

    Raises
    ------
    UnknownName
        Where no idiom has this feature.
    """
    if feature not in IDIOMS:
        raise UnknownName("feature", feature, list(IDIOMS))
    lines = IDIOMS[feature]
    own = [read(text) for i, text in enumerate(lines) if PLACES[i % len(PLACES)] == split]
    fitting = [idiom for idiom in own if minor is None or idiom.minor == minor]
    return tuple(fitting or own)
