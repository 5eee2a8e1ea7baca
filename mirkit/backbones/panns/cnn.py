"""PANNs: convolutional networks on log-mel features, pretrained on AudioSet; here Cnn6, 10, 14.

An image of time and frequency is halved again and again, averaged over frequency, and pooled over
time by its maximum plus its mean. What all of the family share stands here too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap
from mirkit.errors import ParameterError, WeightsError

SILENCE = -100.0  # [dB]: the floor of the front ends "panns_32k" and "panns_16k"
FILTERBANK = "logmel_extractor.melW"
KEYS = KeyMap(rules=((r"spectrogram_extractor\.", None), (r"logmel_extractor\.", None)))


class Panns(Backbone):
    """Base of the PANNs: the norm of the bins, the pooling, the last two layers.

    Parameters
    ----------
    n_channels
        Channels that the convolutions leave.
    n_halvings
        How often they halve time and frequency; the shortest input has ``2**n_halvings`` frames.
    n_classes
        Width of the logits.
    n_embedding
        Width of the embedding; as many as channels where None.
    head_dropout
        Probability of dropping a pooled channel in training.
    hears_frames
        Whether the two layers are run at each step too: a step is heard as a clip would be that is
        one step long. They are trained on clips, so they rank the steps and are no detector.
    n_bins
        Bins of the features.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.
    """

    published: ClassVar[KeyMap | None] = KEYS

    def __init__(
        self,
        n_channels: int,
        n_halvings: int,
        n_classes: int = 527,
        n_embedding: int | None = None,
        head_dropout: float = 0.5,
        hears_frames: bool = True,
        n_bins: int = 64,
        front_end: str = "panns_32k",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__()
        check_bins(n_bins, n_halvings)
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_classes, self.n_bins = n_classes, n_bins
        self.n_embedding = n_embedding or n_channels
        self.hears_frames = hears_frames
        self.step = 2**n_halvings
        self.first = (self.step - 1) / 2  # steps are means of as many frames, from frame 0
        self.min_length = (self.step,)
        self.bn0 = nn.BatchNorm1d(n_bins)
        self.head_dropout = nn.Dropout(head_dropout)
        self.fc1 = nn.Linear(n_channels, self.n_embedding)
        self.fc_audioset = nn.Linear(self.n_embedding, n_classes)

    @abstractmethod
    def convolve(self, x: Tensor) -> Tensor:
        """Map ``(batch, 1, n_frames, n_bins)`` to ``(batch, n_channels, n_steps, n_bands)``."""

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        x = self.convolve(self.image(features))  # (batch, n_channels, n_steps, n_bands)
        return self.hear(x.mean(dim=3))

    def image(self, features: Tensor) -> Tensor:
        """Norm the bins: ``(batch, n_frames, n_bins)`` becomes ``(batch, 1, n_frames, n_bins)``."""
        x: Tensor = self.bn0(features.transpose(1, 2))
        return x.transpose(1, 2).unsqueeze(1)

    def hear(self, x: Tensor) -> Output:
        """Return what is in channels over time, shape ``(batch, n_channels, n_steps)``."""
        embedding = self.embed(x.amax(dim=2) + x.mean(dim=2))  # (batch, n_embedding)
        logits = self.fc_audioset(embedding)
        if not self.hears_frames:
            return Output(logits, embedding)
        rows = self.embed(2 * x.transpose(1, 2))  # (batch, n_steps, n_embedding)
        return Output(logits, embedding, self.fc_audioset(rows), rows)

    def embed(self, x: Tensor) -> Tensor:
        """Map channels on the last axis to an embedding; the logits are read without dropout."""
        return F.relu(self.fc1(self.head_dropout(x)))


class Cnn(Panns):
    """Blocks of convolutions, each with twice the channels of the last.

    Parameters
    ----------
    width
        Channels of the first block.
    dropout
        Probability of dropping an activation behind a block in training.
    **options
        As in `Panns`.
    """

    n_blocks: ClassVar[int]
    n_halvings: ClassVar[int]
    block: ClassVar[type[ConvBlock] | type[ConvBlock5]]

    def __init__(self, width: int = 64, dropout: float = 0.2, **options: Any) -> None:
        widths = [1, *(width << i for i in range(self.n_blocks))]
        super().__init__(widths[-1], self.n_halvings, **options)
        self.dropout = nn.Dropout(dropout)
        for i in range(self.n_blocks):
            self.add_module(f"conv_block{i + 1}", self.block(widths[i], widths[i + 1]))
        initialize(self)

    def convolve(self, x: Tensor) -> Tensor:
        """Map ``(batch, 1, n_frames, n_bins)`` to ``(batch, n_channels, n_steps, n_bands)``."""
        return self.convolve_from(0, x)

    def convolve_from(self, first: int, x: Tensor) -> Tensor:
        """Run the blocks from number `first` on, dropping activations behind each."""
        for i in range(first, self.n_blocks):
            x = self.dropout(self.halved(i + 1, x))
        return x

    def halved(self, number: int, x: Tensor) -> Tensor:
        """Run block `number`, counted from 1, and halve its image where it does so."""
        y: Tensor = getattr(self, f"conv_block{number}")(x)
        return F.avg_pool2d(y, 2) if number <= self.n_halvings else y


class ConvBlock(nn.Module):
    """Two convolutions of 3 × 3, each normed and rectified."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_frames, n_bins)`` to ``(batch, n_out, n_frames, n_bins)``."""
        x = F.relu_(self.bn1(self.conv1(x)))
        return F.relu_(self.bn2(self.conv2(x)))


