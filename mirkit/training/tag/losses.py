"""Losses of tags: of classes that exclude each other, or may sound together; with a teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mirkit.errors import ParameterError
from mirkit.training.losses import masked_mean


@dataclass(frozen=True)
class TagLossSettings:
    """The loss of a recipe for tags.

    Parameters
    ----------
    kind
        ``"ce"`` where classes exclude each other, ``"bce"`` where they do not, ``"focal"`` the same
        with little weight for what is right already.
    gamma
        Of ``"focal"``.
    smoothing
        How much of the truth is spread over all classes: nobody is sure to the last digit.
    kd_lambda
        How much the labels count beside the teacher, where there is one.
    temperature
        What the logits of both are divided with before they are compared.
    teacher
        An ``.npz`` file with ``paths`` and ``logits``, or the name of a model that can be loaded
        and has the same labels; none where empty.
    """

    kind: Literal["ce", "bce", "focal"] = "bce"
    gamma: float = 2.0
    smoothing: float = 0.0
    kd_lambda: float = 0.1
    temperature: float = 1.0
    teacher: str = ""

    def __post_init__(self) -> None:
        for name in ("smoothing", "kd_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} is {getattr(self, name)}; it lies in [0, 1]")
        if self.temperature <= 0:
            raise ParameterError(f"temperature is {self.temperature}; it is above 0")


def tag_loss(logits: Tensor, targets: Tensor, mask: Tensor, how: TagLossSettings) -> Tensor:
    """Return the loss of a batch.

    Parameters
    ----------
    logits, targets
        Shape ``(batch, n_classes)``; targets in [0, 1].
    mask
        Same shape: 0 where nobody knows.
    how
        Which loss.
    """
    n = targets.shape[-1]
    if how.kind == "ce":
        smooth = (1 - how.smoothing) * targets + how.smoothing / n
        loss = -(smooth * logits.log_softmax(dim=-1)).sum(dim=-1)
        return masked_mean(loss, mask.amin(dim=-1))
    smooth = (1 - how.smoothing) * targets + how.smoothing / 2
    loss = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    if how.kind == "focal":
        loss = (smooth - logits.sigmoid()).abs() ** how.gamma * loss
    return masked_mean(loss, mask)


def distillation(logits: Tensor, teacher: Tensor, how: TagLossSettings) -> Tensor:
    """Return how far a network is from its teacher's probabilities.

    References
    ----------
    F. Schmid, K. Koutini and G. Widmer, "Efficient large-scale audio tagging via
    transformer-to-CNN knowledge distillation", ICASSP 2023: binary, the teacher counting 0.9.
    G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015: the
    temperature, whose square keeps the size of the gradient.
    """
    t = how.temperature
    if how.kind == "ce":
        loss = -((teacher / t).softmax(dim=-1) * (logits / t).log_softmax(dim=-1)).sum(dim=-1)
        return t**2 * loss.mean()
    return t**2 * F.binary_cross_entropy_with_logits(logits / t, (teacher / t).sigmoid())


def taught(hard: Tensor, soft: Tensor | None, how: TagLossSettings) -> dict[str, Tensor]:
    """Return the losses of a step by name; ``"loss"`` is what is followed."""
    if soft is None:
        return {"loss": hard}
    total: Tensor = how.kd_lambda * hard + (1 - how.kd_lambda) * soft
    return {"loss": total, "labels": hard, "teacher": torch.as_tensor(soft)}
