"""Inputs of chord decoders, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mirkit import checks
from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Floats
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.vocab import CHORD_QUALITIES, CHORD_ROOTS, CHORD_TAGS, PITCHES, SHARPS, VOCABULARIES
from mirkit.vocab.chord_classes import reduced_quality
from mirkit.vocab.chords import SHORTHANDS

HEADS = {"tag": CHORD_TAGS, "root": CHORD_ROOTS, "bass": CHORD_ROOTS, "pitch": PITCHES}
"""The heads of chord models and their labels."""

DOUBT = 1e-4
"""No model is surer than this: a frame of probability 0 must not forbid a chord."""


@dataclass(frozen=True, eq=False)
class ChordInput:
    """Chord activations as plain arrays of probabilities, each ``(n_frames, n_classes)`` or None.

    Parameters
    ----------
    tag, root, bass, pitch
        The heads of these names.
    grid
        The clock of the frames.
    provenance
        Which model made them, or None.
    """

    tag: Floats | None
    root: Floats | None
    bass: Floats | None
    pitch: Floats | None
    grid: FrameGrid
    n_frames: int
    provenance: Provenance | None = None

    def edges(self) -> Floats:
        """Return where each frame begins and the last ends, ``(n_frames + 1,)`` [s]."""
        return np.maximum(self.grid.time_of(np.arange(self.n_frames + 1) - 0.5), 0.0)


def read(activations: Activations) -> ChordInput:
    """Return the heads of `activations`, on one clock.

    Raises
    ------
    UnknownName
        Where there is neither a tag head nor a head of pitches.
    ParameterError
        Where a head has other labels or another clock, or holds no probabilities.
    """
    found = {name: activations[name] for name in HEADS if name in activations}
    if "tag" not in found and "pitch" not in found:
        raise UnknownName("head", "tag", list(activations))
    first = next(iter(found.values()))
    if first.grid is None:
        raise ParameterError("the chord heads have no grid; they need one row a frame")
    arrays = {name: _probabilities(name, head, first) for name, head in found.items()}
    tag, root, bass, pitch = (arrays.get(name) for name in HEADS)
    return ChordInput(tag, root, bass, pitch, first.grid, first.n_frames, activations.provenance)


def _probabilities(name: str, head: Head, first: Head) -> Floats:
    if head.labels != HEADS[name]:
        raise ParameterError(
            f"the {name} head has the {len(head.labels)} labels {', '.join(head.labels[:3])}, …; "
            f"chords need the {len(HEADS[name])} labels {', '.join(HEADS[name][:3])}, … of "
            "mirkit.vocab"
        )
    if head.grid != first.grid or head.n_frames != first.n_frames:
        raise ParameterError(
            f"the {name} head has {head.n_frames} frames on {head.grid}, another "
            f"{first.n_frames} on {first.grid}; both come from one clock"
        )
    values = head.probabilities().astype(np.float64)
    bad = np.flatnonzero(~((values >= 0) & (values <= 1 + 1e-3)))
    if bad.size:
        frame, label = divmod(int(bad[0]), values.shape[1])
        raise ParameterError(
            f"{name}[{frame}, {label}] is {values[frame, label]:g}; probabilities lie in [0, 1]. "
            "Are these logits? Then give the head kind='softmax_logits' or 'sigmoid_logits'"
        )
    return values


@dataclass(frozen=True, eq=False)
class States:
    """The chords of a vocabulary, as what each head would show of them; the last is N.

    Parameters
    ----------
    labels
        Their labels.
    qualities
        Their qualities, and N.
    steps
        Semitones above the root of their tones; none for N.
    roots
        Class of each in the root head, ``(n_states,)``.
    tags
        Which tags each stands for, ``(n_tags, n_states)`` of 0 and 1.
    tones
        Pitch classes of each, ``(n_states, 12)`` of 0 and 1.
    """

    labels: tuple[str, ...]
    qualities: tuple[str, ...]
    steps: tuple[tuple[int, ...], ...]
    roots: np.ndarray[tuple[int], np.dtype[np.int64]]
    tags: Floats
    tones: Floats


@lru_cache(maxsize=4)
def states(vocabulary: str) -> States:
    """Return the states of one of `mirkit.vocab.VOCABULARIES`.

    Raises
    ------
    UnknownName
        Where there is no such vocabulary.
    """
    checks.member("chord vocabulary", vocabulary, VOCABULARIES)
    qualities = VOCABULARIES[vocabulary]
    pairs = [(root, quality) for root in range(12) for quality in qualities]
    tags = np.zeros((len(CHORD_TAGS), len(pairs) + 1))
    for root in range(12):
        for i, quality in enumerate(CHORD_QUALITIES):
            kept = qualities.index(reduced_quality(quality, vocabulary))
            tags[root * len(CHORD_QUALITIES) + i, root * len(qualities) + kept] = 1
    tags[CHORD_TAGS.index("N"), -1] = 1
    tones = np.zeros((len(pairs) + 1, 12))
    for state, (root, quality) in enumerate(pairs):
        tones[state, [(root + step) % 12 for step in SHORTHANDS[quality]]] = 1
    return States(
        (*(f"{SHARPS[root]}:{quality}" for root, quality in pairs), "N"),
        (*(quality for _, quality in pairs), "N"),
        (*(SHORTHANDS[quality] for _, quality in pairs), ()),
        np.array([*(root for root, _ in pairs), 12]),
        tags,
        tones,
    )
