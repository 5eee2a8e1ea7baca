"""PANNs' MobileNets, whose strides are averages behind full convolutions: V1 and V2."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mirkit.backbones.panns.cnn import Panns, initialize
from mirkit.errors import ParameterError

# Channels and stride of each convolution after the first, which has 32 and halves.
V1_FIRST = 32
V1_ROWS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1),
    (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip

# How often a block widens its input, channels, number of blocks, stride of the first of them.
V2_FIRST, V2_LAST, V2_EMBEDDING = 32, 1280, 1024
V2_ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 2),
    (6, 160, 3, 1),
    (6, 320, 1, 1),
)


class MobileNetV1(Panns):
    """Thirteen convolutions of each channel by itself, each followed by one across channels.

    A step is 32 frames long, and so is the shortest input.

    Parameters
    ----------
    width
        What the numbers of channels are multiplied with.
    **options
        As in `Panns`.

    References
    ----------
    A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
    applications", 2017. Q. Kong et al., "PANNs", 2020.
    """

    def __init__(self, width: float = 1.0, **options: Any) -> None:
        super().__init__(scaled(V1_ROWS[-1][0], width), 5, **options)
        n_in = scaled(V1_FIRST, width)
        layers = [convolution(1, n_in, 2, nn.ReLU)]
        for n_channels, stride in V1_ROWS:
            n_out = scaled(n_channels, width)
            layers.append(separable(n_in, n_out, stride))
            n_in = n_out
        self.features = nn.Sequential(*layers)
        initialize(self)

    def convolve(self, x: Tensor) -> Tensor:
        """Map ``(batch, 1, n_frames, n_bins)`` to ``(batch, n_channels, n_steps, n_bands)``."""
        y: Tensor = self.features(x)
        return y


class MobileNetV2(Panns):
    """Seventeen inverted residual blocks.

    A step is 32 frames long, and so is the shortest input.

    Parameters
    ----------
    width
        What the numbers of channels are multiplied with.
    **options
        As in `Panns`; pooled channels are not dropped in training unless `head_dropout` says so.

    References
    ----------
    M. Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018.
    Q. Kong et al., "PANNs", 2020.
    """

    def __init__(self, width: float = 1.0, **options: Any) -> None:
        n_embedding = scaled(V2_EMBEDDING, width)
        options = {"head_dropout": 0.0, "n_embedding": n_embedding, **options}
        super().__init__(scaled(V2_LAST, width), 5, **options)
        n_in = scaled(V2_FIRST, width)
        layers: list[nn.Module] = [convolution(1, n_in, 2, nn.ReLU6)]
        for widening, n_channels, n_blocks, stride in V2_ROWS:
            for i in range(n_blocks):
                n_out = scaled(n_channels, width)
                layers.append(InvertedResidual(n_in, n_out, 1 if i else stride, widening))
                n_in = n_out
        layers.append(pointwise(n_in, scaled(V2_LAST, width), nn.ReLU6))
        self.features = nn.Sequential(*layers)
        initialize(self)

    def convolve(self, x: Tensor) -> Tensor:
        """Map ``(batch, 1, n_frames, n_bins)`` to ``(batch, n_channels, n_steps, n_bands)``."""
        y: Tensor = self.features(x)
        return y


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; and add what came in where it fits.

    Parameters
    ----------
    n_in, n_out
        Channels.
    stride
        1, or 2 to halve time and frequency.
    widening
        Channels between, for each that comes in.
    """

    def __init__(self, n_in: int, n_out: int, stride: int, widening: int) -> None:
        super().__init__()
        n_wide = n_in * widening
        layers = [*pointwise(n_in, n_wide, nn.ReLU6)] if widening > 1 else []
        layers += convolution(n_wide, n_wide, stride, nn.ReLU6, groups=n_wide)
        layers += pointwise(n_wide, n_out)
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_frames, n_bins)`` to ``(batch, n_out, …)``, halved or not."""
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


def separable(n_in: int, n_out: int, stride: int) -> nn.Sequential:
    """Return a convolution of each channel by itself, then one across channels."""
    by_itself = convolution(n_in, n_in, stride, nn.ReLU, groups=n_in)
    return nn.Sequential(*by_itself, *pointwise(n_in, n_out, nn.ReLU))


def convolution(
    n_in: int, n_out: int, stride: int, activation: type[nn.Module], groups: int = 1
) -> nn.Sequential:
    """Return a convolution of 3 × 3, the average that is its stride, its norm, its activation."""
    conv = nn.Conv2d(n_in, n_out, 3, padding=1, groups=groups, bias=False)
    pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()  # keeps the published places
    return nn.Sequential(conv, pool, nn.BatchNorm2d(n_out), activation())


def pointwise(n_in: int, n_out: int, activation: type[nn.Module] | None = None) -> nn.Sequential:
    """Return a convolution across channels, its norm, and its activation if any."""
    layers = [nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out)]
    return nn.Sequential(*layers) if activation is None else nn.Sequential(*layers, activation())


def scaled(n_channels: int, width: float) -> int:
    """Return a number of channels at `width`.

    Examples
    --------
    >>> scaled(32, 0.25), scaled(16, 0.01)
    (8, 1)
    """
    if not width > 0:
        raise ParameterError(f"width is {width}; it multiplies channels, so it is above 0")
    return max(1, round(n_channels * width))
