"""The benchmark of beats: against what a person tapped or a renderer knows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Beats, Tempo
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system


def read_beats(path: Path) -> Beats | Tempo:
    """Return the beats of an annotation file, or the tempo where it holds no more."""
    value: Beats | Tempo = read_reference(path, (Beats, Tempo), "beats", "tempo")
    return value


def score_beats(reference: Any, estimate: Any, **settings: float) -> dict[str, float]:
    """Return all measures of beats; those of tempo alone where one is a `Tempo`."""
    from mirkit.metrics.beat import beat_scores, tempo_scores

    if isinstance(reference, Tempo) or isinstance(estimate, Tempo):
        return tempo_scores(reference.bpm, estimate.bpm)
    return beat_scores(reference, estimate, **settings)


BENCHMARK = Benchmark(
    task="beats",
    measures={
        "f_measure": "F",
        "cmlc": "CMLc",
        "cmlt": "CMLt",
        "amlc": "AMLc",
        "amlt": "AMLt",
        "information_gain": "info gain",
        "downbeat_f_measure": "downbeat F",
        "tempo_accuracy_1": "Acc1",
        "tempo_accuracy_2": "Acc2",
    },
    headline=("f_measure", "cmlt", "amlt"),
    systems=("beat-tcn", "tempogram", "librosa"),
    reference=read_beats,
    estimator=partial(load_system, "beats"),
    score=score_beats,
    fingerprint=fingerprint,
    values=(Beats, Tempo),
    subsets={"4/4 with drums": {"meter": "4/4", "drums": "1"}},
)
