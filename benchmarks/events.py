"""Score systems of sound events on the held-out scenes, and write the table of docs/events.md.

    MIRKIT_DATA=pack python benchmarks/events.py --scenes /tmp/scenes yamnet tag-mn

The scenes of ``data/manifests/scenes-test.jsonl`` are mixed once into the folder. PSDS is that of
the scores by frame, without a filter, over the classes of the scenes that the system has a name
for, and over all; F-measures are those of `mirkit.events` with the settings of the card.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import report

import mirkit
from mirkit.annotation import Events
from mirkit.formats import dcase
from mirkit.metrics.event import clip_counts, collar_counts, intersection_counts, segment_counts
from mirkit.metrics.psds import PSDS1, PSDS2, ScoreTable, psds
from mirkit.rendering.scenes import read_scenes, render_scenes
from mirkit.sound.event.decoder import FRAMES

MANIFEST = report.ROOT / "data" / "manifests" / "scenes-test.jsonl"
COLUMNS = (
    "classes", "PSDS1", "PSDS2", "PSDS1, all", "PSDS2, all", "collar F", "intersection F",
    "segment F", "clip F", "x real time",
)  # fmt: skip


def main() -> None:
    """Score the systems that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="+", help="names of models")
    parser.add_argument("--scenes", required=True, type=Path, help="folder of the mixed scenes")
    args = parser.parse_args()
    report.use_one_core()
    specs = read_scenes(MANIFEST)
    paths = render_scenes(specs, os.environ["MIRKIT_DATA"], args.scenes)
    truth = dcase.loads_table((args.scenes / "strong.tsv").read_text(), "strong.tsv")
    durations = {f"{spec.scene_id}.flac": spec.seconds for spec in specs}
    rows: dict[str, dict[str, float]] = report.read_json("events").get("systems", {})
    for name in args.systems:
        rows[name] = score_system(name, paths, truth, durations)
        print(name, rows[name], file=sys.stderr)
    report.write_json("events", {"systems": rows, "scenes": len(specs)})
    write_table(rows)


def score_system(
    name: str, paths: list[Path], truth: Mapping[str, Events], durations: Mapping[str, float]
) -> dict[str, float]:
    """Return the numbers of a system on the scenes."""
    system = mirkit.load(name, task="events")
    tables: dict[str, ScoreTable] = {}
    found: dict[str, Events] = {}
    seconds = 0.0
    for path in paths:
        began = time.process_time()
        activations = system.activations(path)
        found[path.name] = system(activations)
        seconds += time.process_time() - began
        tables[path.name] = ScoreTable.of(activations[FRAMES], durations[path.name])
    wanted = sorted({str(label) for events in truth.values() for label in events.labels})
    known = [label for label in wanted if label in next(iter(tables.values())).labels]
    every = {file: complete(table, wanted) for file, table in tables.items()}
    estimates = {file: keep(events, wanted) for file, events in found.items()}
    scores = {
        "classes": float(len(known)),
        "PSDS1": psds(tables, truth, durations, PSDS1, known).value,
        "PSDS2": psds(tables, truth, durations, PSDS2, known).value,
        "PSDS1, all": psds(every, truth, durations, PSDS1, wanted).value,
        "PSDS2, all": psds(every, truth, durations, PSDS2, wanted).value,
        "collar F": collar_counts(truth, estimates, wanted).macro,
        "intersection F": intersection_counts(truth, estimates, wanted).macro,
        "segment F": segment_counts(truth, estimates, durations, wanted).macro,
        "clip F": clip_counts(truth, estimates, wanted).macro,
        "x real time": sum(durations.values()) / seconds,
    }
    return {key: round(float(value), 4) for key, value in scores.items()}


def complete(table: ScoreTable, labels: list[str]) -> ScoreTable:
    """Return a table with scores of 0 for the classes that a system lacks."""
    values = np.zeros((len(table.values), len(labels)))
    for i, label in enumerate(labels):
        if label in table.labels:
            values[:, i] = table.values[:, table.labels.index(label)]
    return ScoreTable(values, table.edges, tuple(labels))


def keep(events: Events, labels: list[str]) -> Events:
    """Return the events of some classes."""
    chosen = np.array([label in labels for label in events.labels], dtype=bool)
    names = tuple(label for label in events.labels if label in labels)
    return Events(events.intervals[chosen], names)


def write_table(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the table of docs/events.md."""
    formats = dict.fromkeys(COLUMNS, "{:.3f}") | {"classes": "{:.0f}", "x real time": "{:.0f}"}
    lines = [
        [name, *(formats[column].format(row[column]) for column in COLUMNS)]
        for name, row in rows.items()
    ]
    text = report.table(("system", *COLUMNS), lines)
    report.write_between_markers(report.ROOT / "docs" / "events.md", "events", text)


if __name__ == "__main__":
    main()
