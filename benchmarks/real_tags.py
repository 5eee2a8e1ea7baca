"""tag-mn on real recordings: held-out sounds beside YAMNet, ESC-10, songs and ambience.

| measured | on |
|---|---|
| mAP, first and first five right, classes with AP of .3 or more, CPU seconds | held-out `sounds` |
| the best of the names of each class | ESC-10, all clips and the fold that nothing learned from |
| the first five tags | `songs` and `ambience`, most of which were trained on |

YAMNet and tag-mn score the labels that both know, both on onnxruntime with one thread; CPU seconds
are of networks alone, in the same run. A label holds all that are kinds of it. Writes tables into
docs/tags.md, and benchmarks/results/real_tags.json. MIRKIT_DATA names the data.

Run: python benchmarks/real_tags.py [--before tag-mn.onnx] [--quick]
"""

import argparse
import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import real_recordings
import report
from esc10_by_names import NAMES
from real_recordings import Item

LEAST = 3  # held-out clips of a class that is counted
GOOD = 0.3  # average precision
UNHEARD = "5"  # fold of ESC-10 that tag-mn did not learn from


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="weights of the tag-mn before this one")
    parser.add_argument("--quick", action="store_true", help="leave ESC-10 out")
    args = parser.parse_args()
    from mirkit.zoo.registry import load_model

    models = {"YAMNet": load_model("yamnet", n_threads=1)}
    if args.before:
        models["tag-mn before"] = load_model("tag-mn", str(args.before), n_threads=1)
    models["tag-mn"] = load_model("tag-mn", n_threads=1)
    results: dict[str, Any] = {"held-out sounds": held_out_sounds(models)}
    tables = {"real sounds": sounds_table(results["held-out sounds"])}
    if not args.quick:
        results["ESC-10"] = {name: esc10(model) for name, model in models.items()}
        tables["real esc10"] = esc10_table(results["ESC-10"])
    tables["real songs"] = songs_table()
    for name, text in tables.items():
        print(text, end="\n\n")
        report.write_between_markers(report.ROOT / "docs" / "tags.md", name, text)
    report.write_json("real_tags", results)


def held_out_sounds(models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measures of each model on the held-out sounds."""
    held = real_recordings.held_out()
    chosen = [item for item in real_recordings.items("sounds") if item.place in held]
    heard = {name: listen(model, chosen) for name, model in models.items()}
    labels = classes()
    common = [x for x in labels if all(x in names for names, _, _ in heard.values())]
    both = [x for x in labels if x in heard["YAMNet"][0] and x in heard["tag-mn"][0]]
    measured = {}
    for title, asked in (("both know", both), ("all three know", common), ("all", labels)):
        for name, (names, scores, seconds) in heard.items():
            if set(asked) <= set(names):
                columns = [names.index(label) for label in asked]
                measured[f"{name}, {title}"] = {
                    **measures(chosen, scores[:, columns], asked),
                    "seconds": seconds,
                }
    return measured


def classes() -> list[str]:
    """Return the labels of `sounds`."""
    path = real_recordings.root() / "sounds" / "classes.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return [row["label"] for row in csv.DictReader(file)]


def listen(model: Any, chosen: Sequence[Item]) -> tuple[tuple[str, ...], np.ndarray, float]:
    """Return labels, scores of each clip, and the CPU seconds of the network alone."""
    from mirkit.audio import reading

    features = [
        model.features([reading.read(item.path, model.sample_rate).mono().samples])
        for item in chosen
    ]
    began = time.process_time()
    heads = [model.activations(each)["tags"] for each in features]
    seconds = time.process_time() - began
    return heads[0].labels, np.concatenate([head.values for head in heads]), seconds


def measures(chosen: Sequence[Item], scores: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Return how well labels rank clips, and clips rank labels."""
    from mirkit.metrics.tag import average_precision, mean

    truth = np.array([real_recordings.truth(item, labels) for item in chosen])
    precision = average_precision(scores, truth)
    order = np.argsort(-scores, axis=1, kind="stable")
    right = np.take_along_axis(truth, order, axis=1)[truth.any(axis=1)]
    many = np.flatnonzero(truth.sum(axis=0) >= LEAST)
    return {
        "labels": len(labels),
        "clips": len(right),
        "mAP": mean(precision),
        "top-1": float(right[:, :1].any(axis=1).mean()),
        "top-5": float(right[:, :5].any(axis=1).mean()),
        "classes": len(many),
        "good": {labels[i]: round(float(precision[i]), 3) for i in many if precision[i] >= GOOD},
        "poor": {labels[i]: round(float(precision[i]), 3) for i in many if precision[i] < GOOD},
    }


def esc10(model: Any) -> dict[str, float]:
    """Return the share of clips whose class has the highest of all names' scores."""
    from mirkit.recording import Recording

    folder = real_recordings.root() / "esc10"
    with (folder / "esc10.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right, unheard = [], []
    for row in rows:
        head = Recording.of(folder / row["path"]).activations(model, ("frames",))["frames"]
        highest = dict(zip(head.labels, head.values.max(axis=0), strict=True))
        best = [max(highest.get(name, 0) for name in names) for names in NAMES.values()]
        right.append(list(NAMES)[int(np.argmax(best))] == row["label"])
        unheard.append(row["fold"] == UNHEARD)
    return {"all": float(np.mean(right)), "fold 5": float(np.mean(np.array(right)[unheard]))}


def songs_table() -> str:
    """Return the first five tags of real recordings, as they are shown."""
    import mirkit

    rows = []
    for pack in ("songs", "ambience"):
        folder = real_recordings.root() / pack
        for path in sorted(folder.glob("*.ogg")):
            tags = mirkit.tags(path, top=5)
            rows.append((f"{pack}/{path.stem}", ", ".join(f"{x} {y:.2f}" for x, y in tags)))
    return report.table(("recording", "tags"), rows)


def sounds_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the measures of each model."""
    rows = [
        (
            name,
            each["labels"],
            *(f"{each[key]:.3f}" for key in ("mAP", "top-1", "top-5")),
            f"{len(each['good'])} of {each['classes']}",
            f"{each['seconds']:.1f}",
        )
        for name, each in found.items()
    ]
    header = ("model, labels that", "labels", "mAP", "top-1", "top-5", "AP ≥ .3", "CPU s")
    ours = found["tag-mn, both know"]
    poor = ", ".join(f"{name} {value:.2f}" for name, value in ours["poor"].items())
    return report.table(header, rows) + f"\n\nBelow .3 for tag-mn: {poor}."


def esc10_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the shares of right clips."""
    rows = [
        (name, *(f"{each[key]:.1%}" for key in ("all", "fold 5"))) for name, each in found.items()
    ]
    return report.table(("model", "all 400", "fold 5"), rows)


if __name__ == "__main__":
    main()
