"""Checkpoints of self-supervised training: networks and tokenizers, ours or published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from mirkit.backbones.beats.encoder import BEATsConfig
from mirkit.backbones.beats.network import BEATs
from mirkit.backbones.beats.tokenizer import Tokenizer
from mirkit.backbones.published import KeyMap, load_published
from mirkit.errors import WeightsError
from mirkit.zoo import checkpoints

N = TypeVar("N", bound=nn.Module)
MODEL, TOKENIZER = "beats", "beats-tokenizer"  # kinds of checkpoint, in its metadata


def read_model(path: str | Path) -> BEATs:
    """Return a network that was trained here, or published, to be run and not trained.

    Raises
    ------
    WeightsError
        Where the file holds none.
    """
    content, metadata = _read(path, MODEL)
    if "config" not in metadata:
        return _freeze(BEATs.from_published(content, max_frames=None))
    settings = json.loads(metadata["config"])["settings"]
    net = BEATs(**{"n_classes": 0, **settings, "max_frames": None})
    return _freeze(_load(net, content, path))


def read_tokenizer(path: str | Path) -> Tokenizer:
    """Return a tokenizer that was trained here, or published.

    Raises
    ------
    WeightsError
        Where the file holds none.
    """
    content, metadata = _read(path, TOKENIZER)
    if "config" not in metadata:
        return _freeze(Tokenizer.from_published(content))
    config = BEATsConfig(**json.loads(metadata["config"]))
    net = Tokenizer(config, int(metadata["n_codes"]), int(metadata["code_dim"]))
    return _freeze(_load(net, content, path))


def _read(path: str | Path, kind: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    path = Path(path).expanduser()
    metadata = checkpoints.load_tensors(path)[1] if path.suffix == ".safetensors" else {}
    if metadata.get("kind", kind) != kind:
        raise WeightsError(f"{path} holds a {metadata['kind']!r}; a {kind!r} is needed here")
    return checkpoints.load_content(path), metadata


def _load(net: N, content: Mapping[str, Any], path: str | Path) -> N:
    try:
        load_published(net, content, KeyMap())
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    return net


def _freeze(net: N) -> N:
    return net.eval().requires_grad_(False)
