"""The task of hearing keys: excerpts of features, losses of both heads, and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.training.features_store import FeatureClip
from mirkit.training.harmony.targets import UNKNOWN, key_targets
from mirkit.training.harmony.task import HarmonyTask
from mirkit.training.losses import masked_mean
from mirkit.training.recipe import Recipe, build

N_KEYS = 24


@dataclass(frozen=True)
class KeyLossSettings:
    """The losses of a key recipe.

    Parameters
    ----------
    frames, clip
        How much each head counts.
    related
        Share of the truth that is given to the keys that are often taken for it: a fifth above and
        below, relative and parallel.
    """

    frames: float = 1.0
    clip: float = 1.0
    related: float = 0.06


class KeyTask(HarmonyTask):
    """Keys of clips in a store of features."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.loss = build(KeyLossSettings, recipe.loss, f"recipe {recipe.name!r}: loss")
        self.data.n_frames -= self.data.n_frames % self.model.config.pool
        self._soft = soft_keys(self.loss.related)

    def is_known(self, clip: FeatureClip) -> bool:
        """Whether a clip has what is to be learned."""
        grid = self.data.front_end.grid
        return bool((key_targets(clip.truth, grid, clip.n_frames) != UNKNOWN).any())

    def excerpt(self, clip: FeatureClip, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return an excerpt of a training clip and its targets, by name."""
        excerpt = self.data.excerpt(clip, rng)
        keys = key_targets(clip.truth, self.data.front_end.grid, clip.n_frames)
        part = keys[excerpt.first : excerpt.first + self.data.n_frames]
        part = np.pad(part, (0, self.data.n_frames - len(part)), constant_values=UNKNOWN)
        moved = np.where(
            part == UNKNOWN, UNKNOWN, part // 12 * 12 + (part + excerpt.semitones) % 12
        )
        soft = np.where(moved[:, None] == UNKNOWN, 0, self._soft[moved])
        soft[excerpt.silent] = 1 / N_KEYS  # nothing tonal: any key is as likely
        pooled = soft.reshape(-1, self.model.config.pool, N_KEYS).mean(axis=1)
        # A key that was set in the written part is the clip's; noise counts little beside music.
        whole = soft[~excerpt.silent].mean(axis=0) if (~excerpt.silent).any() else soft.mean(axis=0)
        return {
            "features": excerpt.values,
            "key": pooled.astype(np.float32),
            "clip_key": whole.astype(np.float32),
        }

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        logits: dict[str, Tensor] = net(batch["features"])
        losses = {name: distribution_loss(logits[name], batch[name]) for name in logits}
        total = self.loss.frames * losses["key"] + self.loss.clip * losses["clip_key"]
        return {"loss": total, **losses}

    @torch.no_grad()
    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return weighted and exact scores of whole clips, and the share of time that is right.

        ``score`` is the mean of the weighted score and the share of time.
        """
        net.eval()
        rows: list[tuple[float, float, float]] = []
        clips = [clip for clip in self.data.validation.clips if self.is_known(clip)]
        for clip in clips[: self.data.settings.n_validation or None]:
            values = self.data.tuned_features(self.data.validation, clip).values
            logits = net(torch.tensor(values, device=self.device)[None])
            keys = key_targets(clip.truth, self.data.front_end.grid, clip.n_frames)
            heard = logits["key"][0].argmax(dim=-1).cpu().numpy()
            frames = np.repeat(heard, self.model.config.pool)[: len(keys)]
            truth = int(np.bincount(keys[keys != UNKNOWN], minlength=N_KEYS).argmax())
            estimate = int(logits["clip_key"][0].argmax())
            local = float((frames == keys)[keys != UNKNOWN].mean())
            rows.append((weighted_score(truth, estimate), float(truth == estimate), local))
        means = np.mean(rows, axis=0).tolist()
        scores = dict(zip(("weighted", "exact", "local"), means, strict=True))
        return {"score": (scores["weighted"] + scores["local"]) / 2} | scores


def distribution_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy with distributions; one that sums to 0 is not known."""
    loss = -(targets * F.log_softmax(logits, dim=-1)).sum(dim=-1)
    return masked_mean(loss, targets.sum(dim=-1))


def soft_keys(related: float) -> NDArray[np.float32]:
    """Return the target of each key, ``(24, 24)``; rows sum to 1."""
    targets = np.zeros((N_KEYS, N_KEYS), np.float32)
    for key in range(N_KEYS):
        targets[key, key] = 1 - related
        for other in related_keys(key):
            targets[key, other] += related / 4
    return targets


def related_keys(key: int) -> tuple[int, int, int, int]:
    """Return the keys a fifth above and below, the relative and the parallel one."""
    mode, tonic = divmod(key, 12)
    relative = (tonic + (9 if mode == 0 else 3)) % 12
    return (
        12 * mode + (tonic + 7) % 12,
        12 * mode + (tonic + 5) % 12,
        12 * (1 - mode) + relative,
        12 * (1 - mode) + tonic,
    )


def weighted_score(truth: int, estimate: int) -> float:
    """Return mir_eval's score of a key: 1, .5 a fifth above, .3 relative, .2 parallel, or 0."""
    above, _, relative, parallel = related_keys(truth)
    scores = {truth: 1.0, above: 0.5, relative: 0.3, parallel: 0.2}
    return scores.get(estimate, 0.0)
