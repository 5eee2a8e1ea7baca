"""The benchmark of tempo: against a number, or the beats that a person tapped."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Beats, Tempo
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system


def read_tempo(path: Path) -> Beats | Tempo:
    """Return the tempo of an annotation file, or its beats where it says no tempo."""
    value: Beats | Tempo = read_reference(path, (Beats, Tempo), "tempo", "beats")
    return value


def score_tempo(reference: Any, estimate: Any) -> dict[str, float]:
    """Return Accuracy 1 and 2 of the tempo; that of `Beats` is of their median interval."""
    from mirkit.metrics.beat import tempo_scores

    return tempo_scores(reference.bpm, estimate.bpm)


BENCHMARK = Benchmark(
    task="tempo",
    measures={"tempo_accuracy_1": "Acc1", "tempo_accuracy_2": "Acc2"},
    headline=("tempo_accuracy_1", "tempo_accuracy_2"),
    systems=("beat-tcn", "tempogram", "librosa"),
    reference=read_tempo,
    estimator=partial(load_system, "tempo"),
    score=score_tempo,
    fingerprint=fingerprint,
    values=(Beats, Tempo),
)
