"""Score a tagger of AudioSet on ESC-10 by the names of its tags alone, without any training.

    mirkit models download yamnet
    python benchmarks/esc10_by_names.py --data ESC10_DIR

The score of a class is the highest that any of its names has in any window; the class with the
highest score is the answer. The names are what AudioSet calls the ten classes.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import report

from mirkit.arrays import Floats32, Ints
from mirkit.model import Model
from mirkit.recording import Recording
from mirkit.system import load

NAMES = {
    "Dog bark": ("Dog", "Bark"),
    "Rain": ("Rain", "Raindrop", "Rain on surface"),
    "Sea waves": ("Ocean", "Waves, surf"),
    "Baby cry": ("Baby cry, infant cry", "Crying, sobbing"),
    "Clock tick": ("Clock", "Tick", "Tick-tock"),
    "Person sneeze": ("Sneeze",),
    "Helicopter": ("Helicopter",),
    "Chainsaw": ("Chainsaw",),
    "Rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "Fire crackling": ("Fire", "Crackle"),
}


def scores(model: Model, path: Path) -> Floats32:
    """Return the score of each class of ESC-10 in a recording."""
    heard = Recording.of(path).activations(model, ["frames"])["frames"]
    highest = dict(zip(heard.labels, heard.values.max(axis=0), strict=True))
    return np.array([max(highest[name] for name in names) for names in NAMES.values()])


def confusion(model: Model, rows: Sequence[tuple[Path, str]]) -> Ints:
    """Return how often each class (row) was called each class (column)."""
    classes = list(NAMES)
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for path, label in rows:
        counts[classes.index(label), scores(model, path).argmax()] += 1
    return counts


def clips(data: Path) -> list[tuple[Path, str]]:
    """Return the path and the class of each clip."""
    with (data / "esc10.csv").open(encoding="utf-8", newline="") as file:
        return [(data / row["path"], row["label"]) for row in csv.DictReader(file)]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="yamnet", metavar="NAME")
    args = parser.parse_args()
    model = load(args.model, task="tags").model
    assert model is not None
    rows = clips(args.data)
    began = time.process_time()
    counts = confusion(model, rows)
    for label, row in zip(NAMES, counts, strict=True):
        wrong = {name: int(n) for name, n in zip(NAMES, row, strict=True) if n and name != label}
        print(f"{label}: {row[list(NAMES).index(label)]} of {row.sum()}; others: {wrong or 'none'}")
    accuracy = float(np.trace(counts) / counts.sum())
    print(f"{len(rows)} clips, {accuracy:.2%} right, ", end="")
    print(f"{time.process_time() - began:.0f} s of CPU")
    report.write_json("esc10_by_names", {args.model: {"accuracy": accuracy}})


if __name__ == "__main__":
    main()
