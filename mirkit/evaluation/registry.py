"""The benchmarks by task.

A task joins by a file with its `Benchmark`, named here; items, workers, statistics, tables, JSON
and figures are shared.
"""

from __future__ import annotations

from mirkit import checks
from mirkit.evaluation import beat, chord, event, key, note, section, tag, tempo
from mirkit.evaluation.benchmark import Benchmark

_ROOMS = (beat, tempo, chord, key, section, note, tag, event)

BENCHMARKS: dict[str, Benchmark] = {room.BENCHMARK.task: room.BENCHMARK for room in _ROOMS}
"""The benchmarks by task."""


def find_benchmark(task: str) -> Benchmark:
    """Return the benchmark of `task`.

    Raises
    ------
    UnknownName
        Where there is none.
    """
    checks.member("task", task, BENCHMARKS)
    return BENCHMARKS[task]
