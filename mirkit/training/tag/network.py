"""The network of a recipe of tags: a backbone, its weights, a head, and its frozen stages."""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from mirkit.backbones.base import Backbone
from mirkit.backbones.heads import HeadedBackbone
from mirkit.backbones.published import keys_for, load_published
from mirkit.errors import FormatError, ParameterError, UnknownName, WeightsError
from mirkit.training.tag.recipe import TagModelSettings
from mirkit.training.weights import load_fitting
from mirkit.zoo import checkpoints, registry
from mirkit.zoo.state_dicts import state_dict_in

OWN: Mapping[str, str] = {
    "residual": "mirkit.backbones.residual:ResidualCNN",
    "mn": "mirkit.backbones.efficientat.mn:MobileNet",
}
"""Backbones that have no card of their own, since they are trained here."""


def find_backbone(settings: TagModelSettings) -> tuple[type[Backbone], dict[str, Any]]:
    """Return the class that a recipe names, and its keyword arguments.

    What the recipe says of the shape of the network counts first, then its card, then the
    checkpoint that it starts from.

    Raises
    ------
    UnknownName
        Where there is neither a card nor a class of this name.
    """
    make, given = _named_backbone(settings)
    if not settings.weights:
        return make, given
    status = _checkpoint(settings.weights).stat()
    told = _settings_in(make, settings.weights, (status.st_mtime_ns, status.st_size))
    return make, {**told, **given}


def _named_backbone(settings: TagModelSettings) -> tuple[type[Backbone], dict[str, Any]]:
    """Return the class that a recipe names, and what recipe and card say of its shape."""
    name = settings.backbone
    if ":" in name or name in OWN:
        return _load_class(OWN.get(name, name)), dict(settings.settings)
    cards = {card.name: card for card in registry.models() if "backbone" in card.config}
    if name not in cards:
        raise UnknownName("backbone", name, [*OWN, *cards])
    card = cards[name]
    given = {**card.config.get("settings", {}), **settings.settings}
    if card.front_end is not None and "front_end" in _arguments(card.config["backbone"]):
        given.setdefault("front_end", card.front_end)
    return _load_class(card.config["backbone"]), given


def make_network(settings: TagModelSettings, n_classes: int) -> Backbone:
    """Return the network that a recipe starts from; random weights follow torch's seed.

    Raises
    ------
    WeightsError
        Where the checkpoint belongs to another network.
    """
    make, given = find_backbone(settings)
    if settings.head == "own" and settings.freeze == "none":
        net = make(**{**given, "n_classes": n_classes})
        _load_weights(net, settings.weights)
        return net
    body = make(**given)
    if settings.head == "own":
        raise ParameterError(
            f"freeze is {settings.freeze!r} and head 'own'; what is frozen needs a head that is "
            "not: linear, mlp, lstm or attention"
        )
    _load_weights(body, settings.weights)
    headed = HeadedBackbone(body, settings.head, n_classes, **settings.head_settings)
    headed.freeze(settings.freeze if settings.freeze in ("all", "none") else int(settings.freeze))  # type: ignore[arg-type]
    return headed


def drop_classes(net: Backbone, n_classes: int) -> Backbone:
    """Return a copy of a network with its first classes alone.

    Raises
    ------
    ParameterError
        Where its classifier is no linear layer.
    """
    layer = getattr(net, "classifier", None)
    if not isinstance(layer, nn.Linear):
        raise ParameterError(
            f"{type(net).__name__} has no linear layer 'classifier', whose hints could be dropped"
        )
    kept = copy.deepcopy(net)
    kept.classifier = nn.Linear(layer.in_features, n_classes)
    kept.classifier.weight.data = layer.weight.data[:n_classes].clone()
    kept.classifier.bias.data = layer.bias.data[:n_classes].clone()
    kept.n_classes = n_classes
    return kept


def _checkpoint(weights: str) -> Path:
    return checkpoints.locate(weights)


@lru_cache(maxsize=8)
def _settings_in(make: type[Backbone], weights: str, stamp: tuple[int, int]) -> dict[str, Any]:
    """Return what a checkpoint says of the shape of its network; `stamp` tells its versions apart.

    Ours say it of the class that they were trained as, and published ones where their authors did.
    """
    path = _checkpoint(weights)
    if path.suffix != ".safetensors":
        published: dict[str, Any] = make.published_settings(checkpoints.load_content(path))
        return published
    config = json.loads(checkpoints.load_tensors(path)[1].get("config", "{}"))
    if config.get("backbone") != f"{make.__module__}:{make.__name__}":
        return {}
    has_own_head = config.get("head", "own") == "own"
    n_classes = {"n_classes": len(config["labels"])} if has_own_head else {}
    own: dict[str, Any] = config.get("settings", {})
    return n_classes | own


def _load_weights(net: Backbone, weights: str) -> None:
    """Load the weights that a recipe starts from."""
    if not weights:
        return
    path = _checkpoint(weights)
    content = checkpoints.load_content(path)
    try:
        if path.suffix == ".safetensors" or net.published is None:
            load_fitting(net, state_dict_in(content))
        else:
            load_published(net, content, keys_for(net, content, net.published))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def _load_class(entry: str) -> type[Backbone]:
    module, _, name = entry.partition(":")
    try:
        found: type[Backbone] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FormatError(f"backbone is {entry!r}, and nothing is there: {error}") from None
    return found


def _arguments(entry: str) -> Sequence[str]:
    import inspect

    return list(inspect.signature(_load_class(entry)).parameters)
