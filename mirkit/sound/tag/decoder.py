"""From the activations of a tagger to `Tags`: calibrated, ordered, cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations, Head
from mirkit.annotation import Embedding, Tags
from mirkit.arrays import Floats
from mirkit.calibration import Calibration
from mirkit.decoding.priors import exchange_prior, exchange_rates
from mirkit.errors import ParameterError
from mirkit.system import find_decoder
from mirkit.vocab.priors import Prior, Shares, expected_shares
from mirkit.vocab.tag_kinds import order_by_kind
from mirkit.zoo.registry import Card

DEFAULT_TOP = 10
ALL = "all"
"""Stands for no limit where None stands for the default."""


@dataclass(frozen=True)
class TagDecoder:
    """The labels with the highest scores.

    Parameters
    ----------
    top
        How many at most; None for all.
    threshold
        The lowest score that is kept, in [0, 1]; None for no such limit.
    calibration
        What is done to the scores first.
    prior
        How often each label is expected: ``"music"`` (in recorded sounds and music), ``"flat"`` (as
        the model expects it), or shares of the recordings by label, such as ``{"Dog": 0.3}``, the
        others as in ``"music"``; see `mirkit.vocab.priors`.
    learned
        How often the model, calibrated, expects each label; none where that is not known.
    specific_first
        Whether a bark comes before a dog, and a dog before an animal: a label has at least the
        score of its kinds, and follows a kind that has half of its score or more. Models whose
        card says what they expect do so unless asked; see `mirkit.vocab.tag_kinds`.
    """

    top: int | None = DEFAULT_TOP
    threshold: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    prior: Prior = "flat"
    learned: Shares = field(default_factory=dict)
    specific_first: bool = False

    def __post_init__(self) -> None:
        if self.top is not None:
            object.__setattr__(self, "top", checks.whole("top", self.top))
        checks.unit_number("threshold", self.threshold)
        if expected_shares("label", self.prior) is not None and not self.learned:
            raise ParameterError(
                f"prior is {self.prior!r}, and the model does not say how often it expects its "
                "labels; such a model takes 'flat' alone"
            )

    def __call__(self, activations: Activations) -> Tags:
        """Return the tags, best first.

        Raises
        ------
        ParameterError
            Where there is no head ``tags``, or it is not at clip level.
        """
        if "tags" not in activations:
            raise ParameterError(
                f"there is no head 'tags', only {', '.join(activations)}: the model has no "
                "classes. Was it only pre-trained? mirkit.embed takes its embedding"
            )
        head = activations["tags"]
        if head.n_frames != 1:
            raise ParameterError(
                f"the head 'tags' has {head.n_frames} rows; it has one for the clip. Is it the "
                "head 'frames'?"
            )
        labels, scores = head.labels, self._as_expected(head, self.calibration(head))[0]
        if self.specific_first and not head.kind.startswith("softmax"):
            ordered = order_by_kind(labels, dict(zip(labels, scores.tolist(), strict=True)))
            labels, scores = tuple(ordered), np.array([*ordered.values()])
        best = np.argsort(-scores, kind="stable")[: self.top]
        if self.threshold is not None:
            best = best[scores[best] >= self.threshold]
        return Tags(tuple(labels[i] for i in best), scores[best], activations.provenance)

    def _as_expected(self, head: Head, scores: Floats) -> Floats:
        """Return the scores under the prior; a label of which nothing is known keeps its own."""
        expected = expected_shares("label", self.prior)
        if expected is None:
            return scores
        for label in self.prior if isinstance(self.prior, Mapping) else ():
            checks.member("label", label, head.labels)
        known = [label if label in self.learned else None for label in head.labels]
        old = np.array([self.learned[label] if label else 0.5 for label in known])
        new = np.array(
            [expected.get(label or "", share) for label, share in zip(known, old, strict=True)]
        )
        exclude = head.kind.startswith("softmax")
        return (exchange_prior if exclude else exchange_rates)(scores, old, new)


@dataclass(frozen=True)
class EmbeddingDecoder:
    """The embedding among the heads of a model.

    Parameters
    ----------
    frames
        Whether to take a vector per frame, not one for the recording.
    """

    frames: bool = False

    def __post_init__(self) -> None:
        checks.instance("frames", self.frames, (bool, np.bool_), "True or False")

    @property
    def heads(self) -> tuple[str, ...]:
        """The head that is read."""
        return ("frame_embedding" if self.frames else "embedding",)

    def __call__(self, activations: Activations) -> Embedding:
        """Return the embedding.

        Raises
        ------
        UnknownName
            Where the model has no such head.
        """
        head = activations[self.heads[0]]
        return Embedding(head.values, head.grid, activations.provenance)


DECODERS: Mapping[str, Callable[..., TagDecoder]] = {"top": TagDecoder}


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> TagDecoder:
    """Return the decoder of tags with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: its calibration is used, and
        the prior of music where the card says what the model expects.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.
    """
    if card is not None:
        options.setdefault("calibration", Calibration.from_dict(card.confidence))
        if card.prior:
            own = {"prior": "music", "learned": card.prior, "specific_first": True}
            options = own | options
    if isinstance(options.get("top"), str) and options["top"] == ALL:
        options["top"] = None
    found: TagDecoder = find_decoder("tag decoder", DECODERS, name or "top", options)
    return found


def embedding_decoder(
    name: str | None = None, card: Card | None = None, **options: Any
) -> EmbeddingDecoder:
    """Return the decoder of embeddings: see `decoder`."""
    table = {"embedding": EmbeddingDecoder}
    found: EmbeddingDecoder = find_decoder("decoder", table, name or "embedding", options)
    return found
