"""The task of hearing what sounds: excerpts, mixed and changed, losses, and scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from mirkit.arrays import Floats32
from mirkit.backbones.base import Backbone
from mirkit.backbones.tagging import export_tagger
from mirkit.errors import ParameterError
from mirkit.features import LogSpectrogram, front_end
from mirkit.metrics.tag import average_precision, mean
from mirkit.training.recipe import Recipe, build
from mirkit.training.tag.augment import (
    Domain,
    PowerDomain,
    SampleDomain,
    mixed_equally,
    mixed_over,
)
from mirkit.training.tag.data import TagData, TagDataSettings, draw_weights
from mirkit.training.tag.losses import TagLossSettings, distillation, tag_loss, taught
from mirkit.training.tag.model import TagModelSettings, backbone_of, new_network
from mirkit.training.tag.store import SoundStore, open_sounds
from mirkit.training.twin import TorchLogSpectrogram
from mirkit.zoo import checkpoints, registry

Example = tuple[Floats32, dict[str, Floats32]]
BATCH = 16  # recordings of one length that are judged at once


class TagTask:
    """Tags of labeled recordings.

    Parameters
    ----------
    recipe
        The recipe.
    device
        Where networks compute.
    """

    monitor = "score"

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        where = f"recipe {recipe.name!r}"
        self.model = build(TagModelSettings, recipe.model, f"{where}: model")
        self.settings = build(TagDataSettings, recipe.data, f"{where}: data")
        self.loss = build(TagLossSettings, recipe.loss, f"{where}: loss")
        self.recipe, self.device = recipe, device
        self.data = TagData.read(self.settings)
        if self.loss.kind == "ce" and not self.data.excludes:
            raise ParameterError(
                "kind is 'ce', and some recordings have several labels, none, or unknown ones; "
                "'bce' and 'focal' can learn them"
            )
        self._listen()
        self.teacher = teacher_logits(self.loss.teacher, self.data)
        self.train = np.array(self.data.train)
        self.n_clips = len(self.train)
        self.limit(self.n_clips)

    def _listen(self) -> None:
        """Open the store, in the domain that recordings are changed in."""
        make, given = backbone_of(self.model)
        with torch.device("meta"):
            shape = make(**given)
        if shape.front_end is None and "features" in shape.inputs:
            raise ParameterError(f"{make.__name__} names no front end, and so cannot be trained")
        self.inputs, rate = shape.inputs, shape.sample_rate
        ears = None if shape.front_end is None else front_end(shape.front_end)
        self.twin: TorchLogSpectrogram | None = None
        settings = self.settings
        folder = settings.store or str(self.recipe.path / "store")
        by_samples = "samples" in self.inputs or settings.domain == "samples"
        self.domain: Domain
        if by_samples:
            n_samples = round(settings.crop * rate)
            self.domain = SampleDomain(rate, settings.changes, n_samples)
            if isinstance(ears, LogSpectrogram) and "features" in self.inputs:
                self.twin = TorchLogSpectrogram(ears).to(self.device)
        else:
            assert ears is not None
            self.domain = PowerDomain.of(ears, settings.changes, settings.crop)
        self.front_end = ears
        store_end = None if by_samples else ears
        self.store: SoundStore = open_sounds(
            self.data.paths, folder, store_end, rate, settings.longest
        )

    def limit(self, n_clips: int) -> None:
        """Train on the first `n_clips` only."""
        self.n_clips = min(self.n_clips, n_clips)
        chosen = self.train[: self.n_clips]
        self.draws = (
            draw_weights(self.data.targets[chosen], self.settings.balance).cumsum()
            if self.settings.balance
            else None
        )

    def network(self) -> Backbone:
        """Return a new network, or the one that the recipe starts from."""
        return new_network(self.model, len(self.data.labels))

    def batch(self, clips: Sequence[int], seeds: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return a batch: excerpt i of clip ``clips[i]``, all chance from ``seeds[i]``.

        Where classes are balanced, the clip is drawn instead.
        """
        made = [
            self._mixture(clip, np.random.default_rng(seed))
            for clip, seed in zip(clips, seeds, strict=True)
        ]
        batch = {
            name: torch.from_numpy(np.stack([truth[name] for _, truth in made]))
            for name in made[0][1]
        }
        return {"x": torch.from_numpy(np.stack([x for x, _ in made])), **batch}

    def _mixture(self, clip: int, rng: np.random.Generator) -> Example:
        how = self.settings.changes
        x, truth = self._example(self._drawn(rng) if self.draws is not None else clip, rng)
        if how.mixup and rng.random() < how.mixup_probability:
            partner = (
                self._drawn(rng) if self.draws is not None else int(rng.integers(self.n_clips))
            )
            other, other_truth = self._example(partner, rng)
            share = float(rng.beta(how.mixup, how.mixup))
            if how.mixed_labels == "share":
                x = mixed_equally(x, other, share, self.domain)
                truth = shared_truth(truth, other_truth, share)
            else:
                x = mixed_over(x, other, 24 * (share - 0.5), self.domain)
                truth = joint_truth(truth, other_truth)
        return self.domain.finish(x, rng), truth

    def _drawn(self, rng: np.random.Generator) -> int:
        assert self.draws is not None
        return int(np.searchsorted(self.draws, rng.random() * self.draws[-1], side="right"))

    def _example(self, clip: int, rng: np.random.Generator) -> Example:
        i = int(self.train[clip])
        truth = {"targets": self.data.targets[i], "mask": self.data.mask[i]}
        if self.teacher is not None:
            truth["teacher"] = self.teacher[i]
        return self.domain(self.store[i], rng), truth

    def heard(self, net: nn.Module, x: Tensor) -> Tensor:
        """Return the logits of a batch as the store or the domain holds it."""
        if self.inputs == ("features",):
            features = x if self.twin is None else self.twin(x)
            output = net(features)
        elif self.inputs == ("samples",):
            output = net(x)
        else:
            assert self.twin is not None
            both = {"samples": x, "features": self.twin(x)}
            output = net(*(both[name] for name in self.inputs))
        logits: Tensor = output.logits
        return logits

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return ``"loss"``, and its parts where there is a teacher."""
        logits = self.heard(net, batch["x"])
        hard = tag_loss(logits, batch["targets"], batch["mask"], self.loss)
        teacher = batch.get("teacher")
        soft = None if teacher is None else distillation(logits, teacher, self.loss)
        return taught(hard, soft, self.loss)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return how well the recordings that judge are heard, whole and unchanged.

        ``score`` is the accuracy where classes exclude each other, else the mean over classes of
        the average precision, each over the recordings in which it is known.
        """
        places = np.array(self.data.validation)
        logits = self.predict(net, self.data.validation)
        targets, mask = self.data.targets[places], self.data.mask[places]
        known = torch.from_numpy(mask)
        loss = tag_loss(torch.from_numpy(logits), torch.from_numpy(targets), known, self.loss)
        precision = mean(known_precision(logits, targets, mask))
        scores = {"score": precision, "map": precision, "loss": float(loss)}
        if self.data.excludes:
            right = logits.argmax(axis=1) == targets.argmax(axis=1)
            scores["score"] = scores["accuracy"] = float(right.mean())
        return scores

    @torch.no_grad()
    def predict(self, net: nn.Module, places: Sequence[int]) -> Floats32:
        """Return the logits of whole recordings, ``(len(places), n_classes)``."""
        was_training = net.training
        net.eval()
        logits = np.empty((len(places), len(self.data.labels)), np.float32)
        for rows in _alike([self.store.length(i) for i in places]):
            x = np.stack([self.store[places[row]] for row in rows])
            x = x[..., 0] if isinstance(self.domain, SampleDomain) else x
            logits[rows] = self.heard(net, torch.from_numpy(x).to(self.device)).cpu().numpy()
        net.train(was_training)
        return logits

    def save(self, net: nn.Module, folder: Path) -> None:
        """Write ``best.safetensors`` and ``best.onnx``, which names the hash of the former."""
        backbone = cast(Backbone, net)
        kept = {"config": json.dumps(self.config()), "recipe": self.recipe.name}
        kept |= {"front_end": self.front_end.name} if self.front_end else {}
        tensors = folder / "best.safetensors"
        checkpoints.save_tensors(tensors, net.state_dict(), kept)
        kept["weights_sha256"] = checkpoints.sha256_of(tensors)
        part = folder / "best.part.onnx"
        n_bins = 1 if self.front_end is None else self.front_end.n_bins
        activation = "softmax" if self.loss.kind == "ce" else "sigmoid"
        export_tagger(backbone.cpu(), part, kept, activation, n_bins)  # type: ignore[arg-type]
        net.to(self.device)
        part.replace(folder / "best.onnx")

    def config(self) -> dict[str, Any]:
        """Return what the tagger that is shipped must know."""
        make, given = backbone_of(self.model)
        about: dict[str, Any] = {"labels": list(self.data.labels)}
        if self.model.head == "own":
            about |= {"backbone": f"{make.__module__}:{make.__name__}", "settings": given}
        return about | ({"activation": "softmax"} if self.loss.kind == "ce" else {})


