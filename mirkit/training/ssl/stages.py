"""The two stages of a round: codes of masked patches, and a tokenizer that is distilled.

Each has a network with its surroundings in training, losses, of which `score` validates (higher is
better), and the codes that it predicts or learns.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.beats.network import BEATs
from mirkit.backbones.beats.pretraining import (
    Distiller,
    MaskedBEATs,
    kept_places,
    masked_places,
    standardized,
)
from mirkit.backbones.beats.tokenizer import RandomTokenizer, Tokenizer
from mirkit.training.ssl.checkpoints import MODEL, TOKENIZER
from mirkit.training.ssl.recipe import SSLLossSettings, SSLModelSettings

Losses = dict[str, Tensor]
Metadata = dict[str, object]


@dataclass(frozen=True)
class MaskedPrediction:
    """A network learns to predict the codes of masked patches.

    Parameters
    ----------
    model, loss
        Tables of the recipe.
    tokens
        Tokenizer whose codes are predicted.
    """

    model: SSLModelSettings
    loss: SSLLossSettings
    tokens: RandomTokenizer | Tokenizer
    score: ClassVar[str] = "accuracy"

    @property
    def n_codes(self) -> int:
        """Size of the codebook."""
        return self.tokens.n_codes

    def network(self) -> MaskedBEATs:
        """Return a new network, with its predictor."""
        net = BEATs(n_classes=0, **asdict(self.model.config))
        return MaskedBEATs(net, self.n_codes, self.model.predictor_depth)

    def losses(self, net: nn.Module, features: Tensor, masks: torch.Generator | None) -> Losses:
        """Return the cross-entropy of masked codes, and the share that is right.

        The features are ``(batch, n_frames, n_bins)``; `masks` seeds the masks in validation.
        """
        config = self.model.config
        n_patches = features.shape[1] // config.patch * config.n_rows
        device = features.device if masks is None else masks.device
        chance = torch.rand(len(features), n_patches, generator=masks, device=device)
        kept = kept_places(chance.to(features.device), self.loss.mask)
        is_masked = masked_places(kept, n_patches)
        codes = self.tokens.codes(features)[is_masked]
        logits = net(features, kept)[is_masked]  # (n_masked, n_codes)
        accuracy = (logits.argmax(-1) == codes).float().mean()
        return {"loss": F.cross_entropy(logits, codes), "accuracy": accuracy}

    def codes(self, net: nn.Module, features: Tensor) -> Tensor:
        """Return the code of each patch, whatever the network."""
        return self.tokens.codes(features)

    def strip(self, net: nn.Module) -> tuple[nn.Module, Metadata]:
        """Return the network without its predictor."""
        assert isinstance(net, MaskedBEATs)
        entry = f"{BEATs.__module__}:{BEATs.__name__}"
        config = {"labels": [], "backbone": entry, "settings": asdict(net.net.config)}
        return net.net, {"kind": MODEL, "config": config}


@dataclass(frozen=True)
class TokenizerDistillation:
    """A tokenizer learns codes from which the output of a teacher can be estimated.

    Parameters
    ----------
    model, loss
        Tables of the recipe.
    teacher
        Network of the stage before.
    """

    model: SSLModelSettings
    loss: SSLLossSettings
    teacher: BEATs
    score: ClassVar[str] = "cosine"

    @property
    def n_codes(self) -> int:
        """Size of the codebook."""
        return self.model.n_codes

    def network(self) -> Distiller:
        """Return a new tokenizer, with its estimator."""
        model = self.model
        tokenizer = Tokenizer(
            model.config, model.n_codes, model.code_dim, model.code_decay, model.code_idle
        )
        return Distiller(tokenizer, self.teacher.config, model.predictor_depth)

    def losses(self, net: nn.Module, features: Tensor, masks: torch.Generator | None) -> Losses:
        """Return the distance from the teacher's output, and from the codes."""
        with torch.no_grad():
            target = standardized(self.teacher.encoder(self.teacher.tokens(features)))
        estimate, distance, _ = net(features)
        cosine = F.cosine_similarity(estimate, target, dim=-1).mean()
        loss = 1 - cosine + self.loss.commitment * distance
        return {"loss": loss, "cosine": cosine, "distance": distance}

    def codes(self, net: nn.Module, features: Tensor) -> Tensor:
        """Return the code of each patch by the tokenizer that learns."""
        assert isinstance(net, Distiller)
        return net.tokenizer.codes(features)

    def strip(self, net: nn.Module) -> tuple[nn.Module, Metadata]:
        """Return the tokenizer without its estimator."""
        assert isinstance(net, Distiller)
        return net.tokenizer, {"kind": TOKENIZER, **net.tokenizer.settings}


Stage = MaskedPrediction | TokenizerDistillation
