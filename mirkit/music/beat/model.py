"""The network that hears beats: from features to beat, downbeat and tempo activations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import __version__, checkpoints, checks
from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.backbones.tcn_config import TCNConfig
from mirkit.errors import MissingExtra, ParameterError, WeightsError
from mirkit.registry import Card
from mirkit.runtime import Runner, Session


@dataclass(frozen=True)
class BeatTCN:
    """A TCN with its labels, run by onnxruntime or by torch, which give the same numbers.

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
    config: TCNConfig
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
    ) -> BeatTCN:
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
            return cls.from_net(random_net(TCNConfig.from_dict(card.config), seed), card)
        path = locate(weights, card, download)
        if path.suffix == ".onnx":
            return cls(*open_onnx(path, card, n_threads))
        net, weights_hash = open_tensors(path, card)
        return cls.from_net(net, card, weights_hash)

    @classmethod
    def from_net(cls, net: Any, card: Card, weights_hash: str | None = None) -> BeatTCN:
        """Return the model that runs the torch network `net`, in training perhaps."""
        from mirkit.backbones.inference import TorchSession

        return cls(
            TorchSession(net), net.config, front_end_of(card), provenance(card, weights_hash)
        )

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its activations depend on."""
        return self.config.receptive_field

    def __call__(
        self, features: Features, weight: NDArray[np.float32] | None = None
    ) -> Activations:
        """Return the heads ``beat``, ``downbeat`` and, where the network has it, ``tempo``.

        Parameters
        ----------
        features
            From the front end that the network was trained on.
        weight
            How much each frame counts in the tempo, shape ``(n_frames,)``; all alike where None.
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
        inputs = {"features": features.values, "weight": weight}
        outputs = self.run(**{name: inputs[name] for name in self.run.inputs})
        return Activations(
            {name: _head(name, values, features) for name, values in outputs.items()},
            self.provenance,
        )


def _head(name: str, values: NDArray[np.float32], features: Features) -> Head:
    if name == "tempo":
        labels = tuple(str(bpm) for bpm in range(len(values)))
        return Head(values[None], labels, None, "softmax")
    return Head(values[:, None], (name,), features.grid)


def locate(weights: str | Path | None, card: Card, download: bool) -> Path:
    """Return the path of `weights`, or of what the card names where None.

    Raises
    ------
    WeightsError
        Where the card names none, or they are not there.
    """
    if weights is not None:
        return checkpoints.locate(weights, None, download)
    if card.weights is None:
        raise WeightsError(
            f"model {card.name!r} comes without weights: its published ones may not be shipped. "
            "Give weights='path.onnx' or 'path.safetensors' that you have trained, or "
            "weights='random' to train from."
        )
    return checkpoints.locate(card.weights, card.sha256, download)


def open_onnx(
    path: Path, card: Card, n_threads: int | None
) -> tuple[Session, TCNConfig, str, Provenance]:
    """Return what runs an ``.onnx`` file, its shape, its front end, its origin."""
    session = Session(path, n_threads)
    kept = session.metadata
    config = config_of(path, kept, card)
    return session, config, front_end_of(card), provenance(card, kept.get("weights_sha256"))


def open_tensors(path: Path, card: Card) -> tuple[Any, str]:
    """Return the network, in torch, that a checkpoint holds, and the checkpoint's hash.

    Raises
    ------
    WeightsError
        Where the weights belong to another network.
    """
    tensors, kept = checkpoints.load_tensors(path)
    net = random_net(config_of(path, kept, card), seed=0)
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit the network of {card.name!r}: {error}") from None
    return net, checkpoints.sha256_of(path)


def random_net(config: TCNConfig, seed: int) -> Any:
    """Return a network in torch whose weights follow `seed` alone."""
    try:
        import torch
    except ImportError:
        install = "pip install 'mirkit[torch]'"
        raise MissingExtra("torch", install, "a network that is not an .onnx file") from None
    from mirkit.backbones.tcn import TCN

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TCN(config).eval()


def front_end_of(card: Card) -> str:
    """Return the name of the front end that the card names; a network has one."""
    if card.front_end is None:
        raise ParameterError(f"{card.source} has no field 'front_end'; this model needs it")
    return card.front_end


def config_of(path: Path, kept: Any, card: Card) -> TCNConfig:
    """Return the configuration that a checkpoint holds, or the card's where it holds none."""
    theirs = kept.get("front_end", card.front_end)
    if theirs != card.front_end:
        raise WeightsError(
            f"{path} was trained on the front end {theirs!r}, and the card of {card.name!r} names "
            f"{card.front_end!r}: the weights belong to another model"
        )
    if "config" in kept:
        return TCNConfig.from_dict(json.loads(kept["config"]))
    return TCNConfig.from_dict(card.config)


def provenance(card: Card, weights_hash: str | None) -> Provenance:
    """Return what the activations of a network remember as their origin."""
    return Provenance(card.name, __version__, weights_hash)
