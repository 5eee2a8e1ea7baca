"""The TCN as it is used: probabilities instead of logits, in torch; and fused, for export."""

from __future__ import annotations

from copy import deepcopy
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.runner import TorchRunner
from mirkit.backbones.tcn.network import TCN, ResidualBlock


class Probabilities(nn.Module):
    """A `TCN` that gives probabilities: what is exported, and what its users want."""

    def __init__(self, net: TCN) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """Return beat, downbeat ``(batch, n_frames)`` and, where it is, tempo."""
        beat, downbeat, tempo = self.net(features, weight)
        frames = (beat.sigmoid(), downbeat.sigmoid())
        return frames if tempo is None else (*frames, tempo.softmax(dim=-1))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        has_tempo = self.net.config.n_tempi > 0
        return ("beat", "downbeat", "tempo") if has_tempo else ("beat", "downbeat")


def tcn_runner(net: TCN) -> TorchRunner:
    """Return what runs `net` in torch, as `mirkit.zoo.runtime.Session` runs its export."""
    module = Probabilities(net)
    return TorchRunner(module, ("features", "weight"), module.names)


@torch.no_grad()
def fused(net: TCN) -> TCN:
    """Return a copy of `net` that gives the same in less time, for inference.

    Batch norms become part of the convolutions before them: of those that are pooled in between,
    where the scales are positive, since these keep the largest the largest. The first pooling,
    which is of the most values, is joined with its convolution.
    """
    net = deepcopy(net).eval()
    layers = net.convs.layers
    for i, layer in enumerate(layers):
        norm = layers[i + 2] if isinstance(layer, nn.Conv2d) else None
        if isinstance(norm, nn.BatchNorm2d) and bool((norm.weight > 0).all()):
            _absorb(cast(nn.Conv2d, layer), *_scale_and_offset(norm))
            layers[i + 2] = nn.Identity()
    layers[0], layers[1] = PooledConv(cast(nn.Conv2d, layers[0])), nn.Identity()
    for each in net.blocks:
        block = cast(ResidualBlock, each)
        if isinstance(block.norm, nn.BatchNorm1d):
            scales, offsets = (x.chunk(2) for x in _scale_and_offset(block.norm))
            _absorb(block.narrow, scales[0], offsets[0])
            _absorb(block.wide, scales[1], offsets[1])
            block.norm = nn.Identity()
    return net


class PooledConv(nn.Module):
    """A convolution and its pooling by 3 over frequency, as the largest of three convolutions.

    Each of the three has a stride of 3, so nothing has to be computed twice, nor pooled.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n, n_frames, n_bins)`` to ``(batch, n_filters, …, n_pooled)``."""
        width = self.weight.shape[-1]
        length = (x.shape[-1] - width + 1) // 3 * 3 + width - 3
        thirds = [
            F.conv2d(x[..., i : i + length], self.weight, self.bias, stride=(1, 3))
            for i in range(3)
        ]
        return torch.maximum(torch.maximum(thirds[0], thirds[1]), thirds[2])


def _scale_and_offset(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return what a batch norm multiplies each channel by in inference, and what it adds then."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def _absorb(conv: nn.Conv1d | nn.Conv2d, scale: Tensor, offset: Tensor) -> None:
    """Make `conv` give its filters times `scale` plus `offset`."""
    conv.weight *= scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    cast(Tensor, conv.bias).mul_(scale).add_(offset)
