"""The base of the tasks of chords and key: their data, their network, its files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.backbones.crnn.export import export_crnn
from mirkit.backbones.crnn.network import CRNN, layout
from mirkit.errors import ParameterError
from mirkit.training import weights
from mirkit.training.harmony.data import Excerpt, HarmonyData
from mirkit.training.harmony.recipe import HarmonyRecipe
from mirkit.training.stores import Clip
from mirkit.training.task import Task

H = TypeVar("H", bound=HarmonyRecipe)
Targets = Mapping[str, NDArray[Any]]


class HarmonyTask(Task[H]):
    """A task of hearing harmony in a store of features."""

    def __init__(self, recipe: H, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.data = HarmonyData(recipe, recipe.model.config.pool)
        self.clips = [clip for clip in self.data.train.clips if self.is_known(clip)]
        self.n_clips = len(self.clips)
        if not self.clips:
            raise ParameterError(
                f"the store {recipe.data.store} has no clip of the split 'train' with {recipe.task}"
            )

    @abstractmethod
    def is_known(self, clip: Clip) -> bool:
        """Tell whether a clip has something to learn."""

    @abstractmethod
    def cut_targets(self, clip: Clip, excerpt: Excerpt) -> Targets:
        """Return the targets of an excerpt of a training clip, by name."""

    def network(self) -> CRNN:
        """Return a new network, or the one that the recipe starts from."""
        model = self.recipe.model
        net = CRNN(model.config)
        weights.start_from(net, model, layout)
        return net

    def excerpt(self, clip: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return an augmented excerpt of a training clip and its targets, by name."""
        chosen = self.clips[clip]
        excerpt = self.data.excerpt(chosen, rng)
        return {"features": excerpt.values, **self.cut_targets(chosen, excerpt)}

    def evaluate(
        self, net: nn.Module, clips: tuple[Clip, ...]
    ) -> Iterator[tuple[Clip, dict[str, Tensor]]]:
        """Yield clips that validate, as many as the recipe wants, and the logits of each."""
        net.eval()
        for clip in clips[: self.recipe.data.n_validation or None]:
            values = self.data.tuned_features(self.data.validation, clip).values
            with torch.no_grad():
                logits = net(torch.tensor(values, device=self.device)[None])
            yield clip, logits

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and ``best.onnx``, which names the hash of the former."""
        assert isinstance(net, CRNN)
        metadata = {
            "config": net.config.to_json(),
            "front_end": self.data.front_end.name,
            "recipe": self.recipe.name,
        }
        weights.save_best(net, folder, metadata, export_crnn)


def cut(values: NDArray[Any], first: int, n_frames: int, fill: float) -> NDArray[Any]:
    """Return a copy of `n_frames` targets from `first` on, with `fill` past their end."""
    part = values[first : first + n_frames].copy()
    edges = ((0, n_frames - len(part)), *((0, 0),) * (part.ndim - 1))
    return np.pad(part, edges, constant_values=fill)
