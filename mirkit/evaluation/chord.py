"""The chord board: chords against what a person wrote down or a renderer knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mirkit.annotation import Segments
from mirkit.audio import Audio
from mirkit.evaluation.beat import parse_system
from mirkit.evaluation.references import read_reference

MEASURES: Mapping[str, str] = {
    "root": "root",
    "majmin": "majmin",
    "majmin_inv": "majmin/inv",
    "sevenths": "sevenths",
    "sevenths_inv": "sevenths/inv",
    "tetrads": "tetrads",
    "tetrads_inv": "tetrads/inv",
    "mirex": "MIREX",
    "thirds": "thirds",
    "triads": "triads",
    "overseg": "overseg",
    "underseg": "underseg",
    "seg": "seg",
}


def reference(path: Path) -> Segments:
    """Return the chords of an annotation file."""
    value: Segments = read_reference(path, "chords", (Segments,))
    return value


def estimator(name: str) -> Callable[[Audio], Segments]:
    """Return what finds chords by the system called ``MODEL[+DECODER][@WEIGHTS]``."""
    from mirkit.system import load

    parts = parse_system(name)
    return load(parts["model"], task="chords", weights=parts["weights"], decoder=parts["decoder"])


def score(truth: Any, found: Segments) -> Mapping[str, float]:
    """Return all measures of chords."""
    from mirkit.metrics.chord import chord_scores

    return chord_scores(truth, found)
