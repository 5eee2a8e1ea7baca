"""CLAP in torch: two towers, each with a projection into the joint space, and a temperature."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.clap.text import HubText

INIT_LOG_SCALE = math.log(1 / 0.07)
"""Where training starts: a temperature of .07."""

ProjectionKind = Literal["relu", "residual"]


class ReluProjection(nn.Module):
    """Two linear maps with a ReLU between them: the projection of LAION's CLAP."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(n_in, n_out)
        self.linear2 = nn.Linear(n_out, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(…, n_in)`` to ``(…, n_out)``."""
        y: Tensor = self.linear2(F.relu(self.linear1(x)))
        return y


class ResidualProjection(nn.Module):
    """A linear map, and a second one added to it, normed: the projection of Microsoft's CLAP."""

    def __init__(self, n_in: int, n_out: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.linear1 = nn.Linear(n_in, n_out, bias=False)
        self.linear2 = nn.Linear(n_out, n_out, bias=False)
        self.layer_norm = nn.LayerNorm(n_out)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(…, n_in)`` to ``(…, n_out)``."""
        first = self.linear1(x)
        y: Tensor = self.layer_norm(first + self.drop(self.linear2(F.gelu(first))))
        return y


PROJECTIONS: dict[str, type[ReluProjection] | type[ResidualProjection]] = {
    "relu": ReluProjection,
    "residual": ResidualProjection,
}


class AudioTower(Backbone):
    """A backbone whose embedding is projected into the joint space: a backbone without classes.

    Parameters
    ----------
    body
        The backbone.
    n_joint
        Dimensions of the joint space.
    projection
        ``"relu"`` or ``"residual"``.

    Notes
    -----
    Embeddings have length 1, so the mean over the windows of a long recording gives each its say.
    """

    published: ClassVar[None] = None

    def __init__(self, body: Backbone, n_joint: int, projection: ProjectionKind = "relu") -> None:
        super().__init__()
        self.inputs = body.inputs  # type: ignore[misc]
        for name in ("front_end", "n_bins", "sample_rate", "min_length", "silence", "max_length"):
            setattr(self, name, getattr(body, name))
        self.step, self.first, self.exports = body.step, body.first, body.exports
        self.n_classes, self.n_embedding = 0, n_joint
        self.body = body
        self.projection = PROJECTIONS[projection](body.n_embedding, n_joint)

    def listen(self, *inputs: Tensor) -> Output:
        """Return embeddings ``(batch, n_joint)`` of length 1, and by frame where the body can."""
        y = self.body(*inputs)
        embedding = F.normalize(self.projection(y.embedding), dim=-1)
        return Output(embedding[:, :0], embedding, None, self._by_frame(y.frame_embedding))

    def _by_frame(self, rows: Tensor | None) -> Tensor | None:
        """Project rows by frame, where they are of the kind that the projection takes."""
        if rows is None or rows.shape[-1] != self.body.n_embedding:
            return None
        return F.normalize(self.projection(rows), dim=-1)


class TextTower(nn.Module):
    """A text encoder whose embedding is projected into the joint space.

    Parameters
    ----------
    net
        The encoder: from tokens to ``(batch, n_embedding)``.
    n_joint
        Dimensions of the joint space.
    projection
        ``"relu"`` or ``"residual"``.
    """

    def __init__(self, net: HubText, n_joint: int, projection: ProjectionKind = "relu") -> None:
        super().__init__()
        self.net = net
        self.projection = PROJECTIONS[projection](net.n_embedding, n_joint)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map tokens ``(batch, n_tokens)`` and their mask to ``(batch, n_joint)`` of length 1."""
        return F.normalize(self.projection(self.net(ids, mask)), dim=-1)


class Clap(nn.Module):
    """Contrastive language-audio pretraining: the two towers and their temperature.

    Parameters
    ----------
    audio
        From features or samples to embeddings of length 1.
    text
        From tokens to embeddings of length 1.

    References
    ----------
    Y. Wu et al., "Large-scale contrastive language-audio pretraining with feature fusion and
    keyword-to-caption augmentation", ICASSP 2023.
    B. Elizalde et al., "CLAP: learning audio concepts from natural language supervision",
    ICASSP 2023.
    """

    def __init__(self, audio: AudioTower, text: nn.Module) -> None:
        super().__init__()
        self.audio, self.text = audio, text
        self.log_scale = nn.Parameter(torch.tensor(INIT_LOG_SCALE))

    @property
    def scale(self) -> Tensor:
        """The inverse of the temperature, by which cosines are multiplied."""
        return self.log_scale.exp()

    def forward(self, audio: tuple[Tensor, ...], ids: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of each recording with each text, ``(n_recordings, n_texts)``.

        Parameters
        ----------
        audio
            The inputs of the audio tower.
        ids, mask
            Tokens and their mask, ``(n_texts, n_tokens)``.
        """
        y: Tensor = self.scale * self.audio(*audio).embedding @ self.text(ids, mask).T
        return y


def make_clap(config: dict[str, Any]) -> Clap:
    """Return the network that the configuration of a published CLAP describes.

    Parameters
    ----------
    config
        ``body`` (``"module:Class"``) and its ``settings``; ``text``: ``kind`` and ``settings`` of
        `HubText`; ``n_joint``; ``projection``.
    """
    from importlib import import_module

    module, _, name = config["body"].partition(":")
    body = getattr(import_module(module), name)(**config.get("settings", {}))
    text = HubText(config["text"]["kind"], config["text"].get("settings", {}))
    kind, n_joint = config["projection"], config["n_joint"]
    return Clap(AudioTower(body, n_joint, kind), TextTower(text, n_joint, kind))
