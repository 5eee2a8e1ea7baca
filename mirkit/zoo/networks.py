"""Networks and their weights: the part of a model that a checkpoint fills."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from mirkit import __version__
from mirkit.activations import Features, Provenance
from mirkit.errors import MissingExtra, ParameterError, WeightsError
from mirkit.zoo import checkpoints
from mirkit.zoo.origins import locate_weights
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Runner, Session, providers_of

Config = TypeVar("Config")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that a network is run with.

    Parameters
    ----------
    n_threads
        Threads of onnxruntime, or None for its default.
    device
        ``"cpu"``, ``"cuda"``, …; None for the CPU.
    n_batch
        Windows that the network is given at once, or None for its default.
    """

    n_threads: int | None = None
    device: str | None = None
    n_batch: int | None = None

    def session(self, path: Path) -> Session:
        """Return a session of onnxruntime with these settings."""
        return Session(path, self.n_threads, providers_of(self.device))

    def place(self, net: Any) -> Any:
        """Return a torch network on the device."""
        return net if self.device is None else net.to(self.device)


class CardModel(ABC):
    """A model that a card describes, whose weights lie in a file of one of two kinds.

    A kind of model says how it is drawn at random (`_draw`), and how it is made from a file of
    onnxruntime (`_from_onnx`) or of tensors (`_from_tensors`).
    """

    @classmethod
    @abstractmethod
    def _draw(cls, card: Card, seed: int, settings: Settings) -> Self: ...

    @classmethod
    @abstractmethod
    def _from_onnx(cls, path: Path, card: Card, settings: Settings) -> Self: ...

    @classmethod
    @abstractmethod
    def _from_tensors(cls, path: Path, card: Card, settings: Settings) -> Self: ...

    @classmethod
    def from_card(
        cls,
        card: Card,
        weights: str | Path | None = None,
        *,
        download: bool = False,
        n_threads: int | None = None,
        device: str | None = None,
        n_batch: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Return the model of `card`.

        Parameters
        ----------
        card
            The card.
        weights
            A path or URL of ``.onnx`` (run by onnxruntime), of ``.safetensors`` or ``.pt`` that
            mirkit has written, or of a checkpoint as its authors published it, for models that
            read those (run by torch); ``"random"``; or None for what the card names.
        download
            Whether a URL may be fetched.
        n_threads
            Threads of onnxruntime.
        device
            ``"cpu"``, ``"cuda"``, …; None for the CPU.
        n_batch
            Windows that the network is given at once, where it takes several.
        seed
            Seed of random weights.

        Raises
        ------
        WeightsError
            Where there are no weights, or they belong to another network.
        """
        settings = Settings(n_threads, device, n_batch)
        if weights == "random":
            return cls._draw(card, seed, settings)
        path = locate_weights(card, weights, download)
        if path.suffix == ".onnx":
            return cls._from_onnx(path, card, settings)
        return cls._from_tensors(path, card, settings)


@dataclass(frozen=True)
class Network(CardModel, Generic[Config]):
    """A network with its labels, run by onnxruntime or by torch, which give the same numbers.

    A kind of network says how its configuration is read (`configured`), how it is made in torch
    (`made`) and what runs it there (`runner`).

    Parameters
    ----------
    run
        What runs the network.
    config
        The shape of the network.
    front_end
        Name of the front end that it was trained on.
    provenance
        What its activations remember as their origin.
    """

    run: Runner
    config: Config
    front_end: str
    provenance: Provenance

    @classmethod
    @abstractmethod
    def configure(cls, values: Mapping[str, Any]) -> Config:
        """Return the configuration that a card or a checkpoint holds."""

    @classmethod
    @abstractmethod
    def build(cls, config: Config) -> Any:
        """Return a new network in torch, whose weights follow torch's seed."""

    @classmethod
    @abstractmethod
    def runner(cls, net: Any) -> Runner:
        """Return what runs a network in torch."""

    @classmethod
    def from_net(cls, net: Any, card: Card, weights_hash: str | None = None) -> Self:
        """Return the model that runs the torch network `net`, in training perhaps."""
        origin = Provenance(card.name, __version__, weights_hash)
        return cls(cls.runner(net), net.config, front_end_of(card), origin)

    def check_features(self, features: Features) -> None:
        """Refuse features of another front end, or of nothing.

        Raises
        ------
        ParameterError
            Where that is so.
        """
        check_source(features, self.front_end)
        if features.n_frames == 0:
            raise ParameterError("features hold no frames; is the recording empty?")

    @classmethod
    def fitting(cls, path: Path, kept: Mapping[str, str], card: Card) -> Config:
        """Return the configuration that a checkpoint holds, or the card's where it holds none.

        Raises
        ------
        WeightsError
            Where the checkpoint belongs to another model than the card.
        """
        check_front_end(path, kept, card)
        return cls.configure(json.loads(kept["config"]) if "config" in kept else card.config)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""
        return self.run.n_bytes

    @classmethod
    def _draw(cls, card: Card, seed: int, settings: Settings) -> Self:
        net = cls._random(cls.configure(card.config), seed)
        return cls.from_net(settings.place(net), card)

    @classmethod
    def _from_onnx(cls, path: Path, card: Card, settings: Settings) -> Self:
        session = settings.session(path)
        kept = session.metadata
        origin = Provenance(card.name, __version__, kept.get("weights_sha256"))
        return cls(session, cls.fitting(path, kept, card), front_end_of(card), origin)

    @classmethod
    def _from_tensors(cls, path: Path, card: Card, settings: Settings) -> Self:
        tensors, kept = checkpoints.load_tensors(path)
        net = cls._random(cls.fitting(path, kept, card), seed=0)
        try:
            net.load_state_dict(tensors)
        except RuntimeError as error:
            raise WeightsError(
                f"{path} does not fit the network of {card.name!r}: {error}"
            ) from None
        return cls.from_net(settings.place(net), card, checkpoints.sha256_of(path))

    @classmethod
    def _random(cls, config: Config, seed: int) -> Any:
        return with_seed(lambda: cls.build(config), seed)


def with_seed(make: Callable[[], Any], seed: int) -> Any:
    """Return the network that `make` makes in torch, whose weights follow `seed` alone.

    Raises
    ------
    MissingExtra
        Where torch is not installed.
    """
    try:
        import torch
    except ImportError:
        install = "pip install 'mirkit[torch]'"
        raise MissingExtra("torch", install, "a network that is not an .onnx file") from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().eval()


def check_front_end(path: Path, kept: Mapping[str, str], card: Card) -> None:
    """Refuse a checkpoint whose metadata name another front end than the card.

    Raises
    ------
    WeightsError
        Where that is so.
    """
    theirs = kept.get("front_end", card.front_end)
    if theirs != card.front_end:
        raise WeightsError(
            f"{path} was trained on the front end {theirs!r}, and the card of {card.name!r} "
            f"names {card.front_end!r}: the weights belong to another model"
        )


def check_source(features: Features, front_end: str) -> None:
    """Refuse features of another front end than the one named.

    Raises
    ------
    ParameterError
        Where that is so.
    """
    if features.front_end != front_end:
        raise ParameterError(
            f"features come from {features.front_end!r}; this network was trained on {front_end!r}"
        )


def front_end_of(card: Card) -> str:
    """Return the name of the front end that the card names; a network has one."""
    if card.front_end is None:
        raise ParameterError(f"{card.source} has no field 'front_end'; this model needs it")
    return card.front_end
