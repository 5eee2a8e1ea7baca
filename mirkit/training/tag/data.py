"""The recordings of a recipe of tags: their labels, and their division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirkit import checks
from mirkit.arrays import Floats, Floats32
from mirkit.datasets.sound_folders import LabeledSound, read_sounds
from mirkit.datasets.sounds import vocabulary
from mirkit.errors import ParameterError
from mirkit.training.division import is_held_out
from mirkit.training.tag.recipe import TagDataSettings


@dataclass(frozen=True)
class TagData:
    """Labeled recordings, divided.

    Parameters
    ----------
    sounds
        The recordings.
    labels
        The classes.
    targets, mask
        1 where a recording has a label, and where that is known, ``(n_sounds, n_classes)``.
    train, validation
        Indices of the recordings to train on, and of those held out to validate.
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
    def exclusive(self) -> bool:
        """True where every recording has one label of all, so that classes exclude each other."""
        return bool((self.targets.sum(axis=1) == 1).all() and self.mask.all())

    @classmethod
    def read(cls, settings: TagDataSettings) -> TagData:
        """Return the data of a recipe.

        Raises
        ------
        ParameterError
            Where nothing is left to train on, or to validate on.
        """
        sounds = tuple(
            each for each in read_sounds(settings.path) if each.sound.fold not in settings.without
        )
        labels = settings.labels or vocabulary(each.sound for each in sounds)
        held_out = [is_held_out(each.sound, settings.fold, settings.validation) for each in sounds]
        train = tuple(i for i, is_out in enumerate(held_out) if not is_out)
        validation = tuple(i for i, is_out in enumerate(held_out) if is_out)
        if not train or not validation:
            raise ParameterError(
                f"{settings.path}: {len(train)} recordings to train on and {len(validation)} to "
                f"validate on; fold is {settings.fold}, validation {settings.validation}"
            )
        targets, mask = encode_labels(sounds, labels)
        return cls(sounds, tuple(labels), targets, mask, train, validation)


def encode_labels(
    sounds: Sequence[LabeledSound], labels: Sequence[str]
) -> tuple[Floats32, Floats32]:
    """Return which recording has which label, and where that is known.

    Returns
    -------
    Targets and mask, ``(n_sounds, n_labels)``, 0 or 1.

    Raises
    ------
    UnknownName
        Where a recording has a label that is not among `labels`.
    """
    place = {label: i for i, label in enumerate(labels)}
    targets = np.zeros((len(sounds), len(labels)), np.float32)
    mask = np.ones_like(targets)
    for i, each in enumerate(sounds):
        targets[i, _places(each.sound.labels, place)] = 1
        if each.known is not None:
            mask[i] = 0
            mask[i, _places(each.known, place)] = 1
        mask[i] = np.maximum(mask[i], targets[i])
    return targets, mask


def _places(names: Sequence[str], place: dict[str, int]) -> list[int]:
    for name in names:
        checks.member("label", name, place)
    return [place[name] for name in names]


def drawing_probabilities(targets: Floats32, balance: float) -> Floats:
    """Return the probability of drawing each recording, by the rarity of its rarest label.

    Examples
    --------
    >>> drawing_probabilities(np.array([[1, 0], [1, 0], [0, 1]], np.float32), 1.0).tolist()
    [0.25, 0.25, 0.5]
    """
    counts = np.maximum(targets.sum(axis=0), 1)
    rarity = (targets / counts).max(axis=1)
    rarity[rarity == 0] = rarity[rarity > 0].min(initial=1)
    weights = rarity.astype(np.float64) ** balance
    return np.asarray(weights / weights.sum())
