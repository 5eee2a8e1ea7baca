"""The beat network: from features to beat, downbeat and tempo activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mirkit.activations import Features, Head, HeadSpec
from mirkit.arrays import Floats32
from mirkit.backbones.tcn.config import TCNConfig
from mirkit.model import FeatureModel
from mirkit.music.beat import attacks, harmony, kick
from mirkit.zoo.runtime import Runner


class TCNModel(FeatureModel[TCNConfig]):
    """A `FeatureModel` whose network is a TCN."""

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> TCNConfig:
        """Return the configuration that a card or a checkpoint holds."""
        return TCNConfig.from_dict(values)

    @classmethod
    def build(cls, config: TCNConfig) -> Any:
        """Return a new network in torch, whose weights follow torch's seed."""
        from mirkit.backbones.tcn.network import TCN

        return TCN(config)


class BeatTCN(TCNModel):
    """The heads ``beat``, ``downbeat`` and perhaps ``tempo`` of the network, and three measures.

    ``kick`` says how much the lowest bands rise, ``chroma`` holds pitch classes, and ``attack`` the
    envelope that tells the places of beats to the millisecond.

    Examples
    --------
    >>> import numpy as np
    >>> from mirkit.zoo.registry import card
    >>> model = BeatTCN.from_card(card("beat-tcn"), "random")
    >>> {name: head.values.shape for name, head in
    ...  model.activations([np.zeros((1, 22050), np.float32)]).items()}
    {'beat': (50, 1), 'downbeat': (50, 1), 'tempo': (1, 300), 'kick': (50, 1), 'chroma': (10, 12),
     'attack': (401, 1)}
    """

    optional: ClassVar[tuple[str, ...]] = (harmony.FRONT_END, attacks.FRONT_END)

    @classmethod
    def runner(cls, net: Any) -> Runner:
        """Return what runs a network in torch."""
        from mirkit.backbones.tcn.inference import tcn_runner

        return tcn_runner(net)

    @property
    def specs(self) -> dict[str, HeadSpec]:
        """The declarations of the heads of the network."""
        specs = {name: HeadSpec((name,)) for name in ("beat", "downbeat")}
        if self.config.n_tempi:
            bpms = tuple(map(str, range(self.config.n_tempi)))
            specs["tempo"] = HeadSpec(bpms, "softmax", "clip")
        return specs

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames before and after a frame that its activations depend on."""
        return self.config.receptive_field

    def prepare(
        self, own: Features, features: Mapping[str, Features]
    ) -> tuple[Floats32, dict[str, Head]]:
        """Return the frames of the network, and the measures that there are features for."""
        more = {kick.HEAD: kick.kick_head(own)}
        if (semitones := features.get(harmony.FRONT_END)) is not None:
            more[harmony.HEAD] = harmony.chroma_head(semitones)
        if (envelope := features.get(attacks.FRONT_END)) is not None:
            more[attacks.HEAD] = attacks.attack_head(envelope)
        return own.values, more
