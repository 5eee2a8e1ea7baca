"""The way from a recording to the input of a tagging network: store, domain, front end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd, LogSpectrogram, front_end
from mirkit.training.packing import features_header, open_packed
from mirkit.training.stores import Header, Store
from mirkit.training.tag.augment import Domain, PowerDomain, SampleDomain
from mirkit.training.tag.network import find_backbone
from mirkit.training.tag.recipe import TagRecipe
from mirkit.training.twin import TorchLogSpectrogram


@dataclass(frozen=True)
class TagInputs:
    """Recordings in the form that a network takes.

    Parameters
    ----------
    names
        Inputs of the network, in order: ``"features"``, ``"samples"``.
    store
        The recordings, as features or samples.
    domain
        The form in which they are changed.
    front_end
        Front end of the network; None where it takes samples alone.
    twin
        Its twin in torch, where the store holds samples and the network takes features.
    longest
        The most of its first input that the network hears at once [frames or samples]; None for
        any.
    exclusive
        Whether classes exclude each other.
    """

    names: tuple[str, ...]
    store: Store
    domain: Domain
    front_end: FrontEnd | None
    twin: TorchLogSpectrogram | None
    longest: int | None = None
    exclusive: bool = False

    @classmethod
    def open(cls, recipe: TagRecipe, paths: Sequence[Path], device: torch.device) -> TagInputs:
        """Open the store of a recipe, packing the recordings that are not in it yet.

        Raises
        ------
        ParameterError
            Where the backbone takes features of no front end, or samples are to pass one that has
            no twin in torch.
        """
        make, given = find_backbone(recipe.model)
        with torch.device("meta"):
            shape = make(**given)
        if shape.front_end is None and "features" in shape.inputs:
            raise ParameterError(f"{make.__name__} names no front end, and so cannot be trained")
        end = None if shape.front_end is None else front_end(shape.front_end)
        settings, names, rate = recipe.data, tuple(shape.inputs), shape.sample_rate
        limits = shape.max_length, recipe.loss.exclusive
        folder = settings.store or recipe.path / "store"
        if end is not None and "samples" not in names and settings.domain == "features":
            powers = PowerDomain.of(end, recipe.augment, settings.crop)
            store = open_packed(paths, folder, features_header(end, settings.longest))
            return cls(names, store, powers, end, None, *limits)
        twin = _make_twin(end, device) if end is not None and "features" in names else None
        domain = SampleDomain(rate, recipe.augment, round(settings.crop * rate))
        header = Header("float16", 1, rate, longest=settings.longest)
        return cls(names, open_packed(paths, folder, header), domain, end, twin, *limits)

    @property
    def fps(self) -> float:
        """Rows of the store per second."""
        if isinstance(self.domain, SampleDomain):
            return float(self.domain.sample_rate)
        assert self.front_end is not None
        return self.front_end.grid.fps

    def stack(self, places: Sequence[int]) -> Floats32:
        """Return whole recordings of one length as the input of `logits`."""
        x = np.stack([self.store[i] for i in places])
        return x[..., 0] if isinstance(self.domain, SampleDomain) else x

    def logits(self, net: nn.Module, x: Tensor) -> Tensor:
        """Return the logits of a batch as the domain holds it, features or samples.

        What is longer than the network hears at once is heard in windows, whose probabilities are
        averaged, as taggers do.
        """
        inputs = [
            x if name == "samples" or self.twin is None else self.twin(x) for name in self.names
        ]
        if self.longest is None or inputs[0].shape[1] <= self.longest:
            logits: Tensor = net(*inputs).logits
            return logits
        windows = cut_windows(inputs[0], self.longest)
        return mean_logits(torch.stack([net(each).logits for each in windows]), self.exclusive)


def cut_windows(x: Tensor, length: int) -> list[Tensor]:
    """Cut ``(batch, n, …)`` into as few windows ``(batch, length, …)`` as hold all of it.

    They overlap where `length` does not divide `n`, all alike.

    Examples
    --------
    >>> [window.tolist() for window in cut_windows(torch.arange(5)[None], 3)]
    [[[0, 1, 2]], [[2, 3, 4]]]
    """
    n_windows = math.ceil(x.shape[1] / length)
    starts = torch.linspace(0, x.shape[1] - length, n_windows).round().long().tolist()
    return [x[:, start : start + length] for start in starts]


def mean_logits(logits: Tensor, exclusive: bool) -> Tensor:
    """Return the logits of mean probabilities, from logits ``(n_windows, batch, n_classes)``.

    Examples
    --------
    >>> mean_logits(torch.tensor([[[4.0]], [[-8.0]]]), False).sigmoid()
    tensor([[0.4912]])
    """
    if exclusive:
        return logits.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(logits))
    there, not_there = (F.logsigmoid(sign * logits).logsumexp(dim=0) for sign in (1, -1))
    return there - not_there


def _make_twin(chosen: FrontEnd, device: torch.device) -> TorchLogSpectrogram:
    if not isinstance(chosen, LogSpectrogram):
        raise ParameterError(
            f"front end {chosen.name!r} has no twin in torch for samples to pass; take "
            "domain = 'features'"
        )
    return TorchLogSpectrogram(chosen).to(device)
