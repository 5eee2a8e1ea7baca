"""Recipes for tags without writing one: from a backbone and a folder of sounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirkit.checks import positive
from mirkit.datasets.sound_folders import read_sounds
from mirkit.training.recipe import build
from mirkit.training.tag.data import TagData, TagDataSettings
from mirkit.training.tag.model import TagModelSettings

BATCH = 16


def tag_recipe(
    backbone: str,
    data: str | Path,
    output: str | Path,
    *,
    head: str = "linear",
    freeze: str = "none",
    weights: str = "",
    epochs: int = 30,
    crop: float = 5.0,
    seed: int = 0,
) -> str:
    """Return a recipe that trains `backbone` on the recordings in `data`.

    Classes that exclude each other are learned by cross-entropy, others by a binary one. With
    freezing or few epochs the learning rate is what fits a head; without, what fits a network.

    Parameters
    ----------
    backbone
        See `mirkit.training.tag.model.TagModelSettings`.
    data
        A folder of class folders, a CSV table or a manifest.
    output
        Folder of the run.
    head, freeze, weights
        See `mirkit.training.tag.model.TagModelSettings`.
    epochs
        How often every recording is heard.
    crop
        Length of an excerpt [s].
    seed
        Of all chance.

    Raises
    ------
    ParameterError
        Where a setting is out of range, or there is nothing to train on or to judge with.
    """
    positive("epochs", epochs)
    data, output = Path(data).expanduser(), Path(output).expanduser()
    model = {"backbone": backbone, "head": head, "freeze": freeze, "weights": weights}
    build(TagModelSettings, model, "mirkit train tags")
    sounds: dict[str, Any] = {"path": str(data), "crop": float(crop)}
    folds = [each.sound.fold for each in read_sounds(data)]
    if None not in folds:
        sounds["fold"] = max((fold or 1 for fold in folds), default=0)
    read = TagData.read(build(TagDataSettings, sounds, "mirkit train tags"))
    n_steps = max(1, epochs * len(read.train) // BATCH)
    tables: dict[str, Mapping[str, Any]] = {
        "model": model,
        "data": sounds,
        "data.changes": {
            "fill": "either",
            "mixed_labels": "share" if read.excludes else "both",
            "mixup_probability": 0.5,
        },
        "loss": {"kind": "ce" if read.excludes else "bce"},
        "optimizer": {
            "learning_rate": 2e-3 if freeze == "none" else 1e-2,
            "weight_decay": 0.05,
            "warmup_steps": max(1, n_steps // 10),
            "ema": 0.99,
            "clip_norm": 2.0,
        },
        "loop": {
            "n_steps": n_steps,
            "batch_size": BATCH,
            "log_every": max(1, n_steps // 50),
            "validate_every": max(1, n_steps // 5),
            "workers": 0,
        },
    }
    top = {"task": "tags", "name": output.name, "seed": seed, "folder": str(output)}
    return as_toml(top, tables)


def as_toml(top: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return plain values and tables of plain values as TOML, which JSON's are as well.

    Examples
    --------
    >>> print(as_toml({"seed": 0}, {"data": {"path": "a", "crop": 5.0}}))
    seed = 0
    <BLANKLINE>
    [data]
    path = "a"
    crop = 5.0
    <BLANKLINE>
    """
    blocks = [_lines(top)]
    blocks += [f"[{name}]\n{_lines(values)}" for name, values in tables.items()]
    return "\n".join(blocks)


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
