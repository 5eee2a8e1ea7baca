"""Weights of a run: what it starts from, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mirkit.backbones.widen import Layout, widen
from mirkit.errors import WeightsError
from mirkit.zoo import checkpoints
from mirkit.zoo.state_dicts import check_finite

Tensors = dict[str, Tensor]
Adapt = Callable[[Tensors, Mapping[str, str]], Tensors]
Export = Callable[[Any, Path, dict[str, str]], None]

BEST = "best.safetensors"


@dataclass(frozen=True, kw_only=True)
class StartSettings:
    """The weights that a network starts from.

    Parameters
    ----------
    init
        Checkpoint to start from; random weights where empty. A wider network starts from a
        narrower one, whose output it gives at first.
    fresh
        Prefixes of the parts that begin with random weights all the same, such as ``"heads"``,
        because the checkpoint lacks them or is of another task.
    """

    init: str = ""
    fresh: tuple[str, ...] = ()


def start_from(
    net: nn.Module,
    settings: StartSettings,
    layout: Callable[[str], Layout],
    adapt: Adapt | None = None,
) -> None:
    """Load the checkpoint of the same network, or of a narrower one, into a new network.

    Parameters
    ----------
    net
        The new network.
    settings
        The checkpoint.
    layout
        How filters lie in the weight of a name: see `mirkit.backbones.widen`.
    adapt
        Change of the tensors before they are loaded, given the metadata of the checkpoint.
    """
    if not settings.init:
        return
    tensors, metadata = checkpoints.load_tensors(settings.init)
    if adapt is not None:
        tensors = adapt(tensors, metadata)
    own, prefixes = net.state_dict(), tuple(settings.fresh)
    kept = {name: x for name, x in tensors.items() if not name.startswith(prefixes)}
    kept |= {name: x for name, x in own.items() if name.startswith(prefixes)}
    net.load_state_dict(widen(kept, own, layout))


def load_fitting(net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load the tensors that fit by name and shape: all but a head for other classes.

    Raises
    ------
    WeightsError
        Where that is less than half of the network, or numbers are not finite.
    """
    check_finite(tensors)
    expected = net.state_dict()
    bare = {name.removeprefix("body."): tensor for name, tensor in tensors.items()}
    fits = {
        name: bare[name]
        for name, own in expected.items()
        if name in bare and bare[name].shape == own.shape
    }
    share = _count(fits) / max(1, _count(expected))
    if share < 0.5:
        raise WeightsError(
            f"only {share:.0%} of {type(net).__name__} is in the checkpoint, by name and shape; it "
            "belongs to another network, or another width"
        )
    net.load_state_dict({**expected, **fits})


def _count(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def save_best(
    net: nn.Module, folder: Path, metadata: Mapping[str, str], export: Export | None = None
) -> None:
    """Write ``best.safetensors`` and, with `export`, ``best.onnx``, which names its hash.

    Parameters
    ----------
    net
        The network.
    folder
        Folder of the run.
    metadata
        Text to keep beside the weights.
    export
        Writes the network, on the CPU, to an ONNX file with metadata.
    """
    checkpoints.save_tensors(folder / BEST, net.state_dict(), metadata)
    if export is None:
        return
    known = {**metadata, "weights_sha256": checkpoints.sha256_of(folder / BEST)}
    part = folder / "best.part.onnx"
    device = next(net.parameters()).device
    export(net.cpu(), part, known)
    net.to(device)
    part.replace(folder / "best.onnx")


def load_best(net: nn.Module, folder: Path) -> None:
    """Load the best weights of a run into its network."""
    net.load_state_dict(checkpoints.load_tensors(folder / BEST)[0])
