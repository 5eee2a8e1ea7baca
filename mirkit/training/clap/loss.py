"""The symmetric InfoNCE loss of CLAP, over the batches of all processes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributed.nn.functional import all_gather


def info_nce(audio: Tensor, text: Tensor, scale: Tensor | float) -> Tensor:
    """Return the symmetric InfoNCE loss of pairs.

    With cosines c and a temperature τ it is the mean of two directions:
    −1/N Σᵢ log softmax(c(aᵢ, t) / τ)ᵢ over texts, and the same over recordings.

    Parameters
    ----------
    audio, text
        Embeddings of N pairs, ``(n_pairs, n_joint)``; of any length, which does not count.
    scale
        1 / τ.

    Examples
    --------
    >>> x = torch.eye(2)
    >>> round(float(info_nce(x, x, 1.0)), 4)  # log(1 + 1/e)
    0.3133
    """
    a, t = F.normalize(gather(audio), dim=-1), F.normalize(gather(text), dim=-1)
    logits = scale * a @ t.T  # (n_pairs, n_pairs)
    return match(logits, torch.eye(len(logits), device=logits.device, dtype=logits.dtype))


def match(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the cross-entropy of logits against shares, as the mean of both directions.

    Where several texts are true of a recording, or each to a degree, its shares are spread over
    them: this is InfoNCE with soft labels, and InfoNCE itself where `truth` is the identity.

    Parameters
    ----------
    logits
        Cosines by 1 / τ, ``(n_recordings, n_texts)``.
    truth
        How true each text is of each recording, of the same shape, from 0; rows and columns
        without any truth do not count.
    """
    rows, columns = _cross_entropy(logits, truth), _cross_entropy(logits.T, truth.T)
    return (rows + columns) / 2


def gather(x: Tensor) -> Tensor:
    """Return the rows of all processes, in the order of their ranks; gradients flow back."""
    if not torch.distributed.is_initialized():
        return x
    return torch.cat(all_gather(x))  # type: ignore[no-untyped-call]


def _cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the mean cross-entropy of the rows that have any truth."""
    total = truth.sum(dim=1, keepdim=True)
    shares = truth / total.clamp(min=torch.finfo(truth.dtype).tiny)
    losses = -(shares * logits.log_softmax(dim=1)).sum(dim=1)
    counts = (total[:, 0] > 0).to(losses)
    return (losses * counts).sum() / counts.sum().clamp(min=1)
