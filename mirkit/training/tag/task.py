"""The task of tags: excerpts, mixed and changed, losses, and scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mirkit.arrays import Floats32
from mirkit.backbones.base import Backbone
from mirkit.backbones.tagging import export_tagger
from mirkit.errors import ParameterError
from mirkit.metrics.tag import average_precision, mean
from mirkit.training import weights
from mirkit.training.augment import mix_examples
from mirkit.training.losses import (
    distillation,
    focal_bce,
    masked_bce,
    smooth_labels,
    soft_cross_entropy,
)
from mirkit.training.tag.augment import mix_equally, mix_over, mix_truths
from mirkit.training.tag.data import TagData, drawing_probabilities
from mirkit.training.tag.inputs import TagInputs
from mirkit.training.tag.network import drop_classes, find_backbone, make_network
from mirkit.training.tag.recipe import TagLossSettings, TagRecipe
from mirkit.training.tag.teacher import load_teacher
from mirkit.training.task import Task

Example = tuple[Floats32, dict[str, Floats32]]
BATCH = 16  # recordings of one length that are validated at once


class TagTask(Task[TagRecipe]):
    """Tags of labeled recordings."""

    def __init__(self, recipe: TagRecipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.data = TagData.read(recipe.data)
        if recipe.loss.exclusive and not self.data.exclusive:
            raise ParameterError(
                "kind is 'ce', and some recordings have several labels, none, or unknown ones; "
                "'bce' and 'focal' can learn them"
            )
        self.inputs = TagInputs.open(recipe, self.data.paths, device)
        self.store = self.inputs.store
        self.teacher = load_teacher(recipe.loss, self.data)
        self.train = np.array(self.data.train)
        self.n_clips = len(self.train)
        self.limit(self.n_clips)

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        super().limit(n_clips)
        targets, balance = self.data.targets[self.train[: self.n_clips]], self.recipe.data.balance
        self.draws = drawing_probabilities(targets, balance).cumsum() if balance else None

    def network(self) -> Backbone:
        """Return a new network, or the one that the recipe starts from."""
        hints = self.recipe.loss.hints
        if hints and self.recipe.model.head != "own":
            raise ParameterError("hints are learned by the own head of a network; head is another")
        return make_network(self.recipe.model, len(self.data.labels) + hints)

    def excerpt(self, clip: int, rng: np.random.Generator) -> dict[str, Floats32]:
        """Return an excerpt, perhaps mixed with another, and its targets.

        Where classes are balanced, the clip is drawn instead.
        """
        settings, domain = self.recipe.augment, self.inputs.domain
        x, truth = self._example(clip if self.draws is None else self._draw(rng), rng)
        if settings.mixup and rng.random() < settings.mixup_probability:
            other, other_truth = self._example(self._draw(rng), rng)
            share = float(rng.beta(settings.mixup, settings.mixup))
            if settings.mixed_labels == "share":
                x = mix_equally(x, other, share, domain)
                truth = mix_examples(truth, other_truth, share)
            else:
                x = mix_over(x, other, 24 * (share - 0.5), domain)
                truth = mix_truths(truth, other_truth)
        return {"x": domain.finish(x, rng), **truth}

    def _draw(self, rng: np.random.Generator) -> int:
        """Return a clip to train on: a random one, or one by the balance of classes."""
        if self.draws is None:
            return int(rng.integers(self.n_clips))
        return int(np.searchsorted(self.draws, rng.random() * self.draws[-1], side="right"))

    def _example(self, clip: int, rng: np.random.Generator) -> Example:
        i = int(self.train[clip])
        truth, values = {"targets": self.data.targets[i], "mask": self.data.mask[i]}, self.store[i]
        if self.teacher is not None:
            window = self.teacher.draw(i, rng)
            values = self.teacher.cut(window, values, self.inputs.fps)
            truth |= self.teacher.truth(window)
        return self.inputs.domain(values, rng), truth

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return ``"loss"``, and its parts where there is a teacher."""
        logits = self.inputs.logits(net, batch["x"])
        settings = self.recipe.loss
        n_labels = len(self.data.labels)
        hard = tag_loss(logits[:, :n_labels], batch["targets"], batch["mask"], settings)
        if "teacher" not in batch:
            return {"loss": hard}
        soft = distillation(logits, batch["teacher"], settings.exclusive, batch["teacher_mask"])
        return weigh_losses(hard, soft, settings.kd_lambda)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the scores on whole recordings that were held out, unchanged.

        ``score`` is the accuracy where classes exclude each other, else the mean over classes of
        the average precision, each over the recordings in which it is known.
        """
        places = np.array(self.data.validation)
        logits = self.predict(net, self.data.validation)
        targets, mask = self.data.targets[places], self.data.mask[places]
        x, y, known = (torch.from_numpy(each) for each in (logits, targets, mask))
        loss = tag_loss(x, y, known, self.recipe.loss)
        precision = mean(known_precision(logits, targets, mask))
        scores = {"score": precision, "map": precision, "loss": float(loss)}
        if self.data.exclusive:
            right = logits.argmax(axis=1) == targets.argmax(axis=1)
            scores["score"] = scores["accuracy"] = float(right.mean())
        return scores

    @torch.no_grad()
    def predict(self, net: nn.Module, places: Sequence[int]) -> Floats32:
        """Return the logits of whole recordings, ``(len(places), n_classes)``."""
        was_training = net.training
        net.eval()
        logits = np.empty((len(places), len(self.data.labels)), np.float32)
        for rows in batch_by_length([self.store.clips[i].length for i in places]):
            x = torch.from_numpy(self.inputs.stack([places[row] for row in rows]))
            found = self.inputs.logits(net, x.to(self.device)).cpu().numpy()
            logits[rows] = found[:, : logits.shape[1]]
        net.train(was_training)
        return logits

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and, where the network can be exported, ``best.onnx``."""
        assert isinstance(net, Backbone)
        if self.recipe.loss.hints:
            net = drop_classes(net, len(self.data.labels))
        end = self.inputs.front_end
        metadata = {"config": json.dumps(self.config()), "recipe": self.recipe.name}
        metadata |= {"front_end": end.name} if end else {}
        exclusive = self.recipe.loss.exclusive
        export = partial(export_tagger, activation="softmax" if exclusive else "sigmoid")
        weights.save_best(net, folder, metadata, export if net.exports else None)

    def config(self) -> dict[str, Any]:
        """Return the settings that the tagger needs when it is loaded."""
        model = self.recipe.model
        make, given = find_backbone(model)
        config: dict[str, Any] = {"labels": list(self.data.labels)}
        if model.head == "own":
            given.pop("n_classes", None)  # of the checkpoint that it started from
        else:
            config |= {"head": model.head, "head_settings": dict(model.head_settings)}
        config |= {"backbone": f"{make.__module__}:{make.__name__}", "settings": given}
        return config | ({"activation": "softmax"} if self.recipe.loss.exclusive else {})


