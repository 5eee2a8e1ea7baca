"""What the benchmarks on real recordings share: the items of the data pack, and activations."""

import csv
import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import report

HELD_OUT = report.ROOT / "data" / "manifests" / "real-test.csv"


@dataclass(frozen=True)
class Item:
    """A file of the data pack.

    Parameters
    ----------
    place
        In the data pack.
    group
        What its table keeps together.
    key
        As its source states it; empty where it does not.
    labels
        As its source states them.
    weight
        One over the files of its group: each group counts once.
    """

    place: str
    group: str
    key: str = ""
    labels: tuple[str, ...] = ()
    weight: float = 1.0

    @property
    def path(self) -> Path:
        """Where it lies."""
        return root() / self.place

    @property
    def source(self) -> str:
        """The folder of its source."""
        return self.place.rsplit("/", 1)[0]


def root() -> Path:
    """Return the folder of the data pack."""
    return Path(os.environ["MIRKIT_DATA"])


def items(pack: str) -> list[Item]:
    """Return the files of `sounds` or `music`."""
    with (root() / pack / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if pack == "sounds":
        found = [
            Item(f"sounds/{row['folder']}/{row['file']}", row["group"],
                 labels=tuple(row["labels"].split(";")))
            for row in rows
        ]  # fmt: skip
    else:
        found = [Item(f"music/{row['file']}", row["group"], key=row["key"]) for row in rows]
    return found


def weighed(chosen: Iterable[Item]) -> list[Item]:
    """Return items of which each group counts once."""
    chosen = list(chosen)
    sizes = Counter(item.group for item in chosen)
    return [replace(item, weight=1 / sizes[item.group]) for item in chosen]


def evened(chosen: Sequence[Item]) -> list[Item]:
    """Return items of which each source counts alike, together as much as before.

    What a source collects is its own taste: one has footsteps, another dogs.
    """
    sums: dict[str, float] = {}
    for item in chosen:
        sums[item.source] = sums.get(item.source, 0.0) + item.weight
    each = sum(sums.values()) / len(sums)
    return [replace(item, weight=item.weight * each / sums[item.source]) for item in chosen]


def open_to_learning(pack: str) -> list[Item]:
    """Return what may be learned from: nothing held out, and nothing with a stated key."""
    held = held_out()
    return weighed(item for item in items(pack) if item.place not in held and not item.key)


def held_out() -> dict[str, str]:
    """Return the recording of each held-out file, by its place."""
    from mirkit.datasets.real import read_test

    return read_test(HELD_OUT)


def trained_on() -> set[str]:
    """Return the places of the files of recordings that shipped weights were trained on."""
    from mirkit.datasets.real import is_trained_on, join_recordings, read_real

    recordings = join_recordings(read_real(root())).values()
    return {file.path for files in recordings if is_trained_on(files) for file in files}


def count(chosen: Iterable[Item]) -> int:
    """Return the number of groups."""
    return round(sum(item.weight for item in chosen))


def activations(
    task: str, chosen: Sequence[Item], keep: Path | None = None, model: Any = None
) -> Iterator[tuple[Item, Any]]:
    """Yield each file with the activations of a model, the default one of the task where None.

    Parameters
    ----------
    task
        Name of the task; with a model of one's own, any name for its folder.
    chosen
        The files.
    keep
        Folder in which activations are kept for later runs.
    model
        The model.
    """
    from mirkit.activations import Activations
    from mirkit.recording import Recording
    from mirkit.system import load

    model = load(task=task).model if model is None else model
    for item in chosen:
        path = None if keep is None else keep / task / f"{item.place}.pkl"
        if path is None or not path.is_file():
            found = Recording.of(item.path).activations(model)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(pickle.dumps((dict(found), found.provenance, found.duration)))
        else:
            found = Activations(*pickle.loads(path.read_bytes()))
        yield item, found


def calibrated_tags(found: Any) -> np.ndarray:
    """Return the scores of the default tagger, calibrated, before any prior."""
    from mirkit.calibration import Calibration
    from mirkit.zoo.registry import card

    return Calibration.from_dict(card("tag-mn").confidence)(found["tags"])[0]


def truth(item: Item, labels: Sequence[str]) -> np.ndarray:
    """Return which labels are there, what they are kinds of among them."""
    tree = ontology()
    there = {
        name
        for label in item.labels
        if label in tree.children
        for name in (label, *tree.ancestors(label))
    }
    return np.array([label in there for label in labels])


@cache
def ontology() -> Any:
    """Return AudioSet's ontology."""
    from mirkit.datasets.ontology import read_ontology

    return read_ontology(root() / "ontology" / "ontology.json")
