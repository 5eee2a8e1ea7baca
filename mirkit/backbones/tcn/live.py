"""The causal TCN in blocks of any length: its contexts come in, and go out, beside the frames."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mirkit.backbones.runner import TorchRunner
from mirkit.backbones.tcn.network import TCN, ResidualBlock
from mirkit.errors import NotStreamable


class LiveTCN(nn.Module):
    """A causal `TCN` that goes on where the last block ended: what is exported, and run.

    What it says of consecutive blocks, however long, is what the network says of all frames at
    once. Frame i of a block is answered for frame ``i - lookahead``. The tempo, which is pooled
    over a clip, is given frame by frame before pooling: the head is linear, so the mean of these
    logits over any frames is the head's answer to those frames.

    Parameters
    ----------
    net
        The network, with a look-ahead.

    Raises
    ------
    NotStreamable
        Where it has none: a centered network needs the future.
    """

    def __init__(self, net: TCN) -> None:
        super().__init__()
        if net.config.lookahead is None:
            raise NotStreamable(
                "this network is centred on its frames (lookahead is None), so it needs all of a "
                "recording; train one with a lookahead"
            )
        self.net = net

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Return beat, downbeat ``(batch, n_frames)``, tempo logits, and the next states.

        Parameters
        ----------
        features
            Shape ``(batch, n_frames, n_bins)``.
        *states
            Shapes ``(batch, *shape)``, as ``TCNConfig.states`` says.
        """
        front, *contexts = states
        known = torch.cat([front, features], dim=1)  # (batch, 4 + n_frames, n_bins)
        after = [known[:, -4:]]
        x = self.net.convs(known)  # (batch, n_filters, n_frames)
        skips = torch.zeros(1, dtype=x.dtype, device=x.device)
        for block, context in zip(self.net.blocks, contexts, strict=True):
            x, skip, context = cast(ResidualBlock, block).after(context, x)
            skips = skips + skip
            after.append(context)
        beat, downbeat = self.net.heads.events(x)
        heads = [beat.sigmoid(), downbeat.sigmoid()]
        if self.net.heads.tempo is not None:
            pooled = self.net.heads.tempo_filters(skips)  # before the mean, frame by frame
            heads.append(self.net.heads.tempo(pooled.transpose(1, 2)))
        return (*heads, *after)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return ("features", *self.net.config.states)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: the heads, and each state as ``next_`` and its name."""
        heads = ("beat", "downbeat", "tempo") if self.net.config.n_tempi else ("beat", "downbeat")
        return (*heads, *(f"next_{name}" for name in self.net.config.states))


def live_runner(net: TCN) -> TorchRunner:
    """Return what runs the causal `net` in torch, block by block, as its export is run."""
    module = LiveTCN(net)
    return TorchRunner(module, module.inputs, module.outputs)