def tag_loss(logits: Tensor, targets: Tensor, mask: Tensor, settings: TagLossSettings) -> Tensor:
    """Return the loss of a batch.

    Parameters
    ----------
    logits, targets
        Shape ``(batch, n_classes)``; targets in [0, 1].
    mask
        Same shape: 0 where the truth is unknown.
    settings
        Kind of loss, and its numbers.
    """
    if settings.exclusive:
        smooth = smooth_labels(targets, settings.smoothing, targets.shape[-1])
        return soft_cross_entropy(logits, smooth, mask.amin(dim=-1))
    smooth = smooth_labels(targets, settings.smoothing, 2)
    if settings.kind == "focal":
        return focal_bce(logits, smooth, mask, settings.gamma)
    return masked_bce(logits, smooth, mask)


def weigh_losses(hard: Tensor, soft: Tensor, kd_lambda: float) -> dict[str, Tensor]:
    """Return the losses by labels and by a teacher, and ``"loss"``, their weighted sum."""
    return {"loss": kd_lambda * hard + (1 - kd_lambda) * soft, "labels": hard, "teacher": soft}


def known_precision(logits: Floats32, targets: Floats32, mask: Floats32) -> Floats32:
    """Return the average precision of each class, over the recordings in which it is known."""
    by_class = [
        average_precision(x[known > 0, None], y[known > 0, None])[0] if known.any() else np.nan
        for x, y, known in zip(logits.T, targets.T, mask.T, strict=True)
    ]
    return np.array(by_class, np.float32)


def batch_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indices of equal lengths, at most `BATCH` at a time.

    Examples
    --------
    >>> list(batch_by_length([8, 5, 8]))
    [[1], [0, 2]]
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (lengths[i] != lengths[batch[0]] or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
