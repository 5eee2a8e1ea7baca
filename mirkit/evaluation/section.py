"""The benchmark of sections: against what a person wrote down or a renderer knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mirkit.annotation import Segments
from mirkit.audio import Audio
from mirkit.errors import UnknownName
from mirkit.evaluation import beat, systems
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference

SYSTEM = "self-similarity"


def read_sections(path: Path) -> Segments:
    """Return the sections of an annotation file."""
    value: Segments = read_reference(path, (Segments,), "sections")
    return value


def load_segmenter(name: str) -> Callable[[Audio], Segments]:
    """Return what finds sections; there is one system, on the beats of the default model."""
    from mirkit.music.section import sections

    if name != SYSTEM:
        raise UnknownName("system", name, [SYSTEM])
    return sections


def fingerprint(name: str) -> str:
    """Return version and weights' hash of the system's beats."""
    return systems.fingerprint(beat.BENCHMARK.systems[0])


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
    systems=(SYSTEM,),
    reference=read_sections,
    estimator=load_segmenter,
    score=score_sections,
    fingerprint=fingerprint,
    values=(Segments,),
)
