"""A temporal convolutional network with heads for beats, downbeats and tempo.

The defaults are the network of Böck & Davies (2020), 72 k parameters. Every other setting was
added because a measurement asked for it (docs/training-log.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.tcn.config import TCNConfig
from mirkit.backbones.widen import Layout


class TCNLogits(NamedTuple):
    """Logits of a `TCN`: beat and downbeat ``(batch, n_frames)``, tempo ``(batch, n_tempi)``."""

    beat: Tensor
    downbeat: Tensor
    tempo: Tensor | None


class TCN(nn.Module):
    """Convolutions over time and frequency, then dilated ones over time, then the heads.

    Parameters
    ----------
    config
        The shape of the network.

    References
    ----------
    S. Böck and M. E. P. Davies, "Deconstruct, analyse, reconstruct: how to improve tempo, beat,
    and downbeat estimation", ISMIR 2020.
    """

    def __init__(self, config: TCNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TCNConfig()
        self.convs = ConvStack(config)
        n_inputs = config.conv_filters[-1] * config.conv_bins
        self.blocks = nn.ModuleList(
            ResidualBlock(config, n_inputs if i == 0 else config.n_filters, 2**i)
            for i in range(config.n_blocks)
        )
        self.heads = Heads(config)

    def forward(self, features: Tensor, weight: Tensor | None = None) -> TCNLogits:
        """Return the logits of the heads.

        Parameters
        ----------
        features
            Shape ``(batch, n_frames, n_bins)``.
        weight
            Shape ``(batch, n_frames)``: how much each frame counts in the tempo, which is pooled
            over the clip; 0 for padding and the context of a window. All count alike where None.
        """
        x = self.pad(features)  # (batch, n_frames + 4, n_bins), more with look-ahead
        x = self.convs(x)  # (batch, n_filters, n_frames)
        skips = torch.zeros(1, dtype=x.dtype, device=x.device)
        for block in self.blocks:
            x, skip = block(x)  # both (batch, n_filters, n_frames)
            skips = skips + skip
        late = self.config.lookahead or 0
        heads: TCNLogits = self.heads(x[..., late:], skips[..., late:], weight)
        return heads

    def pad(self, features: Tensor) -> Tensor:
        """Repeat the first and the last frame, so that the valid convolutions keep the length."""
        before, after = (2, 2) if self.config.lookahead is None else (4, self.config.lookahead)
        # A list, because ONNX has no expansion to zero frames.
        return torch.cat([features[:, :1]] * before + [features] + [features[:, -1:]] * after, 1)


class ConvStack(nn.Module):
    """Three convolutions, each pooled by 3 over frequency, that shrink a spectrum to one vector.

    ELU rises everywhere, so pooling before it gives the same network at a third of the cost.
    """

    def __init__(self, config: TCNConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_inputs = 1
        for height, width, n_outputs in zip(
            (3, 1, 3), config.conv_widths, config.conv_filters, strict=True
        ):
            layers += [
                nn.Conv2d(n_inputs, n_outputs, (height, width)),
                nn.MaxPool2d((1, 3)),
                nn.BatchNorm2d(n_outputs) if config.norm == "batch" else nn.Identity(),
                nn.ELU(),
                nn.Dropout(config.dropout),
            ]
            n_inputs = n_outputs
        # Filters innermost in memory: a CPU convolves so few filters twice as fast that way.
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(batch, n_frames + 4, n_bins)`` to ``(batch, n_filters, n_frames)``."""
        x = features.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        y: Tensor = self.layers(x)  # (batch, n_filters, n_frames, conv_bins)
        return y.transpose(2, 3).flatten(1, 2)


