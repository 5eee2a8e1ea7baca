"""The task of chords: targets of excerpts, losses of the four heads, and scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.arrays import Bools, Ints
from mirkit.training.harmony.data import Excerpt
from mirkit.training.harmony.recipe import ChordRecipe
from mirkit.training.harmony.targets import (
    NO_CHORD,
    NONE,
    OTHER,
    QUALITIES,
    chord_targets,
    transpose,
)
from mirkit.training.harmony.task import HarmonyTask, cut
from mirkit.training.losses import UNKNOWN, class_cross_entropy, masked_mean
from mirkit.training.stores import Clip

MAJOR = {QUALITIES.index(name) for name in ("maj", "maj6", "maj7", "7")}
MINOR = {QUALITIES.index(name) for name in ("min", "min6", "min7", "minmaj7")}
SEVENTHS = {QUALITIES.index(name) for name in ("maj", "min", "maj7", "min7", "7")}


PADDING = {"pitch": 0, "pitch_mask": 0}
"""Targets past the end of a clip; the others are unknown there."""

SILENCE = {"root": NONE, "bass": NONE, "tag": NO_CHORD, "pitch": 0, "pitch_mask": 1}
"""Targets where no music is left."""


class ChordTask(HarmonyTask[ChordRecipe]):
    """Chords of clips in a store of features."""

    def __init__(self, recipe: ChordRecipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self._targets: dict[str, dict[str, NDArray[Any]]] = {}
        self.weights = torch.tensor(self._weigh_qualities(), device=device)

    def is_known(self, clip: Clip) -> bool:
        """Tell whether a clip has chords."""
        return bool(clip.truth.get("chords"))

    def targets(self, clip: Clip) -> dict[str, NDArray[Any]]:
        """Return the targets of a whole clip."""
        if clip.name not in self._targets:
            grid = self.data.front_end.grid
            self._targets[clip.name] = chord_targets(clip.truth, grid, clip.length)
        return self._targets[clip.name]

    def _weigh_qualities(self) -> list[float]:
        """Return the weight of each tag, the same for all roots; 1 on average over the clips."""
        counts: Counter[int] = Counter()
        for clip in self.clips:
            tags = self.targets(clip)["tag"]
            by_quality = np.where(tags < NO_CHORD, tags % len(QUALITIES), tags)
            counts.update(by_quality[tags >= 0].tolist())
        kinds = [*range(len(QUALITIES)), NO_CHORD, OTHER]
        loss = self.recipe.loss
        rare = np.array([1 / max(counts[kind], 100) for kind in kinds]) ** loss.balance
        seen = np.array([counts[kind] for kind in kinds], float)
        rare = np.minimum(rare * seen.sum() / (rare * seen).sum(), loss.most)
        rare[-2] = 1.0  # silence is added in training, as often as it should
        return [*np.tile(rare[: len(QUALITIES)], 12).tolist(), *rare[-2:].tolist()]

    def cut_targets(self, clip: Clip, excerpt: Excerpt) -> dict[str, NDArray[Any]]:
        """Return the targets of an excerpt, transposed, without a chord where it is silent."""
        parts = {
            name: cut(values, excerpt.first, self.data.n_frames, PADDING.get(name, UNKNOWN))
            for name, values in self.targets(clip).items()
        }
        targets = transpose(parts, excerpt.semitones)
        for name, value in SILENCE.items():
            targets[name][excerpt.silent] = value
        return targets

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        logits: dict[str, Tensor] = net(batch["features"])
        pitch = F.binary_cross_entropy_with_logits(
            logits["pitch"], batch["pitch"], reduction="none"
        ).mean(dim=-1)
        weight = self.weights[batch["tag"].clamp_min(0)] * (batch["tag"] != OTHER)
        losses = {
            "root": class_cross_entropy(logits["root"], batch["root"]),
            "bass": class_cross_entropy(logits["bass"], batch["bass"]),
            "tag": class_cross_entropy(logits["tag"], batch["tag"], weight),
            "pitch": masked_mean(pitch, batch["pitch_mask"]),
        }
        parts = (getattr(self.recipe.loss, name) * loss for name, loss in losses.items())
        return {"loss": sum(parts, torch.zeros(())), **losses}

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return the share of time that is right, whole clips, each frame by itself.

        ``score`` is the mean of root, major-minor, sevenths and major-minor with inversions.
        """
        sums: Counter[str] = Counter()
        for clip, logits in self.evaluate(net, self.data.validation.clips):
            heard = {name: x[0].argmax(dim=-1).cpu().numpy() for name, x in logits.items()}
            sums.update(frame_scores(self.targets(clip), heard))
        names = ("root", "majmin", "sevenths", "majmin_inv", "tag", "bass")
        scores = {name: sums[name] / max(sums[f"n_{name}"], 1) for name in names}
        return {"score": sum(scores[name] for name in names[:4]) / 4} | scores


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

    def count(name: str, right: Bools, counts: Bools) -> None:
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


def root_of(tags: Ints) -> Ints:
    """Return the root of each tag: 12 of N, -1 of X."""
    roots = np.where(tags < NO_CHORD, tags // len(QUALITIES), NONE)
    return np.where(tags == OTHER, -1, roots)


def triad_of(tags: Ints) -> Ints:
    """Return the major (0 ... 11) or minor (12 ... 23) triad of each tag; 24 of N, -1 of others."""
    quality, root = tags % len(QUALITIES), tags // len(QUALITIES)
    triads = np.full(tags.shape, -1)
    triads = np.where(np.isin(quality, list(MAJOR)), root, triads)
    triads = np.where(np.isin(quality, list(MINOR)), root + 12, triads)
    triads = np.where((tags == OTHER) | (tags < 0), -1, triads)
    return np.where(tags == NO_CHORD, 24, triads)
