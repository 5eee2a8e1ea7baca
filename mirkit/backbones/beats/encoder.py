"""The transformer of BEATs and its tokenizers: attention biased by distance, gated by queries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from mirkit.backbones.vit.vit import joined_heads
from mirkit.errors import ParameterError

N_GATES = 8  # outputs that the two gates of a head are summed from, four each


@dataclass(frozen=True)
class BEATsConfig:
    """The shape of the encoder, which published checkpoints hold beside their tensors.

    Parameters
    ----------
    n_bins
        Bins of the features; a multiple of `patch`.
    patch
        Side of a patch; patches do not overlap.
    embed
        Width that a patch is mapped to at first.
    dim, depth, n_heads, n_hidden
        Width of the tokens, layers, heads of each, width of their perceptrons.
    conv_width, conv_groups
        Taps and groups of the convolution that tells places apart.
    n_buckets, max_distance
        Distances that have a bias of their own, half of them to each side, and the distance from
        which on all share the last.
    dropout, attention_dropout, head_dropout
        Probabilities of dropping an activation, a glance, a feature of the head, in training.
    deep_norm
        Whether what goes past a layer counts more than what comes out of it.
    norm_first
        Whether layers norm what comes in, and not what comes out (pre-norm).
    relative
        Whether attention is biased by distance.
    gated
        Whether each query turns that bias up or down for itself.
    conv_bias
        Whether the map of the patches has an offset.
    """

    n_bins: int = 128
    patch: int = 16
    embed: int = 512
    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    n_hidden: int = 3072
    conv_width: int = 128
    conv_groups: int = 16
    n_buckets: int = 320
    max_distance: int = 800
    dropout: float = 0.1
    attention_dropout: float = 0.1
    head_dropout: float = 0.1
    deep_norm: bool = True
    norm_first: bool = False
    relative: bool = True
    gated: bool = True
    conv_bias: bool = False

    def __post_init__(self) -> None:
        if self.n_bins % self.patch:
            raise ParameterError(
                f"n_bins is {self.n_bins}; patches of {self.patch} need a multiple"
            )
        for name in ("n_heads", "conv_groups"):
            if self.dim % getattr(self, name):
                raise ParameterError(
                    f"{name} is {getattr(self, name)}; it divides dim, which is {self.dim}"
                )
        if self.deep_norm and self.norm_first:
            raise ParameterError("deep_norm and norm_first are both true; one of them at most is")

    @property
    def n_rows(self) -> int:
        """Patches over frequency: tokens at one time."""
        return self.n_bins // self.patch

    @property
    def branch(self) -> float:
        """Weight of the residual connection against the output of a layer (deep norm)."""
        return float((2 * self.depth) ** 0.25) if self.deep_norm else 1.0


class PatchMap(nn.Conv2d):
    """Patches of a spectrogram, mapped to vectors; time by time."""

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__(1, config.embed, config.patch, config.patch, bias=config.conv_bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, n_frames, n_bins)`` to ``(batch, n_times * n_rows, embed)``."""
        grid: Tensor = super().forward(features.unsqueeze(1))
        return grid.flatten(2).transpose(1, 2)


class Encoder(nn.Module):
    """Layers that share one table of biases by distance, behind a wide convolution.

    The table stands at the encoder; published files repeat it in each layer.
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.config = config
        width, dim = config.conv_width, config.dim
        conv = nn.Conv1d(dim, dim, width, padding=width // 2, groups=config.conv_groups)
        nn.init.normal_(conv.weight, std=math.sqrt(4 / (width * dim)))
        nn.init.zeros_(conv.bias) if conv.bias is not None else None
        self.pos_conv = weight_norm(conv, dim=2)
        self.relative_attention_bias = (
            nn.Embedding(config.n_buckets, config.n_heads) if config.relative else None
        )
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.layer_norm = nn.LayerNorm(dim)
        self.apply(_initialize)
        for layer in self.layers if config.deep_norm else ():
            begin_deep(layer, config.depth)

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Map tokens ``(batch, n_tokens, dim)`` to tokens, or to those that are kept.

        Parameters
        ----------
        x
            The tokens; 0 where they are not kept.
        kept
            Places ``(batch, n_kept)`` of the tokens that attend to each other; all where None.
        """
        placed = self.pos_conv(x.transpose(1, 2))[..., : x.shape[1]]  # an even width gives one more
        x = x + F.gelu(placed).transpose(1, 2)
        if kept is None:
            kept = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
        else:
            x = taken(x, kept)
        first = self.config.norm_first
        x = F.dropout(x if first else self.layer_norm(x), self.config.dropout, self.training)
        bias = self.bias(kept)
        for layer in self.layers:
            x = layer(x, bias)
        return self.layer_norm(x) if first else x

    def bias(self, places: Tensor) -> Tensor | None:
        """Return the bias of each head among tokens at `places` ``(batch, n_tokens)``.

        Returns
        -------
        Tensor
            Shape ``(batch, n_heads, n_tokens, n_tokens)``, from query to key; None where there is
            none.
        """
        if self.relative_attention_bias is None:
            return None
        distance = places[:, None, :] - places[:, :, None]
        bucket = buckets(distance, self.config.n_buckets, self.config.max_distance)
        y: Tensor = self.relative_attention_bias(bucket).permute(0, 3, 1, 2)
        return y


