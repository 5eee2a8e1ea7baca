"""The network that hears keys: from features to the key of each moment and of all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Features, Head
from mirkit.frames import FrameGrid
from mirkit.music.crnn import HarmonyCRNN
from mirkit.vocab import KEYS


class KeyCRNN(HarmonyCRNN):
    """The heads ``key`` (24 classes, about one frame a second) and ``clip_key`` (24, one row).

    Examples
    --------
    >>> from mirkit.features import front_end
    >>> from mirkit.zoo.registry import card
    >>> from mirkit.audio import Audio
    >>> model = KeyCRNN.from_card(card("key-crnn"), "random")
    >>> features = front_end(model.front_end)(Audio(np.zeros(55125, np.float32), 11025))
    >>> model(features)["key"].values.shape, model(features)["clip_key"].values.shape
    ((7, 24), (1, 24))
    """

    def head(self, name: str, values: NDArray[np.float32], features: Features) -> Head:
        """Return an output of the network with its labels and its own, slower clock."""
        if name == "clip_key":
            return Head(values[None], KEYS, None, "softmax")
        grid, pool = features.grid, self.config.pool
        start = float(grid.time_of((pool - 1) / 2))
        return Head(values, KEYS, FrameGrid(grid.rate / pool, start), "softmax")
