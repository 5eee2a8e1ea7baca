"""Losses of logits, all with a mask or weight for where the truth is unknown."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

UNKNOWN = -1  # class of an unknown truth


def masked_mean(loss: Tensor, mask: Tensor | None, count: Tensor | None = None) -> Tensor:
    """Return the mean of `loss` over what `mask` keeps; 0 where it keeps nothing.

    `count` is the weight of each element in the divisor; that of the mask where None.
    """
    if mask is not None:
        loss = loss * mask
    if count is None:
        count = torch.ones_like(loss) if mask is None else mask
    return loss.sum() / count.sum().clamp_min(1e-6)


def masked_bce(logits: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the binary cross-entropy, averaged over what `mask` keeps.

    Parameters
    ----------
    logits, targets
        Of one shape; targets in [0, 1].
    mask
        Same shape: weight of each element; 0 where the truth is unknown.
    """
    return masked_mean(F.binary_cross_entropy_with_logits(logits, targets, reduction="none"), mask)


def weighted_bce(
    logits: Tensor, targets: Tensor, mask: Tensor | None = None, pos_weight: float = 1.0
) -> Tensor:
    """Return the binary cross-entropy in which positives count `pos_weight` times.

    Parameters
    ----------
    logits, targets
        Shape ``(batch, n_frames)``; targets in [0, 1].
    mask
        Shape ``(batch, n_frames)``: weight of each frame; 0 where the truth is unknown.
    pos_weight
        Weight of a positive; a negative has 1.
    """
    positive, negative = -F.logsigmoid(logits), -F.logsigmoid(-logits)
    loss = pos_weight * targets * positive + (1 - targets) * negative
    return masked_mean(loss, mask)


def focal_bce(
    logits: Tensor, targets: Tensor, mask: Tensor | None = None, gamma: float = 2.0
) -> Tensor:
    """Return the focal loss: a binary cross-entropy in which what is right already counts little.

    Each element counts ``|target - probability| ** gamma``.

    References
    ----------
    T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    error = (targets - logits.sigmoid()).abs()
    return masked_mean(error**gamma * loss, mask)


def shift_tolerant_bce(
    logits: Tensor,
    targets: Tensor,
    mask: Tensor | None = None,
    pos_weight: float = 1.0,
    tolerance: int = 3,
) -> Tensor:
    """Return a binary cross-entropy that forgives events that are a few frames off.

    The network is judged by its highest logit within `tolerance` frames. At an event that must
    be high; further than twice the tolerance from all events it must be low. Between, nothing
    is asked, because there the maximum reaches an event.

    Parameters
    ----------
    logits, targets
        Shape ``(batch, n_frames)``; targets are 1 at events, 0 elsewhere.
    mask
        Shape ``(batch, n_frames)``: weight of each frame; 0 where the truth is unknown.
    pos_weight
        Weight of an event; any other frame has 1.
    tolerance
        Frames that an event may be off.

    References
    ----------
    F. Foscarin, J. Schlüter and G. Widmer, "Beat This! Accurate beat tracking without DBN
    postprocessing", ISMIR 2024.
    """
    highest = max_filter(logits, tolerance)
    quiet = 1 - max_filter(targets, 2 * tolerance)
    positive = -pos_weight * targets * F.logsigmoid(highest)
    negative = -quiet * F.logsigmoid(-highest)
    judged = targets + quiet
    weight = judged if mask is None else judged * mask
    return masked_mean(positive + negative, mask, weight)


def max_filter(x: Tensor, reach: int) -> Tensor:
    """Return the highest value of x ``(batch, n_frames)`` within `reach` frames of each frame."""
    return F.max_pool1d(x.unsqueeze(1), 2 * reach + 1, stride=1, padding=reach).squeeze(1)


def class_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the cross-entropy with classes, averaged over the frames whose class is known.

    Parameters
    ----------
    logits
        Shape ``(batch, n_frames, n_classes)``.
    targets
        Shape ``(batch, n_frames)``: a class, or `UNKNOWN`.
    weight
        Shape ``(batch, n_frames)``: weight of each frame; 1 where None.
    """
    known = (targets != UNKNOWN).float()
    loss = F.cross_entropy(
        logits.flatten(0, 1), targets.clamp_min(0).flatten(), reduction="none"
    ).reshape(targets.shape)
    return masked_mean(loss, known if weight is None else known * weight)


def soft_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the cross-entropy with distributions over classes, averaged over what `mask` keeps.

    Parameters
    ----------
    logits, targets
        Shape ``(..., n_classes)``; targets sum to 1.
    mask
        Shape ``(...)``: 0 where the distribution is unknown.
    """
    loss = -(targets * logits.log_softmax(dim=-1)).sum(dim=-1)
    return masked_mean(loss, mask)


def smooth_labels(targets: Tensor, smoothing: float, n_classes: int) -> Tensor:
    """Return targets of which a share, `smoothing`, is spread evenly over `n_classes`.

    Examples
    --------
    >>> smooth_labels(torch.tensor([1.0, 0.0]), 0.5, 2).tolist()
    [0.75, 0.25]
    """
    return (1 - smoothing) * targets + smoothing / n_classes


def distillation(
    logits: Tensor, teacher: Tensor, exclusive: bool, asked: Tensor | None = None
) -> Tensor:
    """Return the distillation loss: the cross-entropy with a teacher's probabilities.

    It is linear in them: the loss of two recordings' probabilities that are mixed is the mixture of
    their two losses.

    Parameters
    ----------
    logits
        Logits of the network, ``(batch, n_classes)``.
    teacher
        Probabilities of its teacher, of the same shape.
    exclusive
        Compare by softmax, for classes that exclude each other; by sigmoid where False.
    asked
        0 where the teacher was not asked, of the same shape; all were where None.

    References
    ----------
    F. Schmid, K. Koutini and G. Widmer, "Efficient large-scale audio tagging via
    transformer-to-CNN knowledge distillation", ICASSP 2023, and its code (EfficientAT): binary, the
    teacher weighted by 0.9, its logits alone divided by a temperature, losses mixed by mixup.
    """
    if exclusive:
        return soft_cross_entropy(logits, teacher, None if asked is None else asked.amin(dim=-1))
    return masked_mean(F.binary_cross_entropy_with_logits(logits, teacher, reduction="none"), asked)
