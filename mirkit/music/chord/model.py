"""The chord network: from features to root, bass, pitch and tag activations."""

from __future__ import annotations

from mirkit.activations import HeadSpec
from mirkit.music.crnn import HarmonyCRNN
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES

LABELS = {"root": CHORD_ROOTS, "bass": CHORD_ROOTS, "pitch": PITCHES, "tag": CHORD_TAGS}


class ChordCRNN(HarmonyCRNN):
    """The heads ``root``, ``bass`` (13 classes), ``pitch`` (12) and ``tag`` (170), frame by frame.

    Examples
    --------
    >>> import numpy as np
    >>> from mirkit.zoo.registry import card
    >>> model = ChordCRNN.from_card(card("chord-crnn"), "random")
    >>> model.activations([np.zeros((1, 11025), np.float32)])["tag"].values.shape
    (11, 170)
    """

    @property
    def specs(self) -> dict[str, HeadSpec]:
        """The declarations of the heads of the network."""
        return {
            name: HeadSpec(labels, "sigmoid" if name == "pitch" else "softmax")
            for name, labels in LABELS.items()
        }
