"""The recipe of tags: network, data, augmentation, loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mirkit.errors import ParameterError
from mirkit.training.recipe import Recipe
from mirkit.training.tag.augment import TagAugmentation


@dataclass(frozen=True)
class TagModelSettings:
    """The network of a recipe of tags.

    Parameters
    ----------
    backbone
        A short name (``"residual"``, ``"mn"``), the name of a card with ``backbone`` in its
        config, or ``"package.module:Class"``.
    settings
        Keyword arguments of the class, beside ``n_classes``; they win over those of the card.
    head
        ``"own"`` keeps the backbone's, of the right width; the others are in
        `mirkit.backbones.heads`.
    head_settings
        For a head that is not its own: ``dropout``, ``n_hidden``.
    freeze
        ``"none"``, ``"all"`` of the backbone, or the number of its stages that are frozen.
    weights
        Checkpoint to start from: one that mirkit wrote, of which all that fits is taken, or one
        as its authors published it, loaded strictly. Random where empty.
    """

    backbone: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    head: Literal["own", "linear", "mlp", "lstm", "attention"] = "own"
    head_settings: Mapping[str, Any] = field(default_factory=dict)
    freeze: str = "none"
    weights: str = ""

    def __post_init__(self) -> None:
        if self.freeze not in ("none", "all") and not self.freeze.isdecimal():
            raise ParameterError(f"freeze is {self.freeze!r}; it is 'none', 'all' or a number")
        if self.head == "own" and self.freeze == "all":
            raise ParameterError(
                "freeze is 'all' and head 'own': nothing would learn. Take head = 'linear'."
            )


@dataclass(frozen=True)
class TagDataSettings:
    """The data of a recipe of tags.

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
        The fold that validates; the others are trained on. 0 where there are no folds.
    without
        Folds that are left out altogether.
    validation
        Share of the groups that validate, where there are neither folds nor splits.
    labels
        The classes, in the order of the outputs; all that occur, in alphabetical order, where
        empty.
    balance
        Power of a class's rarity that its clips are drawn with: 0 draws every clip equally often,
        1 every class.
    longest
        How much of a recording is used, from its beginning [s]; all where 0.
    domain
        ``"features"`` are computed once and changed as powers; ``"samples"`` are changed as they
        are, and pass the front end in every step.
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
    domain: Literal["features", "samples"] = "features"

    def __post_init__(self) -> None:
        if not 0 < self.validation < 1:
            raise ParameterError(f"validation is {self.validation}; it is a share, in (0, 1)")


@dataclass(frozen=True)
class TagLossSettings:
    """The loss of a recipe of tags.

    Parameters
    ----------
    kind
        ``"ce"`` (cross-entropy) where classes exclude each other, ``"bce"`` (binary) where they do
        not, ``"focal"`` the same with little weight for what is right already.
    gamma
        Of ``"focal"``.
    smoothing
        Label smoothing: share of the truth that is spread over all classes.
    kd_lambda
        Weight of the labels beside the teacher, where there is one (knowledge distillation).
    temperature
        Divisor of the teacher's logits: above 1, it is less sure.
    teacher
        An ``.npz`` file with ``paths`` and ``logits``, such as `mirkit teach` writes, or the name
        of a model that can be loaded and has the same labels; none where empty.
    hints
        How many of the teacher's further columns are learned beside the labels and dropped when
        the network is kept: labels and dimensions of an embedding that only the teacher has.
    """

    kind: Literal["ce", "bce", "focal"] = "bce"
    gamma: float = 2.0
    smoothing: float = 0.0
    kd_lambda: float = 0.1
    temperature: float = 1.0
    teacher: str = ""
    hints: int = 0

    def __post_init__(self) -> None:
        if self.hints < 0 or (self.hints and not self.teacher):
            raise ParameterError(f"hints is {self.hints}; only a teacher has hints, from 0 on")
        for name in ("smoothing", "kd_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} is {getattr(self, name)}; it lies in [0, 1]")
        if self.temperature <= 0:
            raise ParameterError(f"temperature is {self.temperature}; it is above 0")

    @property
    def exclusive(self) -> bool:
        """True where classes exclude each other."""
        return self.kind == "ce"


@dataclass(frozen=True, kw_only=True)
class TagRecipe(Recipe):
    """A recipe of tags.

    Parameters
    ----------
    model, data, augment, loss
        Its tables.
    """

    trains: ClassVar[str] = "tags"
    entry: ClassVar[str] = "mirkit.training.tag.task:TagTask"

    model: TagModelSettings
    data: TagDataSettings
    augment: TagAugmentation = field(default_factory=TagAugmentation)
    loss: TagLossSettings = field(default_factory=TagLossSettings)
