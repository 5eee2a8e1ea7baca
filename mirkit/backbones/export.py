"""Networks as ONNX files: what the core runs without torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from mirkit.backbones.tcn.inference import Probabilities, fused
from mirkit.backbones.tcn.live import LiveTCN
from mirkit.backbones.tcn.network import TCN
from mirkit.errors import MissingExtra

OPSET = 17  # onnxruntime reads it since 1.12
FRAMES = {0: "batch", 1: "n_frames"}


def export_onnx(net: TCN, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write `net` to `path`, with free batch and time axes and named outputs.

    Inputs are ``features (batch, n_frames, n_bins)`` and ``weight (batch, n_frames)``, outputs
    the heads ``beat``, ``downbeat`` and, where there is one, ``tempo``, as probabilities.

    Parameters
    ----------
    net
        The network; left in the mode that it was in.
    path
        Where to write.
    metadata
        What to keep inside the file.
    """
    features = torch.zeros(1, 64, net.config.n_bins)
    axes = dict.fromkeys(("features", "weight", "beat", "downbeat"), FRAMES)
    module = Probabilities(fused(net))
    inputs = {"features": features, "weight": torch.ones(1, 64)}
    _export(net, module, path, inputs, module.names, {**axes, "tempo": {0: "batch"}})
    write_metadata(path, dict(metadata or {}))


def export_live(net: TCN, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write the causal `net` to `path` as a network that goes on from block to block.

    Inputs are ``features (batch, n_frames, n_bins)`` and the states of ``TCNConfig.states``;
    outputs the heads ``beat``, ``downbeat`` as probabilities and, where there is one, ``tempo`` as
    logits, each by frame, and the states after them, called ``next_…``. See `LiveTCN`.

    Parameters
    ----------
    net
        The network, with a look-ahead; left in the mode that it was in.
    path
        Where to write.
    metadata
        What to keep inside the file.
    """
    module = LiveTCN(fused(net))
    inputs = {"features": torch.zeros(1, 64, net.config.n_bins)}
    inputs |= {name: torch.zeros(1, *shape) for name, shape in net.config.states.items()}
    axes = {
        name: FRAMES if name in ("features", "beat", "downbeat", "tempo") else {0: "batch"}
        for name in (*module.inputs, *module.outputs)
    }
    _export(net, module, path, inputs, module.outputs, axes)
    write_metadata(path, dict(metadata or {}))


def _export(
    net: TCN,
    module: nn.Module,
    path: str | Path,
    inputs: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    was_training = net.training
    with warnings.catch_warnings():
        # The tracing exporter warns of its age; the other one needs onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(each) for name, each in axes.items()},
            opset_version=OPSET,
            dynamo=False,
        )
    net.train(was_training)


def write_metadata(path: str | Path, metadata: Mapping[str, str]) -> None:
    """Keep `metadata` inside the ONNX file at `path`."""
    try:
        import onnx
    except ImportError:
        raise MissingExtra("onnx", "pip install 'mirkit[torch]'", "exporting a network") from None
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