class Layer(nn.Module):
    """Attention, then a perceptron; each added to a louder copy of what came in, then normed.

    With `BEATsConfig.norm_first`, what each takes is normed instead.

    References
    ----------
    H. Wang et al., "DeepNet: scaling transformers to 1,000 layers", 2022: how much louder.
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.branch, self.dropout = config.branch, config.dropout
        self.norm_first = config.norm_first
        self.self_attn = GatedAttention(config)
        self.self_attn_layer_norm = nn.LayerNorm(config.dim)
        self.fc1 = nn.Linear(config.dim, config.n_hidden)
        self.fc2 = nn.Linear(config.n_hidden, config.dim)
        self.final_layer_norm = nn.LayerNorm(config.dim)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Map tokens ``(batch, n_tokens, dim)`` to tokens."""
        if self.norm_first:
            x = x + self.attend(self.self_attn_layer_norm(x), bias)
            return x + self.perceive(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(self.branch * x + self.attend(x, bias))
        y: Tensor = self.final_layer_norm(self.branch * x + self.perceive(x))
        return y

    def attend(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Return what tokens ``(batch, n_tokens, dim)`` take from each other."""
        return F.dropout(self.self_attn(x, bias), self.dropout, self.training)

    def perceive(self, x: Tensor) -> Tensor:
        """Return what the perceptron makes of tokens ``(batch, n_tokens, dim)``."""
        return F.dropout(self.fc2(F.gelu(self.fc1(x))), self.dropout, self.training)


class GatedAttention(nn.Module):
    """Attention whose bias by distance each query turns up or down for itself.

    References
    ----------
    Z. Chi et al., "XLM-E: cross-lingual language model pre-training via ELECTRA", ACL 2022: the
    gate.
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        dim, self.n_heads = config.dim, config.n_heads
        self.dropout = config.attention_dropout
        self.q_proj, self.k_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.v_proj, self.out_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.gated = config.gated
        if config.gated:
            self.grep_linear = nn.Linear(dim // self.n_heads, N_GATES)
            self.grep_a = nn.Parameter(torch.ones(1, self.n_heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Map tokens ``(batch, n_tokens, dim)`` to tokens; `bias` as `Encoder.bias` gives it."""
        query, key, value = (self.heads(p(x)) for p in (self.q_proj, self.k_proj, self.v_proj))
        if bias is not None and self.gated:
            bias = self.gate(query) * bias  # (batch, n_heads, n_tokens, n_tokens)
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, bias, dropout)
        y: Tensor = self.out_proj(joined_heads(attended))
        return y

    def heads(self, x: Tensor) -> Tensor:
        """Split tokens into heads ``(batch, n_heads, n_tokens, dim / n_heads)``."""
        return x.reshape(*x.shape[:2], self.n_heads, -1).transpose(1, 2)

    def gate(self, query: Tensor) -> Tensor:
        """Return how much each query heeds the bias: ``(batch, n_heads, n_tokens, 1)``."""
        sums = self.grep_linear(query).reshape(*query.shape[:3], 2, N_GATES // 2).sum(-1)
        update, reset = torch.sigmoid(sums).chunk(2, dim=-1)
        y: Tensor = update * (reset * self.grep_a - 1) + 2
        return y


def taken(x: Tensor, places: Tensor) -> Tensor:
    """Return the tokens ``(batch, n_places, dim)`` at `places` ``(batch, n_places)``."""
    return x.gather(1, places.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def buckets(distance: Tensor, n_buckets: int, max_distance: int) -> Tensor:
    """Return the row of the table for each distance, from query to key.

    Half of the rows are for keys that come later. Of each half, the first half is for distances one
    by one; in the rest, distances share rows, ever more of them, logarithmically.

    Examples
    --------
    >>> buckets(torch.tensor([-3, 0, 1, 2, 3, 9, 99]), 8, 10).tolist()
    [2, 0, 5, 6, 6, 7, 7]
    """
    n_side = n_buckets // 2
    n_exact = n_side // 2
    far = distance.abs().clamp(min=1).float()
    growth = torch.log(far / n_exact) / math.log(max_distance / n_exact)
    shared = (n_exact + (growth * (n_side - n_exact)).long()).clamp(max=n_side - 1)
    row = torch.where(distance.abs() < n_exact, distance.abs(), shared)
    return row + (distance > 0).long() * n_side


def projection(config: BEATsConfig) -> nn.Module:
    """Return the map from the width of patches to that of tokens, where they differ."""
    return nn.Identity() if config.embed == config.dim else nn.Linear(config.embed, config.dim)


def begin_deep(layer: nn.Module, depth: int) -> None:
    """Draw the weights of a layer so that deep networks of them begin stable."""
    gain = (8 * depth) ** -0.25
    for name, parameter in layer.named_parameters():
        if parameter.ndim != 2 or "grep" in name:
            continue
        nn.init.xavier_normal_(parameter, 1.0 if "q_proj" in name or "k_proj" in name else gain)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def shaped(shape: Mapping[str, Any]) -> BEATsConfig:
    """Return the configuration of keyword arguments, refusing unknown ones."""
    known = [field.name for field in fields(BEATsConfig)]
    for name in shape:
        if name not in known:
            raise ParameterError(f"unknown setting {name!r} of BEATs; known: {', '.join(known)}")
    return BEATsConfig(**shape)
