"""The base of chord and key networks: a CRNN on tuned features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.activations import Features, Head
from mirkit.arrays import Floats32
from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.errors import ParameterError, WeightsError
from mirkit.features import VQT, front_end, tune, tuning_of
from mirkit.model import FeatureModel
from mirkit.zoo.registry import Card
from mirkit.zoo.runtime import Runner

TUNING = "tuning"
"""Name of the head that holds the tuning."""


class HarmonyCRNN(FeatureModel[CRNNConfig]):
    """A CRNN; recordings that are not at A4 = 440 Hz are brought there first, in the features."""

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> CRNNConfig:
        """Return the configuration that a card or a checkpoint holds."""
        return CRNNConfig.from_dict(values)

    @classmethod
    def build(cls, config: CRNNConfig) -> Any:
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
        expected = cls.configure(card.config).task
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

    def prepare(
        self, own: Features, features: Mapping[str, Features]
    ) -> tuple[Floats32, dict[str, Head]]:
        """Return the frames as if the recording were at A4 = 440 Hz, and how far it is above."""
        cents = self.tuning_cents(own)
        head = Head(np.full((1, 1), cents, np.float32), ("cents",), None, "measure")
        return tune(own, cents, _vqt(self.front_end)).values, {TUNING: head}


def _vqt(name: str) -> VQT:
    found = front_end(name)
    if not isinstance(found, VQT):
        raise ParameterError(
            f"front end {name!r} has no bins of equal pitch; this model needs them"
        )
    return found
