"""The benchmark of sound events: against strong labels, with their starts and ends."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mirkit.annotation import Events
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.references import read_reference
from mirkit.evaluation.systems import fingerprint, load_system


def read_events(path: Path) -> Events:
    """Return the sound events of an annotation file."""
    value: Events = read_reference(path, (Events,), "events")
    return value


def score_events(reference: Any, estimate: Any) -> dict[str, float]:
    """Return the measures of one recording, over the classes of either side."""
    from mirkit.metrics.event import event_scores

    return event_scores(reference, estimate)


def compare_events(
    reference: Any, estimate: Any, *, collar: float = 0.2, length: float = 1.0
) -> dict[str, float]:
    """Return the measures with other settings: see `mirkit.metrics.event.event_scores`."""
    from mirkit.metrics.event import event_scores

    return event_scores(reference, estimate, collar=collar, length=length)


BENCHMARK = Benchmark(
    task="events",
    measures={
        "f_measure": "F, 200 ms",
        "onset_f_measure": "onset F",
        "intersection_f_measure": "intersection F",
        "segment_f_measure": "segment F",
        "clip_f_measure": "clip F",
        "error_rate": "error rate",
    },
    headline=("f_measure", "intersection_f_measure", "segment_f_measure"),
    systems=("sed-probe", "tag-mn"),
    reference=read_events,
    estimator=partial(load_system, "events"),
    score=score_events,
    fingerprint=fingerprint,
    values=(Events,),
    compare=compare_events,
)
