"""Targets of BEATs' pre-training: patches of sound as numbers, drawn at random or learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.beats.encoder import BEATsConfig, Encoder, PatchMap, projection
from mirkit.backbones.beats.network import ENCODER_RULES, published_config, shared_bias_once
from mirkit.backbones.published import KeyMap, load_published
from mirkit.errors import WeightsError
from mirkit.zoo.state_dicts import state_dict_in

N_CODES, CODE_DIM = 1024, 256


class RandomTokenizer(nn.Module):
    """Numbers patches by the nearest of random directions: where the first round begins.

    Nothing is learned; patches are made comparable by the middle and spread of each bin, which
    `fit` takes from sounds to train on, or else most fall to a few codes.

    Parameters
    ----------
    config
        The shape of the patches.
    n_codes, code_dim
        Directions, and the space that patches are projected to.
    seed
        What the projection and the directions are drawn with.

    References
    ----------
    C.-C. Chiu et al., "Self-supervised learning with random-projection quantizer for speech
    recognition", ICML 2022.
    """

    projection: Tensor
    directions: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(
        self,
        config: BEATsConfig,
        n_codes: int = N_CODES,
        code_dim: int = CODE_DIM,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.patch, self.n_codes = config.patch, n_codes
        chance = torch.Generator().manual_seed(seed)
        drawn = torch.empty(config.patch**2, code_dim)
        nn.init.xavier_uniform_(drawn, generator=chance)
        self.register_buffer("projection", drawn)
        directions = torch.randn(n_codes, code_dim, generator=chance)
        self.register_buffer("directions", F.normalize(directions, dim=-1))
        self.register_buffer("middle", torch.zeros(config.n_bins))
        self.register_buffer("spread", torch.ones(config.n_bins))

    def fit(self, features: Tensor) -> None:
        """Take the middle and the spread of each bin from features ``(…, n_bins)``.

        The median, and half of what two thirds lie within: some digital silence, which lies far
        below all sounds, does not move them.
        """
        rows = features.reshape(-1, features.shape[-1]).sort(dim=0).values
        low, middle, high = (rows[int(share * (len(rows) - 1))] for share in (0.16, 0.5, 0.84))
        self.middle.copy_(middle)
        self.spread.copy_(((high - low) / 2).clamp(min=1e-3))

    @torch.no_grad()
    def codes(self, features: Tensor) -> Tensor:
        """Return codes ``(batch, n_tokens)`` of the patches of ``(batch, n_frames, n_bins)``."""
        patches = in_patches((features - self.middle) / self.spread, self.patch)
        with torch.autocast(features.device.type, enabled=False):  # half precision moves codes
            projected = F.normalize(patches @ self.projection, dim=-1)
            return (projected @ self.directions.T).argmax(-1)


class Codebook(nn.Module):
    """Directions that follow, by a running mean, the vectors that are nearest to them.

    They begin at the centers of the first batch, in training.

    Parameters
    ----------
    n_codes, dim
        Directions, and their space.
    decay
        What stays of a direction at each step.
    idle
        Directions that are used less than this share of the mean begin anew, at a vector of the
        batch; 0 leaves them, as published. With little data most would idle for good.

    References
    ----------
    A. van den Oord, O. Vinyals and K. Kavukcuoglu, "Neural discrete representation learning",
    NIPS 2017: learning by running means.
    """

    weight: Tensor
    usage: Tensor
    is_ready: Tensor

    def __init__(self, n_codes: int, dim: int, decay: float = 0.99, idle: float = 0.0) -> None:
        super().__init__()
        self.decay, self.idle = decay, idle
        self.register_buffer("weight", torch.zeros(n_codes, dim))
        self.register_buffer("usage", torch.zeros(n_codes))
        self.register_buffer("is_ready", torch.tensor([False]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Replace vectors ``(…, dim)`` by the nearest directions, passing gradients on.

        Returns
        -------
        tuple
            The directions ``(…, dim)``; the mean squared distance to them, which pulls the vectors
            closer; the codes ``(…)``.
        """
        x = F.normalize(x.float(), dim=-1)
        if self.training and not self.is_ready:
            self.begin(x.detach().flatten(0, -2))
        codes = self.codes(x)
        nearest = F.normalize(self.weight, dim=-1)[codes]
        if self.training:
            self.follow(x.detach().flatten(0, -2), codes.flatten())
        return x + (nearest - x).detach(), F.mse_loss(x, nearest), codes

    def codes(self, x: Tensor) -> Tensor:
        """Return the code of each vector ``(…, dim)``."""
        with torch.autocast(x.device.type, enabled=False):  # half precision moves codes
            return (x @ F.normalize(self.weight, dim=-1).T).argmax(-1)

    @torch.no_grad()
    def begin(self, x: Tensor, n_rounds: int = 10) -> None:
        """Put the directions at the centers of unit vectors ``(n, dim)``, by k-means."""
        n = len(self.weight)
        chosen = torch.randperm(len(x), device=x.device)
        self.weight.copy_(x[chosen.repeat(-(-n // len(x)))[:n]])
        for _ in range(n_rounds):
            self.usage.copy_(self.move(x, self.codes(x), 0.0))
        self.is_ready.fill_(True)

    @torch.no_grad()
    def follow(self, x: Tensor, codes: Tensor) -> None:
        """Move each direction towards the unit vectors ``(n, dim)`` that have its code."""
        counts = self.move(x, codes, self.decay)
        self.usage.lerp_(counts, 1 - self.decay)
        idle = self.usage < self.idle * self.usage.mean()
        chosen = torch.randint(len(x), (len(self.usage),), device=x.device)
        self.weight.copy_(torch.where(idle.unsqueeze(-1), x[chosen], self.weight))
        self.usage.copy_(torch.where(idle, self.usage.mean(), self.usage))

    def move(self, x: Tensor, codes: Tensor, decay: float) -> Tensor:
        """Move the directions, and return how many vectors each has; ones without stay."""
        counts = torch.bincount(codes, minlength=len(self.weight)).to(x.dtype)
        sums = torch.zeros_like(self.weight).index_add_(0, codes, x)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(counts)
            torch.distributed.all_reduce(sums)
        moved = decay * self.weight + (1 - decay) * F.normalize(sums, dim=-1)
        is_used = (counts > 0).unsqueeze(-1)
        self.weight.copy_(torch.where(is_used, F.normalize(moved, dim=-1), self.weight))
        return counts


class Tokenizer(nn.Module):
    """Numbers patches by what they mean in context: learned from a network of the round before.

    Parameters
    ----------
    config
        The shape of its encoder.
    n_codes, code_dim
        Codes, and the space in which they lie.
    decay, idle
        How the codes follow, in training: see `Codebook`.

    References
    ----------
    S. Chen et al., "BEATs: audio pre-training with acoustic tokenizers", ICML 2023, section 3.2.
    """

    published: ClassVar[KeyMap] = KeyMap(
        rules=(
            *ENCODER_RULES,
            (r"quantize\.embedding\.weight", "quantize.weight"),
            (r"quantize\.embedding\.initted", "quantize.is_ready"),
            (r"quantize\.embedding\.(cluster_size|embed_avg)", None),  # kept and never read
            (r"quantize\.cluster_size", "quantize.usage"),
        ),
        convert=shared_bias_once,
    )

    def __init__(
        self,
        config: BEATsConfig,
        n_codes: int = N_CODES,
        code_dim: int = CODE_DIM,
        decay: float = 0.99,
        idle: float = 0.0,
    ) -> None:
        super().__init__()
        self.config, self.n_codes = config, n_codes
        self.patch_embedding = PatchMap(config)
        self.layer_norm = nn.LayerNorm(config.embed)
        self.post_extract_proj = projection(config)
        self.encoder = Encoder(config)
        self.quantize_layer = nn.Sequential(
            nn.Linear(config.dim, config.dim), nn.Tanh(), nn.Linear(config.dim, code_dim)
        )
        self.quantize = Codebook(n_codes, code_dim, decay, idle)

    @classmethod
    def from_published(cls, content: Mapping[str, Any]) -> Tokenizer:
        """Return the tokenizer of a published checkpoint, shaped as its ``cfg`` says.

        Raises
        ------
        WeightsError
            Where it is no tokenizer, or its tensors do not fit.
        """
        codes = state_dict_in(content).get("quantize.embedding.weight")
        if codes is None:
            raise WeightsError("the checkpoint is no tokenizer: it has no quantize.embedding")
        net = cls(published_config(content.get("cfg")), *codes.shape)
        load_published(net, content, cls.published)
        return net

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what `Codebook` makes of the patches of ``(batch, n_frames, n_bins)``."""
        quantized: tuple[Tensor, Tensor, Tensor] = self.quantize(self.described(features))
        return quantized

    def described(self, features: Tensor) -> Tensor:
        """Return the patches in the space of the codes: ``(batch, n_tokens, code_dim)``."""
        x = self.post_extract_proj(self.layer_norm(self.patch_embedding(features)))
        y: Tensor = self.quantize_layer(self.encoder(x))
        return y

    @torch.no_grad()
    def codes(self, features: Tensor) -> Tensor:
        """Return codes ``(batch, n_tokens)`` of the patches of ``(batch, n_frames, n_bins)``."""
        return self.quantize.codes(F.normalize(self.described(features).float(), dim=-1))

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that make one of this shape, as checkpoints hold them."""
        n_codes, code_dim = self.quantize.weight.shape
        return {"config": asdict(self.config), "n_codes": n_codes, "code_dim": code_dim}


def in_patches(features: Tensor, patch: int) -> Tensor:
    """Cut ``(batch, n_frames, n_bins)`` into ``(batch, n_times * n_rows, patch * patch)``.

    What is left at the end is dropped.

    Examples
    --------
    >>> in_patches(torch.arange(10).reshape(1, 5, 2), 2).tolist()
    [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    """
    batch, n_frames, n_bins = features.shape
    n_times = n_frames // patch
    grid = features[:, : n_times * patch].reshape(batch, n_times, patch, n_bins // patch, patch)
    return grid.transpose(2, 3).reshape(batch, -1, patch * patch)
