"""Score systems of sound events on the held-out scenes, and write the table of docs/events.md.

    MIRKIT_DATA=pack python benchmarks/events.py --scenes /tmp/scenes yamnet tag-mn

The scenes of ``data/manifests/scenes-test.jsonl`` are mixed once into the folder. PSDS is that of
the scores by frame, without a filter, over the classes of the scenes that the system has a name
for, and over all; F-measures are those of `mirkit.events` with the settings of the card. The second
table is of real recordings that nothing learned from (the sounds of ``real-test.csv``): whether the
class with the highest frame is one of the recording's, and the labels of the events found. Only
classes of the scenes count there.
"""

import argparse
import csv
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
    classes = sorted({str(label) for events in truth.values() for label in events.labels})
    recordings = real_recordings(Path(os.environ["MIRKIT_DATA"]), set(classes))
    real: dict[str, dict[str, float]] = report.read_json("events").get("real", {})
    real |= {name: score_real(name, recordings, set(classes)) for name in args.systems}
    kept = {"systems": rows, "scenes": len(specs), "real": real, "recordings": len(recordings)}
    report.write_json("events", kept)
    write_table(rows)
    write_real(real)


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


def real_recordings(data: Path, classes: set[str]) -> dict[Path, set[str]]:
    """Return the held-out sounds that hold some of the classes, and which."""
    from mirkit.datasets.real import read_test

    held_out = read_test(report.ROOT / "data" / "manifests" / "real-test.csv")
    with (data / "sounds" / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (f"sounds/{row['folder']}/{row['file']}", row["labels"]) for row in csv.DictReader(file)
        ]
    known = {path: set(labels.split(";")) & classes for path, labels in rows if path in held_out}
    return {data / path: labels for path, labels in known.items() if labels}


def score_real(
    name: str, recordings: Mapping[Path, set[str]], classes: set[str]
) -> dict[str, float]:
    """Return what a system finds in real recordings."""
    system = mirkit.load(name, task="events")
    hits, found, right = 0, 0, 0
    for path, labels in recordings.items():
        activations = system.activations(path)
        head = activations[FRAMES]
        columns = [i for i, label in enumerate(head.labels) if label in classes]
        best = columns[int(head.probabilities()[:, columns].max(axis=0).argmax())]
        hits += head.labels[best] in labels
        mine = {label for label in system(activations).labels if label in classes}
        found, right = found + len(mine), right + len(mine & labels)
    n = sum(map(len, recordings.values()))
    return {
        "top-1": hits / len(recordings),
        "precision": right / max(found, 1),
        "recall": right / n,
    }


def write_real(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Write the table of real recordings."""
    columns = ("top-1", "precision", "recall")
    lines = [[name, *(f"{row[column]:.3f}" for column in columns)] for name, row in rows.items()]
    text = report.table(("system", *columns), lines)
    report.write_between_markers(report.ROOT / "docs" / "events.md", "events-real", text)


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
