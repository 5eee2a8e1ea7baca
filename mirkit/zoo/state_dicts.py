"""State dicts: the tensors in what authors and users save, unwrapped, and checked to be finite."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mirkit.errors import WeightsError

WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "network", "module", "weights")
"""Keys under which training scripts keep a state dict, beside an optimizer and more."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")
"""What stands before all names where something held the network: DataParallel, torch.compile, …"""


def state_dict_in(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state dict in a checkpoint: tensors by the names that their network has for them.

    A state dict is found where others wrap it (`WRAPPERS`, or any key, where one alone holds
    tensors), arrays of numbers become tensors, and what all names begin with is cut off
    (`PREFIXES`).

    Parameters
    ----------
    content
        What the file holds.

    Raises
    ------
    WeightsError
        Where something in it is no tensor; the message names it.

    Examples
    --------
    >>> import torch
    >>> saved = {"epoch": 3, "model_state_dict": {"module.fc.bias": torch.ones(2)}}
    >>> state_dict_in(saved)
    {'fc.bias': tensor([1., 1.])}
    """
    found = _find(content) or content
    odd = [name for name, value in found.items() if not _is_numeric(value)]
    if odd:
        raise WeightsError(
            f"the checkpoint holds {odd[0]!r}, which is no tensor. Save net.state_dict() alone, or "
            f"under one of these keys: {', '.join(WRAPPERS)}"
        )
    cut = _cut(list(found))
    return {name[cut:]: _tensor(value) for name, value in found.items()}


def check_finite(tensors: Mapping[str, Any]) -> None:
    """Refuse tensors with numbers that are not finite: those of a training that diverged.

    Raises
    ------
    WeightsError
        Where there are any; the message names the first tensor.
    """
    for name, tensor in tensors.items():
        if tensor.is_meta or not tensor.is_floating_point():
            continue
        n_odd = tensor.numel() - int(tensor.isfinite().sum())
        if n_odd:
            raise WeightsError(
                f"{name!r} holds {n_odd} numbers of {tensor.numel()} that are NaN or infinite; the "
                "training that made it diverged, or the file is damaged"
            )


def _find(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the state dict in `content`, however deep, or None."""
    if content and all(map(_is_numeric, content.values())):
        return content
    for inner in _inner(content):
        found = _find(inner)
        if found is not None:
            return found
    return None


def _inner(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what may hold the state dict: what has a usual name first, then a single one."""
    yield from (content[k] for k in WRAPPERS if isinstance(content.get(k), Mapping))
    others = [
        value
        for value in content.values()
        if isinstance(value, Mapping) and value and all(map(_is_numeric, value.values()))
    ]
    if len(others) == 1:
        yield others[0]


def _is_numeric(value: object) -> bool:
    """Tell whether `value` is a tensor, or an array of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    return bool(importlib.import_module("torch").is_tensor(value))


def _tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    own = np.array(value, value.dtype.newbyteorder("="))
    return importlib.import_module("torch").from_numpy(own)


def _cut(names: list[str]) -> int:
    """Return how many characters all names begin with that are a wrapper's."""
    n = 0
    while names and (
        prefix := next((p for p in PREFIXES if all(x.startswith(p, n) for x in names)), None)
    ):
        n += len(prefix)
    return n
