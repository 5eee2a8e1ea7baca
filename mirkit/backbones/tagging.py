"""Backbones as taggers: probabilities by name, run by torch or written as ONNX files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mirkit.arrays import Floats32
from mirkit.backbones.base import Backbone
from mirkit.backbones.export import OPSET, write_metadata


class TagHeads(nn.Module):
    """A backbone that gives probabilities: what is exported, and what its users want.

    Parameters
    ----------
    net
        The backbone.
    activation
        What makes probabilities of its logits.
    """

    def __init__(
        self, net: Backbone, activation: Literal["sigmoid", "softmax"] = "sigmoid"
    ) -> None:
        super().__init__()
        self.net = net
        self.activation = activation

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return what there is of ``tags``, ``embedding``, ``frames``, ``frame_embedding``.

        Shapes are ``(batch, n)`` and, of the last two, ``(batch, n_steps, n)``.
        """
        y = self.net(*inputs)
        has_classes = self.net.n_classes > 0
        heads = {"tags": self._probabilities(y.logits)} if has_classes else {}
        heads["embedding"] = y.embedding
        if has_classes and y.frame_logits is not None:
            heads["frames"] = self._probabilities(y.frame_logits)
        if y.frame_embedding is not None:
            heads["frame_embedding"] = y.frame_embedding
        return heads

    def _probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid() if self.activation == "sigmoid" else logits.softmax(dim=-1)


@dataclass(frozen=True)
class TagSession:
    """A tagger run by torch on a batch: the twin of `mirkit.zoo.runtime.Session`.

    Parameters
    ----------
    heads
        The network, on the device that it shall run on.
    """

    heads: TagHeads

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return sum(each.numel() * each.element_size() for each in self.heads.parameters())

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.heads.net.inputs

    def batch(self, **inputs: Floats32) -> dict[str, Floats32]:
        """Map named inputs to named outputs, both with a batch axis."""
        device = next(self.heads.parameters()).device
        tensors = [
            torch.as_tensor(np.array(inputs[name], np.float32), device=device)
            for name in self.inputs
        ]
        was_training = self.heads.training
        self.heads.eval()
        with torch.inference_mode():
            outputs = self.heads(*tensors)
        self.heads.train(was_training)
        return {name: y.cpu().numpy() for name, y in outputs.items()}


def export_tagger(
    net: Backbone,
    path: str | Path,
    metadata: Mapping[str, str],
    activation: Literal["sigmoid", "softmax"] = "sigmoid",
    frames: bool = True,
) -> None:
    """Write `net` to `path`, with free batch and time axes and named outputs.

    Inputs are those of the backbone, outputs those of `TagHeads`. The file says of itself what a
    backbone says: shortest inputs, padding, the clock of its outputs.

    Parameters
    ----------
    net
        The network; left in the mode that it was in.
    path
        Where to write.
    metadata
        What to keep inside the file: ``front_end``, ``config`` (`TagConfig.to_json`),
        ``weights_sha256``.
    activation
        What makes probabilities of its logits.
    frames
        Whether to write the outputs by frame too, where there are any.
    """
    example = _example(net)
    module = _Ordered(TagHeads(net, activation), frames)
    was_training = net.training
    module.eval()
    with torch.inference_mode():
        names = tuple(module.named(*example.values()))
    axes = {name: {0: "batch", 1: f"n_{name}"} for name in example}
    steps = {0: "batch", 1: "n_steps"}
    axes |= {name: steps if name.startswith("frame") else {0: "batch"} for name in names}
    with warnings.catch_warnings():
        # The tracing exporter warns of its age, and of the lengths that padding looks at.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(example.values()),
            str(path),
            input_names=list(example),
            output_names=list(names),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    net.train(was_training)
    write_metadata(path, {**metadata, "shape": json.dumps(_shape(net))})


class _Ordered(nn.Module):
    """Heads as a tuple, which is what can be traced."""

    def __init__(self, heads: TagHeads, frames: bool) -> None:
        super().__init__()
        self.heads = heads
        self.frames = frames

    def named(self, *inputs: Tensor) -> dict[str, Tensor]:
        heads: dict[str, Tensor] = self.heads(*inputs)
        return {name: y for name, y in heads.items() if self.frames or not name.startswith("frame")}

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.named(*inputs).values())


def _example(net: Backbone) -> dict[str, Tensor]:
    """Return inputs of a backbone that are long enough not to be padded."""
    made = {}
    for name, least in zip(net.inputs, net.min_length, strict=True):
        if name == "samples":
            made[name] = torch.zeros(2, max(least, net.sample_rate))
        else:
            made[name] = torch.zeros(2, max(least, 100), net.n_bins)
    return made


def _shape(net: Backbone) -> dict[str, Any]:
    names = ("min_length", "silence", "max_length", "step", "first")
    return {name: getattr(net, name) for name in names}
