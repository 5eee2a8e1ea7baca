"""madmom's networks for chords and key, as peers.

Its models are licensed CC BY-NC-SA 4.0: for comparison and for non-commercial use only.

References
----------
F. Korzeniowski and G. Widmer: A fully convolutional deep auditory model for musical chord
recognition. MLSP 2016. Feature learning for chord recognition: the deep chroma extractor. ISMIR
2016. Genre-agnostic key classification with convolutional neural networks. ISMIR 2018.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Head, Provenance
from mirkit.annotation import Segments
from mirkit.arrays import Blocks
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.peers import madmom_shim
from mirkit.vocab import KEYS
from mirkit.vocab.keys import key_number
from mirkit.vocab.spelling import spell_chords

FPS = 10


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep madmom's use of old numpy to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@dataclass(frozen=True)
class MadmomChordFeatures:
    """The convolutional network whose features a conditional random field decodes.

    `sample_rate` is what it listens to [Hz].
    """

    sample_rate: int = 44100

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the head ``features`` of a recording, which is kept whole."""
        chords = madmom_shim.load("madmom.features.chords")
        with _quietly():
            values = chords.CNNChordFeatureProcessor()(_signal(x, self.sample_rate))
        return _features(values, "madmom-chords")


@dataclass(frozen=True)
class MadmomDeepChroma:
    """The deep chroma, twelve values a frame, that a conditional random field decodes.

    `sample_rate` is what it listens to [Hz].
    """

    sample_rate: int = 44100

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the head ``features`` of a recording, which is kept whole."""
        chroma = madmom_shim.load("madmom.audio.chroma")
        with _quietly():
            values = chroma.DeepChromaProcessor()(_signal(x, self.sample_rate))
        return _features(values, "madmom-deep-chroma")


@dataclass(frozen=True)
class MadmomCRF:
    """madmom's conditional random fields: major, minor, or no chord.

    Parameters
    ----------
    vocabulary
        Only ``"majmin"`` is known to it.
    """

    vocabulary: str = "majmin"

    def __post_init__(self) -> None:
        if self.vocabulary != "majmin":
            raise ParameterError(
                f"vocabulary is {self.vocabulary!r}; madmom knows major and minor only: 'majmin'"
            )

    def __call__(self, activations: Activations) -> Segments:
        """Return the chords."""
        head = activations["features"]
        if head.grid is None:
            raise ParameterError("the head 'features' has no grid; chords need one row a frame")
        chords = madmom_shim.load("madmom.features.chords")
        name = "CRF" if len(head.labels) == 128 else "DeepChroma"
        decode = getattr(chords, f"{name}ChordRecognitionProcessor")(fps=head.grid.fps)
        with _quietly():
            rows = decode(np.array(head.values))
        intervals = np.array([(row["start"], row["end"]) for row in rows]).reshape(-1, 2)
        labels = spell_chords(
            [str(row["label"]) for row in rows], np.diff(intervals)[:, 0].tolist()
        )
        return Segments(intervals, labels, None, "chord", activations.provenance)


@dataclass(frozen=True)
class MadmomKey:
    """The convolutional network that finds one key for the whole recording.

    `sample_rate` is what it listens to [Hz].
    """

    sample_rate: int = 44100

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the head ``clip_key`` of a recording, which is kept whole."""
        keys = madmom_shim.load("madmom.features.key")
        with _quietly():
            theirs = keys.CNNKeyRecognitionProcessor()(_signal(x, self.sample_rate))[0]
        ours = np.zeros((1, len(KEYS)), np.float32)
        ours[0, [key_number(label) for label in keys.KEY_LABELS]] = theirs
        head = Head(ours, KEYS, None, "softmax")
        return Activations({"clip_key": head}, _provenance("madmom-key"))


LEAST_SECONDS = 2.0
"""What is shorter is filled up with silence: the networks look that far."""


def _signal(blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Any:
    samples = np.concatenate(list(blocks), axis=1)[0]
    missing = max(0, round(LEAST_SECONDS * sample_rate) - len(samples))
    signals = madmom_shim.load("madmom.audio.signal")
    return signals.Signal(np.pad(samples, (0, missing)), sample_rate=sample_rate)


def _features(values: Any, model: str) -> Activations:
    labels = tuple(str(i) for i in range(values.shape[1]))
    head = Head(values, labels, FrameGrid.from_fps(FPS))
    return Activations({"features": head}, _provenance(model))


def _provenance(model: str) -> Provenance:
    return Provenance(model, metadata.version("madmom"))
