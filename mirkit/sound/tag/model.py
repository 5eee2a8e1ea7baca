"""The networks that hear what sounds: from samples of any length to tags and embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mirkit import __version__
from mirkit.activations import Activations, Features, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.audio import Audio
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import FrontEnd, front_end
from mirkit.features.base import mono_slices
from mirkit.frames import FrameGrid
from mirkit.sound.tag.clock import Clock, clock
from mirkit.sound.tag.config import Shape, TagConfig
from mirkit.sound.tag.loading import content_of, fill, fitting, random_net
from mirkit.sound.tag.merging import Merger
from mirkit.sound.tag.windows import Window, batches, long_enough, padded
from mirkit.zoo import checkpoints
from mirkit.zoo.networks import CardModel, check_source, front_end_of
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import BatchRunner, Session


@dataclass(frozen=True)
class Tagger(CardModel):
    """A network with its classes, run by onnxruntime or by torch, on recordings of any length.

    Long recordings are heard in windows (`TagConfig.window`, 10 s, of which `TagConfig.overlap`,
    1 s, is common to neighbours); each counts by its length. Probabilities are averaged and not
    logits: so the score of a tag is near the share of the recording that it is heard in, and what
    sounds in one window is not outvoted by how sure the others are that it does not. What is
    shorter than the network can hear is padded at its end with silence.

    Parameters
    ----------
    run
        What runs the network.
    config
        Its classes, and how recordings are cut.
    shape
        What it says of the length of its inputs and the clock of its outputs.
    card
        The card that it was made from.
    weights_hash
        sha256 of its weights, or None for random ones.
    """

    run: BatchRunner
    config: TagConfig
    shape: Shape
    card: Card
    weights_hash: str | None = None

    @classmethod
    def from_net(
        cls, net: Any, card: Card, config: TagConfig | None = None, weights_hash: str | None = None
    ) -> Tagger:
        """Return the model that runs the backbone `net`, in training perhaps."""
        from mirkit.backbones.tagging import TagHeads, TagSession

        config = config or TagConfig.from_dict(card.config)
        if net.n_classes != len(config.labels):
            raise ParameterError(
                f"the network of {card.name!r} has {net.n_classes} classes, and there are "
                f"{len(config.labels)} labels"
            )
        session = TagSession(TagHeads(net, config.activation))
        return cls(session, config, Shape.of(net), card, weights_hash)

    @property
    def provenance(self) -> Provenance:
        """What its activations remember as their origin."""
        return Provenance(self.card.name, __version__, self.weights_hash)

    @cached_property
    def front_end(self) -> FrontEnd | None:
        """What it listens through, or None where it takes samples alone."""
        if "features" not in self.run.inputs:
            return None
        return front_end(front_end_of(self.card))

    @property
    def sample_rate(self) -> int:
        """Samples a second that it listens at [Hz]."""
        return self.card.sample_rate if self.front_end is None else self.front_end.sample_rate

    @property
    def takes_features(self) -> bool:
        """Whether features alone are enough, so that windows are cut from them."""
        return tuple(self.run.inputs) == ("features",)

    @property
    def clock(self) -> Clock:
        """How recordings are cut, and when what the network gives by frame is."""
        grid = FrameGrid(Fraction(self.sample_rate))
        inner = grid
        if self.front_end is not None and self.run.inputs[0] == "features":
            inner = self.front_end.grid
        if not self.takes_features or self.front_end is None:
            return clock(self.shape, grid, inner, self.config, self._n_samples)
        return clock(
            self.shape, inner, inner, self.config, self.front_end.n_frames(self._n_samples)
        )

    def hear(self, blocks: Blocks, frames: bool = False) -> Activations:
        """Return what is in a recording.

        Memory is bounded by a few windows, and by the outputs by frame where those are wanted.

        Parameters
        ----------
        blocks
            The consecutive blocks of one recording at `sample_rate`, of one channel or several,
            which are averaged.
        frames
            Whether to give the heads by frame too.

        Returns
        -------
        Activations
            Heads ``tags`` (probabilities in the clip) and ``embedding``. With `frames`,
            ``frame_embedding`` and, where the network has it, ``frames``: at the network's own
            clock, or one row a window.

        Raises
        ------
        ParameterError
            Where there are no samples.
        """
        return self._merged(self.clock.windows.cut(self._places(blocks)), frames)

    def __call__(self, features: Features, frames: bool = False) -> Activations:
        """Return what is in a recording whose features are there.

        Raises
        ------
        ParameterError
            Where they come from another front end, or the network takes samples.
        """
        if not self.takes_features or self.front_end is None:
            raise ParameterError(f"{self.card.name!r} takes samples, not features alone; use hear")
        check_source(features, self.front_end.name)
        places = [features.values] if features.n_frames else []
        return self._merged(self.clock.windows.cut(places), frames)

    @property
    def _n_samples(self) -> int:
        return round(self.config.window * self.sample_rate)

    def _places(self, blocks: Blocks) -> Iterator[Floats32]:
        """Yield what windows are cut from: frames, or the samples of one channel."""
        if self.front_end is None:
            return mono_slices(blocks)
        long = long_enough(blocks, self.front_end)
        return self.front_end.stream(long) if self.takes_features else mono_slices(long)

    def _merged(self, windows: Iterable[Window], frames: bool) -> Activations:
        merger = Merger(self.clock, frames)
        for batch in batches(windows):
            outputs = self.run.batch(**self._feed(batch))
            for i, window in enumerate(batch):
                merger.add(window, {name: values[i] for name, values in outputs.items()})
        return merger.activations(self.config, self.provenance)

    def _feed(self, batch: list[Window]) -> dict[str, Floats32]:
        """Return the inputs of the network, padded where they are too short for it."""
        given = np.stack([window.values for window in batch])
        feed = {"features" if self.takes_features else "samples": given}
        if self.front_end is not None and not self.takes_features:
            rows = [self.front_end(Audio(samples, self.sample_rate)).values for samples in given]
            feed["features"] = np.stack(rows)
        rules = zip(self.run.inputs, self.shape.min_length, self.shape.silence, strict=True)
        return {name: padded(feed[name], least, silence) for name, least, silence in rules}

    @classmethod
    def _drawn(cls, card: Card, seed: int) -> Tagger:
        config = TagConfig.from_dict(card.config)
        return cls.from_net(random_net(config, card, seed), card, config)

    @classmethod
    def _from_onnx(cls, path: Path, card: Card, n_threads: int | None) -> Tagger:
        session = Session(path, n_threads)
        kept = session.metadata
        if "shape" not in kept:
            raise WeightsError(
                f"{path} does not say how long its inputs are. Was it written by "
                "mirkit.backbones.tagging.export_tagger?"
            )
        config, shape = fitting(path, kept, card), Shape.from_json(kept["shape"])
        return cls(session, config, shape, card, kept.get("weights_sha256"))

    @classmethod
    def _from_tensors(cls, path: Path, card: Card) -> Tagger:
        content, kept = content_of(path)
        config = fitting(path, kept, card)
        net = random_net(config, card, seed=0)
        fill(net, content, path)
        return cls.from_net(net, card, config, checkpoints.sha256_of(path))
