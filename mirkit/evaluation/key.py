"""The key board: the key of the whole and the local keys, against what a renderer knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mirkit.annotation import Key, Segments
from mirkit.audio import Audio
from mirkit.evaluation.beat import parse_system
from mirkit.evaluation.references import read_reference
from mirkit.vocab.keys import NO_KEY

MEASURES: Mapping[str, str] = {
    "weighted": "weighted",
    "correct": "correct",
    "fifth": "fifth",
    "relative": "relative",
    "parallel": "parallel",
    "other": "other",
    "local_correct": "local correct",
    "local_weighted": "local weighted",
}


def reference(path: Path) -> Key:
    """Return the key of an annotation file; of local keys alone the one that lasts longest."""
    value: Key | Segments = read_reference(path, "key", (Key, Segments))
    return value if isinstance(value, Key) else longest(value)


def longest(local: Segments) -> Key:
    """Return the key in which a piece is longest, with the local keys; none only where none is.

    Examples
    --------
    >>> longest(Segments([[0, 9], [9, 12]], ("C major", "A minor"), kind="key")).label
    'C major'
    """
    seconds: dict[str, float] = {}
    for (start, end), label in zip(local.intervals.tolist(), local.labels, strict=True):
        if label != NO_KEY:
            seconds[label] = seconds.get(label, 0.0) + end - start
    return Key(max(seconds, key=lambda label: seconds[label], default=None), segments=local)


def estimator(name: str) -> Callable[[Audio], Key]:
    """Return what finds the key by the system called ``MODEL[+DECODER][@WEIGHTS]``."""
    from mirkit.music.key import system

    ready = system(**parse_system(name))
    return ready


def score(truth: Any, found: Key) -> Mapping[str, float]:
    """Return all measures of keys."""
    from mirkit.metrics.key import key_scores

    return key_scores(truth, found)
