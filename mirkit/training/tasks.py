"""What a task is to the loop, and which there are."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mirkit.errors import UnknownName
from mirkit.training.recipe import Recipe

TASKS: Mapping[str, str] = {
    "beats": "mirkit.training.beat.task:BeatTask",
    "chords": "mirkit.training.harmony.chord:ChordTask",
    "key": "mirkit.training.harmony.key:KeyTask",
    "tags": "mirkit.training.tag.task:TagTask",
    "ssl": "mirkit.training.beats_ssl:SSLTask",
}


class Task(Protocol):
    """A task: its network, its data, its losses, its scores.

    Attributes
    ----------
    n_clips
        Clips to train on. A resumed run sees as many as before, even where there are more now.
    monitor
        Name of the score, higher being better, that decides which weights are best.
    """

    n_clips: int
    monitor: str

    def network(self) -> nn.Module:
        """Return a new network, whose weights follow torch's seed."""

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch, on the CPU: excerpt i of clip ``clips[i]``, all chance from ``seeds[i]``.

        May run in another thread.
        """

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses by name; ``"loss"`` is what is followed."""

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the scores of `net`, in its validating mode, on clips never trained on."""

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write `net` as it is to be shipped."""

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""


def make_task(recipe: Recipe, device: torch.device) -> Task:
    """Return the task of a recipe.

    Raises
    ------
    UnknownName
        Where there is none of its name.
    """
    if recipe.task not in TASKS:
        raise UnknownName("task", recipe.task, list(TASKS))
    module, _, name = TASKS[recipe.task].partition(":")
    made: Any = getattr(importlib.import_module(module), name)(recipe, device)
    task: Task = made
    return task


def with_fresh(
    own: dict[str, Tensor], tensors: dict[str, Tensor], fresh: Sequence[str]
) -> dict[str, Tensor]:
    """Return `tensors`, with what `fresh` names taken from `own`."""
    kept = {name: x for name, x in tensors.items() if not name.startswith(tuple(fresh))}
    return kept | {name: x for name, x in own.items() if name.startswith(tuple(fresh))}
