"""PANNs' residual networks, which halve by averaging before they convolve: ResNet22, 38, 54."""

from __future__ import annotations

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.panns.cnn import ConvBlock, Panns, initialize

BLOCK_DROPOUT = 0.1


class BasicBlock(nn.Module):
    """Two convolutions of 3 × 3, added to what came in.

    Parameters
    ----------
    n_in, n_out
        Channels.
    halves
        Whether time and frequency are halved.
    """

    expansion: ClassVar[int] = 1

    def __init__(self, n_in: int, n_out: int, halves: bool = False) -> None:
        super().__init__()
        self.halves = halves
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.dropout = nn.Dropout(BLOCK_DROPOUT)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = shortcut(n_in, n_out, halves)

    def begin_as_identity(self) -> None:
        """Let the block add nothing until it is trained."""
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_frames, n_bins)`` to ``(batch, n_out, …)``, halved or not."""
        y = F.avg_pool2d(x, 2) if self.halves else x
        y = self.dropout(F.relu_(self.bn1(self.conv1(y))))
        y = self.bn2(self.conv2(y))
        return F.relu_(y + shortened(x, self.downsample))


class Bottleneck(nn.Module):
    """A convolution of 3 × 3 between two that change the channels, added to what came in.

    Parameters
    ----------
    n_in
        Channels that come in.
    n_mid
        Channels between; four times as many go out.
    halves
        Whether time and frequency are halved.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, n_in: int, n_mid: int, halves: bool = False) -> None:
        super().__init__()
        self.halves = halves
        n_out = n_mid * self.expansion
        self.conv1 = nn.Conv2d(n_in, n_mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_mid)
        self.conv2 = nn.Conv2d(n_mid, n_mid, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_mid)
        self.dropout = nn.Dropout(BLOCK_DROPOUT)
        self.conv3 = nn.Conv2d(n_mid, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.downsample = shortcut(n_in, n_out, halves)

    def begin_as_identity(self) -> None:
        """Let the block add nothing until it is trained."""
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_frames, n_bins)`` to ``(batch, 4 * n_mid, …)``, halved or not."""
        y = F.avg_pool2d(x, 2) if self.halves else x
        y = F.relu_(self.bn1(self.conv1(y)))
        y = self.dropout(F.relu_(self.bn2(self.conv2(y))))
        y = self.bn3(self.conv3(y))
        return F.relu_(y + shortened(x, self.downsample))


def shortcut(n_in: int, n_out: int, halves: bool) -> nn.Sequential | None:
    """Return what makes the input of a block fit its output, or None where it fits."""
    if n_in == n_out and not halves:
        return None
    pool = [nn.AvgPool2d(2)] if halves else []
    return nn.Sequential(*pool, nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))


def shortened(x: Tensor, downsample: nn.Module | None) -> Tensor:
    """Return `x` as it is added to the output of a block."""
    return x if downsample is None else downsample(x)


class ResidualLayers(nn.Module):
    """Four layers, each after the first halving the image and doubling the channels."""

    def __init__(
        self, block: type[BasicBlock] | type[Bottleneck], depths: tuple[int, ...], width: int
    ) -> None:
        super().__init__()
        n_in = width
        for i, depth in enumerate(depths):
            blocks: list[nn.Module] = []
            for j in range(depth):
                blocks.append(block(n_in, width << i, halves=i > 0 and j == 0))
                n_in = (width << i) * block.expansion
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, width, n_frames, n_bins)`` to an eighth of it, with more channels."""
        for layer in self.children():
            x = layer(x)
        return x


class PannsResNet(Panns):
    """A convolution block, four layers of residual blocks, a convolution block.

    A step is 32 frames long, and so is the shortest input.

    Parameters
    ----------
    width
        Channels of the first block.
    dropout
        Probability of dropping an activation outside the residual blocks in training.
    **options
        As in `Panns`.
    """

    block: ClassVar[type[BasicBlock] | type[Bottleneck]]
    depths: ClassVar[tuple[int, ...]]

    def __init__(self, width: int = 64, dropout: float = 0.2, **options: Any) -> None:
        super().__init__(32 * width, 5, **options)
        self.dropout = nn.Dropout(dropout)
        self.conv_block1 = ConvBlock(1, width)
        self.resnet = ResidualLayers(self.block, self.depths, width)
        self.conv_block_after1 = ConvBlock(8 * width * self.block.expansion, 32 * width)
        initialize(self)
        for module in self.modules():
            if isinstance(module, BasicBlock | Bottleneck):
                module.begin_as_identity()

    def convolve(self, x: Tensor) -> Tensor:
        """Map ``(batch, 1, n_frames, n_bins)`` to ``(batch, n_channels, n_steps, n_bands)``."""
        x = self.dropout(F.avg_pool2d(self.conv_block1(x), 2))
        x = self.resnet(x)  # (batch, 8 * width * expansion, n_frames / 16, n_bins / 16)
        x = self.dropout(F.avg_pool2d(x, 2))
        y: Tensor = self.dropout(self.conv_block_after1(x))
        return y


class ResNet22(PannsResNet):
    """Eight residual blocks of two convolutions.

    Parameters
    ----------
    **options
        As in `PannsResNet` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
    recognition", IEEE/ACM TASLP 2020.
    """

    block = BasicBlock
    depths = (2, 2, 2, 2)


class ResNet38(PannsResNet):
    """Sixteen residual blocks of two convolutions.

    Parameters
    ----------
    **options
        As in `PannsResNet` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs", 2020.
    """

    block = BasicBlock
    depths = (3, 4, 6, 3)


class ResNet54(PannsResNet):
    """Sixteen bottlenecks of three convolutions.

    Parameters
    ----------
    **options
        As in `PannsResNet` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs", 2020.
    """

    block = Bottleneck
    depths = (3, 4, 6, 3)
