"""A linear layer on what a tagger's stages see around each frame: sound events without training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Output
from mirkit.backbones.residual import SILENCE
from mirkit.backbones.sed.pooling import EDGE, Pooling, PoolingKind
from mirkit.backbones.sed.stages import StageRows


class EventProbe(StageRows):
    """Rows of all stages, and their means over longer spans, read by one linear layer.

    The stages stay as they are and one layer learns, so a processor fits it to thousands of scenes
    in a minute: by least squares (`solve_probe`), or by logistic regression, as the shipped one.

    Parameters
    ----------
    n_classes
        Width of the logits.
    widths
        Channels of the stages.
    bands
        Frequency bands that are kept of each stage.
    spans
        Odd numbers of steps over which means are taken; 1 is the step alone.
    pooling
        See `mirkit.backbones.sed.pooling.Pooling`.
    n_bins
        Bins of the features.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.

    Examples
    --------
    >>> net = EventProbe(n_classes=5, widths=(4, 8), bands=(4, 2), spans=(1, 3)).eval()
    >>> output = net(torch.zeros(2, 101, 64))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([2, 5]), torch.Size([2, 51, 5]))
    """

    def __init__(
        self,
        n_classes: int = 527,
        widths: Sequence[int] = (16, 32, 64, 128),
        bands: Sequence[int] = (8, 4, 2, 1),
        spans: Sequence[int] = (1, 9, 33),
        pooling: PoolingKind = "max",
        n_bins: int = 64,
        front_end: str = "mirkit_32k",
        sample_rate: int = 32000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__(widths, bands, n_bins, front_end, sample_rate, silence)
        self.n_classes, self.spans = n_classes, tuple(spans)
        self.n_embedding = self.n_joined * len(self.spans)
        self.classifier = nn.Linear(self.n_embedding, n_classes)
        self.pooling = Pooling(pooling, self.n_embedding, n_classes)

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        rows = self.context(features)  # (batch, n_steps, n_embedding)
        frame_logits = self.classifier(rows)
        clip, _ = self.pooling(frame_logits.sigmoid(), rows)
        return Output(torch.logit(clip, EDGE), rows.mean(dim=1), frame_logits, rows)

    def context(self, features: Tensor) -> Tensor:
        """Return the rows of the stages and their means: ``(batch, n_steps, n_embedding)``."""
        return widen_rows(self.rows(features), self.spans)


def widen_rows(rows: Tensor, spans: Sequence[int]) -> Tensor:
    """Return rows ``(batch, n_steps, width)`` beside their means over each span around them.

    Steps beyond the ends of the recording do not count.

    Examples
    --------
    >>> widen_rows(torch.tensor([[[0.0], [3.0], [9.0]]]), (1, 3)).tolist()
    [[[0.0, 1.5], [3.0, 4.0], [9.0, 6.0]]]
    """
    x = rows.transpose(1, 2)
    means = [F.avg_pool1d(x, n, 1, n // 2, count_include_pad=False) for n in spans]
    return torch.cat(means, dim=1).transpose(1, 2)


def solve_probe(gram: Tensor, moments: Tensor, penalty: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Return weights ``(n_classes, n_in)`` and bias of the least squares fit (ridge regression).

    Parameters
    ----------
    gram
        ``X.T @ X`` of rows with a last column of ones, shape ``(n_in + 1, n_in + 1)``.
    moments
        ``X.T @ Y``, shape ``(n_in + 1, n_classes)``.
    penalty
        Added to the diagonal, as a share of its mean; the last column has none.

    Examples
    --------
    >>> x = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], dtype=torch.float64)
    >>> weights, bias = solve_probe(x.T @ x, x.T @ torch.tensor([[1.0], [3.0], [5.0]]).double(), 0)
    >>> round(weights.item(), 6), round(bias.item(), 6)
    (2.0, 1.0)
    """
    lifted = gram.double().clone()
    diagonal = lifted.diagonal()
    diagonal[:-1] += penalty * diagonal[:-1].mean()
    solved = torch.linalg.solve(lifted, moments.double())
    return solved[:-1].T, solved[-1]
