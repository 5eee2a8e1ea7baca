"""Zero-shot classification: from the vector of a recording to the sentences that fit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from mirkit.activations import Activations, Head
from mirkit.annotation import Tags
from mirkit.arrays import Floats32
from mirkit.calibration import Calibration
from mirkit.errors import ParameterError
from mirkit.sound.clap.prompts import TEMPLATES, check_labels, check_templates, embed_prompts
from mirkit.sound.tag.decoder import TagDecoder
from mirkit.system import find_decoder, load
from mirkit.vocab.phrases import phrases
from mirkit.zoo.registry import Card

NONE_LABEL = "none of these"


class JointModel(Protocol):
    """A model whose vectors of recordings and of texts lie in one space."""

    scale: float

    @property
    def text(self) -> Any:
        """The text tower."""
        ...


@dataclass(frozen=True)
class ZeroShotDecoder:
    """The sentences that fit a recording, with the probability that they do.

    The logit of a sentence is the cosine of its vector and that of the recording, by the
    temperature. Where the card of the model has a calibration, each sentence has a probability of
    its own, which other sentences do not change; otherwise there is a softmax over the sentences.

    Parameters
    ----------
    labels
        The sentences; None takes a phrase per class of AudioSet.
    templates
        What is made of each, with ``{}`` in its place; their vectors are averaged.
    top
        How many at most; None for all.
    threshold
        The lowest score that is kept, in [0, 1]; None for no such limit.
    none
        Whether to list ``"none of these"`` too, with the probability that no sentence fits.
    calibration
        From logits to probabilities, or None for a softmax.
    model
        The model whose text tower is used; None goes by the origin of the activations.
    """

    labels: Sequence[str] | None = None
    templates: Sequence[str] = TEMPLATES
    top: int | None = None
    threshold: float | None = None
    none: bool = False
    calibration: Calibration | None = None
    model: JointModel | None = None
    _vectors: dict[int, Floats32] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        labels = tuple(dict.fromkeys(phrases().values())) if self.labels is None else self.labels
        object.__setattr__(self, "labels", check_labels(labels))
        object.__setattr__(self, "templates", check_templates(self.templates))
        TagDecoder(self.top, self.threshold)  # which checks both
        if self.none and NONE_LABEL in self.texts:
            raise ParameterError(f"labels hold {NONE_LABEL!r}, which none=True adds")

    @property
    def texts(self) -> tuple[str, ...]:
        """The sentences."""
        return tuple(self.labels or ())

    @property
    def heads(self) -> tuple[str, ...]:
        """The head that is read."""
        return ("embedding",)

    def with_model(self, model: JointModel) -> ZeroShotDecoder:
        """Return the decoder of a model."""
        return replace(self, model=model, _vectors={})

    def __call__(self, activations: Activations) -> Tags:
        """Return the sentences, best first.

        Raises
        ------
        UnknownName
            Where there is no head ``embedding``.
        ParameterError
            Where it is not known which model made the activations, or it is of another size.
        """
        found = self.scored(activations)
        labels = (*self.texts, NONE_LABEL) if self.none else self.texts
        scored = {"tags": Head(found, labels, None)}
        tags = TagDecoder(self.top, self.threshold)(Activations(scored, activations.provenance))
        return replace(tags, kind="zero_shot")

    def scored(self, activations: Activations) -> Floats32:
        """Return the probability of each sentence, and of none where asked: one row."""
        model = self.model or _origin(activations)
        audio, texts = activations["embedding"].values, self._embedded(model)
        if audio.shape[1] != texts.shape[1]:
            raise ParameterError(
                f"the embedding has {audio.shape[1]} dimensions, and texts have {texts.shape[1]}: "
                "it is of another model"
            )
        kind: Any = "softmax_logits" if self.calibration is None else "sigmoid_logits"
        logits = np.asarray(model.scale * audio @ texts.T, np.float32)
        head = Head(logits, self.texts, None, kind)
        fits: Any = (self.calibration or Calibration())(head)
        if self.none:
            fits = np.append(fits, 1 - fits.max(axis=1, keepdims=True), axis=1)
        return np.asarray(fits, np.float32)

    def _embedded(self, model: JointModel) -> Floats32:
        """Return the vectors of the sentences, made once per model."""
        if id(model) not in self._vectors:
            self._vectors[id(model)] = embed_prompts(model.text, self.texts, self.templates)
        return self._vectors[id(model)]


def _origin(activations: Activations) -> JointModel:
    """Return the model that made activations."""
    origin = activations.provenance
    if origin is None:
        raise ParameterError("the activations do not say which model made them; give model=")
    system = load(origin.model, task="embed")
    model: Any = system.model
    if not hasattr(model, "embed_texts"):
        raise ParameterError(f"model {origin.model!r} knows no texts; mirkit.models lists others")
    own = model.provenance.weights_hash
    if origin.weights_hash not in (None, own):
        raise ParameterError(
            f"the activations are of other weights of {origin.model!r} than its own; give weights="
        )
    found: JointModel = model
    return found


DECODERS: Mapping[str, Callable[..., ZeroShotDecoder]] = {"texts": ZeroShotDecoder}


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> ZeroShotDecoder:
    """Return the decoder of texts with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose vectors are decoded, with its own weights: its calibration is used.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.
    """
    if card is not None and card.confidence:
        options.setdefault("calibration", Calibration.from_dict(card.confidence))
    found: ZeroShotDecoder = find_decoder("text decoder", DECODERS, name or "texts", options)
    return found
