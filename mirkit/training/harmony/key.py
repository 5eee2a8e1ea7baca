"""The task of key: targets of excerpts, losses of both heads, and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.arrays import Floats32, Ints
from mirkit.training.harmony.data import Excerpt
from mirkit.training.harmony.recipe import KeyRecipe
from mirkit.training.harmony.targets import key_targets
from mirkit.training.harmony.task import HarmonyTask, cut
from mirkit.training.losses import UNKNOWN, soft_cross_entropy
from mirkit.training.stores import Clip

N_KEYS = 24


class KeyTask(HarmonyTask[KeyRecipe]):
    """Keys of clips in a store of features."""

    def __init__(self, recipe: KeyRecipe, device: torch.device) -> None:
        super().__init__(recipe, device)
        self.pool = recipe.model.config.pool
        self._soft = soft_keys(recipe.loss.related)

    def targets(self, clip: Clip) -> Ints:
        """Return the key of each frame of a whole clip."""
        return key_targets(clip.truth, self.data.front_end.grid, clip.length)

    def is_known(self, clip: Clip) -> bool:
        """Tell whether the key of a clip is known anywhere."""
        return bool((self.targets(clip) != UNKNOWN).any())

    def cut_targets(self, clip: Clip, excerpt: Excerpt) -> dict[str, NDArray[Any]]:
        """Return the targets of an excerpt: a distribution per pooled frame, and one of all."""
        part = cut(self.targets(clip), excerpt.first, self.data.n_frames, UNKNOWN)
        moved = np.where(
            part == UNKNOWN, UNKNOWN, part // 12 * 12 + (part + excerpt.semitones) % 12
        )
        soft = np.where(moved[:, None] == UNKNOWN, 0, self._soft[moved])
        soft[excerpt.silent] = 1 / N_KEYS  # nothing tonal: any key is as likely
        pooled = soft.reshape(-1, self.pool, N_KEYS).mean(axis=1)
        # A key that was set in the written part is the clip's; noise counts little beside music.
        heard = ~excerpt.silent if not excerpt.silent.all() else excerpt.silent
        whole = soft[heard].mean(axis=0)
        return {"key": pooled.astype(np.float32), "clip_key": whole.astype(np.float32)}

    def losses(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the heads and ``"loss"``, their weighted sum."""
        logits: dict[str, Tensor] = net(batch["features"])
        losses = {
            # A distribution that sums to 0 is unknown.
            name: soft_cross_entropy(logits[name], batch[name], batch[name].sum(dim=-1))
            for name in logits
        }
        loss = self.recipe.loss
        total = loss.frames * losses["key"] + loss.clip * losses["clip_key"]
        return {"loss": total, **losses}

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Return weighted and exact scores of whole clips, and the share of time that is right.

        ``score`` is the mean of the weighted score and the share of time.
        """
        clips = tuple(clip for clip in self.data.validation.clips if self.is_known(clip))
        rows = [
            key_scores(
                self.targets(clip),
                np.repeat(logits["key"][0].argmax(dim=-1).cpu().numpy(), self.pool),
                int(logits["clip_key"][0].argmax()),
            )
            for clip, logits in self.evaluate(net, clips)
        ]
        means = np.mean(rows, axis=0).tolist()
        scores = dict(zip(("weighted", "exact", "local"), means, strict=True))
        return {"score": (scores["weighted"] + scores["local"]) / 2} | scores


def key_scores(keys: Ints, frames: Ints, estimate: int) -> tuple[float, float, float]:
    """Return the scores of one clip: weighted, exact, and the share of time that is right.

    Parameters
    ----------
    keys
        True key of each frame.
    frames
        Estimated key of each frame; there may be more of them.
    estimate
        Estimated key of the clip, which is compared with the one that is true most of the time.
    """
    known = keys != UNKNOWN
    truth = int(np.bincount(keys[known], minlength=N_KEYS).argmax())
    local = float((frames[: len(keys)] == keys)[known].mean())
    return weighted_score(truth, estimate), float(truth == estimate), local


def soft_keys(related: float) -> Floats32:
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
