"""CLAP at work: recordings and sentences as vectors in one space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.arrays import Blocks, Floats32
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import FrontEnd
from mirkit.features.base import mono_slices
from mirkit.model import Heard, features_of
from mirkit.sound.clap.text import HubTextEncoder, SmallTextEncoder, TextEncoder
from mirkit.sound.tag.loading import content_of
from mirkit.sound.tag.model import Tagger
from mirkit.zoo import checkpoints
from mirkit.zoo.networks import CardModel, Settings, with_seed
from mirkit.zoo.registry import Card

Fill = Literal["none", "repeat", "tile"]
"""What fills the window of a short recording: silence behind it; it repeated as often as it wholly
fits, and silence; it repeated and cut off."""


@dataclass(frozen=True)
class Clap(CardModel):
    """Two towers with one joint space: recordings and sentences that fit point the same way.

    Long recordings are heard in windows on a fixed grid, where published code draws one at random:
    the same recording always has the same vector.

    Parameters
    ----------
    audio
        The audio tower: a tagger without classes.
    text
        The text tower.
    card
        The card that it was made from.
    scale
        The inverse of the temperature: logits are cosines times it.
    fill
        What fills the window of a short recording.
    """

    audio: Tagger
    text: TextEncoder
    card: Card
    scale: float
    fill: Fill = "none"

    def __post_init__(self) -> None:
        if self.fill not in get_args(Fill):
            raise ParameterError(f"fill is {self.fill!r}; it is one of {', '.join(get_args(Fill))}")

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return self.audio.n_bytes + self.text.n_bytes

    @property
    def provenance(self) -> Provenance:
        """Provenance of its vectors."""
        return self.audio.provenance

    @property
    def sample_rate(self) -> int:
        """Sample rate of the blocks [Hz]."""
        return self.audio.sample_rate

    @property
    def front_ends(self) -> tuple[FrontEnd, ...]:
        """The front ends whose features are enough; none where samples are repeated first."""
        return self.audio.front_ends if self.fill == "none" else ()

    def features(self, blocks: Blocks) -> tuple[Features, ...]:
        """Return the features of a recording."""
        return self.audio.features(blocks)

    def embed_texts(self, texts: Sequence[str]) -> Floats32:
        """Return unit vectors of sentences, ``(n_texts, n_joint)``."""
        return self.text.embed(texts)

    def activations(self, x: Heard, heads: Iterable[str] | None = None) -> Activations:
        """Return unit vectors of a recording: see `mirkit.model.Model`.

        Parameters
        ----------
        x
            The consecutive blocks of one recording at `sample_rate`, or its features.
        heads
            ``embedding``, of the whole recording, which is the usual one; ``frame_embedding``: a
            row per frame, or per window where the tower has no frames.
        """
        wanted = ("embedding",) if heads is None else tuple(heads)
        blocks = x if features_of(x) is not None or self.fill == "none" else self._filled(x)
        found = self.audio.activations(blocks, wanted)
        units = {name: _unit(head) for name, head in found.items()}
        return Activations(units, found.provenance, found.duration)

    def _filled(self, blocks: Any) -> Iterator[Floats32]:
        """Yield mono blocks, then more of the same where they are shorter than a window."""
        length = round(self.audio.config.window * self.sample_rate)
        kept: list[Floats32] = []
        n_samples = 0
        for block in mono_slices(blocks, self.sample_rate):
            n_samples += len(block)
            if n_samples < length:
                kept.append(block)
            yield block[None]
        if 0 < n_samples < length:
            yield fill_up(np.concatenate(kept), length, self.fill)[None]

    @classmethod
    def _draw(cls, card: Card, seed: int, settings: Settings) -> Clap:
        return cls._from_net(with_seed(lambda: _make(card), seed), card, None, settings)

    @classmethod
    def _from_onnx(cls, path: Path, card: Card, settings: Settings) -> Clap:
        audio = Tagger._from_onnx(path, _audio_card(card), settings)
        kept: Mapping[str, str] = settings.session(path).metadata
        if "scale" not in kept:
            raise WeightsError(f"{path} has no scale; is it an audio tower of CLAP?")
        text = SmallTextEncoder.beside(path, kept.get("text_sha256"), settings.n_threads)
        return cls(audio, text, card, float(kept["scale"]), card.config.get("fill", "none"))

    @classmethod
    def _from_tensors(cls, path: Path, card: Card, settings: Settings) -> Clap:
        from mirkit.backbones.clap.published import map_for
        from mirkit.backbones.published import load_published
        from mirkit.zoo.state_dicts import state_dict_in

        content, _ = content_of(path)
        net = with_seed(lambda: _make(card), seed=0)
        keys = map_for(list(state_dict_in(content)), card.config["published"])
        try:
            load_published(net, content, keys)
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from None
        return cls._from_net(net, card, checkpoints.sha256_of(path), settings)

    @classmethod
    def _from_net(cls, net: Any, card: Card, weights_hash: str | None, settings: Settings) -> Clap:
        net = settings.place(net.eval())
        audio = Tagger.from_net(net.audio, _audio_card(card), None, weights_hash)
        audio = replace(audio, n_batch=settings.n_batch or audio.n_batch)
        told = card.config["text"]
        text = HubTextEncoder(net.text, told["tokenizer"], told.get("max_length", 77))
        scale = float(net.scale.detach())
        return cls(audio, text, card, scale, card.config.get("fill", "none"))


def fill_up(samples: Floats32, length: int, fill: Fill) -> Floats32:
    """Return what follows `samples` so that there are `length`.

    Examples
    --------
    >>> x = np.array([1, 2], np.float32)
    >>> fill_up(x, 5, "repeat").tolist(), fill_up(x, 5, "tile").tolist()
    ([1.0, 2.0, 0.0], [1.0, 2.0, 1.0])
    """
    n_more = length - len(samples)
    if fill == "none":
        return np.zeros(n_more, np.float32)
    if fill == "tile":
        return np.resize(samples, length)[len(samples) :]
    again = np.tile(samples, length // len(samples) - 1)
    return np.concatenate([again, np.zeros(n_more - len(again), np.float32)])


def _unit(head: Head) -> Head:
    """Return a head whose rows have length 1: means over windows are shorter."""
    lengths = np.linalg.norm(head.values, axis=1, keepdims=True)
    return replace(head, values=head.values / np.maximum(lengths, 1e-12))


def _audio_card(card: Card) -> Card:
    """Return the card of the audio tower: that of a tagger without classes."""
    return replace(card, config={"labels": [], **card.config.get("audio", {})})


def _make(card: Card) -> Any:
    from mirkit.backbones.clap.network import make_clap

    return make_clap(dict(card.config))
