"""Networks as ONNX files: what the core runs without torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from mirkit.backbones.inference import Probabilities
from mirkit.backbones.tcn import TCN
from mirkit.errors import MissingExtra

OPSET = 17  # onnxruntime reads it since 1.12


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
    was_training = net.training
    module = Probabilities(net).eval()
    features = torch.zeros(1, 64, net.config.n_bins)
    axes = {0: "batch", 1: "n_frames"}
    with warnings.catch_warnings():
        # The tracing exporter warns of its age; the other one needs onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (features, torch.ones(1, 64)),
            str(path),
            input_names=["features", "weight"],
            output_names=list(module.names),
            dynamic_axes={
                "features": axes,
                "weight": axes,
                "beat": axes,
                "downbeat": axes,
                "tempo": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    net.train(was_training)
    write_metadata(path, dict(metadata or {}))


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