def shared_truth(
    a: dict[str, Floats32], b: dict[str, Floats32], share: float
) -> dict[str, Floats32]:
    """Return the truth of a mixture in which each counts by its share."""
    mixed = {name: share * a[name] + (1 - share) * b[name] for name in a}
    mixed["mask"] = a["mask"] * b["mask"]
    return {name: x.astype(np.float32) for name, x in mixed.items()}


def joint_truth(a: dict[str, Floats32], b: dict[str, Floats32]) -> dict[str, Floats32]:
    """Return the truth of a mixture in which all of both sounds.

    What is in either is known to be there; what is in neither is known where both know it.
    """
    there = np.maximum(a["targets"] * a["mask"], b["targets"] * b["mask"])
    joint = {"targets": there, "mask": np.maximum(there > 0, a["mask"] * b["mask"])}
    if "teacher" in a:
        joint["teacher"] = np.maximum(a["teacher"], b["teacher"])
    return {name: x.astype(np.float32) for name, x in joint.items()}


def known_precision(logits: Floats32, targets: Floats32, mask: Floats32) -> Floats32:
    """Return the average precision of each class, over the recordings in which it is known."""
    by_class = [
        average_precision(x[known > 0, None], y[known > 0, None])[0] if known.any() else np.nan
        for x, y, known in zip(logits.T, targets.T, mask.T, strict=True)
    ]
    return np.array(by_class, np.float32)


