"""Base of the audio-classification backbones: inputs of any length in, `Output` out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.published import KeyMap
from mirkit.errors import ParameterError


class Output(NamedTuple):
    """Output of a backbone on a batch.

    Parameters
    ----------
    logits
        Of each class in the clip, shape ``(batch, n_classes)``: before the sigmoid.
    embedding
        Shape ``(batch, n_embedding)``: what the logits are read from.
    frame_logits
        Shape ``(batch, n_steps, n_classes)``, or None where the network has nothing by frame.
    frame_embedding
        Shape ``(batch, n_steps, n_embedding)`` or wider, or None: what heads that pool over time
        are trained on.
    """

    logits: Tensor
    embedding: Tensor
    frame_logits: Tensor | None = None
    frame_embedding: Tensor | None = None


class Backbone(nn.Module, ABC):
    """A network that hears what is in a clip.

    `forward` pads what is too short at its end, with what silence looks like, and calls `listen`,
    which is all that a backbone writes.

    Attributes
    ----------
    inputs
        What it takes, in the order of the arguments: ``"features"``
        ``(batch, n_frames, n_bins)`` of its front end, ``"samples"`` ``(batch, n_samples)``.
    front_end
        Name of the front end whose features it takes, or None where it takes samples alone.
    n_bins
        Bins of these features; 0 where it takes samples alone.
    sample_rate
        Of the samples [Hz].
    n_classes
        Width of the logits.
    n_embedding
        Width of the embedding.
    min_length
        The shortest of each input that it computes [frames or samples]; shorter ones are padded.
    silence
        What each input is padded with.
    max_length
        The longest of its first input that it hears at once, or None for any. Longer recordings are
        cut into windows by whoever calls.
    step
        Length of its first input from one row of its frame outputs to the next, or None where it
        has none.
    first
        The place of its first input that row 0 is centered on; half a step in where None.
    unused
        Beginnings of the names of parameters that no gradient reaches, since the published
        network keeps them and does not use them.
    published
        How the tensors of a published checkpoint are named, or None where there is none.
    exports
        Whether it can be written as an ONNX file that takes batches and recordings of any size.
    """

    inputs: ClassVar[tuple[str, ...]] = ("features",)
    front_end: str | None = None
    n_bins: int = 0
    sample_rate: int = 32000
    n_classes: int
    n_embedding: int
    min_length: tuple[int, ...] = (1,)
    silence: tuple[float, ...] = (0.0,)
    max_length: int | None = None
    step: int | None = None
    first: float | None = None
    unused: tuple[str, ...] = ()
    published: ClassVar[KeyMap | None] = None
    exports: bool = True

    @abstractmethod
    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in inputs that are long enough."""

    def forward(self, *inputs: Tensor) -> Output:
        """Return what is in a batch.

        Parameters
        ----------
        *inputs
            One for each of `inputs`: features ``(batch, n_frames, n_bins)`` or samples
            ``(batch, n_samples)``.

        Raises
        ------
        ParameterError
            Where an input is missing, or has another number of axes.
        """
        if len(inputs) != len(self.inputs):
            raise ParameterError(
                f"{type(self).__name__} takes {' and '.join(self.inputs)}; {len(inputs)} were given"
            )
        for name, x in zip(self.inputs, inputs, strict=True):
            n_axes = 2 if name == "samples" else 3
            if x.ndim != n_axes:
                raise ParameterError(
                    f"{name} has {x.ndim} axes; {type(self).__name__} takes {n_axes}, the first of "
                    "them the batch"
                )
        lengths = zip(inputs, self.min_length, self.silence, strict=True)
        return self.listen(*(pad(x, least, value) for x, least, value in lengths))

    @classmethod
    def published_settings(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return keyword arguments that a published checkpoint tells of itself; few do."""
        return {}

    @classmethod
    def published_labels(cls, content: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the names of the classes that a published checkpoint tells; few do."""
        return None

    def by_step(self) -> Backbone:
        """Return this network, giving rows by frame once a step, and not repeated for each frame.

        So they come with embeddings, which heads that pool over time are trained on.
        """
        return self

    def is_used(self, name: str) -> bool:
        """Tell whether a gradient reaches the parameter `name`."""
        return not name.startswith(self.unused) if self.unused else True


def pad(x: Tensor, least: int, value: float) -> Tensor:
    """Return `x` with `value` after its end where axis 1 is shorter than `least`.

    Examples
    --------
    >>> import torch
    >>> pad(torch.ones(1, 2), 4, -1.0)
    tensor([[ 1.,  1., -1., -1.]])
    """
    missing = least - x.shape[1]
    if missing <= 0:
        return x
    return F.pad(x, (0, missing) if x.ndim == 2 else (0, 0, 0, missing), value=value)
