"""SincNet: a network on samples whose first filters are band-passes with learned edges.

A clip is cut into windows of 200 ms, as the published network was trained; each is heard by itself,
and what is heard in the clip is the mean.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.errors import ParameterError

LEAK = 0.2
MIN_LOW = 50.0  # [Hz]
MIN_BAND = 50.0  # [Hz]


class SincNet(Backbone):
    """Band-passes, two convolutions, a perceptron; each with its norms.

    Parameters
    ----------
    n_classes
        Width of the logits.
    n_filters
        Filters of each convolution, the band-passes first.
    kernels
        Their lengths [samples], odd.
    pools
        How many neighbors each is pooled over.
    hidden
        Widths of the layers of the perceptron; the last is the embedding.
    window, hop
        Length of a window and from one to the next [samples]; a window is a number of hops.
    dropout
        Probability of dropping an activation of the perceptron in training.
    sample_rate
        Of the samples [Hz].

    Notes
    -----
    Norms divide by the root of the variance and a millionth, where the published code divides by
    the deviation and a millionth: that has no gradient in digital silence.

    References
    ----------
    M. Ravanelli and Y. Bengio, "Speaker recognition from raw waveform with SincNet", SLT 2018: the
    numbers of its TIMIT network, which are the defaults here; its windows lie 10 ms apart.

    Examples
    --------
    >>> net = SincNet(n_classes=5, n_filters=(8, 6, 6), hidden=(16,)).eval()
    >>> output = net(torch.zeros(2, 16000))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 9, 5]))
    """

    inputs = ("samples",)

    def __init__(
        self,
        n_classes: int = 527,
        n_filters: tuple[int, ...] = (80, 60, 60),
        kernels: tuple[int, ...] = (251, 5, 5),
        pools: tuple[int, ...] = (3, 3, 3),
        hidden: tuple[int, ...] = (2048, 2048, 2048),
        window: int = 3200,
        hop: int = 1600,
        dropout: float = 0.0,
        sample_rate: int = 16000,
    ) -> None:
        super().__init__()
        n_steps = lengths(window, n_filters, kernels, pools)
        if not 0 < hop <= window or window % hop:
            raise ParameterError(f"hop is {hop}; it divides the window of {window} samples")
        self.n_classes, self.n_embedding, self.sample_rate = n_classes, hidden[-1], sample_rate
        self.window, self.hop, self.pools = window, hop, pools
        self.min_length, self.step, self.first = (window,), hop, window / 2
        self.ln0 = SequenceNorm(window)
        self.conv = nn.ModuleList([SincConv(n_filters[0], kernels[0], sample_rate)])
        for i in range(1, len(n_filters)):
            self.conv.append(nn.Conv1d(n_filters[i - 1], n_filters[i], kernels[i]))
        self.ln = nn.ModuleList(
            SequenceNorm(*shape) for shape in zip(n_filters, n_steps, strict=True)
        )
        n_inputs = n_filters[-1] * n_steps[-1]
        self.perceptron = nn.Sequential(SequenceNorm(n_inputs))
        for n_before, n in zip((n_inputs, *hidden[:-1]), hidden, strict=True):
            linear = nn.Linear(n_before, n, bias=False)
            norm = nn.BatchNorm1d(n, momentum=0.05)
            self.perceptron.extend([linear, norm, nn.LeakyReLU(LEAK), nn.Dropout(dropout)])
        self.head = nn.Linear(hidden[-1], n_classes)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in samples, shape ``(batch, n_samples)``."""
        (samples,) = inputs
        x = windows(samples, self.window, self.hop)  # (batch, n_windows, window)
        n_clips, n_windows = x.shape[0], x.shape[1]
        rows = self.perceptron(self.filtered(x.flatten(0, 1)).flatten(1))
        rows = rows.view(n_clips, n_windows, -1)  # (batch, n_windows, n_embedding)
        frame_logits = self.head(rows)  # (batch, n_windows, n_classes)
        return Output(frame_logits.mean(dim=1), rows.mean(dim=1), frame_logits, rows)

    def filtered(self, x: Tensor) -> Tensor:
        """Map windows ``(n, window)`` to ``(n, n_filters, n_steps)``."""
        x = self.ln0(x).unsqueeze(1)
        for i, (conv, norm, pool) in enumerate(zip(self.conv, self.ln, self.pools, strict=True)):
            x = conv(x)
            x = x.abs() if i == 0 else x  # what a band-pass lets through, whatever its phase
            x = F.leaky_relu(norm(F.max_pool1d(x, pool)), LEAK)
        return x


