"""The key network: from features to the key over time and the key of the whole."""

from __future__ import annotations

from fractions import Fraction

from mirkit.activations import HeadSpec
from mirkit.music.crnn import HarmonyCRNN
from mirkit.vocab import KEYS


class KeyCRNN(HarmonyCRNN):
    """The heads ``key`` (24 classes, about one frame a second) and ``clip_key`` (24, one row).

    Examples
    --------
    >>> import numpy as np
    >>> from mirkit.zoo.registry import card
    >>> model = KeyCRNN.from_card(card("key-crnn"), "random")
    >>> found = model.activations([np.zeros((1, 55125), np.float32)])
    >>> found["key"].values.shape, found["clip_key"].values.shape
    ((7, 24), (1, 24))
    """

    @property
    def specs(self) -> dict[str, HeadSpec]:
        """The declarations of the heads of the network."""
        pool = self.config.pool
        return {
            "key": HeadSpec(KEYS, "softmax", step=Fraction(pool), first=(pool - 1) / 2),
            "clip_key": HeadSpec(KEYS, "softmax", "clip"),
        }
