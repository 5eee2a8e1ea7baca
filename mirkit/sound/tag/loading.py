"""Taggers in torch: made from their cards, filled from checkpoints, ours or published ones."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirkit import checkpoints
from mirkit.errors import MissingExtra, ParameterError, WeightsError
from mirkit.registry import Card
from mirkit.sound.tag.config import TagConfig


def fitting(path: Path, kept: Mapping[str, str], card: Card) -> TagConfig:
    """Return the configuration of a checkpoint: the card's, and what the checkpoint says instead.

    Raises
    ------
    WeightsError
        Where the checkpoint belongs to another front end than the card.
    """
    theirs = kept.get("front_end", card.front_end)
    if theirs != card.front_end:
        raise WeightsError(
            f"{path} was trained on the front end {theirs!r}, and the card of {card.name!r} "
            f"names {card.front_end!r}: the weights belong to another model"
        )
    return TagConfig.from_dict({**card.config, **json.loads(kept.get("config", "{}"))})


def beside(path: Path) -> Mapping[str, str]:
    """Return what is written beside the tensors of a checkpoint, if it can hold that."""
    return checkpoints.load_tensors(path)[1] if path.suffix == ".safetensors" else {}


def random_net(config: TagConfig, card: Card, seed: int) -> Any:
    """Return the backbone of `config` in torch, whose weights follow `seed` alone."""
    try:
        import torch
    except ImportError:
        install = "pip install 'mirkit[torch]'"
        raise MissingExtra("torch", install, "a network that is not an .onnx file") from None
    backbone = backbone_of(config, card)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return backbone(**config.network).eval()


def backbone_of(config: TagConfig, card: Card) -> Any:
    """Import the class of the network.

    Raises
    ------
    ParameterError
        Where the card names none, or none that is there.
    """
    if config.backbone is None:
        raise ParameterError(
            f"{card.source} has no config.backbone, such as 'mirkit.backbones.panns:Cnn14'; "
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
    from mirkit.backbones.published import KeyMap, load_published

    is_ours = set(content) == set(net.state_dict())
    keys = KeyMap() if is_ours or net.published is None else net.published
    try:
        load_published(net, content, keys)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
