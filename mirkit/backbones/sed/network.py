"""A small CRNN for sound events: residual blocks, a way back up in time, a recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mirkit.backbones.base import Output
from mirkit.backbones.residual import SILENCE
from mirkit.backbones.sed.pooling import EDGE, Pooling, PoolingKind
from mirkit.backbones.sed.stages import StageRows


class EventCRNN(StageRows):
    """Residual stages whose rows are brought to the clock of the first one, and a GRU over them.

    The stages of a `ResidualCNN` see ever more context at ever coarser steps, as in a U-Net on its
    way down. Each is reduced to a few bands, and its rows are repeated to the clock of the first
    stage (a step of 2 frames), where a bidirectional GRU reads all of them at once. Frames say
    which classes sound, and pooling over time says what is in the clip.

    Parameters
    ----------
    n_classes
        Width of the logits.
    widths
        Channels of the stages.
    bands
        Frequency bands that are kept of each stage.
    n_hidden
        Width of the recurrent layer in each direction.
    pooling
        See `mirkit.backbones.sed.pooling.Pooling`.
    dropout
        Probability of dropping an element before and after the recurrent layer in training.
    n_bins
        Bins of the features.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.

    References
    ----------
    E. Çakır et al., "Convolutional recurrent neural networks for polyphonic sound event detection",
    IEEE/ACM TASLP 2017.

    Examples
    --------
    >>> net = EventCRNN(n_classes=5, widths=(4, 8), bands=(4, 2), n_hidden=8).eval()
    >>> output = net(torch.zeros(2, 101, 64))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 51, 5]))
    """

    def __init__(
        self,
        n_classes: int = 527,
        widths: Sequence[int] = (16, 32, 64, 128),
        bands: Sequence[int] = (8, 4, 2, 1),
        n_hidden: int = 96,
        pooling: PoolingKind = "linear",
        dropout: float = 0.3,
        n_bins: int = 64,
        front_end: str = "mirkit_32k",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__(widths, bands, n_bins, front_end, sample_rate, silence)
        self.n_classes, self.n_embedding = n_classes, 2 * n_hidden
        first = nn.Linear(self.n_joined, 2 * n_hidden)
        self.join = nn.Sequential(first, nn.ReLU(), nn.Dropout(dropout))
        self.gru = nn.GRU(2 * n_hidden, n_hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * n_hidden, n_classes)
        self.pooling = Pooling(pooling, 2 * n_hidden, n_classes)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        rows = self.join(self.rows(features))  # (batch, n_steps, 2 * n_hidden)
        hidden, _ = self.gru(rows)
        hidden = self.dropout(hidden + rows)
        frame_logits = self.classifier(hidden)  # (batch, n_steps, n_classes)
        clip, _ = self.pooling(frame_logits.sigmoid(), hidden)
        logits = torch.logit(clip, EDGE)
        return Output(logits, hidden.mean(dim=1), frame_logits, hidden)
