"""Beats as they happen: how late, how fast in blocks, how true beside the offline system.

Latency is what the model promises, and what a stream in blocks measures: how much of the recording
had come when a beat was given. Speed is on one processor with one thread. Truth is on rendered
clips, by the measures of benchmarks/trackers.py, and the share of beats that lie within 25 ms of a
true one, both after 5 s. Writes docs/live.md and benchmarks/results/live.json.

Run: python benchmarks/live.py --clips DIR [--every N]
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import report

MEASURES = {
    "f_measure": "F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f_measure": "downbeat F",
    "within_25_ms": "within 25 ms",
}
SYSTEMS = {"beat-tcn-live": "beats as they happen", "beat-tcn": "whole recording"}
BLOCKS = {"1 frame (20 ms)": 441, "10 ms": 220, "100 ms": 2205, "10 s": 220500}
SECONDS = 20


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, default=report.ROOT / "runs" / "trackers")
    parser.add_argument("--every", type=int, default=1, help="take every so manieth clip only")
    args = parser.parse_args()
    paths = sorted(args.clips.glob("*.json"))[:: args.every]
    if not paths:
        raise SystemExit(f"{args.clips} holds no clips; benchmarks/trackers.py renders them")
    speed = speeds(paths[0].with_suffix(".flac"))
    truth = {system: scores(system, paths) for system in SYSTEMS}
    write(len(paths), speed, truth)


def speeds(path: Path) -> dict[str, dict[str, float]]:
    """Return what a stream costs, and how late its beats are, for each length of block."""
    import mirkit
    from mirkit.audio.reading import read

    system = mirkit.load("beat-tcn-live")
    samples = read(path, system.sample_rate, mono=True, duration=SECONDS).samples[0]
    list(system.stream([samples]))
    return {name: speed(system, samples, size) for name, size in BLOCKS.items()}


def speed(system: Any, samples: Any, size: int) -> dict[str, float]:
    """Return the processor time of a block [s], times real time, and the latest beat [s]."""
    n_heard, waits = [0], []

    def blocks() -> Iterator[Any]:
        for first in range(0, samples.size, size):
            n_heard[0] = min(first + size, samples.size)
            yield samples[first : first + size]

    start = time.process_time()
    for update in system.stream(blocks()):
        waits += [n_heard[0] / system.sample_rate - beat for beat in update.beats.times]
    seconds = time.process_time() - start
    return {
        "block_seconds": seconds * size / samples.size,
        "times_real_time": samples.size / system.sample_rate / seconds,
        "latest_beat_seconds": max(waits),
        "promised_seconds": system.latency,
    }


def scores(system: str, paths: list[Path]) -> dict[str, float]:
    """Return the mean of each measure over the clips that have it."""
    import numpy as np

    values = defaultdict(list)
    for path in paths:
        for name, value in score(system, path).items():
            values[name].append(value)
    return {name: float(np.mean(column)) for name, column in values.items()}


def score(system: str, path: Path) -> dict[str, float]:
    """Run a system on a clip and score it."""
    import numpy as np

    import mirkit
    from mirkit.metrics.beat import beat_scores

    truth = json.loads(path.read_text())
    beats = mirkit.Beats(truth["beats"], truth["positions"] or None)
    found = mirkit.beats(path.with_suffix(".flac"), model=system)
    late = found.times[found.times >= 5]
    errors = np.abs(late[:, None] - beats.times).min(axis=1, initial=np.inf)
    near = {"within_25_ms": float(np.mean(errors <= 0.025))} if len(late) else {}
    return {**beat_scores(beats, found), **near}


def write(n_clips: int, speed: dict, truth: dict) -> None:
    """Print the tables, and put them into the page."""
    machine = report.machine()
    rates = report.table(
        ("blocks of", "processor time a block [ms]", "times real time", "latest beat [ms]"),
        [
            (
                name,
                f"{1e3 * row['block_seconds']:.2f}",
                f"{row['times_real_time']:.0f}",
                f"{1e3 * row['latest_beat_seconds']:.0f}",
            )
            for name, row in speed.items()
        ],
    )
    rates += f"\n\n{machine['processor']}, one core, load {machine['load'][0]}."
    board = report.table(
        (f"{n_clips} rendered clips", "hears", *MEASURES.values()),
        [
            (system, SYSTEMS[system], *(f"{row[name]:.3f}" for name in MEASURES))
            for system, row in truth.items()
        ],
    )
    print(rates, board, sep="\n\n")
    page = report.ROOT / "docs" / "live.md"
    report.write_between_markers(page, "speed", rates)
    report.write_between_markers(page, "truth", board)
    report.write_json(
        "live", {"machine": machine, "n_clips": n_clips, "speed": speed, "scores": truth}
    )


if __name__ == "__main__":
    main()
