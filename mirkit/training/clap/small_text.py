"""A small text tower: weighted vectors of word pieces, and a perceptron over their mean.

It hears which words there are, not their order: sentences about sounds seldom need more, and it
costs a thousandth of a transformer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SmallText(nn.Module):
    """From the numbers of word pieces to a vector of length 1 in the joint space.

    Parameters
    ----------
    n_pieces
        Pieces of the vocabulary; number 0 is padding.
    dim
        Width of the vectors of pieces.
    n_joint
        Dimensions of the joint space.
    n_hidden
        Width of the perceptron.
    dropout
        Share of pieces, and of hidden units, that are dropped in training.
    """

    def __init__(
        self, n_pieces: int, dim: int, n_joint: int, n_hidden: int = 512, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.vectors = nn.Embedding(n_pieces, dim, padding_idx=0)
        self.weights = nn.Embedding(n_pieces, 1)
        nn.init.zeros_(self.weights.weight)
        self.linear = nn.Linear(dim, n_joint)
        self.norm = nn.LayerNorm(dim)
        self.hidden = nn.Linear(dim, n_hidden)
        self.out = nn.Linear(n_hidden, n_joint)
        self.dropout = dropout

    def forward(self, ids: Tensor) -> Tensor:
        """Map numbers of pieces ``(batch, n_tokens)`` to ``(batch, n_joint)`` of length 1."""
        pooled = self.pool(ids)  # (batch, dim)
        hidden = F.gelu(self.hidden(self.norm(pooled)))
        hidden = F.dropout(hidden, self.dropout, self.training)
        return F.normalize(self.linear(pooled) + self.out(hidden), dim=-1)

    def pool(self, ids: Tensor) -> Tensor:
        """Return the weighted mean of the vectors of the pieces, ``(batch, dim)``."""
        is_piece = self._drop(ids > 0).to(self.weights.weight.dtype).unsqueeze(-1)
        odds = F.softplus(self.weights(ids)) * is_piece  # (batch, n_tokens, 1)
        total = (odds * self.vectors(ids)).sum(dim=1)
        y: Tensor = total / odds.sum(dim=1).clamp(min=1e-6)
        return y

    def _drop(self, is_piece: Tensor) -> Tensor:
        """Drop some pieces in training, never all of a text."""
        if not self.training:
            return is_piece
        kept = is_piece & (torch.rand(is_piece.shape) >= self.dropout)
        return torch.where(kept.any(dim=1, keepdim=True), kept, is_piece)


class AudioHead(nn.Module):
    """From what a tagger hears to a vector of length 1 in the joint space.

    Parameters
    ----------
    n_in
        Width of the vectors of a tagger: its embedding, and the maximum and deviation of its
        frames.
    n_joint
        Dimensions of the joint space.
    n_hidden
        Width of the perceptron.
    dropout
        Share of inputs and hidden units that are dropped in training.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_in: int, n_joint: int, n_hidden: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_in))
        self.register_buffer("deviation", torch.ones(n_in))
        self.linear = nn.Linear(n_in, n_joint)
        self.hidden = nn.Linear(n_in, n_hidden)
        self.out = nn.Linear(n_hidden, n_joint)
        self.dropout = dropout

    def fit_scale(self, x: Tensor) -> None:
        """Norm inputs by the mean and deviation of `x`, ``(n, n_in)``."""
        self.mean.copy_(x.mean(dim=0))
        self.deviation.copy_(x.std(dim=0).clamp(min=1e-3))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(…, n_in)`` to ``(…, n_joint)``."""
        x = F.dropout((x - self.mean) / self.deviation, self.dropout / 2, self.training)
        hidden = F.dropout(F.gelu(self.hidden(x)), self.dropout, self.training)
        return F.normalize(self.linear(x) + self.out(hidden), dim=-1)
