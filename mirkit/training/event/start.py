"""Start from a tagger: the body of a network takes the convolutions of an exported one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mirkit.backbones.residual import ResidualCNN
from mirkit.errors import WeightsError


def start_from_tagger(body: ResidualCNN, path: str | Path, features: Tensor) -> None:
    """Fill the residual stages with the convolutions of an exported `ResidualCNN`, in place.

    Exported files hold convolutions that batch norms were folded into. They are unfolded on some
    features: each norm takes the mean and the deviation of what comes in as both its statistics
    and its scale, so that the network computes what the exported one does, and can learn.

    Parameters
    ----------
    body
        The network to fill, of the same widths and depth.
    path
        The ``.onnx`` file.
    features
        Shape ``(batch, n_frames, n_bins)``: what it usually listens to.

    Raises
    ------
    WeightsError
        Where the file holds another network.
    """
    graph, kept = _read(Path(path))
    body.norm.load_state_dict(
        {name: kept[f"heads.net.norm.{name}"] for name in _NORM}, strict=False
    )
    convolutions = iter(graph)
    body.eval()
    with torch.no_grad():
        x = body.norm(features.transpose(1, 2)).unsqueeze(1)
        stem: Any = body.stem
        stages: Any = body.stages
        x = torch.relu(_unfold(stem[0], stem[1], x, convolutions, path))
        for i, stage in enumerate(stages):
            for j, block in enumerate(stage):
                y = torch.relu(_unfold(block.conv1, block.norm1, x, convolutions, path))
                y = _unfold(block.conv2, block.norm2, y, convolutions, path)
                if isinstance(block.skip, nn.Conv2d):
                    block.skip.weight.copy_(kept[f"heads.net.stages.{i}.{j}.skip.weight"])
                x = torch.relu(y + block.skip(x))


_NORM = ("weight", "bias", "running_mean", "running_var")


def _read(path: Path) -> tuple[list[tuple[Tensor, Tensor]], dict[str, Tensor]]:
    """Return the convolutions with a bias, in order, and all weights by name."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    kept = {
        each.name: torch.from_numpy(np.array(numpy_helper.to_array(each)))
        for each in graph.initializer
    }
    folded = [
        (kept[node.input[1]], kept[node.input[2]])
        for node in graph.node
        if node.op_type == "Conv" and len(node.input) == 3
    ]
    return folded, kept


def _unfold(
    conv: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor, convolutions: Any, path: str | Path
) -> Tensor:
    weight, bias = next(convolutions, (None, None))
    if weight is None or weight.shape != conv.weight.shape:
        raise WeightsError(
            f"{path} holds another network: a convolution has the shape "
            f"{None if weight is None else tuple(weight.shape)}, not {tuple(conv.weight.shape)}"
        )
    conv.weight.copy_(weight)
    y = conv(x)
    mean, variance = y.mean(dim=(0, 2, 3)), y.var(dim=(0, 2, 3), unbiased=False)
    norm.running_mean, norm.running_var = mean, variance
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean + bias)
    found: Tensor = norm(y)
    return found
