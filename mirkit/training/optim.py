"""The optimizer, its learning rate, and the running mean of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from mirkit.training.recipe import OptimizerSettings


def make_optimizer(net: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Return the optimizer; only tensors of two axes or more decay."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": settings.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    if settings.name == "radam":
        return torch.optim.RAdam(groups, lr=settings.learning_rate, decoupled_weight_decay=True)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def learning_rate(step: int, n_steps: int, settings: OptimizerSettings) -> float:
    """Return the rate of step 0, 1, ...: a linear rise, then half a cosine down.

    Examples
    --------
    >>> settings = OptimizerSettings(learning_rate=1.0, warmup_steps=10, final_fraction=0.0)
    >>> [round(learning_rate(step, 110, settings), 3) for step in (0, 4, 9, 60, 109)]
    [0.1, 0.5, 1.0, 0.5, 0.0]
    """
    warmup = settings.warmup_steps
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, n_steps - warmup))
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    low = settings.final_fraction
    return settings.learning_rate * (low + (1 - low) * cosine)


def clip_gradient(parameters: Iterable[nn.Parameter], greatest: float) -> float:
    """Clip the gradient to a norm of `greatest`, where that is not 0, and return its norm."""
    limit = greatest if greatest > 0 else math.inf
    return float(torch.nn.utils.clip_grad_norm_(list(parameters), limit))


class RunningMean:
    """The exponential moving average (EMA) of a network's weights.

    It forgets faster in the beginning, so that the first weights do not linger.

    Parameters
    ----------
    net
        The network that is trained.
    decay
        Share of the mean that each step keeps; 0 follows the network.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move the mean towards `net` after `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        theirs = net.state_dict()
        for name, mine in self.net.state_dict().items():
            self._move(mine, theirs[name], decay)

    @staticmethod
    def _move(mine: Tensor, theirs: Tensor, decay: float) -> None:
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)
