"""Processes that train together: one alone, or as many as torchrun started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import nn

from mirkit.errors import ParameterError


@dataclass(frozen=True)
class Ranks:
    """The rank of this process among all, and its device.

    Parameters
    ----------
    rank, world
        Number of this process, and of all.
    device
        Its device.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """True for the process that writes files."""
        return self.rank == 0

    def wrap(self, net: nn.Module) -> nn.Module:
        """Return `net`, whose gradients are the mean over all processes."""
        if self.world == 1:
            return net
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(net, device_ids=ids)

    def share(self, value: float) -> float:
        """Return the first process's `value`, to all."""
        if self.world == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(tensor, 0)
        return float(tensor)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean of `values` over all processes."""
        if self.world > 1:
            torch.distributed.all_reduce(values)
            values = values / self.world
        return values

    def close(self) -> None:
        """Part from the other processes."""
        if self.world > 1:
            torch.distributed.destroy_process_group()


def join(device: str | None) -> Ranks:
    """Return this process's place among those that torchrun started, or alone.

    Raises
    ------
    ParameterError
        Where the device does not exist here.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(chosen)
    except RuntimeError:
        raise ParameterError(f"device is {device!r}; it is 'cpu', 'cuda' or 'cuda:1'") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ParameterError(f"device is {device!r}, but torch finds no GPU here")
    if place.type == "cuda" and world > 1:
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", rank)))
        torch.cuda.set_device(place)
    if world > 1:
        # Validation may keep the first process long; the others wait for it.
        torch.distributed.init_process_group(
            "nccl" if place.type == "cuda" else "gloo", timeout=timedelta(hours=2)
        )
    return Ranks(rank, world, place)
