"""The network that hears chords: from features to root, bass, pitch and tag activations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Features, Head
from mirkit.music.crnn import HarmonyCRNN
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES

LABELS = {"root": CHORD_ROOTS, "bass": CHORD_ROOTS, "pitch": PITCHES, "tag": CHORD_TAGS}


class ChordCRNN(HarmonyCRNN):
    """The heads ``root``, ``bass`` (13 classes), ``pitch`` (12) and ``tag`` (170), frame by frame.

    Examples
    --------
    >>> from mirkit.features import front_end
    >>> from mirkit.zoo.registry import card
    >>> from mirkit.audio import Audio
    >>> model = ChordCRNN.from_card(card("chord-crnn"), "random")
    >>> features = front_end(model.front_end)(Audio(np.zeros(11025, np.float32), 11025))
    >>> model(features)["tag"].values.shape
    (11, 170)
    """

    def head(self, name: str, values: NDArray[np.float32], features: Features) -> Head:
        """Return an output of the network with its labels, on the clock of the features."""
        return Head(
            values, LABELS[name], features.grid, "sigmoid" if name == "pitch" else "softmax"
        )
