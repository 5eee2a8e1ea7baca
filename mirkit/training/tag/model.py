"""The network of a recipe for tags: a backbone, its weights, a head, and what of it learns."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from mirkit.backbones.base import Backbone
from mirkit.backbones.heads import HeadedBackbone
from mirkit.backbones.published import load_published
from mirkit.errors import FormatError, ParameterError, UnknownName, WeightsError
from mirkit.zoo import checkpoints, registry

OWN: Mapping[str, str] = {
    "residual": "mirkit.backbones.residual:ResidualCNN",
    "mn": "mirkit.backbones.efficientat.mn:MobileNet",
}
"""Backbones that have no card of their own, since they are trained here."""


@dataclass(frozen=True)
class TagModelSettings:
    """The network of a recipe for tags.

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
        ``"none"``, ``"all"`` of the backbone, or how many of its stages.
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


def backbone_of(settings: TagModelSettings) -> tuple[type[Backbone], dict[str, Any]]:
    """Return the class that a recipe names, and its keyword arguments.

    Raises
    ------
    UnknownName
        Where there is neither a card nor a class of this name.
    """
    name = settings.backbone
    if ":" in name or name in OWN:
        return _class(OWN.get(name, name)), dict(settings.settings)
    cards = {card.name: card for card in registry.models() if "backbone" in card.config}
    if name not in cards:
        raise UnknownName("backbone", name, [*OWN, *cards])
    card = cards[name]
    given = {**card.config.get("settings", {}), **settings.settings}
    if card.front_end is not None and "front_end" in _arguments(card.config["backbone"]):
        given.setdefault("front_end", card.front_end)
    return _class(card.config["backbone"]), given


def new_network(settings: TagModelSettings, n_classes: int) -> Backbone:
    """Return the network that a recipe starts from; random weights follow torch's seed.

    Raises
    ------
    WeightsError
        Where the checkpoint belongs to another network.
    """
    make, given = backbone_of(settings)
    if settings.head == "own" and settings.freeze == "none":
        net = make(**{**given, "n_classes": n_classes})
        _start(net, settings.weights)
        return net
    body = make(**given)
    if settings.head == "own":
        raise ParameterError(
            f"freeze is {settings.freeze!r} and head 'own'; what is frozen needs a head that is "
            "not: linear, mlp, lstm or attention"
        )
    _start(body, settings.weights)
    headed = HeadedBackbone(body, settings.head, n_classes, **settings.head_settings)
    headed.freeze(settings.freeze if settings.freeze in ("all", "none") else int(settings.freeze))  # type: ignore[arg-type]
    return headed


def _start(net: Backbone, weights: str) -> None:
    """Put the weights that a recipe starts from into a network."""
    if not weights:
        return
    content = checkpoints.load_content(weights)
    if weights.endswith(".safetensors"):
        load_fitting(net, content)
    elif net.published is None:
        raise WeightsError(f"{type(net).__name__} has no published checkpoint; it starts from ours")
    else:
        load_published(net, content, net.published)


def load_fitting(net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put into a network what has its name and shape: all but the head for other classes.

    Raises
    ------
    WeightsError
        Where that is less than half of the network.
    """
    expected = net.state_dict()
    bare = {name.removeprefix("body."): tensor for name, tensor in tensors.items()}
    fits = {
        name: bare[name]
        for name, own in expected.items()
        if name in bare and bare[name].shape == own.shape
    }
    share = _size(fits.values()) / max(1, _size(expected.values()))
    if share < 0.5:
        raise WeightsError(
            f"only {share:.0%} of {type(net).__name__} is in the checkpoint, by name and shape; it "
            "belongs to another network, or another width"
        )
    net.load_state_dict({**expected, **fits})


def _size(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _class(entry: str) -> type[Backbone]:
    module, _, name = entry.partition(":")
    try:
        made: type[Backbone] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FormatError(f"backbone is {entry!r}, and nothing is there: {error}") from None
    return made


def _arguments(entry: str) -> Sequence[str]:
    import inspect

    return list(inspect.signature(_class(entry)).parameters)
