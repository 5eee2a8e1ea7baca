"""Taggers: networks with classes, from samples of any length to tags and embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mirkit import __version__, windows
from mirkit.activations import Activations, Features, HeadSpec, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.audio import Audio
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import FrontEnd, front_end
from mirkit.features.base import mono_slices
from mirkit.frames import FrameGrid
from mirkit.model import Heard, choose_heads, features_of, side_by_side
from mirkit.sound.tag.config import Shape, TagConfig
from mirkit.sound.tag.loading import content_of, fill, fitting, random_net, told
from mirkit.zoo import checkpoints
from mirkit.zoo.networks import CardModel, Settings, check_source, front_end_of
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Runner

N_BATCH = 8
"""Windows that a network is given at once, unless told otherwise."""

CLIP = ("tags", "embedding")
"""The usual heads: those of the whole recording."""


@dataclass(frozen=True)
class Tagger(CardModel):
    """A network with its classes, run by onnxruntime or by torch, on recordings of any length.

    Long recordings are cut in windows (`TagConfig.window`, 10 s, of which `TagConfig.overlap`,
    1 s, is common to neighbors); each counts by its length. Probabilities are averaged and not
    logits: so the score of a tag is near the share of the recording in which it sounds, and a
    sound in one window is not outvoted by how sure the others are of its absence. Recordings
    shorter than the network takes are padded with silence at their end.

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
    n_batch
        Windows that the network is given at once.
    """

    run: Runner
    config: TagConfig
    shape: Shape
    card: Card
    weights_hash: str | None = None
    n_batch: int = N_BATCH

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
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return self.run.n_bytes

    @property
    def provenance(self) -> Provenance:
        """Origin that its activations remember."""
        return Provenance(self.card.name, __version__, self.weights_hash)

    @cached_property
    def front_end(self) -> FrontEnd | None:
        """The front end of the network, or None where it takes samples alone."""
        if "features" not in self.run.inputs:
            return None
        return front_end(front_end_of(self.card))

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front ends whose features are enough for the network."""
        return (self.front_end,) if self.takes_features and self.front_end else ()

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return self.card.sample_rate if self.front_end is None else self.front_end.sample_rate

    @property
    def takes_features(self) -> bool:
        """Tell whether features alone are enough, so that windows are cut from them."""
        return tuple(self.run.inputs) == ("features",)

    @property
    def specs(self) -> dict[str, HeadSpec]:
        """The declarations of the heads, by frame only where the network has them."""
        labels, kind = self.config.labels, self.config.activation
        by_frame = self._rows
        specs = {"embedding": HeadSpec((), "embedding", "clip")}
        if labels:
            specs["tags"] = HeadSpec(labels, kind, "clip")
        if by_frame is None:
            return specs | {
                "frame_embedding": HeadSpec((), "embedding", "window", output="embedding")
            }
        step, first = by_frame
        if labels:
            specs["frames"] = HeadSpec(labels, kind, "frame", step, first)
        return specs | {"frame_embedding": HeadSpec((), "embedding", "frame", step, first)}

    def features(self, blocks: Blocks) -> tuple[Features, ...]:
        """Return the features of a recording, padded to one frame at least."""
        if not self.front_ends:
            raise ParameterError(f"{self.card.name!r} takes samples, not features alone")
        return side_by_side(self.front_ends, self._lengthen(blocks))

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of a recording: see `mirkit.model.Model`.

        Memory is bounded by a few windows, and by the heads by frame where those are wanted.

        Parameters
        ----------
        x
            The consecutive blocks of one recording at `sample_rate`, of one channel or several,
            which are mixed; or features of the front end of a network that takes nothing else.
        heads
            ``tags`` (probabilities in the clip) and ``embedding``, which are the usual ones;
            ``frame_embedding`` and, where the network has it, ``frames``: at the clock of the
            network, or a row per window.

        Raises
        ------
        ParameterError
            Where there is nothing, or features come from another front end.
        UnknownName
            Where the network has no such head.
        """
        features = features_of(x)
        places = self._places(x) if features is None else self._frames(features)  # type: ignore[arg-type]
        usual = [name for name in CLIP if name in self.specs]
        specs = choose_heads(self.specs, heads, usual)
        found = windows.run(self.layout, places, self._net, specs, self._grid, self.n_batch)
        return Activations(found, self.provenance)

    @property
    def layout(self) -> windows.Overlap:
        """The windows of long recordings.

        Raises
        ------
        ParameterError
            Where the overlap leaves windows no step forward.
        """
        rate = self._grid.rate
        length = self._n_samples
        if self.takes_features and self.front_end is not None:
            length = self.front_end.n_frames(length)
        if self.shape.max_length is not None:
            length = min(length, int(self.shape.max_length * rate / self._inner.rate))
        hop = length - int(self.config.overlap * rate)
        if self.shape.step is not None:  # so rows of neighbors fall together
            per_row = (rate * self.shape.step / self._inner.rate).numerator
            hop = hop // per_row * per_row
        if hop < 1:
            raise ParameterError(
                f"overlap is {self.config.overlap} s: the network takes no more than that at once"
            )
        return windows.Overlap(length, hop)

    @property
    def _grid(self) -> FrameGrid:
        """The clock of the places (frames or samples) that windows are cut from."""
        if self.takes_features and self.front_end is not None:
            return self.front_end.grid
        return FrameGrid(Fraction(self.sample_rate))

    @property
    def _inner(self) -> FrameGrid:
        """The clock of the first input of the network, in which its `Shape` counts."""
        if self.front_end is not None and self.run.inputs[0] == "features":
            return self.front_end.grid
        return FrameGrid(Fraction(self.sample_rate))

    @property
    def _rows(self) -> tuple[Fraction, float] | None:
        """Return the places from one row of the heads by frame to the next, and that of row 0."""
        if self.shape.step is None:
            return None
        first = (self.shape.step - 1) / 2 if self.shape.first is None else self.shape.first
        place = float(self._grid.position_of(self._inner.time_of(first)))
        return self._grid.rate * self.shape.step / self._inner.rate, place

    def _frames(self, given: Mapping[str, Features]) -> Iterator[Floats32]:
        features = next(iter(given.values()))
        if not self.front_ends:
            raise ParameterError(f"{self.card.name!r} takes samples, not features alone")
        check_source(features, self.front_ends[0].name)
        if not features.n_frames:
            raise ParameterError("the recording is empty: the features hold no frames")
        yield features.values

    @property
    def _n_samples(self) -> int:
        return round(self.config.window * self.sample_rate)

    def _places(self, blocks: Blocks) -> Iterator[Floats32]:
        """Yield the places that windows are cut from: frames, or the samples of one channel."""
        long = self._lengthen(blocks)
        if self.front_end is None or not self.takes_features:
            return mono_slices(long, self.sample_rate)
        return self.front_end.stream(long)

    def _lengthen(self, blocks: Blocks) -> Blocks:
        return blocks if self.front_end is None else lengthen(blocks, self.front_end)

    def _net(self, batch: list[windows.Window]) -> Mapping[str, Floats32]:
        """Run the network on windows, padded where they are too short for it."""
        given = np.stack([window.values for window in batch])
        feed = {"features" if self.takes_features else "samples": given}
        if self.front_end is not None and not self.takes_features:
            rows = [self.front_end(Audio(samples, self.sample_rate)).values for samples in given]
            feed["features"] = np.stack(rows)
        rules = zip(self.run.inputs, self.shape.min_length, self.shape.silence, strict=True)
        return self.run.batch(
            **{name: windows.pad(feed[name], least, silence) for name, least, silence in rules}
        )

    @classmethod
    def _draw(cls, card: Card, seed: int, settings: Settings) -> Tagger:
        config = TagConfig.from_dict(card.config)
        net = settings.place(random_net(config, card, seed))
        return cls.from_net(net, card, config)._batch(settings)

    @classmethod
    def _from_onnx(cls, path: Path, card: Card, settings: Settings) -> Tagger:
        session = settings.session(path)
        kept = session.metadata
        if "shape" not in kept:
            raise WeightsError(
                f"{path} does not say how long its inputs are. Was it written by "
                "mirkit.backbones.tagging.export_tagger?"
            )
        config, shape = fitting(path, kept, card), Shape.from_json(kept["shape"])
        model = cls(session, config, shape, card, kept.get("weights_sha256"))
        return model._batch(settings)

    @classmethod
    def _from_tensors(cls, path: Path, card: Card, settings: Settings) -> Tagger:
        content, kept = content_of(path)
        config = fitting(path, kept, card)
        if "config" not in kept:
            config = told(config, card, content, path)
        net = random_net(config, card, seed=0)
        fill(net, content, path)
        net = settings.place(net)
        return cls.from_net(net, card, config, checkpoints.sha256_of(path))._batch(settings)

    def _batch(self, settings: Settings) -> Tagger:
        return replace(self, n_batch=settings.n_batch or self.n_batch)


def lengthen(blocks: Blocks, front_end: FrontEnd) -> Iterator[Floats32]:
    """Yield the blocks, and zeros after them where they are too short for a single frame."""
    n_samples, shape = 0, (1,)
    for block in blocks:
        n_samples += block.shape[-1]
        shape = block.shape
        yield block
    missing = shortest(front_end) - n_samples if n_samples else 0
    if missing > 0:
        yield np.zeros((*shape[:-1], missing), np.float32)


def shortest(front_end: FrontEnd) -> int:
    """Return the number of samples of the shortest recording that gives a frame."""
    high = 1
    while front_end.n_frames(high) < 1:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if front_end.n_frames(middle) >= 1 else (middle, high)
    return high
