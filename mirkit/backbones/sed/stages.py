"""Residual stages whose rows are brought to one clock: the body of networks for sound events."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mirkit.backbones.base import Backbone
from mirkit.backbones.residual import ResidualCNN


class StageRows(Backbone):
    """The stages of a `ResidualCNN`, reduced to bands, at the clock of the first of them.

    Parameters
    ----------
    widths
        Channels of the stages.
    bands
        Frequency bands that are kept of each stage.
    n_bins
        Bins of the features.
    front_end, sample_rate, silence
        Front end, its sample rate [Hz], and its value of silence.

    Attributes
    ----------
    n_joined
        Width of the rows.
    """

    def __init__(
        self,
        widths: Sequence[int],
        bands: Sequence[int],
        n_bins: int,
        front_end: str,
        sample_rate: int,
        silence: float,
    ) -> None:
        super().__init__()
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_bins = n_bins
        self.step, self.first = 2, 0.0
        self.min_length = (2 ** len(widths),)
        self.body = ResidualCNN(1, widths, n_bins=n_bins)
        del self.body.classifier
        self.bands = tuple(bands)
        self.n_joined = sum(width * n for width, n in zip(widths, bands, strict=True))

    def rows(self, features: Tensor) -> Tensor:
        """Return what the stages see, at the clock of the first: ``(batch, n_steps, n_joined)``."""
        x = self.body.norm(features.transpose(1, 2)).unsqueeze(1)  # (batch, 1, n_bins, n_frames)
        x = self.body.stem(x.contiguous(memory_format=torch.channels_last))
        n_steps = x.shape[3]
        found = []
        for i, (stage, n_bands) in enumerate(zip(self.body.stages, self.bands, strict=True)):
            x = stage(x)  # (batch, width, n_bins / step, n_frames / step)
            found.append(stretch_rows(split_bands(x, n_bands), 2**i, n_steps))
        return torch.cat(found, dim=2)


def split_bands(x: Tensor, n_bands: int) -> Tensor:
    """Return the mean of each of `n_bands` bands: ``(batch, n_steps, width * n_bands)``.

    Parameters
    ----------
    x
        Shape ``(batch, width, n_bins, n_steps)``; `n_bands` divides the bins.
    """
    batch, width, n_bins, _ = x.shape
    banded = x.reshape(batch, width, n_bands, n_bins // n_bands, -1).mean(dim=3)
    return banded.flatten(1, 2).transpose(1, 2)


def stretch_rows(rows: Tensor, factor: int, n_steps: int) -> Tensor:
    """Return rows ``(batch, n, width)`` at a clock that is `factor` times as fast, `n_steps` long.

    Row ``i`` is centered on step ``factor * i``; the steps between two rows are interpolated, and
    those behind the last one equal it.

    Examples
    --------
    >>> stretch_rows(torch.tensor([[[0.0], [2.0]]]), factor=2, n_steps=3).ravel()
    tensor([0., 1., 2.])
    """
    if factor == 1:
        return rows
    after = torch.cat([rows[:, 1:], rows[:, -1:]], dim=1)
    parts = [rows + (after - rows) * (j / factor) for j in range(factor)]
    return torch.stack(parts, dim=2).flatten(1, 2)[:, :n_steps]