class ResidualBlock(nn.Module):
    """Two dilated convolutions side by side, joined by a third of width one."""

    def __init__(self, config: TCNConfig, n_inputs: int, dilation: int) -> None:
        super().__init__()
        n_filters, kernel = config.n_filters, config.kernel
        self.causal = config.lookahead is not None
        edge = 0 if self.causal else dilation * (kernel - 1) // 2
        self.narrow = nn.Conv1d(n_inputs, n_filters, kernel, 1, edge, dilation)
        self.wide = nn.Conv1d(n_inputs, n_filters, kernel, 1, 2 * edge, 2 * dilation)
        batch_norm = config.norm == "batch"
        self.norm = nn.BatchNorm1d(2 * n_filters) if batch_norm else nn.Identity()
        self.dropout = nn.Dropout1d(config.dropout)
        self.join = nn.Conv1d(2 * n_filters, n_filters, 1)
        self.residual = nn.Conv1d(n_inputs, n_filters, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return output and skip, each ``(batch, n_filters, n_frames)``, for x of that shape."""
        return self.joined(x, self.same(self.narrow, x), self.same(self.wide, x))

    def after(self, context: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return output, skip and the next context, for the `x` that comes after `context`.

        A causal block only. The context is what came before ``x``, as far as the wider convolution
        reaches: ``(batch, n_filters, reach)``.
        """
        known = torch.cat([context, x], dim=-1)  # (batch, n_filters, reach + n_frames)
        reach = context.shape[-1]
        output, skip = self.joined(x, self.narrow(known[..., reach // 2 :]), self.wide(known))
        return output, skip, known[..., -reach:]

    def joined(self, x: Tensor, narrow: Tensor, wide: Tensor) -> tuple[Tensor, Tensor]:
        """Return output and skip, given what both convolutions make of `x`."""
        pair = torch.cat([narrow, wide], dim=1)  # (batch, 2 * n_filters, n_frames)
        skip: Tensor = self.join(self.dropout(F.elu(self.norm(pair))))
        return self.residual(x) + skip, skip

    def same(self, conv: nn.Conv1d, x: Tensor) -> Tensor:
        """Convolve with zeros around `x`, or only before it, so that the length stays."""
        if self.causal:
            x = F.pad(x, (conv.dilation[0] * (conv.kernel_size[0] - 1), 0))
        y: Tensor = conv(x)
        return y


class Heads(nn.Module):
    """Beat and downbeat from each frame, tempo from the mean of all."""

    def __init__(self, config: TCNConfig) -> None:
        super().__init__()
        self.config = config
        self.dropout = nn.Dropout(config.dropout)
        self.beat = nn.Linear(config.n_filters, 1)
        self.downbeat = nn.Linear(config.n_filters, 1)
        self.tempo_filters = _tempo_filters(config)
        n_pooled = config.tempo_filters or config.n_filters
        self.tempo = nn.Linear(n_pooled, config.n_tempi) if config.n_tempi else None

    def forward(self, x: Tensor, skips: Tensor, weight: Tensor | None) -> TCNLogits:
        """Map x and the summed skips, both ``(batch, n_filters, n_frames)``, to logits."""
        beat, downbeat = self.events(x)
        if self.tempo is None:
            return TCNLogits(beat, downbeat, None)
        # (batch, n_filters or tempo_filters)
        pooled = weighted_mean(self.dropout(self.tempo_filters(skips)), weight)
        if self.training and self.config.tempo_noise:
            pooled = pooled + self.config.tempo_noise * torch.randn_like(pooled)
        return TCNLogits(beat, downbeat, self.tempo(pooled))

    def events(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x ``(batch, n_filters, n_frames)`` to the logits of beats and of downbeats."""
        frames = F.elu(x).transpose(1, 2)  # (batch, n_frames, n_filters)
        beat = self.beat(self.dropout(frames)).squeeze(-1)
        downbeat = self.downbeat(self.dropout(frames)).squeeze(-1)
        return (beat + downbeat if self.config.sum_head else beat), downbeat


def _tempo_filters(config: TCNConfig) -> nn.Module:
    if not (config.n_tempi and config.tempo_filters):
        return nn.Identity()
    return nn.Sequential(nn.Conv1d(config.n_filters, config.tempo_filters, 1), nn.ELU())


def weighted_mean(x: Tensor, weight: Tensor | None) -> Tensor:
    """Return the mean over frames of x ``(batch, n_filters, n_frames)``, weighted where asked."""
    if weight is None:
        return x.mean(dim=-1)
    weight = weight.unsqueeze(1)  # (batch, 1, n_frames)
    return (x * weight).sum(dim=-1) / weight.sum(dim=-1).clamp_min(1e-6)


def past_taps(tensors: Mapping[str, Tensor], config: TCNConfig) -> dict[str, Tensor]:
    """Return the weights of a centered network, made ready to go on as the causal `config`.

    Each dilated convolution keeps its taps on the present and the past, at the times where they
    were; those on the future go, those farther back begin at 0. Blocks beyond ``n_blocks`` go too.
    What is left answers as late as before and knows less: a beginning for training, nothing more.
    """
    kept = {}
    for name, tensor in tensors.items():
        layer = name.split(".")
        if layer[0] == "blocks" and int(layer[1]) >= config.n_blocks:
            continue
        if layer[0] == "blocks" and layer[2] in ("narrow", "wide") and layer[3] == "weight":
            past = tensor[..., : tensor.shape[-1] // 2 + 1][..., -config.kernel :]
            tensor = F.pad(past, (config.kernel - past.shape[-1], 0))
        kept[name] = tensor
    return kept


def layout(name: str) -> Layout:
    """Return how filters of a `TCN` lie in one of its weights: see `mirkit.backbones.widen`."""
    block = name.startswith("blocks.")
    if block and ".norm." in name:
        return Layout(groups={0: 2})  # of both convolutions, one after the other
    if block and name.endswith(".join.weight"):
        return Layout(groups={1: 2})
    return Layout()
