"""The task of hearing chords: excerpts of features, losses of the four heads, and scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.training.features_store import FeatureClip
from mirkit.training.harmony.targets import (
    NO_CHORD,
    NONE,
    OTHER,
    QUALITIES,
    UNKNOWN,
    chord_targets,
    transposed,
)
from mirkit.training.harmony.task import HarmonyTask
from mirkit.training.losses import masked_mean
from mirkit.training.recipe import Recipe, build

MAJOR = {QUALITIES.index(name) for name in ("maj", "maj6", "maj7", "7")}
MINOR = {QUALITIES.index(name) for name in ("min", "min6", "min7", "minmaj7")}
SEVENTHS = {QUALITIES.index(name) for name in ("maj", "min", "maj7", "min7", "7")}


@dataclass(frozen=True)
class ChordLossSettings:
    """The losses of a chord recipe.

    Parameters
    ----------
    root, bass, pitch, tag
        How much each head counts.
    balance
        Power of how rare a quality is that its frames are weighed with: 0 not at all, 1 fully.
    most
        Greatest weight.
    """

    root: float = 1.0
    bass: float = 0.7
    pitch: float = 1.0
    tag: float = 1.0
    balance: float = 0.4
    most: float = 4.0


class ChordTask(HarmonyTask):
    """Chords of clips in a store of features."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.loss = build(ChordLossSettings, recipe.loss, f"recipe {recipe.name!r}: loss")
        self._targets: dict[str, dict[str, NDArray[Any]]] = {}
        self.weights = torch.tensor(self._quality_weights(), device=device)

    def is_known(self, clip: FeatureClip) -> bool:
        """Whether a clip has what is to be learned."""
        return bool(clip.truth.get("chords"))

    def targets(self, clip: FeatureClip) -> dict[str, NDArray[Any]]:
        """Return the targets of a whole clip."""
        if clip.name not in self._targets:
            grid = self.data.front_end.grid
            self._targets[clip.name] = chord_targets(clip.truth, grid, clip.n_frames)
        return self._targets[clip.name]

    def _quality_weights(self) -> list[float]:
        """Return the weight of each tag, the same for all roots; 1 on average over the clips."""
        counts: Counter[int] = Counter()
        for clip in self.clips:
            tags = self.targets(clip)["tag"]
            by_quality = np.where(tags < NO_CHORD, tags % len(QUALITIES), tags)
            counts.update(by_quality[tags >= 0].tolist())
        kinds = [*range(len(QUALITIES)), NO_CHORD, OTHER]
        rare = np.array([1 / max(counts[kind], 100) for kind in kinds]) ** self.loss.balance
        seen = np.array([counts[kind] for kind in kinds], float)
        rare = np.minimum(rare * seen.sum() / (rare * seen).sum(), self.loss.most)
        rare[-2] = 1.0  # silence is added in training, as often as it should
        return [*np.tile(rare[: len(QUALITIES)], 12).tolist(), *rare[-2:].tolist()]

    def excerpt(self, clip: FeatureClip, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return an excerpt of a training clip and its targets, by name."""
        excerpt = self.data.excerpt(clip, rng)
        n_frames = self.data.n_frames
        cut = {
            name: _cut(values, excerpt.first, n_frames)
            for name, values in self.targets(clip).items()
        }
        targets = transposed(cut, excerpt.semitones)
        targets["root"][excerpt.silent] = NONE
        targets["bass"][excerpt.silent] = NONE
        targets["tag"][excerpt.silent] = NO_CHORD
        targets["pitch"][excerpt.silent] = 0
        targets["pitch_mask"][excerpt.silent] = 1
        return {"features": excerpt.values, **targets}

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        logits: dict[str, Tensor] = net(batch["features"])
        how = self.loss
        pitch = F.binary_cross_entropy_with_logits(
            logits["pitch"], batch["pitch"], reduction="none"
        ).mean(dim=-1)
        weight = self.weights[batch["tag"].clamp_min(0)] * (batch["tag"] != OTHER)
        losses = {
            "root": cross_entropy(logits["root"], batch["root"], None),
            "bass": cross_entropy(logits["bass"], batch["bass"], None),
            "tag": cross_entropy(logits["tag"], batch["tag"], weight),
            "pitch": masked_mean(pitch, batch["pitch_mask"]),
        }
        total = sum((getattr(how, name) * loss for name, loss in losses.items()), torch.zeros(()))
        return {"loss": total, **losses}

    @torch.no_grad()
    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the share of time that is right, whole clips, each frame by itself.

        ``score`` is the mean of root, major-minor, sevenths and major-minor with inversions.
        """
        net.eval()
        sums: Counter[str] = Counter()
        clips = self.data.validation.clips[: self.data.settings.n_validation or None]
        for clip in clips:
            values = self.data.tuned_features(self.data.validation, clip).values
            logits = net(torch.tensor(values, device=self.device)[None])
            heard = {name: x[0].argmax(dim=-1).cpu().numpy() for name, x in logits.items()}
            sums.update(frame_scores(self.targets(clip), heard))
        names = ("root", "majmin", "sevenths", "majmin_inv", "tag", "bass")
        scores = {name: sums[name] / max(sums[f"n_{name}"], 1) for name in names}
        return {"score": sum(scores[name] for name in names[:4]) / 4} | scores


def cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
    """Return the cross-entropy of ``(batch, n_frames, n_classes)``, where the truth is known."""
    known = (targets != UNKNOWN).float()
    loss = F.cross_entropy(
        logits.flatten(0, 1), targets.clamp_min(0).flatten(), reduction="none"
    ).reshape(targets.shape)
    return masked_mean(loss, known if weight is None else known * weight)


def _cut(values: NDArray[Any], first: int, n_frames: int) -> NDArray[Any]:
    """Return a copy of a part of some targets; past their end nobody knows."""
    part = values[first : first + n_frames].copy()
    missing = n_frames - len(part)
    if not missing:
        return part
    fill = UNKNOWN if values.dtype.kind == "i" else 0
    edges = ((0, missing), *((0, 0),) * (part.ndim - 1))
    return np.pad(part, edges, constant_values=fill)


def frame_scores(
    targets: Mapping[str, NDArray[Any]], heard: Mapping[str, NDArray[Any]]
) -> dict[str, int]:
    """Return how many frames are right, and how many count, by each measure of mir_eval.

    Parameters
    ----------
    targets, heard
        ``root``, ``bass`` and ``tag`` of each frame.
    """
    truth, tag = targets["tag"], heard["tag"]
    known = truth != UNKNOWN
    scores: dict[str, int] = {}

    def count(name: str, right: NDArray[np.bool_], counts: NDArray[np.bool_]) -> None:
        scores[name], scores[f"n_{name}"] = int((right & counts).sum()), int(counts.sum())

    count("root", root_of(tag) == root_of(truth), known & (truth != OTHER))
    triad, right = triad_of(truth), triad_of(tag)
    in_majmin = known & (triad >= 0)
    count("majmin", triad == right, in_majmin)
    bass = heard["bass"] == targets["bass"]
    count("majmin_inv", (triad == right) & (bass | (truth == NO_CHORD)), in_majmin)
    is_seventh = (truth == NO_CHORD) | np.isin(truth % len(QUALITIES), list(SEVENTHS))
    count("sevenths", truth == tag, known & is_seventh & (truth != OTHER))
    count("tag", truth == tag, known & (truth != OTHER))
    count("bass", bass, targets["bass"] != UNKNOWN)
    return scores


def root_of(tags: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the root of each tag: 12 of N, -1 of X."""
    roots = np.where(tags < NO_CHORD, tags // len(QUALITIES), NONE)
    return np.where(tags == OTHER, -1, roots)


def triad_of(tags: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the major (0 ... 11) or minor (12 ... 23) triad of each tag; 24 of N, -1 of others."""
    quality, root = tags % len(QUALITIES), tags // len(QUALITIES)
    triads = np.full(tags.shape, -1)
    triads = np.where(np.isin(quality, list(MAJOR)), root, triads)
    triads = np.where(np.isin(quality, list(MINOR)), root + 12, triads)
    triads = np.where((tags == OTHER) | (tags < 0), -1, triads)
    return np.where(tags == NO_CHORD, 24, triads)
