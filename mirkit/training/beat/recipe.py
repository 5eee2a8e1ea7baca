"""The recipe of beats: network, data, augmentation, losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from mirkit.backbones.tcn.config import TCNConfig
from mirkit.training.beat.augment import BeatAugmentation
from mirkit.training.recipe import Recipe
from mirkit.training.weights import StartSettings


@dataclass(frozen=True)
class BeatModelSettings(StartSettings):
    """The network of a beat recipe.

    A causal network may start from a centered one, with those taps that look at the past.

    Parameters
    ----------
    front_end
        Name of the front end.
    config
        Shape of the TCN.
    """

    front_end: str
    config: TCNConfig


@dataclass(frozen=True)
class BeatDataSettings:
    """The data of a beat recipe.

    Parameters
    ----------
    store
        Folder of the clips: see `mirkit.training.beat.data.pack_clips`.
    crop
        Length of an excerpt, as the network hears it [s].
    n_train, n_validation
        Greatest number of clips; all where 0.
    decoder
        Name of the decoder that validation scores; the default one where empty.
    sources
        Sources of music to train on, such as ``"mma"``; all where empty.
    """

    store: str
    crop: float = 20.0
    n_train: int = 0
    n_validation: int = 100
    decoder: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class BeatLossSettings:
    """The losses of a beat recipe.

    Parameters
    ----------
    kind
        Of beats and downbeats: see `mirkit.training.losses`.
    beat, downbeat, tempo
        Weight of each head.
    beat_weight, downbeat_weight
        Weight of a frame with an event, where one without has 1.
    tolerance
        Frames that ``"shift_tolerant"`` forgives.
    neighbour
        Target of the frames beside an event; 0 with ``"shift_tolerant"``.
    gamma
        Of ``"focal"``.
    """

    kind: Literal["bce", "focal", "shift_tolerant"] = "bce"
    beat: float = 1.0
    downbeat: float = 1.0
    tempo: float = 0.1
    beat_weight: float = 1.0
    downbeat_weight: float = 1.0
    tolerance: int = 3
    neighbour: float = 0.5
    gamma: float = 2.0


@dataclass(frozen=True, kw_only=True)
class BeatRecipe(Recipe):
    """A recipe of beats.

    Parameters
    ----------
    model, data, augment, loss
        Its tables.
    """

    trains: ClassVar[str] = "beats"
    entry: ClassVar[str] = "mirkit.training.beat.task:BeatTask"

    model: BeatModelSettings
    data: BeatDataSettings
    augment: BeatAugmentation = field(default_factory=BeatAugmentation)
    loss: BeatLossSettings = field(default_factory=BeatLossSettings)
