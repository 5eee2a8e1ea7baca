"""Self-supervised pre-training of BEATs and its tokenizer."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from mirkit.backbones.beats.encoder import BEATsConfig, Encoder, taken
from mirkit.backbones.beats.network import BEATs
from mirkit.backbones.beats.tokenizer import Tokenizer


class MaskedBEATs(nn.Module):
    """A network that hears a part of the patches and says which codes the others have.

    What is masked is not heard at all: the encoder sees the rest alone, so that it costs a fraction
    of the time, and a shallow predictor fills the gaps.

    Parameters
    ----------
    net
        The network, without classes.
    n_codes
        Codes of the tokenizer.
    depth
        Layers of the predictor.

    References
    ----------
    S. Chen et al., "BEATs: audio pre-training with acoustic tokenizers", ICML 2023, section 3.3.
    """

    def __init__(self, net: BEATs, n_codes: int, depth: int = 1) -> None:
        super().__init__()
        self.net = net
        self.predictor = Encoder(replace(net.config, depth=depth))
        self.head = nn.Linear(net.config.dim, n_codes)
        # As large as the tokens that it stands in for, which are normed.
        self.masked = nn.Parameter(torch.randn(net.config.dim))

    def forward(self, features: Tensor, kept: Tensor) -> Tensor:
        """Return logits of codes ``(batch, n_tokens, n_codes)``.

        Parameters
        ----------
        features
            Shape ``(batch, n_frames, n_bins)``.
        kept
            Places ``(batch, n_kept)`` of the patches that are heard, ascending.
        """
        tokens = self.net.tokens(features)  # (batch, n_tokens, dim)
        places = kept.unsqueeze(-1).expand(-1, -1, tokens.shape[-1])
        silent = torch.zeros_like(tokens)
        heard = self.net.encoder(silent.scatter(1, places, taken(tokens, kept)), kept)
        spread = self.masked.to(heard.dtype).expand_as(silent).scatter(1, places, heard)
        logits: Tensor = self.head(self.predictor(spread))
        return logits


class Distiller(nn.Module):
    """A tokenizer, and what tells from its codes alone what a network made of the patches.

    Parameters
    ----------
    tokenizer
        The tokenizer that learns.
    teacher
        Shape of the network that it learns from.
    depth
        Layers between codes and estimate.
    """

    def __init__(self, tokenizer: Tokenizer, teacher: BEATsConfig, depth: int = 3) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.widen = nn.Linear(tokenizer.quantize.weight.shape[1], teacher.dim)
        self.estimator = Encoder(replace(teacher, depth=depth))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the estimate ``(batch, n_tokens, dim)``, the distance to the codes, the codes."""
        quantized, distance, codes = self.tokenizer(features)
        return self.estimator(self.widen(quantized)), distance, codes


def standardized(x: Tensor) -> Tensor:
    """Return tokens ``(batch, n_tokens, dim)`` without what all of a batch have in common.

    Each feature then has mean 0 and deviation 1: what never changes says nothing of a patch, and
    would be all that a tokenizer learns.
    """
    rows = x.flatten(0, 1)
    y: Tensor = (x - rows.mean(0)) / (rows.std(0, correction=0) + 1e-3)
    return y


def kept_places(chance: Tensor, mask: float) -> Tensor:
    """Return which tokens of each clip stay where a share `mask` goes: ``(batch, n_kept)``.

    They are those of the greatest random numbers in `chance` ``(batch, n_tokens)``, ascending; one
    stays at least, and one goes.

    Examples
    --------
    >>> kept_places(torch.tensor([[0.1, 0.9, 0.3, 0.8]]), 0.5).tolist()
    [[1, 3]]
    """
    n_tokens = chance.shape[1]
    n_kept = min(max(1, round(n_tokens * (1 - mask))), n_tokens - 1)
    return chance.topk(n_kept, dim=-1).indices.sort(-1).values


def masked_places(kept: Tensor, n_tokens: int) -> Tensor:
    """Return whether each token is masked, ``(batch, n_tokens)``, where `kept` are not."""
    is_masked = torch.ones(len(kept), n_tokens, dtype=torch.bool, device=kept.device)
    return is_masked.scatter(1, kept, False)
