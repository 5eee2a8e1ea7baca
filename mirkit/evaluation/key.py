"""The benchmark of keys: of the whole and local ones, against what a renderer knows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Key, Segments
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system
from mirkit.metrics.key import longest_key


def read_key(path: Path) -> Key:
    """Return the key of an annotation file; of local keys alone the one that lasts longest."""
    value: Key | Segments = read_reference(path, (Key, Segments), "key", "keys")
    return value if isinstance(value, Key) else longest_key(value)


def score_keys(reference: Any, estimate: Any) -> dict[str, float]:
    """Return all measures of keys; of local keys alone the one that lasts longest counts."""
    from mirkit.metrics.key import key_scores

    true, found = (longest_key(x) if isinstance(x, Segments) else x for x in (reference, estimate))
    return key_scores(true, found)


BENCHMARK = Benchmark(
    task="key",
    measures={
        "weighted": "weighted",
        "correct": "correct",
        "fifth": "fifth",
        "relative": "relative",
        "parallel": "parallel",
        "other": "other",
        "local_correct": "local correct",
        "local_weighted": "local weighted",
    },
    headline=("weighted", "correct", "local_correct"),
    systems=("key-crnn", "librosa-key"),
    reference=read_key,
    estimator=partial(load_system, "key"),
    score=score_keys,
    fingerprint=fingerprint,
    values=(Key, Segments),
)
