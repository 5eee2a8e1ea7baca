"""Pooling over time for multiple instance learning: what a clip holds, from what its frames hold.

Each kind maps probabilities of frames to one of the clip, so that labels without times teach the
frames.

References
----------
Y. Wang, J. Li and F. Metze, "A comparison of five multiple instance learning pooling functions for
sound event detection with weak labeling", ICASSP 2019.
M. Ilse, J. M. Tomczak and M. Welling, "Attention-based deep multiple instance learning", ICML 2018.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mirkit.errors import ParameterError

PoolingKind = Literal["max", "average", "linear", "exponential", "attention"]

EDGE = 1e-6
"""Probabilities are kept this far from 0 and 1."""


class Pooling(nn.Module):
    """Weighted mean of probabilities over time, class by class.

    Parameters
    ----------
    kind
        What the weights are: those of the largest probability alone (``"max"``), all alike
        (``"average"``), the probabilities (``"linear"`` softmax), their exponentials
        (``"exponential"`` softmax), or a softmax over time of what a small network makes of the
        embeddings (``"attention"``: ``w tanh(V h)`` for each class).
    n_embedding
        Width of the embeddings of frames, for attention.
    n_classes
        Width of the probabilities.
    n_hidden
        Width of the hidden layer of attention.

    Examples
    --------
    >>> pool = Pooling("linear", n_embedding=4, n_classes=1)
    >>> p = torch.tensor([[[0.2], [0.8]]])
    >>> round(pool(p, torch.zeros(1, 2, 4))[0].item(), 3)  # (0.04 + 0.64) / 1.0
    0.68
    """

    def __init__(
        self, kind: PoolingKind, n_embedding: int, n_classes: int, n_hidden: int = 64
    ) -> None:
        super().__init__()
        if kind not in get_args(PoolingKind):
            known = ", ".join(get_args(PoolingKind))
            raise ParameterError(f"pooling is {kind!r}; it is one of {known}")
        self.kind = kind
        if kind == "attention":
            self.attention = nn.Sequential(
                nn.Linear(n_embedding, n_hidden), nn.Tanh(), nn.Linear(n_hidden, n_classes)
            )

    def forward(self, probabilities: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities of the clip and the weights of the frames.

        Parameters
        ----------
        probabilities
            Shape ``(batch, n_steps, n_classes)``, in (0, 1).
        embedding
            Shape ``(batch, n_steps, n_embedding)``.

        Returns
        -------
        Shapes ``(batch, n_classes)`` and ``(batch, n_steps, n_classes)``; weights sum to 1.
        """
        p = probabilities.clamp(EDGE, 1 - EDGE)
        weights = self.weights(p, embedding)
        return (weights * p).sum(dim=1), weights

    def weights(self, p: Tensor, embedding: Tensor) -> Tensor:
        """Return how much each frame counts, ``(batch, n_steps, n_classes)``."""
        if self.kind == "max":
            return nn.functional.one_hot(p.argmax(dim=1), p.shape[1]).transpose(1, 2).to(p.dtype)
        if self.kind == "average":
            return torch.full_like(p, 1) / p.shape[1]
        if self.kind == "linear":
            return p / p.sum(dim=1, keepdim=True)
        if self.kind == "exponential":
            return p.softmax(dim=1)
        found: Tensor = self.attention(embedding).softmax(dim=1)
        return found
