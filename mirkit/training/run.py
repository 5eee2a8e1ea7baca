"""The state of a training run: all that changes from step to step, saved and restored."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mirkit.errors import WeightsError
from mirkit.training.optim import RunningMean, make_optimizer
from mirkit.training.ranks import Ranks
from mirkit.training.recipe import Recipe
from mirkit.training.task import Task


@dataclass
class Run:
    """All that changes as a run goes on.

    Parameters
    ----------
    recipe, task, ranks
        What is trained, and on which processes.
    step
        Steps taken.
    best
        The best score so far.
    n_worse
        Validations since.
    sums
        Losses summed since the last row of the log, by name.
    """

    recipe: Recipe
    task: Task[Any]
    ranks: Ranks
    step: int = 0
    best: float = -math.inf
    n_worse: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        torch.manual_seed(self.recipe.seed)
        self.net = self.task.network().to(self.ranks.device)
        self.mean = RunningMean(self.net, self.recipe.optimizer.ema)
        self.optimizer = make_optimizer(self.net, self.recipe.optimizer)
        self.wrapped = self.ranks.wrap(self.net)
        is_half = self.recipe.loop.precision == "float16" and self.ranks.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.ranks.device.type, enabled=is_half)

    def save(self, path: Path) -> None:
        """Write the state, all or nothing (atomically)."""
        state = {
            "step": self.step,
            "best": self.best,
            "n_worse": self.n_worse,
            "sums": self.sums,
            "n_clips": self.task.n_clips,
            "net": self.net.state_dict(),
            "mean": self.mean.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Continue from a state.

        Raises
        ------
        WeightsError
            Where the file is damaged.
        """
        try:
            state: dict[str, Any] = torch.load(
                path, map_location=self.ranks.device, weights_only=True
            )
        except Exception as error:  # noqa: BLE001  torch raises many kinds
            raise WeightsError(f"{path} is damaged: {error}. Start the run anew.") from None
        self.net.load_state_dict(state["net"])
        self.mean.net.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.task.limit(state["n_clips"])
        self.step, self.best, self.n_worse = state["step"], state["best"], state["n_worse"]
        self.sums = dict(state["sums"])

    @property
    def is_done(self) -> bool:
        """True after the last step, or where early stopping applies."""
        loop = self.recipe.loop
        return self.step >= loop.n_steps or 0 < loop.patience <= self.n_worse
