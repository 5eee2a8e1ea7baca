"""Targets of chord and key networks, frame by frame, from annotations in Harte's spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirkit import vocab
from mirkit.arrays import Floats32, Ints
from mirkit.frames import FrameGrid
from mirkit.rendering.labels import drop_silent_keys
from mirkit.training.losses import UNKNOWN

QUALITIES = (
    "min", "maj", "dim", "aug", "min6", "maj6", "min7", "minmaj7", "maj7", "7", "dim7", "hdim7",
    "sus2", "sus4",
)  # fmt: skip
"""The qualities of the tag head, in its order."""

NO_CHORD, OTHER = 168, 169  # tags after root * 14 + quality
NONE = 12  # of root and bass
EXTENSIONS = {"9", "11", "13"}
HARMONY_FREE = {"drums", "human drums", "bass", "bridge"}
MELODIES = {"lead"}


class ChordTarget(NamedTuple):
    """The classes of a chord; `UNKNOWN` where nobody knows."""

    root: int
    bass: int
    tag: int
    pitches: Floats32 | None  # (12,)


NOTHING = ChordTarget(NONE, NONE, NO_CHORD, np.zeros(12, np.float32))
UNSURE = ChordTarget(UNKNOWN, UNKNOWN, UNKNOWN, None)


@lru_cache(maxsize=4096)
def chord_target(label: str) -> ChordTarget:
    """Return the target of a chord label; ninths, elevenths and thirteenths by their seventh.

    Examples
    --------
    >>> chord_target("D:9/3")[:3]
    (2, 6, 37)
    >>> chord_target("A:5").tag == OTHER
    True
    """
    from mir_eval.chord import encode, join, split

    if label in ("N", "X", ""):
        return NOTHING if label == "N" else UNSURE
    name, quality, degrees, low = split(label, reduce_extended_chords=True)
    plain = {degree for degree in degrees if degree.strip("*b#") not in EXTENSIONS}
    root, bitmap, bass = encode(join(name, quality, plain, low))
    _, whole, _ = encode(label)
    tag = _quality(bitmap)
    pitches = np.roll(np.maximum(bitmap, whole), root).astype(np.float32)
    return ChordTarget(
        int(root),
        int(root + bass) % 12,
        OTHER if tag is None else int(root) * len(QUALITIES) + tag,
        pitches,
    )


def _quality(bitmap: NDArray[np.int_]) -> int | None:
    shapes = _shapes()
    plain = bitmap.copy()
    if plain[5] and not plain[3:5].any():
        plain[10] = 0  # a suspended dominant is a suspension
    for each in (bitmap, plain):
        for i, shape in enumerate(shapes):
            if np.array_equal(each, shape):
                return i
    return None


@lru_cache(maxsize=1)
def _shapes() -> tuple[NDArray[np.int_], ...]:
    from mir_eval.chord import quality_to_bitmap

    return tuple(quality_to_bitmap(name) for name in QUALITIES)


def roles_of(truth: Mapping[str, Any]) -> set[str]:
    """Return the roles of the instruments that sound in a clip."""
    return {each["role"] for each in truth.get("instruments", ()) if each.get("n_notes", 1)}


def chord_targets(
    truth: Mapping[str, Any], grid: FrameGrid, n_frames: int
) -> dict[str, NDArray[Any]]:
    """Return targets of a whole clip.

    Where only drums sound there is no chord; where there is a bass but nobody who plays chords,
    its notes are taken for the root and the rest is unknown.

    Returns
    -------
    ``root``, ``bass`` and ``tag``, ``(n_frames,)`` int64, `UNKNOWN` where nobody knows; ``pitch``,
    ``(n_frames, 12)`` float32, and ``pitch_mask``, ``(n_frames,)``.
    """
    roles = roles_of(truth)
    times = grid.times(n_frames)
    rows = [UNSURE] * n_frames
    chords: Sequence[Any] = truth.get("chords") or ()
    if (roles and not roles - {"drums", "human drums"}) or not truth:
        rows = [NOTHING] * n_frames
        chords = ()
    for start, end, label in chords:
        first, last = np.searchsorted(times, (start, end))
        rows[first:last] = [chord_target(label)] * int(last - first)
    hears_chords = not roles or bool(roles - HARMONY_FREE - MELODIES)
    masked = [row if hears_chords or row is NOTHING else _only_bass(row) for row in rows]
    return {
        "root": np.array([row.root for row in masked], np.int64),
        "bass": np.array([row.bass for row in masked], np.int64),
        "tag": np.array([row.tag for row in masked], np.int64),
        "pitch": np.stack(
            [np.zeros(12, np.float32) if row.pitches is None else row.pitches for row in masked]
        ),
        "pitch_mask": np.array([row.pitches is not None for row in masked], np.float32),
    }


def _only_bass(target: ChordTarget) -> ChordTarget:
    return ChordTarget(target.root, target.bass, UNKNOWN, None)


def transpose(targets: Mapping[str, NDArray[Any]], semitones: int) -> dict[str, NDArray[Any]]:
    """Return targets of the same music `semitones` higher."""
    root, bass, tag = (targets[name] for name in ("root", "bass", "tag"))
    is_class = (tag >= 0) & (tag < NO_CHORD)
    return {
        **targets,
        "root": np.where((root >= 0) & (root < NONE), (root + semitones) % 12, root),
        "bass": np.where((bass >= 0) & (bass < NONE), (bass + semitones) % 12, bass),
        "tag": np.where(is_class, (tag + semitones * len(QUALITIES)) % NO_CHORD, tag),
        "pitch": np.roll(targets["pitch"], semitones, axis=-1),
    }


def key_index(label: str) -> int:
    """Return the class of a key: C major ... B major, C minor ... B minor.

    Examples
    --------
    >>> key_index("D minor")
    14
    """
    tonic, mode = vocab.normal_key(label).split()
    return vocab.TONICS.index(tonic) + 12 * vocab.MODES.index(mode)


def key_targets(truth: Mapping[str, Any], grid: FrameGrid, n_frames: int) -> Ints:
    """Return the key of each frame, `UNKNOWN` where nobody knows.

    A key in which the chord on the tonic is only ever heard in the other mode is in that mode: the
    renderer once named the mode of a whole song after its verse. A key without a chord on its
    tonic is nobody's to hear: to be told that it is there teaches nothing but guessing.
    """
    times, keys = grid.times(n_frames), np.full(n_frames, UNKNOWN, np.int64)
    chords: Sequence[Any] = truth.get("chords") or ()
    for start, end, label in drop_silent_keys(truth.get("keys") or (), chords):
        first, last = np.searchsorted(times, (start, end))
        heard = {chord for begin, stop, chord in chords if begin < end and stop > start}
        keys[first:last] = _as_heard(key_index(label), heard)
    return keys


def _as_heard(key: int, labels: set[str]) -> int:
    """Return the key on the same tonic whose third the chords on the tonic have, if there are any.

    `UNKNOWN` where there are chords, but none on the tonic.
    """
    tonic = key % 12
    targets = [chord_target(label) for label in labels]
    if targets and not {tonic, UNKNOWN} & {each.root for each in targets}:
        return UNKNOWN
    on_tonic = [each.pitches for each in targets if each.root == tonic and each.pitches is not None]
    major, minor = (any(p[(tonic + third) % 12] for p in on_tonic) for third in (4, 3))
    return key if major == minor else tonic + 12 * minor
