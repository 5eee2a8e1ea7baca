"""The CRNN as an ONNX file, and run by torch with the interface of onnxruntime's sessions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mirkit.backbones.crnn import CRNN
from mirkit.backbones.crnn_config import CRNNConfig
from mirkit.backbones.export import OPSET, write_metadata

SIGMOID = {"pitch"}


class CRNNProbabilities(nn.Module):
    """A `CRNN` that gives probabilities: what is exported, and what its users want."""

    def __init__(self, net: CRNN) -> None:
        super().__init__()
        self.net = net
        self.names = output_names(net.config)

    def forward(self, features: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """Return the heads in the order of `names`."""
        logits = self.net(features, weight)
        return tuple(
            logits[name].sigmoid() if name in SIGMOID else logits[name].softmax(dim=-1)
            for name in self.names
        )


def output_names(config: CRNNConfig) -> tuple[str, ...]:
    """Return the names of the heads."""
    return ("root", "bass", "pitch", "tag") if config.task == "chords" else ("key", "clip_key")


@dataclass(frozen=True)
class CRNNSession:
    """A network run by torch on one window: the twin of `mirkit.runtime.Session`.

    Parameters
    ----------
    net
        The network, on the device that it shall run on.
    """

    net: CRNN

    inputs = ("features", "weight")

    def __call__(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Map named inputs, without batch axis, to named outputs, without batch axis."""
        module = CRNNProbabilities(self.net).eval()
        device = next(self.net.parameters()).device
        features, weight = (
            torch.as_tensor(np.array(inputs[name], np.float32), device=device)[None]
            for name in self.inputs
        )
        with torch.inference_mode():
            outputs = module(features, weight)
        return {name: y[0].cpu().numpy() for name, y in zip(module.names, outputs, strict=True)}


def export_crnn(net: CRNN, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write `net` to `path`, with a free time axis and named outputs, as probabilities.

    Inputs are ``features (batch, n_frames, n_bins)`` and ``weight (batch, n_frames)``.
    """
    was_training = net.training
    module = CRNNProbabilities(net).eval()
    inputs = (torch.zeros(1, 64, net.config.n_bins), torch.ones(1, 64))
    axes = {name: {0: "batch", 1: "n_frames"} for name in ("features", "weight")}
    axes |= {name: {0: "batch", 1: "n_outputs"} for name in module.names if name != "clip_key"}
    with warnings.catch_warnings():
        # The tracing exporter warns of its age and of recurrent layers with a free batch.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(path),
            input_names=["features", "weight"],
            output_names=list(module.names),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    net.train(was_training)
    write_metadata(path, dict(metadata or {}))