def teacher_logits(name: str, data: TagData) -> Floats32 | None:
    """Return the logits that a teacher gives to each recording, from a file or a model.

    Raises
    ------
    ParameterError
        Where a recording, or a class, is not among the teacher's.
    """
    if not name:
        return None
    if not name.endswith(".npz"):
        return _heard_by(registry.load_model(name), data)
    with np.load(name) as file:
        rows = {str(path): row for path, row in zip(file["paths"], file["logits"], strict=True)}
    missing = [path for path in map(str, data.paths) if path not in rows]
    if missing:
        raise ParameterError(f"the teacher {name} has not heard {missing[0]}")
    logits = np.stack([rows[str(path)] for path in data.paths]).astype(np.float32)
    if logits.shape[1] != len(data.labels):
        raise ParameterError(
            f"the teacher {name} has {logits.shape[1]} classes; there are {len(data.labels)}"
        )
    return logits


def _heard_by(model: Any, data: TagData) -> Floats32:
    from mirkit.audio import reading

    unknown = sorted(set(data.labels) - set(model.labels))
    if unknown:
        raise ParameterError(f"the teacher knows no {unknown[0]!r}")
    order = [model.labels.index(label) for label in data.labels]
    rows = []
    for path in data.paths:
        audio = reading.read(path, sample_rate=model.sample_rate)
        probability = (
            model.activations([audio.samples])["tags"].values[0, order].clip(1e-6, 1 - 1e-6)
        )
        rows.append(np.log(probability / (1 - probability)))
    return np.array(rows, np.float32)


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield places of equal length, a batch at a time."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    batch: list[int] = []
    for i in order:
        if batch and (lengths[i] != lengths[batch[0]] or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
