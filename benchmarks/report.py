"""What the benchmarks share: one pinned core, results as JSON, tables between markers in docs."""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def use_one_core() -> None:
    """Pin this process to one processor with one thread; call it before numpy is imported."""
    for name in THREADS:
        os.environ[name] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def least_cpu_seconds(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the least processor time of each call [s], called in turn for some rounds."""
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            least[i] = min(least[i], time.process_time() - start)
    return least


def least_wall_seconds(call: Callable[[], object], rounds: int = 3) -> float:
    """Return the least wall time of a call [s], programs that it starts included."""
    walls = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        walls.append(time.perf_counter() - start)
    return min(walls)


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge a time: processor, versions, load."""
    import numpy as np

    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load": [round(load, 2) for load in os.getloadavg()],
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_json(name: str, results: dict[str, Any]) -> None:
    """Write benchmarks/results/`name`.json."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def read_json(name: str) -> dict[str, Any]:
    """Return benchmarks/results/`name`.json; nothing where it is not there yet."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return known


def write_between_markers(path: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a page."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = path.read_text()
    before, rest = page.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; all columns but the first are aligned right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
