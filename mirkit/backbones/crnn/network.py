"""A convolutional recurrent network for harmony, that treats all twelve pitch classes alike.

Convolutions over time and pitch find notes; octaves are added up, by register; from then on each
pitch class has its own channels, computed with the same weights, seeing the others by their
interval from it. So what is learned of C:min7 holds for F#:min7, and a recurrent layer follows
each pitch class as a candidate for the root.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.backbones.widen import Layout

N_QUALITIES = 14


class CRNN(nn.Module):
    """Notes, pitch classes, memory, heads.

    Parameters
    ----------
    config
        The shape of the network.

    References
    ----------
    B. McFee and J. P. Bello, "Structured training for large-vocabulary chord recognition",
    ISMIR 2017: the heads, and that they are trained together.
    """

    def __init__(self, config: CRNNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CRNNConfig()
        n_notes = config.conv_filters[-1] * config.n_registers
        self.notes = Notes(config)
        self.registers = Registers(config)
        self.before = Intervals(n_notes, config.n_channels, config.dropout)
        self.memory = nn.GRU(
            config.n_channels, config.n_hidden, batch_first=True, bidirectional=True
        )
        self.after = Intervals(2 * config.n_hidden, config.n_channels, config.dropout)
        self.heads = HEADS[config.task](config.n_channels)

    def forward(self, features: Tensor, weight: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits of the heads by name.

        Parameters
        ----------
        features
            Shape ``(batch, n_frames, n_bins)``.
        weight
            Shape ``(batch, n_frames)``: how much each frame counts in heads at clip level.
        """
        x = self.notes(features)  # (batch, n_filters, n_frames, n_pitches)
        x = self.registers(x)  # (batch, n_frames, n_filters * n_registers, 12)
        x = pooled(self.before(x), self.config.pool)  # (batch, n_pooled, n_channels, 12)
        x = self.after(self.remember(x))  # (batch, n_pooled, n_channels, 12)
        heads: dict[str, Tensor] = self.heads(x, pooled_weight(weight, self.config.pool))
        return heads

    def remember(self, x: Tensor) -> Tensor:
        """Run the recurrent layer along the frames of each pitch class."""
        n_frames, n_channels = x.shape[1], x.shape[2]
        rows = x.permute(0, 3, 1, 2).reshape(-1, n_frames, n_channels)  # (batch * 12, ...)
        y, _ = self.memory(rows)  # (batch * 12, n_frames, 2 * n_hidden)
        z: Tensor = y.reshape(-1, 12, n_frames, y.shape[-1]).permute(0, 2, 3, 1)
        return z


class Notes(nn.Module):
    """Convolutions over time and pitch; the first turns bins into semitones."""

    def __init__(self, config: CRNNConfig) -> None:
        super().__init__()
        self.config = config
        step = config.bins_per_semitone
        self.norm = nn.BatchNorm2d(len(config.harmonics))
        layers: list[nn.Module] = []
        n_inputs = len(config.harmonics)
        for i, n_filters in enumerate(config.conv_filters):
            kernel = (3, 2 * step - 1) if i == 0 else (3, 3)
            stride, edge = ((1, step), step // 2) if i == 0 else ((1, 1), 1)
            layers += [
                nn.Conv2d(n_inputs, n_filters, kernel, stride, (1, edge), bias=False),
                nn.BatchNorm2d(n_filters),
                nn.ReLU(),
                nn.Dropout2d(config.dropout),
            ]
            n_inputs = n_filters
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, n_frames, n_bins)`` to ``(batch, n_filters, n_frames, n_pitches)``."""
        x = self.norm(self.stacked(features))
        x = x.contiguous(memory_format=torch.channels_last)
        y: Tensor = self.layers(x)
        return y

    def stacked(self, features: Tensor) -> Tensor:
        """Put the features beside themselves, shifted by each harmonic; silence past the ends."""
        step = self.config.bins_per_semitone
        low, high = min(self.config.harmonics), max(self.config.harmonics)
        padded = F.pad(features, (max(0, -low) * step, max(0, high) * step))
        starts = [(interval - min(0, low)) * step for interval in self.config.harmonics]
        return torch.stack([padded[..., i : i + self.config.n_bins] for i in starts], dim=1)


class Registers(nn.Module):
    """Sums over octaves, each register weighing each pitch its own way."""

    mask: Tensor

    def __init__(self, config: CRNNConfig) -> None:
        super().__init__()
        self.n_registers = config.n_registers
        place = torch.arange(config.n_pitches) / config.n_pitches
        centers = (torch.arange(config.n_registers) + 0.5) / config.n_registers
        bumps = torch.exp(-0.5 * ((place - centers[:, None]) * config.n_registers / 0.6) ** 2)
        self.weights = nn.Parameter(bumps / 2)  # (n_registers, n_pitches)
        mask = torch.eye(12).repeat(config.n_octaves, 1)  # (n_pitches, 12)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n, n_frames, n_pitches)`` to ``(batch, n_frames, n * n_registers, 12)``."""
        folds = (self.weights[:, :, None] * self.mask).permute(1, 0, 2).flatten(1)
        y = x.permute(0, 2, 1, 3) @ folds  # (batch, n_frames, n, n_registers * 12)
        return y.reshape(y.shape[0], y.shape[1], -1, 12)


