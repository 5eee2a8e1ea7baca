"""Recipes of tags without writing one: from a backbone and a folder of sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirkit import checks
from mirkit.datasets.sound_folders import read_sounds
from mirkit.training.recipe import build, format_toml
from mirkit.training.tag.data import TagData
from mirkit.training.tag.recipe import TagDataSettings, TagModelSettings, TagRecipe

BATCH = 16
COMMAND = "mirkit train tags"  # in messages


def compose_recipe(
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

    Classes that exclude each other are learned by cross-entropy, others by a binary one. The
    learning rate fits a head where anything is frozen, and a network where nothing is.

    Parameters
    ----------
    backbone
        See `mirkit.training.tag.recipe.TagModelSettings`.
    data
        A folder of class folders, a CSV table or a manifest.
    output
        Folder of the run.
    head, freeze, weights
        See `mirkit.training.tag.recipe.TagModelSettings`.
    epochs
        Passes over the recordings.
    crop
        Length of an excerpt [s].
    seed
        Seed of all randomness.

    Raises
    ------
    ParameterError
        Where a setting is out of range, or nothing is left to train on or to validate on.
    """
    checks.positive("epochs", epochs)
    data, output = Path(data).expanduser(), Path(output).expanduser()
    model = {"backbone": backbone, "head": head, "freeze": freeze, "weights": weights}
    build(TagModelSettings, model, COMMAND)
    sounds = _divide(data) | {"crop": float(crop)}
    read = TagData.read(build(TagDataSettings, sounds, COMMAND))
    n_steps = max(1, epochs * len(read.train) // BATCH)
    top = {"task": TagRecipe.trains, "name": output.name, "seed": seed, "folder": str(output)}
    tables = {
        "model": model,
        "data": sounds,
        "augment": {
            "fill": "either",
            "mixed_labels": "share" if read.exclusive else "both",
            "mixup_probability": 0.5,
        },
        "loss": {"kind": "ce" if read.exclusive else "bce"},
    }
    return format_toml(top, tables | _schedule(n_steps, is_frozen=freeze != "none"))


def _divide(data: Path) -> dict[str, Any]:
    """Return the settings that hold out the last fold, where all recordings have one."""
    folds = [each.sound.fold for each in read_sounds(data)]
    if None in folds:
        return {"path": str(data)}
    return {"path": str(data), "fold": max((fold or 1 for fold in folds), default=0)}


def _schedule(n_steps: int, is_frozen: bool) -> dict[str, dict[str, Any]]:
    """Return the tables of the optimizer and the loop."""
    optimizer = {
        "learning_rate": 1e-2 if is_frozen else 2e-3,
        "weight_decay": 0.05,
        "warmup_steps": max(1, n_steps // 10),
        "ema": 0.99,
        "clip_norm": 2.0,
    }
    loop = {
        "n_steps": n_steps,
        "batch_size": BATCH,
        "log_every": max(1, n_steps // 50),
        "validate_every": max(1, n_steps // 5),
        "workers": 0,
    }
    return {"optimizer": optimizer, "loop": loop}
