"""A residual network on samples, of our own: what nets on log-mel features are compared with.

========  ==========================================  ========  ==============
layer     what                                        channels  samples a step
========  ==========================================  ========  ==============
stem      convolution of 81 samples, stride 4                64               4
          max pooling, 5 by 4                                64              16
stage 1   2 residual blocks of 2 convolutions of 3           64              16
          max pooling, 5 by 4                                64              64
stage 2   2 residual blocks                                 128              64
          max pooling, 5 by 4                               128             256
stage 3   2 residual blocks                                 256             256
          max pooling, 5 by 4                               256            1024
stage 4   2 residual blocks                                 512            1024
head      mean over time, dropout, linear
========  ==========================================  ========  ==============

Batch norm and ReLU follow each convolution. Every layer keeps its center, so step i is centered on
sample 1024 i.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.errors import ParameterError


class RawCNN(Backbone):
    """A residual network on samples.

    Parameters
    ----------
    n_classes
        Width of the logits.
    channels
        Channels of each stage; each is 4 times as slow as the one before.
    n_blocks
        Residual blocks of a stage.
    kernel
        Length of the first convolution [samples], odd.
    dropout
        Probability of dropping an activation before the head in training.
    sample_rate
        Of the samples [Hz].

    References
    ----------
    W. Dai et al., "Very deep convolutional neural networks for raw waveforms", ICASSP 2017: M18,
    whose long first filters, short later ones and pooling by 4 it keeps; blocks are residual, after
    K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> net = RawCNN(n_classes=5, channels=(8, 8, 8, 8), n_blocks=1).eval()
    >>> output = net(torch.zeros(2, 32000))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 32, 5]))
    """

    inputs = ("samples",)

    def __init__(
        self,
        n_classes: int = 527,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        n_blocks: int = 2,
        kernel: int = 81,
        dropout: float = 0.2,
        sample_rate: int = 32000,
    ) -> None:
        super().__init__()
        if not channels or kernel % 2 == 0 or n_blocks < 1:
            raise ParameterError(
                f"channels are {channels}, n_blocks is {n_blocks} and kernel {kernel}; there is at "
                "least one stage of one block, and the kernel is odd, so that it has a centre"
            )
        self.n_classes, self.n_embedding, self.sample_rate = n_classes, channels[-1], sample_rate
        self.step = 4 ** (1 + len(channels))
        self.first = 0.0
        self.min_length = (self.step,)
        self.stem = conv_norm(1, channels[0], kernel, 4).append(nn.ReLU())
        self.stages = nn.Sequential()
        n_in = channels[0]
        for n_out in channels:
            blocks = [Residual(n_in if i == 0 else n_out, n_out) for i in range(n_blocks)]
            self.stages.append(nn.Sequential(nn.MaxPool1d(5, 4, 2), *blocks))
            n_in = n_out
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_in, n_classes))

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in samples, shape ``(batch, n_samples)``."""
        (samples,) = inputs
        x = self.stages(self.stem(samples.unsqueeze(1)))  # (batch, n_embedding, n_steps)
        rows = x.transpose(1, 2)  # (batch, n_steps, n_embedding)
        embedding = rows.mean(dim=1)
        return Output(self.head(embedding), embedding, self.head(rows), rows)


class Residual(nn.Module):
    """Two convolutions over time, added to what came in."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.before = conv_norm(n_in, n_out, 3)
        self.after = conv_norm(n_out, n_out, 3)
        self.around = conv_norm(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_steps)`` to ``(batch, n_out, n_steps)``."""
        return F.relu(self.after(F.relu(self.before(x))) + self.around(x))


def conv_norm(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution over time, padded to keep its center, and its norm."""
    conv = nn.Conv1d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm1d(n_out))
