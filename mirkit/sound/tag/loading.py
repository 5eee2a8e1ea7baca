"""Taggers in torch: made from their cards, filled from checkpoints, ours or published ones."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirkit.errors import ParameterError, WeightsError
from mirkit.sound.tag.config import TagConfig
from mirkit.zoo import checkpoints
from mirkit.zoo.networks import check_front_end, with_seed
from mirkit.zoo.registry import Card


def fitting(path: Path, kept: Mapping[str, str], card: Card) -> TagConfig:
    """Return the configuration of a checkpoint: the card's, and what the checkpoint says instead.

    Raises
    ------
    WeightsError
        Where the checkpoint belongs to another front end than the card.
    """
    check_front_end(path, kept, card)
    return TagConfig.from_dict({**card.config, **json.loads(kept.get("config", "{}"))})


def content_of(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return what a checkpoint holds, and what is written beside it if its kind can hold that."""
    if path.suffix == ".safetensors":
        return checkpoints.load_tensors(path)
    return checkpoints.load_content(path), {}


def told(config: TagConfig, card: Card, content: Mapping[str, Any], path: Path) -> TagConfig:
    """Return the configuration with what a published checkpoint tells of itself.

    So BEATs of any shape load, ones that were only pre-trained (without classes), and ones that
    were trained on other classes.

    Raises
    ------
    WeightsError
        Where it tells of a network that is not known here.
    """
    make = backbone_of(config, card)
    try:
        settings = make.published_settings(content)
        labels = make.published_labels(content) or config.labels
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    labels = labels if settings.pop("n_classes", len(labels)) else ()
    return replace(config, labels=labels, settings={**settings, **config.settings})


def random_net(config: TagConfig, card: Card, seed: int) -> Any:
    """Return the network of `config` in torch, whose weights follow `seed` alone."""
    return with_seed(lambda: _make(config, card), seed)


def _make(config: TagConfig, card: Card) -> Any:
    make = backbone_of(config, card)
    if config.head == "own":
        return make(**config.network)
    from mirkit.backbones.heads import HeadedBackbone

    body = make(**config.settings)
    kind: Any = config.head  # which the class checks
    return HeadedBackbone(body, kind, len(config.labels), **config.head_settings)


def backbone_of(config: TagConfig, card: Card) -> Any:
    """Import the class of the network.

    Raises
    ------
    ParameterError
        Where the card names none, or none that is there.
    """
    if config.backbone is None:
        raise ParameterError(
            f"{card.source} has no config.backbone, such as 'mirkit.backbones.panns.cnn:Cnn14'; "
            "without it only .onnx files run"
        )
    module, _, name = config.backbone.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError, ValueError) as error:
        raise ParameterError(
            f"{card.source}: config.backbone is {config.backbone!r}: {error}"
        ) from None


def fill(net: Any, content: Mapping[str, Any], path: Path) -> None:
    """Put a checkpoint into `net`: one of ours by its names, a published one by its key map.

    Raises
    ------
    WeightsError
        Where it belongs to another network; the message names what does not fit.
    """
    from mirkit.backbones.published import keys_for, load_published

    try:
        load_published(net, content, keys_for(net, content, net.published))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
