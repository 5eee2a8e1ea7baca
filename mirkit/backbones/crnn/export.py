"""The CRNN as an ONNX file, and run by torch with the interface of onnxruntime's sessions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mirkit.backbones.crnn.network import CRNN
from mirkit.backbones.export import OPSET, write_metadata
from mirkit.backbones.runner import TorchRunner

SIGMOID = {"pitch"}


class CRNNProbabilities(nn.Module):
    """A `CRNN` that gives probabilities: what is exported, and what its users want."""

    def __init__(self, net: CRNN) -> None:
        super().__init__()
        self.net = net
        self.names = net.config.ending.outputs

    def forward(self, features: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """Return the heads in the order of `names`."""
        logits = self.net(features, weight)
        return tuple(
            logits[name].sigmoid() if name in SIGMOID else logits[name].softmax(dim=-1)
            for name in self.names
        )


def crnn_runner(net: CRNN) -> TorchRunner:
    """Return what runs `net` in torch, as `mirkit.zoo.runtime.Session` runs its export."""
    module = CRNNProbabilities(net)
    return TorchRunner(module, ("features", "weight"), module.names)


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
