"""Text encoders of transformers: one vector for a text, as each published CLAP takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mirkit import checks
from mirkit.errors import MissingExtra

Pooling = Callable[[Any, Tensor], Tensor]


def _pooler(output: Any, mask: Tensor) -> Tensor:
    """Return the state of the first token behind a dense layer and a tanh."""
    y: Tensor = output.pooler_output
    return y


def _first(output: Any, mask: Tensor) -> Tensor:
    """Return the state of the first token."""
    y: Tensor = output.last_hidden_state[:, 0]
    return y


def _last(output: Any, mask: Tensor) -> Tensor:
    """Return the state of the last token that is no padding."""
    states = output.last_hidden_state
    y: Tensor = states[torch.arange(len(states)), mask.sum(dim=1) - 1]
    return y


@dataclass(frozen=True)
class _Kind:
    """A family of encoders.

    Parameters
    ----------
    config, model
        Names of its classes in transformers.
    pool
        From its output to one vector.
    end
        What a text ends with, beside what its tokenizer adds.
    takes_mask
        Whether it is told which tokens are padding.
    """

    config: str
    model: str
    pool: Pooling
    end: str = ""
    takes_mask: bool = True


KINDS: Mapping[str, _Kind] = {
    "roberta": _Kind("RobertaConfig", "RobertaModel", _pooler),
    "bert": _Kind("BertConfig", "BertModel", _first),
    # Microsoft's code hides no padding from GPT-2, which looks back alone: the state is the same.
    "gpt2": _Kind("GPT2Config", "GPT2Model", _last, " <|endoftext|>", takes_mask=False),
}


class HubText(nn.Module):
    """A text encoder of transformers, without weights until a checkpoint fills it.

    Parameters
    ----------
    kind
        ``"roberta"``, ``"bert"`` or ``"gpt2"``.
    settings
        Keyword arguments of its configuration; those of the base size where empty.

    Raises
    ------
    UnknownName
        Where there is no such kind.
    MissingExtra
        Where transformers is not installed.
    """

    def __init__(self, kind: str, settings: Mapping[str, Any]) -> None:
        super().__init__()
        checks.member("text encoder", kind, KINDS)
        self.kind = KINDS[kind]
        hub = _transformers()
        config = getattr(hub, self.kind.config)(**settings)
        self.body = getattr(hub, self.kind.model)(config)
        self.n_embedding = int(config.hidden_size)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map tokens ``(batch, n_tokens)`` and their mask to ``(batch, n_embedding)``."""
        given = {"attention_mask": mask} if self.kind.takes_mask else {}
        return self.kind.pool(self.body(input_ids=ids, **given), mask)


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        install = "pip install 'transformers>=5'"
        raise MissingExtra("transformers", install, "the text encoder of this CLAP") from None
    return transformers
