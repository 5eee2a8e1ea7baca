"""The TCN as it is used: probabilities instead of logits, in torch."""

from __future__ import annotations

from torch import Tensor, nn

from mirkit.backbones.runner import TorchRunner
from mirkit.backbones.tcn.network import TCN


class Probabilities(nn.Module):
    """A `TCN` that gives probabilities: what is exported, and what its users want."""

    def __init__(self, net: TCN) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """Return beat, downbeat ``(batch, n_frames)`` and, where it is, tempo."""
        beat, downbeat, tempo = self.net(features, weight)
        frames = (beat.sigmoid(), downbeat.sigmoid())
        return frames if tempo is None else (*frames, tempo.softmax(dim=-1))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        has_tempo = self.net.config.n_tempi > 0
        return ("beat", "downbeat", "tempo") if has_tempo else ("beat", "downbeat")


def tcn_runner(net: TCN) -> TorchRunner:
    """Return what runs `net` in torch, as `mirkit.zoo.runtime.Session` runs its export."""
    module = Probabilities(net)
    return TorchRunner(module, ("features", "weight"), module.names)
