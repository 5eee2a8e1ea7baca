"""The way from a recording to the input of a tagging network: store, domain, front end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
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
    """

    names: tuple[str, ...]
    store: Store
    domain: Domain
    front_end: FrontEnd | None
    twin: TorchLogSpectrogram | None

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
        folder = settings.store or recipe.path / "store"
        if end is not None and "samples" not in names and settings.domain == "features":
            powers = PowerDomain.of(end, recipe.augment, settings.crop)
            store = open_packed(paths, folder, features_header(end, settings.longest))
            return cls(names, store, powers, end, None)
        twin = _make_twin(end, device) if end is not None and "features" in names else None
        domain = SampleDomain(rate, recipe.augment, round(settings.crop * rate))
        header = Header("float16", 1, rate, longest=settings.longest)
        return cls(names, open_packed(paths, folder, header), domain, end, twin)

    def stack(self, places: Sequence[int]) -> Floats32:
        """Return whole recordings of one length as the input of `logits`."""
        x = np.stack([self.store[i] for i in places])
        return x[..., 0] if isinstance(self.domain, SampleDomain) else x

    def logits(self, net: nn.Module, x: Tensor) -> Tensor:
        """Return the logits of a batch as the domain holds it, features or samples."""
        inputs = [
            x if name == "samples" or self.twin is None else self.twin(x) for name in self.names
        ]
        logits: Tensor = net(*inputs).logits
        return logits


def _make_twin(chosen: FrontEnd, device: torch.device) -> TorchLogSpectrogram:
    if not isinstance(chosen, LogSpectrogram):
        raise ParameterError(
            f"front end {chosen.name!r} has no twin in torch for samples to pass; take "
            "domain = 'features'"
        )
    return TorchLogSpectrogram(chosen).to(device)
