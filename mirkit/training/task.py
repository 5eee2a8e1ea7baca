"""The task that the training loop drives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.training.recipe import Recipe

R = TypeVar("R", bound=Recipe)


class Task(ABC, Generic[R]):
    """A task: its network, its data, its losses, its scores.

    A family of tasks implements the abstract methods; all randomness of an excerpt comes from the
    generator that it is given.

    Parameters
    ----------
    recipe
        The recipe.
    device
        Device that networks compute on.

    Attributes
    ----------
    n_clips
        Clips to train on. A resumed run sees as many as before, even where there are more now.
    monitor
        Name of the score, higher being better, that decides which weights are best.
    """

    monitor: ClassVar[str] = "score"
    n_clips: int

    def __init__(self, recipe: R, device: torch.device) -> None:
        self.recipe, self.device = recipe, device

    @abstractmethod
    def network(self) -> nn.Module:
        """Return a new network, or the one that the recipe starts from.

        Random weights follow torch's seed.
        """

    @abstractmethod
    def excerpt(self, clip: int, rng: np.random.Generator) -> Mapping[str, NDArray[Any]]:
        """Return an augmented excerpt of a training clip and its targets, by name.

        May run in another thread.
        """

    @abstractmethod
    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses by name; ``"loss"`` is the one to minimize."""

    @abstractmethod
    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the scores of `net`, in its evaluation mode, on clips never trained on."""

    @abstractmethod
    def save(self, net: nn.Module, folder: Path) -> None:
        """Write the weights of `net` as they are to be shipped."""

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch, on the CPU: excerpt i of clip ``clips[i]``, seeded by ``seeds[i]``."""
        excerpts = [
            self.excerpt(clip, np.random.default_rng(seed))
            for clip, seed in zip(clips, seeds, strict=True)
        ]
        return {
            name: torch.from_numpy(np.stack([excerpt[name] for excerpt in excerpts]))
            for name in excerpts[0]
        }

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        self.n_clips = min(self.n_clips, n_clips)
