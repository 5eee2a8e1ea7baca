"""EfficientAT's MobileNets: MobileNetV3-Large made narrower or wider, on log-mel features.

Frequency is the height of the image and time its width, so frames are transposed on the way in.
Every convolution is padded to keep its center, so output i is centered on input ``step * i``.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap
from mirkit.errors import ParameterError

Head = Literal["mlp", "fc"]
SILENCE = (math.log(1e-5) + 4.5) / 5  # of the front end "efficientat"


class Row(NamedTuple):
    """One row of MobileNetV3's table: an inverted residual block.

    `stage` is the place of its stride among the settings, or None where it has none.
    """

    kernel: int
    n_expanded: int
    n_out: int
    excites: bool
    is_hard: bool
    stage: int | None = None


N_FIRST = 16
N_LAST = 1280
ROWS = (
    Row(3, 16, 16, False, False),
    Row(3, 64, 24, False, False, 0),
    Row(3, 72, 24, False, False),
    Row(5, 72, 40, True, False, 1),
    Row(5, 120, 40, True, False),
    Row(5, 120, 40, True, False),
    Row(3, 240, 80, False, True, 2),
    Row(3, 200, 80, False, True),
    Row(3, 184, 80, False, True),
    Row(3, 184, 80, False, True),
    Row(3, 480, 112, True, True),
    Row(3, 672, 112, True, True),
    Row(5, 672, 160, True, True, 3),
    Row(5, 960, 160, True, True),
    Row(5, 960, 160, True, True),
)


class MobileNet(Backbone):
    """MobileNetV3-Large at any width, as EfficientAT trains it.

    Parameters
    ----------
    n_classes
        Width of the logits.
    width
        What the numbers of channels are multiplied with: 1.0 is mn10, 0.4 mn04.
    head
        ``"mlp"`` pools, then hears the classes in a hidden layer; ``"fc"`` hears them at each place
        of the feature map, then pools, so the clip's logits are the mean over its frames.
    strides
        Of the four blocks that halve the feature map, each 1 or 2: ``(2, 2, 2, 1)`` is the
        published s2221, which sees half as far.
    first_stride
        Of the first convolution, 1 or 2.
    squeeze
        Channels to one channel of the squeezed layer.
    dropout
        Probability of dropping a hidden activation of the ``"mlp"`` head in training.
    n_bins
        Bins of the features; the network takes any, its weights do not depend on it.
    hears_frames
        Whether the head is run at each step too. An ``"mlp"`` head, which is trained on clips,
        ranks the steps well but is no detector.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019: the blocks and their table.
    F. Schmid, K. Koutini and G. Widmer, "Efficient large-scale audio tagging via
    transformer-to-CNN knowledge distillation", ICASSP 2023: widths, head, training.

    Examples
    --------
    >>> import torch
    >>> net = MobileNet(n_classes=5, width=0.1).eval()
    >>> output = net(torch.zeros(2, 100, 128))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 4, 5]))
    """

    published: ClassVar[KeyMap | None] = KeyMap()

    def __init__(
        self,
        n_classes: int = 527,
        width: float = 1.0,
        head: Head = "mlp",
        strides: tuple[int, int, int, int] = (2, 2, 2, 2),
        first_stride: int = 2,
        squeeze: int = 4,
        dropout: float = 0.2,
        n_bins: int = 128,
        hears_frames: bool = True,
        front_end: str = "efficientat",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__()
        check_shape(width, strides, first_stride, head)
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_classes, self.n_bins, self.hears_frames = n_classes, n_bins, hears_frames
        self.step = first_stride * math.prod(strides)
        self.first = 0.0
        self.min_length = (self.step,)
        n_in = scaled(N_FIRST, width)
        layers: list[nn.Module] = [conv_norm(1, n_in, 3, first_stride, activation=nn.Hardswish)]
        for row in ROWS:
            stride = 1 if row.stage is None else strides[row.stage]
            layers.append(InvertedResidual(n_in, row, width, stride, squeeze))
            n_in = scaled(row.n_out, width)
        self.n_embedding = 6 * n_in
        layers.append(conv_norm(n_in, self.n_embedding, 1, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.classifier = classifier(
            head, self.n_embedding, scaled(N_LAST, width), n_classes, dropout
        )
        initialize(self)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        x = features.transpose(1, 2).unsqueeze(1)  # (batch, 1, n_bins, n_frames)
        x = self.features(x)  # (batch, n_embedding, n_bins / step, n_frames / step)
        return heard(x, self.classifier, self.hears_frames)


def heard(x: Tensor, head: nn.Sequential, hears_frames: bool = True) -> Output:
    """Return what `head` makes of a feature map ``(batch, n_embedding, n_bands, n_steps)``."""
    rows = x.mean(dim=2).transpose(1, 2)  # (batch, n_steps, n_embedding)
    embedding = x.mean(dim=(2, 3))  # (batch, n_embedding)
    if isinstance(head[0], nn.Conv2d):
        by_step = head[1](head[0](x)).mean(dim=2).transpose(1, 2)  # (batch, n_steps, n_classes)
        return Output(by_step.mean(dim=1), embedding, by_step if hears_frames else None, rows)
    frame_logits = head[2:](rows) if hears_frames else None
    return Output(head[2:](embedding), embedding, frame_logits, rows)


def classifier(
    head: Head, n_inputs: int, n_hidden: int, n_classes: int, dropout: float
) -> nn.Sequential:
    """Return a head, its layers at the places that they have in published checkpoints."""
    if head == "fc":
        conv = nn.Conv2d(n_inputs, n_classes, 1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(n_classes), nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(n_inputs, n_hidden),
        nn.Hardswish(),
        nn.Dropout(dropout),
        nn.Linear(n_hidden, n_classes),
    )


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, weigh the channels, narrow; and add what came in.

    Parameters
    ----------
    n_in
        Channels that come in.
    row
        Its row of the table, before `width`.
    width
        What the numbers of channels are multiplied with.
    stride
        Of the convolution.
    squeeze
        Channels to one channel of the squeezed layer.
    """

    def __init__(
        self, n_in: int, row: Row, width: float, stride: int = 1, squeeze: int = 4
    ) -> None:
        super().__init__()
        n_wide, n_out = scaled(row.n_expanded, width), scaled(row.n_out, width)
        kind = nn.Hardswish if row.is_hard else nn.ReLU
        layers: list[nn.Module] = []
        if n_wide != n_in:
            layers.append(conv_norm(n_in, n_wide, 1, activation=kind))
        layers.append(conv_norm(n_wide, n_wide, row.kernel, stride, n_wide, kind))
        if row.excites:
            layers.append(ConcurrentExcitation(n_wide, squeeze))
        layers.append(conv_norm(n_wide, n_out, 1))
        self.block = nn.Sequential(*layers)
        self.adds = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_bins, n_frames)`` to ``(batch, n_out, …)``, smaller by stride."""
        y: Tensor = self.block(x)
        return x + y if self.adds else y


class ConcurrentExcitation(nn.Module):
    """Weights of channels.

    The published code may weigh bands and frames at the same time; its released checkpoints weigh
    channels alone, so there is one layer in the list.
    """

    def __init__(self, n_channels: int, squeeze: int = 4) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([Excitation(n_channels, squeeze)])

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_channels, n_bins, n_frames)`` to the same shape."""
        y: Tensor = self.conc_se_layers[0](x)
        return y


