"""Chords and key from librosa's chroma, as baselines: templates, and Krumhansl's profiles.

References
----------
T. Fujishima: Realtime chord recognition of musical sound. ICMC 1999.
C. L. Krumhansl: Cognitive foundations of musical pitch. Oxford 1990.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Blocks
from mirkit.frames import FrameGrid
from mirkit.vocab import CHORD_TAGS, KEYS
from mirkit.vocab.chords import SHORTHANDS

HOP_LENGTH = 2048
LEAST_SECONDS = 4.0
"""What is shorter is filled up with silence: the lowest filters are that long."""

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""How well each step above the tonic fits, as listeners rated it: Krumhansl and Kessler 1982."""

CHORD_SHARPNESS = 25.0
KEY_SHARPNESS = 12.0
"""What likeness counts in the softmax over templates; without it all would be almost alike."""

WINDOW_SECONDS = 12.0
"""Chroma that a local key is found in [s]."""


@dataclass(frozen=True)
class LibrosaChords:
    """The likeness of chroma to the templates of major and minor triads, and of none to noise.

    `sample_rate` is what it listens to [Hz].
    """

    sample_rate: int = 22050

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the head ``tag`` of a recording, which is kept whole."""
        chroma, grid = chroma_of(x, self.sample_rate)
        likeness = _cosine(chroma, _triads())
        # a chroma that is alike in all tones is as like to N as to any triad
        none = np.full((len(chroma), 1), np.sqrt(3 / 12) + 0.05)
        odds = CHORD_SHARPNESS * np.concatenate([likeness, none], axis=1)
        tag = np.zeros((len(chroma), len(CHORD_TAGS)), np.float32)
        tag[:, _TRIAD_TAGS] = softmax(odds, axis=1)
        tag[~chroma.any(axis=1)] = np.eye(len(CHORD_TAGS))[CHORD_TAGS.index("N")]
        head = Head(tag, CHORD_TAGS, grid, "softmax")
        return Activations({"tag": head}, _provenance("librosa-chords"))


@dataclass(frozen=True)
class LibrosaKey:
    """The correlation of chroma with Krumhansl's and Kessler's profiles.

    `sample_rate` is what it listens to [Hz].
    """

    sample_rate: int = 22050

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the heads ``key``, one row a second, and ``clip_key``; the recording is whole."""
        chroma, grid = chroma_of(x, self.sample_rate)
        n_hop = round(grid.fps)
        half = round(WINDOW_SECONDS * grid.fps / 2)
        starts = range(0, len(chroma), n_hop)
        local = np.array([chroma[max(0, i - half) : i + half].mean(axis=0) for i in starts])
        seconds = FrameGrid(grid.rate / n_hop, grid.start)
        return Activations(
            {
                "key": Head(_keys(local), KEYS, seconds, "softmax"),
                "clip_key": Head(_keys(chroma.mean(axis=0)[None]), KEYS, None, "softmax"),
            },
            _provenance("librosa-key"),
        )


def chroma_of(
    blocks: Iterable[NDArray[np.float32]], sample_rate: int
) -> tuple[NDArray[np.float64], FrameGrid]:
    """Return librosa's constant-Q chroma, ``(n_frames, 12)``, of mono blocks, and its clock."""
    import librosa

    samples = np.concatenate(list(blocks), axis=1)[0]
    missing = max(0, round(LEAST_SECONDS * sample_rate) - len(samples))
    n_frames = len(samples) // HOP_LENGTH + 1
    samples = np.pad(samples, (0, missing))
    tuning = 0.0 if not samples.any() else _tuning(librosa, samples, sample_rate)
    chroma = librosa.feature.chroma_cqt(
        y=samples, sr=sample_rate, hop_length=HOP_LENGTH, tuning=tuning, norm=None
    )
    grid = FrameGrid.from_hop(sample_rate, HOP_LENGTH)
    return np.asarray(chroma.T[:n_frames], dtype=np.float64), grid


def _tuning(librosa: Any, samples: NDArray[np.float32], sample_rate: int) -> float:
    import warnings

    with warnings.catch_warnings():  # of recordings without a single pitch
        warnings.simplefilter("ignore")
        return float(librosa.estimate_tuning(y=samples, sr=sample_rate))


def _triads() -> NDArray[np.float64]:
    """Return the templates of the tags in `_TRIAD_TAGS` but N, ``(24, 12)``."""
    rows = np.zeros((24, 12))
    for i in range(24):
        quality = "maj" if i < 12 else "min"
        rows[i, [(i + step) % 12 for step in SHORTHANDS[quality]]] = 1
    return rows


_TRIAD_TAGS = [
    *(i * 14 + 1 for i in range(12)),
    *(i * 14 for i in range(12)),
    CHORD_TAGS.index("N"),
]
"""Major, minor, none, as places in `CHORD_TAGS`."""


def _keys(chroma: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the probability of each key, ``(n, 24)``; all alike where there is no sound."""
    profiles = np.array(
        [np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)]
    )
    profiles -= profiles.mean(axis=1, keepdims=True)
    centered = chroma - chroma.mean(axis=1, keepdims=True)
    odds = KEY_SHARPNESS * _cosine(centered, profiles)
    return np.asarray(softmax(odds, axis=1), np.float32)


def _cosine(rows: NDArray[np.float64], templates: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(templates, axis=1)
    return np.asarray(rows @ templates.T / np.maximum(norms, 1e-12))


def _provenance(model: str) -> Provenance:
    return Provenance(model, metadata.version("librosa"))
