"""EfficientAT's dynamic MobileNets: each clip has filters, bends and weights of its own.

A block looks at the whole clip first and makes a context of it: from its mean come the mixture of
the kernels and the slopes of the activation, from its course over frequency and over time come the
weights of bands and frames.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.efficientat.mn import (
    N_FIRST,
    N_LAST,
    ROWS,
    SILENCE,
    Head,
    InvertedResidual,
    Row,
    check_shape,
    classifier,
    conv_norm,
    divisible,
    heard,
    initialize,
    norm,
    scaled,
)
from mirkit.backbones.published import KeyMap
from mirkit.errors import ParameterError

Where = Literal["all", "excited"]
N_KERNELS = 4
N_SLOPES = 2
CONTEXT = (32, 128)  # fewest and most channels of a context, before the width


class DynamicMobileNet(Backbone):
    """DyMN: a MobileNet whose blocks are made anew for each clip.

    The context is of the whole clip, so what it says of a frame depends on all frames.

    Parameters
    ----------
    n_classes
        Width of the logits.
    width
        What the numbers of channels are multiplied with: 1.0 is dymn10, 0.4 dymn04.
    dynamic
        ``"all"`` blocks are dynamic, or those alone that weigh their channels in a MobileNet
        (``"excited"``, published as replace_se).
    head, strides, first_stride, dropout, n_bins, hears_frames, front_end, sample_rate, silence
        As for `mirkit.backbones.efficientat.mn.MobileNet`.
    temperature
        Of the mixture of kernels: 1 in published checkpoints; in training it starts at 30, where
        all kernels learn, and cools (`cooled`).

    References
    ----------
    F. Schmid, K. Koutini and G. Widmer, "Dynamic convolutional neural networks as efficient
    pre-trained audio models", IEEE/ACM TASLP 32, 2024.

    Examples
    --------
    >>> net = DynamicMobileNet(n_classes=5, width=0.1).eval()
    >>> net(torch.zeros(2, 100, 128)).logits.shape
    torch.Size([2, 5])
    """

    # Constants of the activation are kept in the published files; here they are in the code.
    published: ClassVar[KeyMap | None] = KeyMap(
        rules=((r"layers\.\d+\.depth_act\.(lambdas|init_v)$", None),)
    )
    exports = False  # see DynamicConv

    def __init__(
        self,
        n_classes: int = 527,
        width: float = 1.0,
        dynamic: Where = "all",
        head: Head = "mlp",
        strides: tuple[int, int, int, int] = (2, 2, 2, 2),
        first_stride: int = 2,
        dropout: float = 0.2,
        temperature: float = 1.0,
        n_bins: int = 128,
        hears_frames: bool = True,
        front_end: str = "efficientat",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__()
        check_shape(width, strides, first_stride, head)
        if dynamic not in get_args(Where):
            raise ParameterError(f"dynamic is {dynamic!r}; it is {' or '.join(get_args(Where))}")
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_classes, self.n_bins, self.hears_frames = n_classes, n_bins, hears_frames
        self.step = first_stride * math.prod(strides)
        self.first = 0.0
        self.min_length = (self.step,)
        n_in = scaled(N_FIRST, width)
        self.in_c = conv_norm(1, n_in, 3, first_stride, activation=nn.Hardswish)
        self.layers = nn.ModuleList()
        for row in ROWS:
            stride = 1 if row.stage is None else strides[row.stage]
            self.layers.append(block(n_in, row, width, stride, dynamic))
            n_in = scaled(row.n_out, width)
        self.n_embedding = 6 * n_in
        self.out_c = conv_norm(n_in, self.n_embedding, 1, activation=nn.Hardswish)
        self.classifier = classifier(
            head, self.n_embedding, scaled(N_LAST, width), n_classes, dropout
        )
        initialize(self)
        self.heat(temperature)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        x = self.in_c(features.transpose(1, 2).unsqueeze(1))  # (batch, n, n_bins, n_frames) / 2
        for layer in self.layers:
            x = layer(x)
        x = self.out_c(x)  # (batch, n_embedding, n_bins / step, n_frames / step)
        return heard(x, self.classifier, self.hears_frames)

    def heat(self, temperature: float) -> None:
        """Set the temperature of the mixture of kernels."""
        if not temperature > 0:
            raise ParameterError(f"temperature is {temperature}; it divides, so it is above 0")
        for module in self.modules():
            if isinstance(module, DynamicConv):
                module.temperature = temperature


def cooled(epoch: int, start: float = 30.0, slope: float = 1.0) -> float:
    """Return the temperature of an epoch of training, as the authors let it fall: to 1.

    Examples
    --------
    >>> [cooled(epoch) for epoch in (0, 10, 29, 100)]
    [30.0, 20.0, 1.0, 1.0]
    """
    return max(start - slope * epoch, 1.0)


def block(n_in: int, row: Row, width: float, stride: int, dynamic: Where) -> nn.Module:
    """Return the block of a row of the table: dynamic, or as MobileNet has it, unweighed."""
    if dynamic == "all" or row.excites:
        return DynamicBlock(n_in, row, width, stride)
    return InvertedResidual(n_in, row._replace(excites=False), width, stride)


class Context(NamedTuple):
    """Context of a block: a summary of the clip.

    `mean` is ``(batch, n_context)``; `bands` ``(batch, n_wide, n_bands, 1)`` and `frames`
    ``(batch, n_wide, 1, n_frames)`` are logits of weights after the block's stride.
    """

    mean: Tensor
    bands: Tensor
    frames: Tensor


class DynamicBlock(nn.Module):
    """Widen, filter each channel by itself, bend, weigh bands and frames, narrow; add what came in.

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
    """

    def __init__(self, n_in: int, row: Row, width: float, stride: int = 1) -> None:
        super().__init__()
        n_wide, n_out = scaled(row.n_expanded, width), scaled(row.n_out, width)
        n_context = context_channels(n_wide, width)
        self.context_gen = ContextMaker(n_in, n_wide, n_context, stride)
        self.exp_conv: DynamicConv | None = None
        self.exp_norm: nn.Module = nn.Identity()
        self.exp_act: nn.Module = nn.Identity()
        if n_wide != n_in:
            self.exp_conv = DynamicConv(n_in, n_wide, n_context)
            self.exp_norm = norm(n_wide)
            self.exp_act = nn.Hardswish() if row.is_hard else nn.ReLU()
        self.depth_conv = DynamicConv(n_wide, n_wide, n_context, row.kernel, stride, n_wide)
        self.depth_norm = norm(n_wide)
        self.depth_act = DynamicReLU(n_wide, n_context)
        self.proj_conv = DynamicConv(n_wide, n_out, n_context)
        self.proj_norm = norm(n_out)
        self.adds = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_bins, n_frames)`` to ``(batch, n_out, …)``, smaller by stride."""
        context = cast(Context, self.context_gen(x))
        y = x if self.exp_conv is None else self.exp_conv(x, context.mean)
        y = self.exp_act(self.exp_norm(y))  # (batch, n_wide, n_bins, n_frames)
        y = self.depth_norm(self.depth_conv(y, context.mean))  # (…, n_bins / stride, …)
        y = self.depth_act(y, context.mean) * context.bands.sigmoid() * context.frames.sigmoid()
        out: Tensor = self.proj_norm(self.proj_conv(y, context.mean))  # (batch, n_out, …)
        return x + out if self.adds else out