class Excitation(nn.Module):
    """Weights of channels, from their means over the image."""

    def __init__(self, n_channels: int, squeeze: int = 4) -> None:
        super().__init__()
        n_squeezed = divisible(n_channels // squeeze)
        self.fc1 = nn.Linear(n_channels, n_squeezed)
        self.fc2 = nn.Linear(n_squeezed, n_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_channels, n_bins, n_frames)`` to the same shape."""
        mean = x.mean(dim=(2, 3))  # (batch, n_channels)
        weight: Tensor = self.fc2(F.relu(self.fc1(mean))).sigmoid()
        return x * weight[:, :, None, None]


def conv_norm(
    n_in: int,
    n_out: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Return a convolution padded to keep its center, its norm, and its activation if any."""
    conv = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    layers: list[nn.Module] = [conv, norm(n_out)]
    return nn.Sequential(*layers) if activation is None else nn.Sequential(*layers, activation())


def norm(n_channels: int) -> nn.BatchNorm2d:
    """Return a batch norm with the published numbers."""
    return nn.BatchNorm2d(n_channels, eps=1e-3, momentum=0.01)


def scaled(n_channels: int, width: float) -> int:
    """Return a number of channels at `width`."""
    return divisible(n_channels * width)


def divisible(n_channels: float, by: int = 8) -> int:
    """Return the multiple of `by` nearest to a number of channels, at least 90 % of it.

    Examples
    --------
    >>> divisible(40), divisible(28.4), divisible(11), divisible(1.6)
    (40, 32, 16, 8)
    """
    rounded = max(by, int(n_channels + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * n_channels else rounded


def initialize(net: nn.Module) -> None:
    """Draw the weights as the published networks do before training."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def check_shape(width: float, strides: tuple[int, ...], first_stride: int, head: str) -> None:
    """Raise ParameterError where the settings make no network."""
    if not width > 0:
        raise ParameterError(f"width is {width}; it multiplies channels, so it is above 0")
    if len(strides) != 4 or not {first_stride, *strides} <= {1, 2}:
        raise ParameterError(
            f"first_stride is {first_stride} and strides are {tuple(strides)}; there are four "
            "after the first, each 1 or 2"
        )
    if head not in get_args(Head):
        raise ParameterError(f"head is {head!r}; it is one of {', '.join(get_args(Head))}")
