"""Idioms: short progressions in which each chord quality is at home, read from TOML.

``tables/idioms.toml`` holds them by feature (a quality, or what the bass does) and split, and says
how they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from mirkit.errors import ParameterError, UnknownName
from mirkit.rendering.archives import SPLITS
from mirkit.rendering.harmony import Chord, numerals_complaint, roman
from mirkit.rendering.reading import Rule, check_table, list_of, read_toml

FILE = "tables/idioms.toml"


@dataclass(frozen=True)
class Idiom:
    """A progression: whether its key is minor, and its bars of roman numerals."""

    minor: bool
    bars: tuple[tuple[str, ...], ...]


def read_idiom(text: str) -> Idiom:
    """Return the idiom that a line of the table stands for.

    Examples
    --------
    >>> read_idiom("m i|iv V/3")
    Idiom(minor=True, bars=(('i',), ('iv', 'V/3')))
    """
    mode, _, bars = text.partition(" ")
    if mode not in ("M", "m"):
        raise ParameterError(f"{text!r} begins with no mode; that is 'M' or 'm'")
    idiom = Idiom(mode == "m", tuple(tuple(bar.split()) for bar in bars.split("|")))
    if not all(idiom.bars):
        raise ParameterError(f"{text!r} has a bar without a chord")
    return idiom


def numeral(text: str, tonic: int) -> Chord:
    """Return the chord of a numeral of an idiom, pedals included.

    Examples
    --------
    >>> numeral("bVII/T", 0).label, numeral("iv/D", 0).label, numeral("V7/7", 0).label
    ('Bb:maj/2', 'F:min/2', 'G:7/b7')
    """
    body, _, bass = text.partition("/")
    if bass not in ("T", "D"):
        return roman(text, tonic)
    return replace(roman(body, tonic), bass=(tonic + (7 if bass == "D" else 0)) % 12)


def choose(feature: str, split: str, minor: bool | None = None) -> tuple[Idiom, ...]:
    """Return the idioms of a split for a feature, those of one mode where it has any.

    Raises
    ------
    UnknownName
        Where no idiom has this feature.
    """
    if feature not in features():
        raise UnknownName("feature", feature, list(features()))
    own = _by_feature()[feature][split]
    fitting = tuple(idiom for idiom in own if minor is None or idiom.minor == minor)
    return fitting or own


def features() -> tuple[str, ...]:
    """Return what idioms are there for: a quality, or what the bass does."""
    return tuple(_by_feature())


@cache
def _by_feature() -> Mapping[str, Mapping[str, tuple[Idiom, ...]]]:
    """Return the idioms by feature and split."""
    rules = dict.fromkeys(SPLITS, list_of(idiom_complaint))
    return MappingProxyType({
        feature: {
            split: tuple(map(read_idiom, texts))
            for split, texts in check_table(table, rules, f"{FILE}: {feature}", SPLITS).items()
        }
        for feature, table in read_toml(FILE)["idioms"].items()
    })  # fmt: skip


def idiom_complaint(text: Any) -> str:
    """Return what is wrong with a line of the table, or nothing.

    Examples
    --------
    >>> idiom_complaint("M I|IV/D"), idiom_complaint("I|IV")
    ('', "is 'I|IV': 'I|IV' begins with no mode; that is 'M' or 'm'")
    """
    try:
        for bar in read_idiom(str(text)).bars:
            for name in bar:
                numeral(name, 0)
    except ParameterError as error:
        return f"is {text!r}: {error}"
    return ""


@cache
def walk_functions(minor: bool) -> tuple[str, ...]:
    """Return the numerals among which a walk goes, the tonic first."""
    table = read_toml(FILE)["walks"]
    rules: dict[str, Rule] = dict.fromkeys(("major", "minor"), numerals_complaint)
    check_table(table, rules, f"{FILE}: walks", rules)
    return tuple(table["minor" if minor else "major"].split())
