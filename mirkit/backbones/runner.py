"""Networks run by torch, with the interface that onnxruntime's sessions have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True)
class TorchRunner:
    """A module run by torch on one window: the twin of `mirkit.zoo.runtime.Session`.

    Parameters
    ----------
    module
        From tensors with a batch axis to a tuple of them, on the device that it shall run on.
    inputs, outputs
        Names of what it takes and gives, in order.
    """

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return sum(each.numel() * each.element_size() for each in self.module.parameters())

    def __call__(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Map named inputs, without batch axis, to named outputs, without batch axis."""
        outputs = self.batch(**{name: x[None] for name, x in inputs.items()})
        return {name: y[0] for name, y in outputs.items()}

    def batch(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Map named inputs to named outputs, both with a batch axis."""
        device = next(self.module.parameters()).device
        given = [
            torch.as_tensor(np.array(inputs[name], np.float32), device=device)
            for name in self.inputs
        ]
        with torch.inference_mode():
            outputs = self.module.eval()(*given)
        return {name: y.cpu().numpy() for name, y in zip(self.outputs, outputs, strict=True)}
