"""The recordings of a recipe for tags: which are trained on, which judge, and what is known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.datasets.sound_folders import LabeledSound, read_sounds
from mirkit.datasets.sounds import vocabulary
from mirkit.errors import ParameterError, UnknownName
from mirkit.training.tag.augment import TagChanges

N_SHARES = 1 << 32


@dataclass(frozen=True)
class TagDataSettings:
    """The data of a recipe for tags.

    Parameters
    ----------
    path
        A folder of class folders, a CSV table or a manifest: see
        `mirkit.datasets.sound_folders.read_sounds`.
    store
        Folder to keep the features in; beside the run where empty.
    crop
        Length of an excerpt [s].
    fold
        The fold that judges; the others are trained on. 0 where there are no folds.
    without
        Folds that are left out altogether.
    validation
        Share of the sources that judge, where there are neither folds nor splits. Clips of one
        source stay together.
    labels
        The classes, in the order of the outputs; all that occur, by the alphabet, where empty.
    balance
        Power of how rare a class is that its clips are drawn with: 0 takes every clip equally
        often, 1 every class.
    longest
        How much of a recording is used, from its beginning [s]; all where 0.
    domain
        ``"features"`` are computed once and changed as powers; ``"samples"`` are changed as they
        are, and pass the front end in every step.
    changes
        How excerpts are changed.
    """

    path: str
    store: str = ""
    crop: float = 5.0
    fold: int = 0
    without: tuple[int, ...] = ()
    validation: float = 0.2
    labels: tuple[str, ...] = ()
    balance: float = 0.0
    longest: float = 0.0
    domain: str = "features"
    changes: TagChanges = field(default_factory=TagChanges)

    def __post_init__(self) -> None:
        if self.domain not in ("features", "samples"):
            raise ParameterError(f"domain is {self.domain!r}; it is 'features' or 'samples'")
        if not 0 < self.validation < 1:
            raise ParameterError(f"validation is {self.validation}; it is a share, in (0, 1)")


@dataclass(frozen=True)
class TagData:
    """Labeled recordings, divided.

    Parameters
    ----------
    sounds
        All that are used.
    labels
        The classes.
    targets, mask
        What is in each, and whether that is known, ``(n_sounds, n_classes)``.
    train, validation
        Places of those that are trained on, and that judge.
    """

    sounds: tuple[LabeledSound, ...]
    labels: tuple[str, ...]
    targets: Floats32
    mask: Floats32
    train: tuple[int, ...]
    validation: tuple[int, ...]

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [each.sound.path for each in self.sounds]

    @property
    def excludes(self) -> bool:
        """Whether every recording has one label of all, so that classes exclude each other."""
        return bool((self.targets.sum(axis=1) == 1).all() and self.mask.all())

    @classmethod
    def read(cls, settings: TagDataSettings) -> TagData:
        """Return the data of a recipe.

        Raises
        ------
        ParameterError
            Where nothing is left to train on, or to judge with.
        """
        sounds = tuple(
            each for each in read_sounds(settings.path) if each.sound.fold not in settings.without
        )
        labels = settings.labels or vocabulary(each.sound for each in sounds)
        place = {label: i for i, label in enumerate(labels)}
        targets = np.zeros((len(sounds), len(labels)), np.float32)
        mask = np.ones_like(targets)
        for i, each in enumerate(sounds):
            targets[i, _places(each.sound.labels, place)] = 1
            if each.known is not None:
                mask[i] = 0
                mask[i, _places(each.known, place)] = 1
            mask[i] = np.maximum(mask[i], targets[i])
        judges = [_judges(each, settings) for each in sounds]
        train = tuple(i for i, judge in enumerate(judges) if not judge)
        validation = tuple(i for i, judge in enumerate(judges) if judge)
        if not train or not validation:
            raise ParameterError(
                f"{settings.path}: {len(train)} recordings to train on and {len(validation)} to "
                f"judge with; fold is {settings.fold}, validation {settings.validation}"
            )
        return cls(sounds, tuple(labels), targets, mask, train, validation)


def _places(names: Sequence[str], place: dict[str, int]) -> list[int]:
    for name in names:
        if name not in place:
            raise UnknownName("label", name, list(place))
    return [place[name] for name in names]


def _judges(each: LabeledSound, settings: TagDataSettings) -> bool:
    sound = each.sound
    if settings.fold:
        return sound.fold == settings.fold
    if sound.split is not None:
        return sound.split != "train"
    return share_of(sound.group or str(sound.path)) < settings.validation


def share_of(name: str) -> float:
    """Return a number in [0, 1) that only the name decides: the same split on every machine."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") / N_SHARES


def draw_weights(targets: Floats32, balance: float) -> NDArray[np.float64]:
    """Return the probability of drawing each recording, from how rare its rarest label is.

    Examples
    --------
    >>> draw_weights(np.array([[1, 0], [1, 0], [0, 1]], np.float32), 1.0).tolist()
    [0.25, 0.25, 0.5]
    """
    counts = np.maximum(targets.sum(axis=0), 1)
    rarity = (targets / counts).max(axis=1)
    rarity[rarity == 0] = rarity[rarity > 0].min(initial=1)
    weights = rarity.astype(np.float64) ** balance
    return np.asarray(weights / weights.sum())
