"""PANNs' Wavegram-Logmel-Cnn14: Cnn14 that hears the samples beside the log-mel features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Output
from mirkit.backbones.panns.cnn import Cnn14, ConvBlock, initialize
from mirkit.errors import ParameterError

STRIDE, POOL = 5, 4  # 5 * 4 * 4 * 4 = 320 samples, a frame of the front end


class WavegramLogmelCnn14(Cnn14):
    """Cnn14, whose first block is joined by an image that is learned from the samples.

    The published code computes clips of 10 s. Here any length is heard: the two images, a row for
    each 640 samples, are computed in full, and that of the features, which may have begun one row
    more, is cut to that of the samples; 10 s are heard as published. What is shorter than 32 hops
    of the front end is padded with silence.

    Parameters
    ----------
    width
        Channels of the first block. The samples get twice as many, or what is next above that
        divides into images of ``n_bins // 2`` bands.
    **options
        As in `Cnn` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
    recognition", IEEE/ACM TASLP 2020.

    Examples
    --------
    >>> net = WavegramLogmelCnn14(n_classes=5, width=2).eval()
    >>> output = net(torch.zeros(3, 32000), torch.zeros(3, 101, 64))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([3, 5]), torch.Size([3, 3, 5]))
    """

    inputs: ClassVar[tuple[str, ...]] = ("samples", "features")

    def __init__(self, width: int = 64, **options: Any) -> None:
        super().__init__(width, **options)
        n_bands = self.bn0.num_features // 2
        n_images = -(-2 * width // n_bands)
        n_wave = n_images * n_bands
        hop = STRIDE * POOL**3
        frames = 2**self.n_halvings
        self.n_bands = n_bands
        self.min_length = (frames * hop, frames)
        self.silence = (0.0, *self.silence)
        self.step, self.first = frames * hop, (frames - 1) / 2 * hop
        self.pre_conv0 = nn.Conv1d(1, width, 11, STRIDE, 5, bias=False)
        self.pre_bn0 = nn.BatchNorm1d(width)
        self.pre_block1 = WaveBlock(width, width)
        self.pre_block2 = WaveBlock(width, n_wave)
        self.pre_block3 = WaveBlock(n_wave, n_wave)
        self.pre_block4 = ConvBlock(n_images, width)
        self.conv_block2 = ConvBlock(2 * width, 2 * width)
        initialize(self)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in samples ``(batch, n_samples)`` and their features."""
        samples, features = inputs
        wave = self.wavegram(samples)
        mel = fitted(self.halved(1, self.image(features)), wave)
        x = self.dropout(torch.cat([mel, wave], dim=1))  # (batch, 2 * width, n_rows, n_bands)
        return self.hear(self.convolve_from(1, x).mean(dim=3))

    def wavegram(self, samples: Tensor) -> Tensor:
        """Map ``(batch, n_samples)`` to an image ``(batch, width, n_samples / 640, n_bands)``."""
        x = F.relu_(self.pre_bn0(self.pre_conv0(samples.unsqueeze(1))))
        x = self.pre_block3(self.pre_block2(self.pre_block1(x)))  # (batch, n_wave, n_frames)
        image = x.reshape(x.shape[0], -1, self.n_bands, x.shape[2]).transpose(2, 3)
        return F.avg_pool2d(self.pre_block4(image), (2, 1))


class WaveBlock(nn.Module):
    """Two convolutions over time, the second dilated, each normed and rectified; then the maximum.

    Parameters
    ----------
    n_in, n_out
        Channels.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(n_in, n_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(n_out)
        self.conv2 = nn.Conv1d(n_out, n_out, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm1d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_samples)`` to ``(batch, n_out, n_samples / 4)``."""
        x = F.relu_(self.bn1(self.conv1(x)))
        return F.max_pool1d(F.relu_(self.bn2(self.conv2(x))), POOL)


def fitted(mel: Tensor, wave: Tensor) -> Tensor:
    """Cut the image of the features to the rows of that of the samples.

    Raises
    ------
    ParameterError
        Where they are further apart than samples and features of one recording can be.
    """
    n_mel, n_wave = mel.shape[2], wave.shape[2]
    if not 0 <= n_mel - n_wave <= 1:
        raise ParameterError(
            f"the samples make {n_wave} rows and the features {n_mel}, which has to be as many or "
            "one more: are both of one recording at 32000 Hz?"
        )
    return mel[:, :, :n_wave]
