"""The families of tasks: one declaration for each recipe, which reads it and finds its task."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mirkit.errors import FormatError, UnknownName
from mirkit.training.beat.recipe import BeatRecipe
from mirkit.training.harmony.recipe import ChordRecipe, KeyRecipe
from mirkit.training.recipe import Recipe, build, load_toml
from mirkit.training.ssl.recipe import SSLRecipe
from mirkit.training.tag.recipe import TagRecipe
from mirkit.training.task import Task

RECIPES: Mapping[str, type[Recipe]] = {
    each.trains: each for each in (BeatRecipe, ChordRecipe, KeyRecipe, TagRecipe, SSLRecipe)
}
"""The recipe of each task that can be trained, by the name of the task."""


def read_recipe(path: str | Path) -> Recipe:
    """Return the recipe in a TOML file.

    Raises
    ------
    FormatError
        Where it is not TOML, or a setting is unknown, missing or of the wrong type; the message
        names file and setting.
    UnknownName
        Where no task has the name that the recipe gives.
    """
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise FormatError(f"{path}: no such recipe ({error.strerror})") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str = "<recipe>") -> Recipe:
    """Return the recipe in `text`; `source` names it in messages."""
    values = load_toml(text, source)
    if "task" not in values:
        raise FormatError(f"{source}: setting 'task' is missing; it is one of {', '.join(RECIPES)}")
    if values["task"] not in RECIPES:
        raise UnknownName("task", str(values["task"]), list(RECIPES))
    return build(RECIPES[values["task"]], values, source)


def make_task(recipe: Recipe, device: torch.device) -> Task[Any]:
    """Return the task of a recipe, with its data open."""
    module, _, name = recipe.entry.partition(":")
    task: Task[Any] = getattr(importlib.import_module(module), name)(recipe, device)
    return task
