"""Options of the decoders of chords and key that the card of their model sets."""

from __future__ import annotations

from typing import Any

from mirkit.vocab.priors import Prior
from mirkit.zoo.registry import Card


def card_options(card: Card, prior: Prior | None) -> dict[str, Any]:
    """Return the prior and the calibration of a decoder behind a model.

    Parameters
    ----------
    card
        The model whose activations are decoded, with its own weights.
    prior
        What is expected; None takes the prior of music where the card says what the model learned.
    """
    options: dict[str, Any] = {}
    if card.prior:
        options |= {"prior": "music" if prior is None else prior, "learned": card.prior}
    curve = card.confidence
    if isinstance(prior, str) and prior == "flat" and card.prior:
        curve = curve.get("flat", curve)
    if curve:
        options["calibration"] = (curve["slope"], curve["offset"])
    return options
