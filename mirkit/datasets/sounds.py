"""Labeled recordings as values: what taggers are trained and scored on, of whatever set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError, UnknownName


@dataclass(frozen=True)
class Sound:
    """A recording, its labels, and what must be kept together.

    Parameters
    ----------
    path
        The sound file.
    labels
        Of the whole recording: one where classes exclude each other, none where nothing is heard.
    fold
        Which fold of a cross-validation it is in, from 1; None where the set has no folds.
    group
        What it was cut from (a recording, a video, an artist); one group lies in one fold and one
        split. None where nothing is known: then it stands alone.
    split
        Such as ``"train"``, ``"val"`` or ``"test"``; None where the set has no splits.
    licence
        Of this recording, or of the set, in the words of its source; None where not known.
    checksum
        ``"md5:…"`` or ``"sha256:…"`` of the file, or None.
    """

    path: Path
    labels: tuple[str, ...]
    fold: int | None = None
    group: str | None = None
    split: str | None = None
    licence: str | None = None
    checksum: str | None = None

    def __post_init__(self) -> None:
        labels: Any = self.labels
        if isinstance(labels, str):  # it would be taken for its letters
            raise ParameterError(f"labels is the text {labels!r}; it is a tuple of texts")
        object.__setattr__(self, "path", Path(self.path))
        object.__setattr__(self, "labels", tuple(labels))
        if self.fold is not None and self.fold < 1:
            raise ParameterError(f"fold is {self.fold}; folds count from 1")


def vocabulary(sounds: Iterable[Sound]) -> tuple[str, ...]:
    """Return the labels that occur, in alphabetical order.

    Examples
    --------
    >>> vocabulary([Sound(Path("a.wav"), ("Rain", "Dog")), Sound(Path("b.wav"), ("Rain",))])
    ('Dog', 'Rain')
    """
    return tuple(sorted({label for sound in sounds for label in sound.labels}))


def targets(sounds: Sequence[Sound], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return which sound has which label, shape ``(n_sounds, n_labels)``.

    Raises
    ------
    UnknownName
        Where a sound has a label that is not among `labels`.

    Examples
    --------
    >>> targets([Sound(Path("a.wav"), ("Rain",)), Sound(Path("b.wav"), ())], ["Dog", "Rain"])
    array([[False,  True],
           [False, False]])
    """
    place = {label: i for i, label in enumerate(labels)}
    hits = np.zeros((len(sounds), len(labels)), dtype=np.bool_)
    for row, sound in zip(hits, sounds, strict=True):
        for label in sound.labels:
            if label not in place:
                raise UnknownName("label", label, list(labels))
            row[place[label]] = True
    return hits


def divide(sounds: Iterable[Sound]) -> dict[str, list[Sound]]:
    """Return sounds by their group; one without a group stands alone, under its path."""
    groups: dict[str, list[Sound]] = {}
    for sound in sounds:
        groups.setdefault(sound.group or str(sound.path), []).append(sound)
    return groups


def leaks(sounds: Iterable[Sound]) -> list[str]:
    """Return the groups that lie in more than one fold or split: they would tell the answer.

    Examples
    --------
    >>> a, b = (Sound(Path(f"{fold}.wav"), (), fold, group="dog.wav") for fold in (1, 2))
    >>> leaks([a, b]), leaks([a, a])
    (['dog.wav'], [])
    """
    return [
        group
        for group, members in divide(sounds).items()
        if len({(sound.fold, sound.split) for sound in members}) > 1
    ]
