"""The benchmark of sections: against what a person wrote down or a renderer knows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Segments
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system


def read_sections(path: Path) -> Segments:
    """Return the sections of an annotation file."""
    value: Segments = read_reference(path, (Segments,), "sections")
    return value


def score_sections(reference: Any, estimate: Any) -> dict[str, float]:
    """Return all measures of sections."""
    from mirkit.metrics.section import section_scores

    return section_scores(reference, estimate)


BENCHMARK = Benchmark(
    task="sections",
    measures={
        "boundary_f_05": "boundaries F, 0.5 s",
        "boundary_f_3": "boundaries F, 3 s",
        "pairwise_f": "pairwise F",
        "overseg": "overseg",
        "underseg": "underseg",
        "nce_f": "NCE F",
    },
    headline=("boundary_f_05", "boundary_f_3", "pairwise_f"),
    systems=("self-similarity",),
    reference=read_sections,
    estimator=partial(load_system, "sections"),
    score=score_sections,
    fingerprint=fingerprint,
    values=(Segments,),
)