class SincConv(nn.Module):
    """Band-pass filters, differences of two windowed sincs, that are learned by their edges.

    Their edges start as wide apart as mels, from 30 Hz to 100 Hz below half the sample rate.

    Parameters
    ----------
    n_filters
        How many.
    kernel
        Their length [samples], odd.
    sample_rate
        Of the samples [Hz].
    """

    time: Tensor
    taper: Tensor

    def __init__(self, n_filters: int, kernel: int, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        top = sample_rate / 2 - (MIN_LOW + MIN_BAND)
        edges = hertz(torch.linspace(mels(30.0), mels(top), n_filters + 1))
        self.low_hz_ = nn.Parameter(edges[:-1, None].clone())
        self.band_hz_ = nn.Parameter(edges.diff()[:, None])
        half = torch.arange(-(kernel // 2), 0)
        turns = torch.linspace(0, kernel / 2 - 1, kernel // 2) / kernel
        taper = 0.54 - 0.46 * torch.cos(2 * math.pi * turns)  # Hamming, its left half
        self.register_buffer("time", 2 * math.pi * half / sample_rate, persistent=False)
        self.register_buffer("taper", taper, persistent=False)

    def edges(self) -> tuple[Tensor, Tensor]:
        """Return the lower and the upper edge of each band, shapes ``(n_filters, 1)`` [Hz]."""
        top = self.sample_rate / 2
        low = (MIN_LOW + self.low_hz_.abs()).clamp(max=top - MIN_BAND)
        return low, (low + MIN_BAND + self.band_hz_.abs()).clamp(max=top)

    def filters(self) -> Tensor:
        """Return the filters, shape ``(n_filters, 1, kernel)``, 1 at their centers."""
        low, high = self.edges()
        left = (torch.sin(high * self.time) - torch.sin(low * self.time)) / (self.time / 2)
        left = left * self.taper / (2 * (high - low))  # (n_filters, kernel // 2)
        return torch.cat([left, torch.ones_like(low), left.flip(1)], dim=1).unsqueeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, 1, n_samples)`` to ``(n, n_filters, n_samples - kernel + 1)``."""
        return F.conv1d(x, self.filters())


class SequenceNorm(nn.Module):
    """Mean 0 and deviation 1 along the last axis, then a weight and an offset at each place."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(shape))
        self.beta = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, *shape)`` to the same shape."""
        return self.gamma * F.layer_norm(x, self.gamma.shape[-1:], eps=1e-6) + self.beta


def windows(samples: Tensor, window: int, hop: int) -> Tensor:
    """Return windows ``(batch, n_windows, window)``; the last one is filled up with silence.

    Examples
    --------
    >>> windows(torch.arange(1, 6)[None], 4, 2)
    tensor([[[1, 2, 3, 4],
             [3, 4, 5, 0]]])
    """
    padded = F.pad(samples, (0, hop - 1))
    n_hops = padded.shape[1] // hop
    hops = padded[:, : n_hops * hop].reshape(samples.shape[0], n_hops, hop)
    n_windows = n_hops - window // hop + 1
    return torch.cat([hops[:, i : i + n_windows] for i in range(window // hop)], dim=2)


def lengths(
    window: int, n_filters: tuple[int, ...], kernels: tuple[int, ...], pools: tuple[int, ...]
) -> list[int]:
    """Return how many steps each convolution leaves of a window.

    Raises
    ------
    ParameterError
        Where the settings differ in length, or nothing is left.
    """
    if not len(n_filters) == len(kernels) == len(pools):
        raise ParameterError(
            f"n_filters, kernels and pools are {n_filters}, {kernels} and {pools}; each has one "
            "number a convolution"
        )
    if kernels[0] % 2 == 0:
        raise ParameterError(f"kernels begin with {kernels[0]}; a band-pass has a centre: odd")
    left = []
    for kernel, pool in zip(kernels, pools, strict=True):
        window = (window - kernel + 1) // pool
        left.append(window)
    if window < 1:
        raise ParameterError(f"of a window of that length the convolutions leave {left}: too short")
    return left


def mels(frequency: float) -> float:
    """Return a frequency [Hz] in mels."""
    return 2595 * math.log10(1 + frequency / 700)


def hertz(pitch: Tensor) -> Tensor:
    """Return pitches in mels as frequencies [Hz]."""
    return 700 * (10 ** (pitch / 2595) - 1)
