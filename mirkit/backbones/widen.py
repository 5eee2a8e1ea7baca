"""Wider networks that begin with what a narrower one has learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mirkit.errors import ParameterError


@dataclass(frozen=True)
class Layout:
    """Layout of the filters of a layer in one of its weights.

    Parameters
    ----------
    groups
        Axes along which several sets of filters follow each other, and how many sets.
    outputs
        The axis of what the layer gives; of those beside it, only kernels have another meaning
        than what it takes.
    """

    groups: Mapping[int, int] = field(default_factory=dict)
    outputs: int = 0


def widen(
    tensors: Mapping[str, Tensor], own: Mapping[str, Tensor], layout: Callable[[str], Layout]
) -> dict[str, Tensor]:
    """Return the weights of a narrower network, with filters of a wider one added.

    The wider network hears at first what the narrower one heard: whatever listens to an old filter
    gives new ones the weight 0. The new filters listen with their weights in `own`.

    Parameters
    ----------
    tensors
        Weights of the narrower network, by name.
    own
        Weights of a new network, as wide or wider, of the same layers.
    layout
        How filters lie in the weight of a name.

    Raises
    ------
    ParameterError
        Where a layer is missing, is new, or is narrower than before.

    References
    ----------
    T. Chen, I. Goodfellow and J. Shlens, "Net2Net: accelerating learning via knowledge transfer",
    ICLR 2016: that a larger network may begin with the function of a smaller one.
    """
    if tensors.keys() != own.keys():
        names = ", ".join(sorted(tensors.keys() ^ own.keys()))
        raise ParameterError(f"only the checkpoint or only the network has {names}")
    kept = {}
    for name, wide in own.items():
        narrow, axes = tensors[name], layout(name)
        if not _fits(narrow.shape, wide.shape):
            raise ParameterError(
                f"{name} has shape {tuple(narrow.shape)} in the checkpoint and "
                f"{tuple(wide.shape)} in the network, which may be wider only"
            )
        places = [
            _places(n_old, n_new, axes.groups.get(axis, 1))
            for axis, (n_old, n_new) in enumerate(zip(narrow.shape, wide.shape, strict=True))
        ]
        grown = wide.clone()
        if wide.dim() > 1:
            grown.index_fill_(axes.outputs, places[axes.outputs], 0.0)
        grown[torch.meshgrid(*places, indexing="ij") if places else ()] = narrow
        kept[name] = grown
    return kept


def _fits(narrow: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    return len(narrow) == len(wide) and all(a <= b for a, b in zip(narrow, wide, strict=True))


def _places(n_old: int, n_new: int, n_groups: int) -> Tensor:
    """Return where the old filters of each group are among the new ones."""
    first = torch.arange(n_groups)[:, None] * (n_new // n_groups)
    return (first + torch.arange(n_old // n_groups)).flatten()