class ConvBlock5(nn.Module):
    """One convolution of 5 × 5, normed and rectified."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_in, n_frames, n_bins)`` to ``(batch, n_out, n_frames, n_bins)``."""
        return F.relu_(self.bn1(self.conv1(x)))


class Cnn6(Cnn):
    """Four convolutions of 5 × 5, each halving the image: at least 16 frames.

    Parameters
    ----------
    **options
        As in `Cnn` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
    recognition", IEEE/ACM TASLP 2020.
    """

    n_blocks = n_halvings = 4
    block = ConvBlock5


class Cnn10(Cnn):
    """Four blocks of two convolutions, each halving the image: at least 16 frames.

    Parameters
    ----------
    **options
        As in `Cnn` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs", 2020.
    """

    n_blocks = n_halvings = 4
    block = ConvBlock


class Cnn14(Cnn):
    """Six blocks of two convolutions, the first five halving the image: at least 32 frames.

    Its frame outputs are one row for each 32 frames: the two layers behind the pooling, run on the
    row alone. The checkpoint for 16 kHz is the same network behind another front end.

    Parameters
    ----------
    **options
        As in `Cnn` and `Panns`.

    References
    ----------
    Q. Kong et al., "PANNs", 2020.

    Examples
    --------
    >>> net = Cnn14(n_classes=5, width=2).eval()
    >>> output = net(torch.zeros(3, 101, 64))
    >>> output.logits.shape, output.embedding.shape, output.frame_logits.shape
    (torch.Size([3, 5]), torch.Size([3, 64]), torch.Size([3, 3, 5]))
    """

    n_blocks, n_halvings = 6, 5
    block = ConvBlock


def initialize(net: nn.Module) -> None:
    """Draw the weights as PANNs do before training: uniform by Xavier's rule, biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def check_filterbank(
    content: Mapping[str, Any], matrix: NDArray[np.float32], tolerance: float = 1e-5
) -> None:
    """Refuse a checkpoint that was trained behind other mel filters than ours.

    Parameters
    ----------
    content
        The published checkpoint, which holds its filters as ``logmel_extractor.melW``.
    matrix
        Ours, shape ``(n_mels, n_fft // 2 + 1)``.
    tolerance
        Largest difference, relative to the largest weight.

    Raises
    ------
    WeightsError
        Where the checkpoint holds no filters, or others.
    """
    theirs = KEYS.tensors(content).get(FILTERBANK)
    if theirs is None:
        raise WeightsError(f"the checkpoint holds no {FILTERBANK!r}; is it one of PANNs?")
    ours = torch.from_numpy(np.array(matrix)).to(theirs).T  # (n_fft // 2 + 1, n_mels), as theirs
    if ours.shape != theirs.shape:
        raise WeightsError(
            f"the checkpoint's mel filters have shape {tuple(theirs.shape)}, the front end's "
            f"{tuple(ours.shape)}; is it the checkpoint for another sample rate?"
        )
    worst = float((ours - theirs).abs().max() / theirs.abs().max())
    if not worst <= tolerance:
        raise WeightsError(
            f"the checkpoint's mel filters differ from the front end's by {worst:.1e} of the "
            "largest weight; it was trained behind another front end"
        )


def check_bins(n_bins: int, n_halvings: int) -> None:
    """Raise ParameterError where `n_halvings` leave nothing of `n_bins`."""
    if n_bins < 2**n_halvings:
        raise ParameterError(
            f"n_bins is {n_bins}; this network halves them {n_halvings} times, so it needs "
            f"{2**n_halvings} at least"
        )
