"""What the networks for chords and for keys have in common: a CRNN on tuned features."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mirkit import __version__, checkpoints, checks
from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.backbones.crnn_config import CRNNConfig
from mirkit.errors import MissingExtra, ParameterError, WeightsError
from mirkit.features import VQT, front_end, tuned, tuning_of
from mirkit.registry import Card
from mirkit.runtime import Runner, Session


@dataclass(frozen=True)
class HarmonyCRNN(ABC):
    """A CRNN with its labels, run by onnxruntime or by torch, which give the same numbers.

    Recordings that are not at A4 = 440 Hz are brought there first, in the features.

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
    config: CRNNConfig
    front_end: str
    provenance: Provenance

    @classmethod
    def from_card(
        cls,
        card: Card,
        weights: str | Path | None = None,
        *,
        download: bool = False,
        n_threads: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Return the model of `card`.

        Parameters
        ----------
        card
            The card.
        weights
            A path or URL of ``.onnx`` (run by onnxruntime) or ``.safetensors`` (run by torch),
            ``"random"``, or None for what the card names.
        download
            Whether a URL may be fetched.
        n_threads
            Threads of onnxruntime.
        seed
            What random weights are drawn with.

        Raises
        ------
        WeightsError
            Where there are no weights, or they belong to another network.
        """
        if weights == "random":
            return cls.from_net(_random_net(CRNNConfig.from_dict(card.config), seed), card)
        if weights is None:
            weights, sha256 = _weights_of(card), card.sha256
        else:
            sha256 = None
        path = checkpoints.locate(weights, sha256, download)
        if path.suffix == ".onnx":
            return cls._from_onnx(path, card, n_threads)
        return cls._from_tensors(path, card)

    @classmethod
    def from_net(cls, net: Any, card: Card, weights_hash: str | None = None) -> Self:
        """Return the model that runs the torch network `net`, in training perhaps."""
        from mirkit.backbones.crnn_export import CRNNSession

        return cls(
            CRNNSession(net), net.config, _front_end_of(card), _provenance(card, weights_hash)
        )

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its activations noticeably depend on."""
        return self.config.receptive_field

    def tuning_cents(self, features: Features) -> float:
        """Return how far the recording is above A4 = 440 Hz, in [-50, 50) [cents]."""
        return tuning_of(features, _vqt(self.front_end))

    def __call__(
        self, features: Features, weight: NDArray[np.float32] | None = None
    ) -> Activations:
        """Return the heads.

        Parameters
        ----------
        features
            From the front end that the network was trained on, as they are; they are tuned here.
        weight
            How much each frame counts in heads at clip level, shape ``(n_frames,)``; all alike
            where None.
        """
        if features.front_end != self.front_end:
            raise ParameterError(
                f"features come from {features.front_end!r}; this network was trained on "
                f"{self.front_end!r}"
            )
        if features.n_frames == 0:
            raise ParameterError("features hold no frames; is the recording empty?")
        if weight is None:
            weight = np.ones(features.n_frames, dtype=np.float32)
        checks.same_length("weight", weight, features.n_frames)
        heard = tuned(features, self.tuning_cents(features), _vqt(self.front_end))
        inputs = {"features": heard.values, "weight": weight}
        outputs = self.run(**{name: inputs[name] for name in self.run.inputs})
        heads = {name: self.head(name, values, features) for name, values in outputs.items()}
        return Activations(heads, self.provenance)

    @abstractmethod
    def head(self, name: str, values: NDArray[np.float32], features: Features) -> Head:
        """Return an output of the network with its labels and its clock."""

    @classmethod
    def _from_onnx(cls, path: Path, card: Card, n_threads: int | None) -> Self:
        session = Session(path, n_threads)
        kept = session.metadata
        config = _config_of(path, kept, card)
        return cls(
            session, config, _front_end_of(card), _provenance(card, kept.get("weights_sha256"))
        )

    @classmethod
    def _from_tensors(cls, path: Path, card: Card) -> Self:
        tensors, kept = checkpoints.load_tensors(path)
        net = _random_net(_config_of(path, kept, card), seed=0)
        try:
            net.load_state_dict(tensors)
        except RuntimeError as error:
            raise WeightsError(
                f"{path} does not fit the network of {card.name!r}: {error}"
            ) from None
        return cls.from_net(net, card, checkpoints.sha256_of(path))


def _vqt(name: str) -> VQT:
    found = front_end(name)
    if not isinstance(found, VQT):
        raise ParameterError(
            f"front end {name!r} has no bins of equal pitch; this model needs them"
        )
    return found


def _random_net(config: CRNNConfig, seed: int) -> Any:
    try:
        import torch
    except ImportError:
        install = "pip install 'mirkit[torch]'"
        raise MissingExtra("torch", install, "a network that is not an .onnx file") from None
    from mirkit.backbones.crnn import CRNN

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CRNN(config).eval()


def _weights_of(card: Card) -> str:
    if card.weights is None:
        raise WeightsError(
            f"model {card.name!r} comes without weights. Give weights='path.onnx' or "
            "'path.safetensors' that you have trained, or weights='random' to train from."
        )
    return card.weights


def _front_end_of(card: Card) -> str:
    if card.front_end is None:
        raise ParameterError(f"{card.source} has no field 'front_end'; this model needs it")
    return card.front_end


def _config_of(path: Path, kept: Any, card: Card) -> CRNNConfig:
    """Return the configuration that a checkpoint holds, or the card's where it holds none."""
    theirs = kept.get("front_end", card.front_end)
    if theirs != card.front_end:
        raise WeightsError(
            f"{path} was trained on the front end {theirs!r}, and the card of {card.name!r} names "
            f"{card.front_end!r}: the weights belong to another model"
        )
    expected = CRNNConfig.from_dict(card.config)
    config = CRNNConfig.from_dict(json.loads(kept["config"])) if "config" in kept else expected
    if config.task != expected.task:
        raise WeightsError(
            f"{path} hears {config.task}, and {card.name!r} {expected.task}; are the two swapped?"
        )
    return config


def _provenance(card: Card, weights_hash: str | None) -> Provenance:
    return Provenance(card.name, __version__, weights_hash)
