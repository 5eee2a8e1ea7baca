"""Tasks of songs: a feature of harmony to show, a key, and a band, in even shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mirkit.errors import ParameterError
from mirkit.rendering import arranger
from mirkit.vocab import TONICS, normal_key, pitch_class

FEATURES: dict[str, int] = {
    "maj": 1, "min": 1, "7": 2, "maj7": 3, "min7": 2,
    "min6": 3, "maj6": 2, "dim": 4, "dim7": 4, "hdim7": 4, "aug": 3, "minmaj7": 4,
    "sus2": 2, "sus4": 3, "5": 1, "inversions": 3, "pedal": 1, "modulation": 3, "N": 4,
}  # fmt: skip
"""Features and how often each comes in a round: chords that other music seldom has come more."""

LOUD = ("rock", "hard rock half-time", "metal", "thrash and punk")
"""Styles of distorted guitars, which play power chords."""


Item = TypeVar("Item")


@dataclass(frozen=True)
class Task:
    """A song before it is composed.

    Parameters
    ----------
    feature
        Row of `FEATURES`.
    tonic
        Pitch class of the first tonic.
    minor
        Whether the song begins in minor, if the feature has idioms in it.
    band
        Style of the arranger.
    """

    feature: str
    tonic: int
    minor: bool
    band: str

    @property
    def text(self) -> str:
        """The task as a clip's style.

        Examples
        --------
        >>> Task("aug", 3, True, "bossa nova").text
        'aug / Eb minor / bossa nova'
        """
        mode = "minor" if self.minor else "major"
        return f"{self.feature} / {TONICS[self.tonic]} {mode} / {self.band}"


def parse(text: str) -> Task:
    """Return the task that a clip's style stands for.

    Raises
    ------
    ParameterError
        Where the text has not the three parts of `Task.text`.
    """
    parts = text.split(" / ")
    if len(parts) != 3 or parts[0] not in FEATURES:
        raise ParameterError(f"{text!r} is no task; one reads like 'aug / Eb minor / bossa nova'")
    tonic, mode = normal_key(parts[1]).split()
    return Task(parts[0], pitch_class(tonic), mode == "minor", arranger.style(parts[2]).name)


def tasks(n: int, rng: np.random.Generator, bands: Iterable[str] | None = None) -> tuple[Task, ...]:
    """Return `n` tasks: features, keys and bands each in equal rounds, so that a prefix is even.

    Parameters
    ----------
    n
        Number of tasks.
    rng
        The only source of chance.
    bands
        Styles of the arranger; all of them where None.
    """
    features = _endless([name for name, weight in FEATURES.items() for _ in range(weight)], rng)
    keys = _endless([(tonic, minor) for tonic in range(12) for minor in (False, True)], rng)
    names = arranger.styles() if bands is None else bands
    plain = _endless([name for name in names if name not in LOUD[1:]], rng)
    loud = _endless(list(LOUD), rng)
    found = []
    for _ in range(n):
        feature, (tonic, minor) = next(features), next(keys)
        band = next(loud) if feature == "5" else next(plain)
        found.append(Task(feature, tonic, minor, band))
    return tuple(found)


def _endless(items: list[Item], rng: np.random.Generator) -> Iterator[Item]:
    """Yield the items round after round, each round in another order."""
    while True:
        for index in rng.permutation(len(items)):
            yield items[int(index)]
