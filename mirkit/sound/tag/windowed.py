"""Taggers that hear windows of one length, as YAMNet and musicnn do: what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from mirkit import __version__, windows
from mirkit.activations import Activations, Features, HeadSpec, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.features import FrontEnd
from mirkit.features.base import check_source
from mirkit.frames import FrameGrid
from mirkit.model import Heard, choose_heads, features_of, side_by_side
from mirkit.zoo.converting import Converted, check_texts
from mirkit.zoo.networks import Settings
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Runner

CLIP = ("tags", "embedding")
"""The usual heads: those of the whole recording."""


@dataclass(frozen=True)
class WindowTagger(Converted):
    """A published network behind a front end, on windows of one length on a fixed grid.

    A kind of tagger says how recordings are cut (`strategy`) and how a window that is too short is
    filled (`fill`). The score of a tag in the clip is the mean over the windows; memory is bounded
    by a few windows, and by the heads with a row for each window where those are wanted.

    Parameters
    ----------
    network
        What runs the network: from ``features`` to ``tags`` and ``embedding``.
    labels
        Names of the tags.
    provenance
        What its activations remember as their origin.
    n_batch
        Windows that the network is given at once.

    Attributes
    ----------
    front_end
        The front end that it listens through.
    length
        Length of a window [frames].
    strategy
        How recordings are cut into windows.
    usual_batch
        Windows that the network is given at once, unless told otherwise.
    """

    network: Runner
    labels: tuple[str, ...]
    provenance: Provenance
    n_batch: int

    front_end: ClassVar[FrontEnd]
    length: ClassVar[int]
    strategy: ClassVar[windows.Strategy]
    usual_batch: ClassVar[int]

    @classmethod
    @abstractmethod
    def labels_of(cls, card: Card) -> tuple[str, ...]:
        """Return the names of the tags of a model."""

    @abstractmethod
    def fill(self, values: Floats32) -> Floats32:
        """Return the frames of a window that is too short as one of whole length."""

    @classmethod
    def from_weights(cls, path: Path, card: Card, settings: Settings | None = None) -> Self:
        """Return the model whose converted weights are in an ``.onnx`` file: see `Converted`."""
        settings = settings or Settings()
        session = settings.session(path)
        kept = session.metadata
        check_texts(path, kept, card)
        origin = Provenance(card.name, __version__, kept.get("weights_sha256"))
        return cls(session, cls.labels_of(card), origin, settings.n_batch or cls.usual_batch)

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
        return self.network.n_bytes

    @property
    def specs(self) -> dict[str, HeadSpec]:
        """The declarations of the heads: of the clip, and with a row for each window."""
        return {
            "tags": HeadSpec(self.labels, "sigmoid", "clip"),
            "embedding": HeadSpec((), "embedding", "clip"),
            "frames": HeadSpec(self.labels, "sigmoid", "window", output="tags"),
            "frame_embedding": HeadSpec((), "embedding", "window", output="embedding"),
        }

    @property
    def grid(self) -> FrameGrid:
        """The clock of the heads with a row for each window: the middle of the window."""
        inner = self.front_end.grid
        middle = float(inner.time_of((self.length - 1) / 2))
        return FrameGrid(inner.rate / self.strategy.hop, middle)

    def features(self, blocks: Blocks) -> tuple[Features, ...]:
        """Return the features of a recording."""
        return side_by_side(self.front_ends, blocks)

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a recording: see `mirkit.model.Model`.

        Parameters
        ----------
        x
            Its blocks at `sample_rate`, or its features.
        heads
            ``tags`` and ``embedding`` of the clip, which are the usual ones; ``frames`` and
            ``frame_embedding``, with a row for each window.

        Raises
        ------
        ParameterError
            Where there are no samples, or the features come from another front end.
        UnknownName
            Where there is no such head.
        """
        specs = choose_heads(self.specs, heads, CLIP)
        places: Iterable[Floats32]
        given = features_of(x)
        if given is None:
            places = self.front_end.stream(x)  # type: ignore[arg-type]
        else:
            own = given.get(self.front_end.name) or next(iter(given.values()))
            check_source(self.provenance.model, own, self.front_end)
            places = [own.values] if own.n_frames else []
        grid = self.front_end.grid
        found = windows.run(self.strategy, places, self._run, specs, grid, self.n_batch)
        return Activations(found, self.provenance)

    def _run(self, batch: list[windows.Window]) -> Mapping[str, Floats32]:
        values = [each.values for each in batch]
        whole = [each if len(each) == self.length else self.fill(each) for each in values]
        return self.network.batch(features=np.stack(whole))
