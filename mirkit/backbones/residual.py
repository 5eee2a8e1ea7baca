"""A small residual network on log-mel features: what a processor trains from scratch in minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.errors import ParameterError

SILENCE = math.log(1e-5)  # of the front end "mirkit_32k"


class ResidualCNN(Backbone):
    """Residual blocks of 3 x 3 convolutions, each stage at half the resolution of the one before.

    Full convolutions rather than a MobileNet's: with few channels they cost a processor less time,
    though more multiplications. The clip is the sum of the mean and of the maximum over time, so
    that a texture and a single bark both count.

    Parameters
    ----------
    n_classes
        Width of the logits.
    widths
        Channels of the stages.
    depth
        Blocks of a stage.
    dropout
        Probability of dropping an element of the embedding in training.
    n_bins
        Bins of the features.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016: the block.
    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
    recognition", 2020: mean plus maximum over time.

    Examples
    --------
    >>> net = ResidualCNN(n_classes=5, widths=(4, 8)).eval()
    >>> output = net(torch.zeros(2, 100, 64))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 25, 5]))
    """

    def __init__(
        self,
        n_classes: int = 527,
        widths: Sequence[int] = (16, 32, 64, 128),
        depth: int = 1,
        dropout: float = 0.2,
        n_bins: int = 64,
        front_end: str = "mirkit_32k",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1 or depth < 1:
            raise ParameterError(
                f"widths is {tuple(widths)} and depth {depth}; there is a stage at least, of a "
                "block and a channel at least"
            )
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_classes, self.n_bins, self.n_embedding = n_classes, n_bins, widths[-1]
        self.step = 2 ** len(widths)
        self.first = 0.0
        self.min_length = (self.step,)
        self.norm = nn.BatchNorm1d(n_bins)
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.stages = nn.ModuleList()
        n_in = widths[0]
        for i, n_out in enumerate(widths):
            first = Residual(n_in, n_out, 1 if i == 0 else 2)
            rest = [Residual(n_out, n_out) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            n_in = n_out
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(n_in, n_classes)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        x = self.norm(features.transpose(1, 2)).unsqueeze(1)  # (batch, 1, n_bins, n_frames)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for stage in self.stages:
            x = stage(x)  # at last (batch, n_embedding, n_bins / step, n_frames / step)
        rows = x.mean(dim=2).transpose(1, 2)  # (batch, n_steps, n_embedding)
        embedding = rows.mean(dim=1) + rows.amax(dim=1)  # (batch, n_embedding)
        logits = self.classifier(self.dropout(embedding))
        frame_logits = self.classifier(2 * rows)  # a step alone is its own mean and maximum
        return Output(logits, embedding, frame_logits, rows)


class Residual(nn.Module):
    """Two convolutions with norms, and what came in added.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    stride
        Of the first convolution.
    """

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        changes = n_in != n_out or stride != 1
        self.skip = nn.Conv2d(n_in, n_out, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_bins, n_frames)`` to ``(batch, n_out, …)``, smaller by stride."""
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.skip(x))
