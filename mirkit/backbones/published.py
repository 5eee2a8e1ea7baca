"""Checkpoints as their authors published them: every tensor used, or dropped by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mirkit.errors import WeightsError
from mirkit.zoo.state_dicts import check_finite, state_dict_in

State = dict[str, Tensor]


@dataclass(frozen=True)
class KeyMap:
    r"""Map from the tensor names of a published checkpoint to ours.

    Parameters
    ----------
    prefix
        What every name begins with, such as ``"sed_model."``; removed where all have it. What usual
        wrappers put around tensors and before names is removed anyway: see
        `mirkit.zoo.state_dicts`.
    rules
        Pairs of a regular expression, which a name begins with, and what it becomes, or None for a
        tensor that is dropped. The first that fits counts; a name that none fits stays.
    convert
        What is done to the renamed tensors at last: splitting, reshaping.

    Examples
    --------
    >>> import torch
    >>> keys = KeyMap(rules=((r"mel\.", None), (r"fc\.", "head.")))
    >>> tensors = {"module.mel.w": torch.ones(1), "module.fc.bias": torch.ones(2)}
    >>> list(keys({"model": tensors}))
    ['head.bias']
    """

    prefix: str = ""
    rules: tuple[tuple[str, str | None], ...] = ()
    convert: Callable[[State], State] | None = None

    def __call__(self, content: Mapping[str, Any]) -> State:
        """Return the tensors of a checkpoint by the names they have here.

        Raises
        ------
        WeightsError
            Where something in it is no tensor, or two tensors have one name.
        """
        state: State = {}
        for name, tensor in self.tensors(content).items():
            new = self.renamed(name)
            if new is None:
                continue
            if new in state:
                raise WeightsError(f"the checkpoint holds two tensors for {new!r}; one is {name!r}")
            state[new] = tensor
        return state if self.convert is None else self.convert(state)

    def tensors(self, content: Mapping[str, Any]) -> State:
        """Return the tensors of a checkpoint by their published names, without the prefix."""
        state = state_dict_in(content)
        has_prefix = bool(state) and all(name.startswith(self.prefix) for name in state)
        n_cut = len(self.prefix) if has_prefix else 0
        return {name[n_cut:]: value for name, value in state.items()}

    def renamed(self, name: str) -> str | None:
        """Return what a published tensor is called here, or None where it is dropped."""
        for pattern, new in self.rules:
            found = re.match(pattern, name)
            if found:
                return None if new is None else found.expand(new) + name[found.end() :]
        return name


def load_published(net: nn.Module, content: Mapping[str, Any], keys: KeyMap) -> None:
    """Put the tensors of a published checkpoint into `net`, strictly.

    Raises
    ------
    WeightsError
        Where a tensor of the checkpoint has no place, a place has no tensor, shapes differ, or
        numbers are not finite; the message names them.
    """
    state = keys(content)
    expected = net.state_dict()
    spare = sorted(set(state) - set(expected))
    missing = sorted(
        name for name in set(expected) - set(state) if not name.endswith("num_batches_tracked")
    )
    odd = sorted(
        f"{name} {tuple(state[name].shape)} for {tuple(expected[name].shape)}"
        for name in set(state) & set(expected)
        if state[name].shape != expected[name].shape
    )
    problems = {"holds too much:": spare, "lacks": missing, "has other shapes:": odd}
    told = [f"{what} {_first(names)}" for what, names in problems.items() if names]
    if told:
        raise WeightsError(
            f"the checkpoint does not fit {type(net).__name__}: it {'; it '.join(told)}. "
            "Is it of another network, or another width?"
        )
    check_finite(state)
    net.load_state_dict({**expected, **state})


def keys_for(net: nn.Module, content: Mapping[str, Any], published: KeyMap | None) -> KeyMap:
    """Return the map from the names in a checkpoint: none where they are those of `net`."""
    if published is None or not set(net.state_dict()) ^ set(state_dict_in(content)):
        return KeyMap()
    return published


def _first(names: list[str], n: int = 4) -> str:
    rest = f" and {len(names) - n} more" if len(names) > n else ""
    return ", ".join(names[:n]) + rest
