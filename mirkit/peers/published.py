"""Networks that others published: their file is converted once, then run with numpy alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from mirkit import __version__
from mirkit.activations import Activations, Features, Head, HeadSpec, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd
from mirkit.frames import FrameGrid
from mirkit.model import Heard, choose_heads, features_of, side_by_side
from mirkit.zoo.converting import Converted, check_texts, kept_texts
from mirkit.zoo.networks import Settings
from mirkit.zoo.registry import Card
from mirkit.zoo.tensors import read_tensors, write_tensors

Tensors = Mapping[str, Floats32]


@dataclass(frozen=True, eq=False)
class Published(Converted):
    """A model whose weights others published, behind one front end.

    A kind of model says how the published file is read (`read_checkpoint`), and has a front end
    and a network (`run`).

    Parameters
    ----------
    weights
        The converted tensors by name.
    provenance
        What its activations remember as their origin.

    Attributes
    ----------
    specs
        The declarations of its heads.
    """

    specs: ClassVar[Mapping[str, HeadSpec]]

    weights: Tensors = field(repr=False)
    provenance: Provenance

    @classmethod
    @abstractmethod
    def read_checkpoint(cls, path: Path) -> dict[str, Floats32]:
        """Return the tensors in a published file, as the network here takes them."""

    @property
    @abstractmethod
    def front_end(self) -> FrontEnd:
        """The front end that the network listens through."""

    @abstractmethod
    def run(self, features: Features) -> dict[str, Floats32]:
        """Return what the network makes of the features of a recording, by head."""

    @classmethod
    def convert(cls, source: Path, target: Path, card: Card) -> None:
        """Write the tensors of a published file as ``.safetensors``: see `Converted`."""
        write_tensors(target, cls.read_checkpoint(source), kept_texts(card))

    @classmethod
    def from_weights(cls, path: Path, card: Card, settings: Settings | None = None) -> Self:
        """Return the model that runs the weights that `convert` wrote: see `Converted`.

        Raises
        ------
        ParameterError
            Where it is to run on anything but the CPU.
        """
        if settings is not None and settings.device not in (None, "cpu"):
            raise ParameterError(f"device is {settings.device!r}; {card.name} runs on cpu alone")
        tensors, texts = read_tensors(path)
        check_texts(path, texts, card)
        return cls(tensors, Provenance(card.name, __version__, texts.get("weights_sha256")))

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return self.front_end.sample_rate

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front ends, whose features may be shared: one."""
        return (self.front_end,)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return sum(tensor.nbytes for tensor in self.weights.values())

    def features(self, blocks: Blocks) -> tuple[Features, ...]:
        """Return the features of a recording."""
        return side_by_side(self.front_ends, blocks)

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a recording: see `mirkit.model.Model`.

        Raises
        ------
        UnknownName
            Where there is no such head.
        ParameterError
            Where there are no frames, or the features are those of another front end.
        """
        specs = choose_heads(self.specs, heads, self.specs)
        given = features_of(x)
        if given is None:
            given = {each.front_end: each for each in self.features(x)}  # type: ignore[arg-type]
        own = given.get(self.front_end.name) or next(iter(given.values()))
        self.check_features(own)
        return self.wrap(specs, self.run(own), own.grid)

    def wrap(
        self, specs: Mapping[str, HeadSpec], values: Mapping[str, Floats32], grid: FrameGrid
    ) -> Activations:
        """Return values of the network as heads."""
        heads = {
            name: Head(values[name], spec.labels, grid if spec.per == "frame" else None, spec.kind)
            for name, spec in specs.items()
        }
        return Activations(heads, self.provenance)

    def check_features(self, features: Features) -> None:
        """Refuse features of another front end, or of nothing.

        Raises
        ------
        ParameterError
            Where that is so.
        """
        if features.front_end != self.front_end.name:
            raise ParameterError(
                f"features come from {features.front_end!r}; {self.provenance.model} was trained "
                f"on {self.front_end.name!r}"
            )
        if features.n_frames == 0:
            raise ParameterError("features hold no frames; is the recording empty?")
