"""PANNs that decide at each step and pool the decisions: Cnn14_DecisionLevelMax, Avg, Att."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Output
from mirkit.backbones.panns.cnn import Cnn14, initialize

ATTENTION_RANGE = 10.0  # a class attends to a step exp(20) times as much as to another, at most


class Cnn14Decision(Cnn14):
    """Cnn14, whose two layers hear each step among its two neighbors.

    Its embedding, which the published networks do not give, is the mean over the steps.

    Parameters
    ----------
    spreads
        Whether the logits of a step are repeated for each of its 32 frames, and those of the last
        for the frames that are left over, as published: a row for each frame, ``step`` 1. There is
        no ``frame_embedding`` then. Otherwise there is a row for each step.
    **options
        As in `Cnn` and `Panns`; frames are always heard.

    References
    ----------
    Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
    recognition", IEEE/ACM TASLP 2020.
    """

    def __init__(self, spreads: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.spreads = spreads
        self.n_frames_a_step = 2**self.n_halvings
        self.step_dropout = nn.Dropout(self.head_dropout.p)
        if spreads:
            self.step, self.first = 1, 0.0

    def by_step(self) -> Cnn14Decision:
        """Return this network without what `spreads` does."""
        self.spreads, self.step = False, self.n_frames_a_step
        self.first = (self.step - 1) / 2
        return self

    @abstractmethod
    def decide(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of a clip and of its steps, from ``(batch, n_steps, n_embedding)``."""

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        output = super().listen(*inputs)
        if not self.spreads or output.frame_logits is None:
            return output
        n_frames = inputs[0].shape[1]
        frame_logits = spread(output.frame_logits, n_frames, self.n_frames_a_step)
        return Output(output.logits, output.embedding, frame_logits)

    def hear(self, x: Tensor) -> Output:
        """Return what is in channels over time, shape ``(batch, n_channels, n_steps)``."""
        near = F.max_pool1d(x, 3, 1, 1) + F.avg_pool1d(x, 3, 1, 1)  # zeros count past the ends
        rows = self.embed(near.transpose(1, 2))  # (batch, n_steps, n_embedding)
        logits, frame_logits = self.decide(self.step_dropout(rows))
        return Output(logits, rows.mean(dim=1), frame_logits, rows)


class Cnn14DecisionMax(Cnn14Decision):
    """A clip is as likely as its likeliest step.

    Parameters
    ----------
    **options
        As in `Cnn14Decision`.

    Examples
    --------
    >>> net = Cnn14DecisionMax(n_classes=5, width=2).eval()
    >>> output = net(torch.zeros(3, 101, 64))
    >>> output.logits.shape, output.frame_logits.shape
    (torch.Size([3, 5]), torch.Size([3, 101, 5]))
    """

    def decide(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of a clip and of its steps, from ``(batch, n_steps, n_embedding)``."""
        logits = self.fc_audioset(rows)  # (batch, n_steps, n_classes)
        return logits.amax(dim=1), logits


class Cnn14DecisionAvg(Cnn14Decision):
    """A clip is as likely as its steps are on average.

    Parameters
    ----------
    **options
        As in `Cnn14Decision`.
    """

    def decide(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of a clip and of its steps, from ``(batch, n_steps, n_embedding)``."""
        logits = self.fc_audioset(rows)  # (batch, n_steps, n_classes)
        return logit_of_mean(logits), logits


class Cnn14DecisionAtt(Cnn14Decision):
    """A clip is as likely as its steps are on average, each class attending to its own.

    Parameters
    ----------
    **options
        As in `Cnn14Decision`.
    """

    unused = ("att_block.bn_att.",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        del self.fc_audioset  # the attention has a layer of its own
        self.att_block = Attention(self.n_embedding, self.n_classes)
        initialize(self.att_block)

    def decide(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of a clip and of its steps, from ``(batch, n_steps, n_embedding)``."""
        decided: tuple[Tensor, Tensor] = self.att_block(rows)
        return decided


class Attention(nn.Module):
    """Decisions at each step, and how much each counts in the clip, class by class.

    Its norm stands in the published checkpoints, and nothing goes through it.
    """

    def __init__(self, n_inputs: int, n_classes: int) -> None:
        super().__init__()
        self.att = nn.Conv1d(n_inputs, n_classes, 1)
        self.cla = nn.Conv1d(n_inputs, n_classes, 1)
        self.bn_att = nn.BatchNorm1d(n_classes)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of a clip and of its steps, from ``(batch, n_steps, n_inputs)``."""
        x = rows.transpose(1, 2)  # (batch, n_inputs, n_steps)
        score = self.att(x).clamp(-ATTENTION_RANGE, ATTENTION_RANGE)
        logits = self.cla(x).transpose(1, 2)  # (batch, n_steps, n_classes)
        return logit_of_mean(logits, score.transpose(1, 2)), logits


def logit_of_mean(logits: Tensor, score: Tensor | None = None) -> Tensor:
    """Return the logit of the mean probability over axis 1, weighted by the softmax of `score`.

    The logarithms of the mean probability and of its complement are summed apart, so that neither
    rounds to 0: what divides the sums is in both, and goes.

    Parameters
    ----------
    logits
        Shape ``(batch, n_steps, n_classes)``.
    score
        The same shape, or None where all steps count alike.

    Examples
    --------
    >>> logit_of_mean(torch.tensor([[[-100.0], [-100.0]]])).item()
    -100.0
    """
    weight = torch.zeros_like(logits) if score is None else score
    yes = torch.logsumexp(weight + F.logsigmoid(logits), dim=1)
    no = torch.logsumexp(weight + F.logsigmoid(-logits), dim=1)
    return yes - no


def spread(rows: Tensor, n_frames: int, ratio: int) -> Tensor:
    """Repeat each row `ratio` times along axis 1, and the last one to the end of `n_frames`.

    Examples
    --------
    >>> spread(torch.tensor([[[1], [2]]]), 5, 2).flatten().tolist()
    [1, 1, 2, 2, 2]
    """
    place = torch.arange(n_frames, device=rows.device) // ratio
    return rows[:, place.clamp(max=rows.shape[1] - 1)]
