"""The network that hears beats: from features to beat, downbeat and tempo activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Features, Head
from mirkit.backbones.tcn.config import TCNConfig
from mirkit.zoo.networks import Network
from mirkit.zoo.runtime import Runner


class TCNNetwork(Network[TCNConfig]):
    """A `Network` whose network is a TCN."""

    @classmethod
    def configured(cls, values: Mapping[str, Any]) -> TCNConfig:
        """Return the configuration that a card or a checkpoint holds."""
        return TCNConfig.from_dict(values)

    @classmethod
    def made(cls, config: TCNConfig) -> Any:
        """Return a new network in torch, whose weights follow torch's seed."""
        from mirkit.backbones.tcn.network import TCN

        return TCN(config)


class BeatTCN(TCNNetwork):
    """A TCN that takes the features of a whole recording, or of a window of it."""

    @classmethod
    def runner(cls, net: Any) -> Runner:
        """Return what runs a network in torch."""
        from mirkit.backbones.tcn.inference import tcn_runner

        return tcn_runner(net)

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
        self.check_features(features)
        outputs = self.outputs(features.values, weight)
        return Activations(
            {name: _head(name, values, features) for name, values in outputs.items()},
            self.provenance,
        )


def _head(name: str, values: NDArray[np.float32], features: Features) -> Head:
    if name == "tempo":
        labels = tuple(str(bpm) for bpm in range(len(values)))
        return Head(values[None], labels, None, "softmax")
    return Head(values[:, None], (name,), features.grid)
