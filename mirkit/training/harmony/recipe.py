"""The recipes of chords and key: network, data, augmentation, losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.training.harmony.augment import HarmonyAugmentation
from mirkit.training.recipe import Recipe
from mirkit.training.weights import StartSettings


@dataclass(frozen=True)
class HarmonyModelSettings(StartSettings):
    """The network of a recipe.

    Parameters
    ----------
    config
        Shape of the CRNN.
    """

    config: CRNNConfig


@dataclass(frozen=True)
class HarmonyDataSettings:
    """The data of a recipe.

    Parameters
    ----------
    store
        Folder of the features: see `mirkit.training.harmony.data.pack_features`.
    crop
        Length of an excerpt [s].
    n_validation
        Greatest number of clips to validate on; all where 0.
    """

    store: str
    crop: float = 12.0
    n_validation: int = 60


@dataclass(frozen=True)
class ChordLossSettings:
    """The losses of a chord recipe.

    Parameters
    ----------
    root, bass, pitch, tag
        Weight of each head.
    balance
        Power of a quality's rarity that its frames are weighted with: 0 not at all, 1 fully.
    most
        Greatest weight.
    """

    root: float = 1.0
    bass: float = 0.7
    pitch: float = 1.0
    tag: float = 1.0
    balance: float = 0.4
    most: float = 4.0


@dataclass(frozen=True)
class KeyLossSettings:
    """The losses of a key recipe.

    Parameters
    ----------
    frames, clip
        Weight of each head.
    related
        Share of the truth that is given to the keys that are often taken for it: a fifth above and
        below, relative and parallel.
    """

    frames: float = 1.0
    clip: float = 1.0
    related: float = 0.06


@dataclass(frozen=True, kw_only=True)
class HarmonyRecipe(Recipe):
    """The tables that recipes of chords and key share.

    Parameters
    ----------
    model, data, augment
        The tables.
    """

    model: HarmonyModelSettings
    data: HarmonyDataSettings
    augment: HarmonyAugmentation = field(default_factory=HarmonyAugmentation)


@dataclass(frozen=True, kw_only=True)
class ChordRecipe(HarmonyRecipe):
    """A recipe of chords.

    Parameters
    ----------
    loss
        Its losses.
    """

    trains: ClassVar[str] = "chords"
    entry: ClassVar[str] = "mirkit.training.harmony.chord:ChordTask"

    loss: ChordLossSettings = field(default_factory=ChordLossSettings)


@dataclass(frozen=True, kw_only=True)
class KeyRecipe(HarmonyRecipe):
    """A recipe of key.

    Parameters
    ----------
    loss
        Its losses.
    """

    trains: ClassVar[str] = "key"
    entry: ClassVar[str] = "mirkit.training.harmony.key:KeyTask"

    loss: KeyLossSettings = field(default_factory=KeyLossSettings)