class Intervals(nn.Module):
    """Relation of each pitch class to all others, by their interval from it."""

    def __init__(self, n_inputs: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.sums = IntervalSums(n_inputs, n_outputs)
        self.norm = nn.BatchNorm1d(n_outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_frames, n_inputs, 12)`` to ``(batch, n_frames, n_outputs, 12)``."""
        y = self.sums(x)
        normed = self.norm(y.flatten(0, 1)).reshape(y.shape)
        z: Tensor = self.dropout(F.relu(normed))
        return z


class IntervalSums(nn.Module):
    """A circular convolution with kernels of twelve, as one product of matrices."""

    intervals: Tensor

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        bound = (12 * n_inputs) ** -0.5
        self.weight = nn.Parameter(torch.empty(n_inputs, n_outputs, 12).uniform_(-bound, bound))
        pitch = torch.arange(12)
        interval = (pitch[:, None] - pitch) % 12  # from the output's pitch class to the input's
        self.register_buffer("intervals", interval, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_frames, n_inputs, 12)`` to ``(batch, n_frames, n_outputs, 12)``."""
        n_inputs, n_outputs, _ = self.weight.shape
        square = self.weight[:, :, self.intervals]  # (n_inputs, n_outputs, 12 in, 12 out)
        matrix = square.transpose(1, 2).reshape(12 * n_inputs, 12 * n_outputs)
        y: Tensor = x.flatten(2) @ matrix
        return y.reshape(y.shape[0], y.shape[1], n_outputs, 12)


class ChordHeads(nn.Module):
    """Root and bass with "none", pitch classes, and the chord, which hears of the other three."""

    task: ClassVar[str] = "chords"

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.classes = nn.Linear(n_channels, 3 + N_QUALITIES)  # root, bass, pitch, qualities
        self.none = nn.Linear(2 * n_channels, 4)  # no root, no bass, N, X
        self.structure = IntervalSums(3, N_QUALITIES)

    def forward(self, x: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
        """Map ``(batch, n_frames, n_channels, 12)`` to logits ``(batch, n_frames, n_classes)``."""
        classes = self.classes(x.transpose(2, 3))  # (batch, n_frames, 12, 17)
        root, bass, pitch = (classes[..., i] for i in range(3))
        none = self.none(torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1))
        root = torch.cat([root, none[..., :1]], dim=-1)
        bass = torch.cat([bass, none[..., 1:2]], dim=-1)
        heard = (root.softmax(dim=-1)[..., :12], bass.softmax(dim=-1)[..., :12], pitch.sigmoid())
        shape = self.structure(torch.stack(heard, dim=2))  # (batch, n_frames, 14, 12)
        qualities = classes[..., 3:] + shape.transpose(2, 3)  # (batch, n_frames, 12, 14)
        tag = torch.cat([qualities.flatten(2), none[..., 2:]], dim=-1)
        return {"root": root, "bass": bass, "pitch": pitch, "tag": tag}


class KeyHeads(nn.Module):
    """The key of each moment, and of all of them together."""

    task: ClassVar[str] = "key"

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.modes = nn.Linear(n_channels, 4)  # major, minor; the same for the clip

    def forward(self, x: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
        """Map ``(batch, n_frames, n_channels, 12)`` to logits of 24 keys, major ones first."""
        modes = self.modes(x.transpose(2, 3)).transpose(2, 3).flatten(2)  # (batch, n_frames, 48)
        if weight is None:
            clip = modes[..., 24:].mean(dim=1)
        else:
            share = weight / weight.sum(dim=-1, keepdim=True).clamp_min(1e-6)
            clip = (modes[..., 24:] * share.unsqueeze(-1)).sum(dim=1)
        return {"key": modes[..., :24], "clip_key": clip}


HEADS = {each.task: each for each in (ChordHeads, KeyHeads)}


def pooled(x: Tensor, n: int) -> Tensor:
    """Average frames of x ``(batch, n_frames, n_channels, 12)`` by `n`, padded with the last."""
    if n == 1:
        return x
    padded = torch.cat([x] + [x[:, -1:]] * (n - 1), dim=1)
    n_pooled = padded.shape[1] // n
    return padded[:, : n_pooled * n].reshape(x.shape[0], n_pooled, n, x.shape[2], 12).mean(dim=2)


def pooled_weight(weight: Tensor | None, n: int) -> Tensor | None:
    """Add weights up as `pooled` averages frames."""
    if weight is None or n == 1:
        return weight
    padded = F.pad(weight, (0, n - 1))
    return F.avg_pool1d(padded.unsqueeze(1), n, n).squeeze(1) * n


def layout(name: str) -> Layout:
    """Return how filters of a `CRNN` lie in one of its weights: see `mirkit.backbones.widen`."""
    if name.startswith("memory."):
        return Layout(groups={0: 3})  # reset, update and new state
    if name == "heads.none.weight":
        return Layout(groups={1: 2})  # mean and greatest of the pitch classes
    if name == "after.sums.weight":
        return Layout(groups={0: 2}, outputs=1)  # both directions of time
    return Layout(outputs=1) if name.endswith("sums.weight") else Layout()
