"""The benchmark of chords: against what a person wrote down or a renderer knows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Segments
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system


def read_chords(path: Path) -> Segments:
    """Return the chords of an annotation file."""
    value: Segments = read_reference(path, (Segments,), "chords")
    return value


def score_chords(reference: Any, estimate: Segments) -> dict[str, float]:
    """Return all measures of chords."""
    from mirkit.metrics.chord import chord_scores

    return chord_scores(reference, estimate)


BENCHMARK = Benchmark(
    task="chords",
    measures={
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
    },
    headline=("majmin", "sevenths", "seg"),
    systems=("chord-crnn", "librosa-chords"),
    reference=read_chords,
    estimator=partial(load_system, "chords"),
    score=score_chords,
    fingerprint=fingerprint,
    values=(Segments,),
)
