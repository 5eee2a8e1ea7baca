"""Heads on what a backbone hears, and which parts of it learn."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.errors import ParameterError

ON_FRAMES = ("lstm", "attention")
KEPT = (
    "inputs", "front_end", "n_bins", "sample_rate", "min_length", "silence", "max_length", "exports"
)  # fmt: skip


class LinearHead(nn.Module):
    """One linear layer on the embedding: a probe of what it holds."""

    def __init__(self, n_in: int, n_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_in, n_classes))

    def forward(self, heard: Output) -> tuple[Tensor, Tensor | None]:
        """Return logits ``(batch, n_classes)``; by frame it has none."""
        return self.layers(heard.embedding), None


class MLPHead(nn.Module):
    """A hidden layer on the embedding."""

    def __init__(
        self, n_in: int, n_classes: int, dropout: float = 0.2, n_hidden: int = 128
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_in, n_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_classes),
        )

    def forward(self, heard: Output) -> tuple[Tensor, Tensor | None]:
        """Return logits ``(batch, n_classes)``; by frame it has none."""
        return self.layers(heard.embedding), None


class LSTMHead(nn.Module):
    """A recurrent layer over the frames, both ways; the clip is the mean of its frames."""

    def __init__(self, n_in: int, n_classes: int, dropout: float = 0.2, n_hidden: int = 64) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_hidden, batch_first=True, bidirectional=True)
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * n_hidden, n_classes))

    def forward(self, heard: Output) -> tuple[Tensor, Tensor | None]:
        """Return logits ``(batch, n_classes)`` and ``(batch, n_steps, n_classes)``."""
        hidden, _ = self.lstm(heard.frame_embedding)  # (batch, n_steps, 2 * n_hidden)
        frame_logits = self.layers(hidden)
        return frame_logits.mean(dim=1), frame_logits


class AttentionHead(nn.Module):
    """Each class says at each step whether it sounds and how much the step counts.

    References
    ----------
    Q. Kong et al., "Audio Set classification with attention model: a probabilistic perspective",
    ICASSP 2018; here logits are averaged, not probabilities.
    """

    def __init__(self, n_in: int, n_classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.sounds = nn.Linear(n_in, n_classes)
        self.counts = nn.Linear(n_in, n_classes)

    def forward(self, heard: Output) -> tuple[Tensor, Tensor | None]:
        """Return logits ``(batch, n_classes)`` and ``(batch, n_steps, n_classes)``."""
        x = self.dropout(heard.frame_embedding)
        frame_logits = self.sounds(x)
        weights = self.counts(x).softmax(dim=1)  # 1 over the steps
        return (weights * frame_logits).sum(dim=1), frame_logits


HEADS: dict[str, type[nn.Module]] = {
    "linear": LinearHead,
    "mlp": MLPHead,
    "lstm": LSTMHead,
    "attention": AttentionHead,
}


class HeadedBackbone(Backbone):
    """A backbone with another head in the place of its own.

    Parameters
    ----------
    body
        The backbone.
    kind
        Of the head: one of `HEADS`.
    n_classes
        Width of the logits.
    **settings
        For the head: ``dropout``, ``n_hidden``.

    Raises
    ------
    ParameterError
        Where the head needs frames and the backbone has none, or there is no such head.
    """

    def __init__(self, body: Backbone, kind: str, n_classes: int, **settings: Any) -> None:
        super().__init__()
        if kind not in HEADS:
            raise ParameterError(f"head is {kind!r}; it is one of {', '.join(HEADS)}")
        self.body = body = body.by_step() if kind in ON_FRAMES else body
        for name in KEPT:
            setattr(self, name, getattr(body, name))
        self.n_classes, self.n_embedding = n_classes, body.n_embedding
        n_in = _frame_width(body) if kind in ON_FRAMES else body.n_embedding
        self.head = HEADS[kind](n_in, n_classes, **settings)
        if kind in ON_FRAMES:
            self.step, self.first = body.step, body.first
        # The head that the backbone came with hears nothing any more, so nothing teaches it.
        unheard = _own_head(body)
        self.unused = tuple(f"body.{name}" for name in unheard)
        for name, parameter in body.named_parameters():
            if name.startswith(unheard):
                parameter.requires_grad_(False)

        self.frozen: tuple[str, ...] = ()

    def freeze(self, what: int | Literal["all", "none"]) -> None:
        """Keep the first parts of the body as they are: weights, and statistics of norms.

        Parameters
        ----------
        what
            ``"all"`` of the body, ``"none"``, or how many of its `stages`. What stands in none of
            them, such as the positions of a transformer, stands before the first.

        Raises
        ------
        ParameterError
            Where there are not so many.
        """
        parts = stages(self.body)
        n = {"all": len(parts), "none": 0}.get(what) if isinstance(what, str) else what
        if n is None or not 0 <= n <= len(parts):
            raise ParameterError(
                f"freeze is {what!r}; it is 'all', 'none' or 0 ... {len(parts)}, since "
                f"{type(self.body).__name__} has the stages {', '.join(name for name, _ in parts)}"
            )
        self.frozen = tuple(name for name, _ in parts[:n])
        fixed = tuple(f"{part}." for part in self.frozen)
        for name, parameter in self.body.named_parameters():
            is_first = n > 0 and "." not in name
            is_fixed = what == "all" or is_first or bool(fixed and name.startswith(fixed))
            parameter.requires_grad_(not is_fixed and self.is_used(f"body.{name}"))
        self.train(self.training)

    def train(self, mode: bool = True) -> HeadedBackbone:
        """Set the mode of all but the frozen parts, which always work as in use."""
        super().train(mode)
        for name in self.frozen:
            self.body.get_submodule(name).eval()
        if len(self.frozen) == len(stages(self.body)):
            self.body.eval()
        return self

    def listen(self, *inputs: Tensor) -> Output:
        """Return what the body hears, and the logits of the head."""
        heard: Output = self.body(*inputs)
        logits, frame_logits = self.head(heard)
        return Output(logits, heard.embedding, frame_logits, heard.frame_embedding)


def _probe(body: Backbone) -> list[Tensor]:
    """Return the smallest inputs that a backbone hears."""
    return [
        torch.zeros(2, least, body.n_bins) if name == "features" else torch.zeros(2, least)
        for name, least in zip(body.inputs, body.min_length, strict=True)
    ]


def _frame_width(body: Backbone) -> int:
    was_training = body.training
    with torch.no_grad():
        frames = body.eval()(*_probe(body)).frame_embedding
    body.train(was_training)
    if frames is None:
        raise ParameterError(
            f"{type(body).__name__} has no embeddings by frame; heads without frames are linear "
            "and mlp"
        )
    return int(frames.shape[-1])


def _own_head(body: Backbone) -> tuple[str, ...]:
    """Return the names of the parameters that the body's embeddings do not hang on."""
    was_training = body.training
    heard: Output = body.eval()(*_probe(body))
    total = heard.embedding.sum()
    if heard.frame_embedding is not None:
        total = total + heard.frame_embedding.sum()
    named = [(name, p) for name, p in body.named_parameters() if p.requires_grad]
    gradients = torch.autograd.grad(total, [p for _, p in named], allow_unused=True)
    body.train(was_training)
    return tuple(
        name for (name, _), gradient in zip(named, gradients, strict=True) if gradient is None
    )


def stages(body: Backbone) -> list[tuple[str, nn.Module]]:
    """Return the parts of a backbone that hold parameters, from the input on, lists opened.

    Examples
    --------
    >>> from mirkit.backbones.residual import ResidualCNN
    >>> [name for name, _ in stages(ResidualCNN(widths=(2, 4)))]
    ['norm', 'stem', 'stages.0', 'stages.1', 'classifier']
    """
    parts: list[tuple[str, nn.Module]] = []
    for name, child in body.named_children():
        is_list = isinstance(child, nn.ModuleList) or (
            isinstance(child, nn.Sequential) and len(child) > 4
        )
        if is_list:
            parts += [(f"{name}.{i}", part) for i, part in enumerate(child.children())]
        else:
            parts.append((name, child))
    return [(name, part) for name, part in parts if any(True for _ in part.parameters())]
