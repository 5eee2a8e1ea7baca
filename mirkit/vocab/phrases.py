"""A phrase per class of AudioSet, as people say it: ``Bark`` is "a dog barking"."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

GENERAL = frozenset(
    {
        "Animal", "Wild animals", "Domestic animals, pets", "Music", "Musical instrument",
        "Livestock, farm animals, working animals", "Motor vehicle (road)", "Mechanisms",
        "Inside, small room", "Inside, large room or hall", "Inside, public space", "Wood",
        "Vehicle", "Liquid", "Glass",
        "Outside, urban or manmade", "Outside, rural or natural", "Tools", "Sound effect", "Noise",
        "Environmental noise", "Canidae, dogs, wolves", "Keyboard (musical)", "Percussion", "Hands",
        "Plucked string instrument", "Wind instrument, woodwind instrument", "Fowl", "Song",
        "Bowed string instrument", "Brass instrument", "Cattle, bovinae", "Rail transport",
        "Rodents, rats, mice", "Emergency vehicle", "Mallet percussion", "Background music",
        "Silence", "Field recording",
    }
)  # fmt: skip
"""Classes that say less than others that they come with."""


@cache
def phrases() -> Mapping[str, str]:
    """Return the phrases by class.

    Examples
    --------
    >>> phrases()["Bark"], len(phrases())
    ('a dog barking', 527)
    """
    file = resources.files("mirkit") / "vocab" / "phrases.csv"
    rows = list(csv.reader(file.read_text("utf-8").splitlines()))[1:]
    return MappingProxyType(dict(map(tuple, rows)))  # type: ignore[arg-type]


def phrase_of(label: str) -> str:
    """Return the phrase of a class; a class without one is its own, in small letters."""
    return phrases().get(label, label.lower())