class ContextMaker(nn.Module):
    """The context of a clip: what one layer makes of its bands and its frames alike."""

    def __init__(self, n_in: int, n_wide: int, n_context: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.joint_conv = nn.Conv2d(n_in, n_context, 1, bias=False)
        self.joint_norm = norm(n_context)
        self.conv_f = nn.Conv2d(n_context, n_wide, 1)
        self.conv_t = nn.Conv2d(n_context, n_wide, 1)

    def forward(self, x: Tensor) -> Context:
        """Return the context of ``(batch, n_in, n_bins, n_frames)``."""
        n_bins = x.shape[2]
        bands = x.mean(dim=3, keepdim=True)  # (batch, n_in, n_bins, 1)
        frames = x.mean(dim=2, keepdim=True).transpose(2, 3)  # (batch, n_in, n_frames, 1)
        both = self.joint_norm(self.joint_conv(torch.cat([bands, frames], dim=2)))
        both = F.hardswish(both)  # (batch, n_context, n_bins + n_frames, 1)
        bands, frames = both[:, :, :n_bins], both[:, :, n_bins:]
        return Context(
            both.mean(dim=(2, 3)),
            self.conv_f(self.thinned(bands)),
            self.conv_t(self.thinned(frames)).transpose(2, 3),
        )

    def thinned(self, rows: Tensor) -> Tensor:
        """Average rows ``(batch, n_context, n_rows, 1)`` by threes, one at each stride."""
        if self.stride == 1:
            return rows
        return F.avg_pool2d(rows, (3, 1), (self.stride, 1), (1, 0))


class DynamicConv(nn.Module):
    """A convolution whose kernel is a mixture, weighed for each clip.

    Parameters
    ----------
    n_in, n_out
        Channels.
    n_context
        Channels of the context that the mixture is read from.
    kernel, stride
        Width and step of the kernels, over bins and frames alike.
    groups
        Groups of channels, filtered apart.

    Notes
    -----
    The clips of a batch are filtered as groups of one convolution, so the batch size is written
    into an exported graph: the network is not exported to ONNX.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        n_context: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.temperature = 1.0
        self.stride, self.groups = stride, groups
        self.shape = (n_out, n_in // groups, kernel, kernel)
        self.residuals = nn.Sequential(nn.Linear(n_context, N_KERNELS))
        self.weight = nn.Parameter(torch.empty(1, 1, N_KERNELS, math.prod(self.shape)))
        for i in range(N_KERNELS):
            nn.init.kaiming_normal_(self.weight.data[0, 0, i].view(self.shape), mode="fan_out")

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_bins, n_frames)`` to ``(batch, n_out, …)``, smaller by stride."""
        mixture = (self.residuals(context) / self.temperature).softmax(dim=-1)  # (batch, n_kernels)
        kernels = mixture @ self.weight[0, 0]  # (batch, n_out * n_in / groups * kernel²)
        n_clips, n_out, width = len(x), self.shape[0], self.shape[-1]
        if width == 1 and self.groups == 1:
            y = torch.bmm(kernels.view(n_clips, n_out, -1), x.flatten(2))
            return y.view(n_clips, n_out, *x.shape[2:])
        y = F.conv2d(
            x.reshape(1, -1, *x.shape[2:]),
            kernels.view(-1, *self.shape[1:]),
            stride=self.stride,
            padding=width // 2,
            groups=n_clips * self.groups,
        )  # (1, batch * n_out, n_bins / stride, n_frames / stride)
        return y.view(n_clips, n_out, *y.shape[2:])


class DynamicReLU(nn.Module):
    """The largest of two lines through each activation, drawn for each clip and channel.

    Where the context says nothing they are y = x and y = 0: a ReLU.
    """

    reach: Tensor
    start: Tensor

    def __init__(self, n_channels: int, n_context: int) -> None:
        super().__init__()
        self.coef_net = nn.Sequential(nn.Linear(n_context, 2 * N_SLOPES * n_channels))
        reach = torch.tensor([1.0] * N_SLOPES + [0.5] * N_SLOPES)
        start = torch.tensor([1.0] + [0.0] * (2 * N_SLOPES - 1))
        self.register_buffer("reach", reach, persistent=False)
        self.register_buffer("start", start, persistent=False)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Map ``(batch, n_channels, n_bins, n_frames)`` to the same shape."""
        n_clips, n_channels = x.shape[:2]
        theta = 2 * self.coef_net(context).sigmoid() - 1  # (batch, n_channels * 2 * n_slopes)
        lines = theta.view(n_clips, n_channels, 1, 1, -1) * self.reach + self.start
        slopes, offsets = lines[..., :N_SLOPES], lines[..., N_SLOPES:]
        first = x * slopes[..., 0] + offsets[..., 0]
        return torch.maximum(first, x * slopes[..., 1] + offsets[..., 1])


def context_channels(n_wide: int, width: float) -> int:
    """Return the channels of the context of a block that is `n_wide` inside.

    Examples
    --------
    >>> context_channels(64, 1.0), context_channels(240, 1.0), context_channels(960, 1.0)
    (32, 64, 128)
    """
    least, most = (divisible(n * width) for n in CONTEXT)
    return min(max(divisible(n_wide // 4), least), most)
