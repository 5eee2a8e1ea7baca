"""What the networks for chords and for keys have in common: a CRNN on tuned features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Features, Head
from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import VQT, front_end, tuned, tuning_of
from mirkit.zoo.networks import Network
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Runner


class HarmonyCRNN(Network[CRNNConfig]):
    """A CRNN; recordings that are not at A4 = 440 Hz are brought there first, in the features."""

    @classmethod
    def configured(cls, values: Mapping[str, Any]) -> CRNNConfig:
        """Return the configuration that a card or a checkpoint holds."""
        return CRNNConfig.from_dict(values)

    @classmethod
    def made(cls, config: CRNNConfig) -> Any:
        """Return a new network in torch, whose weights follow torch's seed."""
        from mirkit.backbones.crnn.network import CRNN

        return CRNN(config)

    @classmethod
    def runner(cls, net: Any) -> Runner:
        """Return what runs a network in torch."""
        from mirkit.backbones.crnn.export import crnn_runner

        return crnn_runner(net)

    @classmethod
    def fitting(cls, path: Path, kept: Mapping[str, str], card: Card) -> CRNNConfig:
        """Return the configuration of a checkpoint that hears what the card's model hears."""
        config = super().fitting(path, kept, card)
        expected = cls.configured(card.config).task
        if config.task != expected:
            raise WeightsError(
                f"{path} hears {config.task}, and {card.name!r} {expected}; are the two swapped?"
            )
        return config

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
        self.check_features(features)
        heard = tuned(features, self.tuning_cents(features), _vqt(self.front_end))
        outputs = self.outputs(heard.values, weight)
        heads = {name: self.head(name, values, features) for name, values in outputs.items()}
        return Activations(heads, self.provenance)

    @abstractmethod
    def head(self, name: str, values: NDArray[np.float32], features: Features) -> Head:
        """Return an output of the network with its labels and its clock."""


def _vqt(name: str) -> VQT:
    found = front_end(name)
    if not isinstance(found, VQT):
        raise ParameterError(
            f"front end {name!r} has no bins of equal pitch; this model needs them"
        )
    return found
