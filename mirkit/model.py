"""Models: from the samples of a recording, or its features, to activations.

`Model` is what systems use. `FeatureModel` is a front end and a network: beat, chord and key
networks are its kinds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import numpy as np

from mirkit import checks, windows
from mirkit.activations import Activations, Features, Head, HeadSpec
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd, front_end
from mirkit.zoo.networks import Network

Config = TypeVar("Config")

Heard: TypeAlias = "Blocks | Features | Sequence[Features]"
"""Blocks of samples ``(1, n_samples)``, or the features of a whole recording."""

LEAST_FRAMES = 15_000
"""Frames that a window adds at least, unless told otherwise: 5 minutes at 50 frames per second."""


class Model(Protocol):
    """From a recording to activations.

    A model that listens through front ends has ``front_ends`` and takes their features too; one
    that works on blocks as they come has ``stream(blocks)``, which yields `Activations`.
    """

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        ...

    def activations(self, x: Any, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a recording.

        Parameters
        ----------
        x
            The consecutive mono blocks of one recording, each ``(1, n_samples)``; features of
            ``front_ends``, where the model has them.
        heads
            Names of the heads that are wanted; None for the usual ones.
        """
        ...


def front_ends_of(model: Any) -> tuple[FrontEnd, ...]:
    """Return the front ends that a model listens through; none where it takes samples alone."""
    return tuple(getattr(model, "front_ends", ()))


def features_of(x: Any) -> dict[str, Features] | None:
    """Return features by the name of their front end, or None where `x` holds blocks of samples."""
    if isinstance(x, Features):
        return {x.front_end: x}
    if isinstance(x, Sequence) and x and all(isinstance(each, Features) for each in x):
        return {each.front_end: each for each in x}
    return None


def choose_heads(
    specs: Mapping[str, HeadSpec], heads: Iterable[str] | None, usual: Iterable[str]
) -> dict[str, HeadSpec]:
    """Return the declarations of the heads that are wanted.

    Raises
    ------
    UnknownName
        Where the model has no such head.
    """
    names = list(usual if heads is None else heads)
    for name in names:
        checks.member("head", name, specs)
    return {name: specs[name] for name in names}


@dataclass(frozen=True)
class FeatureModel(Network[Config]):
    """A front end and a network, which are run on long recordings in windows with context.

    A kind of model declares its heads (`specs`) and how far the network looks
    (`receptive_field`).

    Parameters
    ----------
    hop
        Frames that a window adds to the result. Where None, 15 000, or as many as there is
        context, where that is more: so at most half the work is for context.
    """

    hop: int | None = None
    optional: ClassVar[tuple[str, ...]] = ()
    """Front ends that add heads, and that may be missing from the features."""

    @property
    @abstractmethod
    def specs(self) -> Mapping[str, HeadSpec]:
        """The declarations of the heads of the network."""

    @property
    @abstractmethod
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its activations depend on."""

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return front_end(self.front_end).sample_rate

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front ends: that of the network first."""
        own = front_end(self.front_end)
        more = (front_end(name) for name in self.optional)
        return (own, *(each for each in more if each.sample_rate == own.sample_rate))

    def features(self, blocks: Blocks) -> tuple[Features, ...]:
        """Return the features of a recording, one for each of `front_ends`."""
        return side_by_side(self.front_ends, blocks)

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a recording: see `Model`.

        Raises
        ------
        ParameterError
            Where features come from another front end, or there is nothing.
        """
        features = features_of(x)
        if features is None:
            features = {each.front_end: each for each in self.features(x)}  # type: ignore[arg-type]
        own = features.get(self.front_end) or next(iter(features.values()))
        self.check_features(own)
        frames, more = self.prepare(own, features)
        specs = choose_heads(self.specs, heads, self.specs)
        found = windows.run(self._strategy, [frames], self._net, specs, own.grid)
        return Activations({**found, **more}, self.provenance)

    def prepare(
        self, own: Features, features: Mapping[str, Features]
    ) -> tuple[Floats32, Mapping[str, Head]]:
        """Return the frames that the network takes, and heads that it has no part in.

        Parameters
        ----------
        own
            The features of the front end of the network.
        features
            All features, by front end.
        """
        return own.values, {}

    @property
    def _strategy(self) -> windows.Context:
        before, after = self.receptive_field
        least = max(LEAST_FRAMES, before + after)
        hop = self.hop or -(-least // windows.ALIGNMENT) * windows.ALIGNMENT
        return windows.Context(hop, before, after)

    def _net(self, batch: list[windows.Window]) -> Mapping[str, Floats32]:
        """Run the network; frames of the context do not count in heads at clip level."""
        (window,) = batch
        weight = np.zeros(len(window), dtype=np.float32)
        weight[slice(*map(int, window.kept))] = 1
        given = {"features": window.values[None], "weight": weight[None]}
        return self.run.batch(**{name: given[name] for name in self.run.inputs})


def side_by_side(front_ends: Sequence[FrontEnd], blocks: Blocks) -> tuple[Features, ...]:
    """Return the features of several front ends of one recording, whose blocks go by once.

    The front end that is behind in time goes on, so no more than a few blocks are kept.

    Parameters
    ----------
    front_ends
        Front ends of one sample rate.
    blocks
        Consecutive pieces of the recording at that rate.

    Raises
    ------
    ParameterError
        Where the blocks hold no samples.
    """
    streams = [
        each.stream(copy)
        for each, copy in zip(front_ends, _copies(blocks, len(front_ends)), strict=True)
    ]
    parts: list[list[Floats32]] = [[] for _ in front_ends]
    reached = [0.0 for _ in front_ends]
    running = set(range(len(front_ends)))
    while running:
        behind = min(running, key=reached.__getitem__)
        part = next(streams[behind], None)
        if part is None:
            running.remove(behind)
            continue
        parts[behind].append(part)
        reached[behind] += len(part) / front_ends[behind].grid.fps
    return tuple(_join(*each) for each in zip(front_ends, parts, strict=True))


def _copies(blocks: Blocks, n: int) -> list[Iterator[Floats32]]:
    """Return iterators over the blocks that keep what some have yet to take, and nothing else.

    `itertools.tee` would keep the last 57 whatever has been taken: ten minutes of a recording.
    """
    source = iter(blocks)
    waiting: list[deque[Floats32]] = [deque() for _ in range(n)]

    def copy(own: deque[Floats32]) -> Iterator[Floats32]:
        while True:
            if not own:
                block = next(source, None)
                if block is None:
                    return
                for each in waiting:
                    each.append(block)
                del block
            yield own.popleft()

    return [copy(own) for own in waiting]


def _join(front_end: FrontEnd, parts: list[Floats32]) -> Features:
    if not parts:
        raise ParameterError("there are no frames: the blocks hold no samples")
    values = np.concatenate(parts)
    values.flags.writeable = False  # ours alone: `Features` need not copy it
    return Features(values, front_end.grid, front_end.name)
