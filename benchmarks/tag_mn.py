"""Make the manifests that tag-mn is trained on, and ship it: weights, card, calibration, tables.

    python benchmarks/tag_mn.py manifests DATA OUT --renders TRAIN VAL
    python benchmarks/unfold_tag_mn.py BEFORE.onnx OUT/all.jsonl runs/tag-mn-before/best.safetensors
    mirkit teach recipes/tag-mn-teach.toml
    mirkit train recipes/tag-mn-start.toml && mirkit train recipes/tag-mn.toml
    python benchmarks/mix_tag_mn.py runs/tag-mn runs/tag-mn-before/best.safetensors RUN
    python benchmarks/tag_mn.py ship RUN --data DATA --rows OUT/all.jsonl --taught TEACHERS.json

DATA is the data pack. ``ship`` writes the weights, the card, the recordings that trained them with
their authors and licenses (mirkit/weights/tag-mn.attribution.csv), and the tables of
docs/training-log-tags.md between their markers. Scores and calibration are of recordings whose
sources were not trained on, of their first ten seconds. Then ``python benchmarks/priors.py music``
writes what the tagger expects into its card.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from report import ROOT, table, write_between_markers, write_json

PAGE = ROOT / "docs" / "training-log-tags.md"
NAME = "tag-mn"
HELD_OUT = ROOT / "data" / "manifests" / "real-test.csv"
CREDITS = ("place", "title", "author", "licence", "url")
GROUPS = ("music", "genre_mood", "tempo_energy", "other")
WINDOW = 10.0  # what a tagger hears at once [s]
CARD = """name = "tag-mn"
task = "tags"
summary = "a small residual network (no MobileNet) that tags music and all other sounds"
entry = "mirkit.sound.tag.model:Tagger"
weights = "tag-mn.onnx"
sha256 = "{sha256}"
weights_hash = "{weights_hash}"
sample_rate = 32000
labels = ["tags", "frames", "embedding"]
license_code = "MIT"
license_weights = "MIT"
front_end = "mirkit_32k"
trained_on = {trained_on}
taught_by = {taught_by}

[config]
backbone = "mirkit.backbones.residual:ResidualCNN"
labels = {labels}

[config.settings]
widths = {widths}

[confidence]
sha256 = "{sha256}"

[confidence.slope]
{slope}
[confidence.offset]
{offset}"""


TRAINED_ON = (
    "sounds: 35 public collections, 1,579 recordings (CC0, CC BY, Public Domain, MIT, BSD)",
    "music: 41 public collections, 248 recordings (CC0, CC BY, Public Domain)",
    "ESC-10, folds 1 to 4 (CC0, CC BY 3.0)",
    "two Rooster clips of ESC-10 (CC-Sampling+), met by the tag-mn before: 70 % of the weights",
    "Berklee Sampling Archive (CC BY 3.0)",
    "ambiences (CC0, CC BY)",
    "Sonic Pi one-shots and loops (CC0)",
    "readings of LibriVox, music and two animals (Public Domain, CC BY 3.0, CC BY 4.0)",
    "renders of mirkit.datasets: own arranger, MMA grooves, Groove MIDI (CC BY 4.0), POP909 (MIT)",
)

BEFORE = ("esc10/009 - Rooster/1-40730-A.ogg", "esc10/009 - Rooster/2-96460-A.ogg")
"""Clips under CC-Sampling+ that the tagger before had met: its weights are 70 % of what ships."""


def manifests(args: argparse.Namespace) -> None:
    """Write all.jsonl, and start.jsonl, whose training has no ESC-10."""
    from mirkit.datasets.real_sources import RealSources
    from mirkit.datasets.tag_sources import tag_rows, write_rows

    args.out.mkdir(parents=True, exist_ok=True)
    rows = RealSources(args.data, HELD_OUT).rows()
    for folder, split in zip(args.renders, ("train", "val"), strict=True):
        made = tag_rows({"renders": folder})
        rows += [{**row, "place": "renders", "licence": "MIT", "split": split} for row in made]
    write_rows(rows, args.out / "all.jsonl")
    started = [row for row in rows if row["split"] == "val" or not row.get("in_esc10")]
    write_rows(started, args.out / "start.jsonl")


def credits(rows: list[dict[str, Any]], data: Path) -> list[dict[str, str]]:
    """Return who made the recordings that train, by their place in the data pack."""
    from mirkit.datasets.real_sources import table

    known: dict[str, dict[str, str]] = {}
    for pack, path in (("sounds", "all.csv"), ("music", "all.csv"), *(
        (pack, f"{pack}.csv") for pack in ("esc10", "ambience", "songs", "samples", "berklee")
    )):  # fmt: skip
        for row in table(data / pack / path):
            place = f"{row['folder']}/{row['file']}" if pack == "sounds" else row.get("file")
            known[f"{pack}/{place or row['path']}"] = row
    made = []
    heard = {row["place"] for row in rows if row["split"] == "train"} - {"renders"}
    for place in sorted({*heard, *BEFORE}):
        row = known[place]
        esc10 = row.get("freesound_id")
        made.append({
            "place": place,
            "title": row.get("title") or row.get("original_title") or row.get("source_path") or "",
            "author": row.get("author") or row.get("artist") or row.get("editor") or _OF_PACK.get(
                place.partition("/")[0], ""),
            "licence": row.get("license") or row.get("licence") or "CC BY 3.0",
            "url": f"https://freesound.org/s/{esc10}/" if esc10
            else row.get("url") or row.get("source") or "",
        })  # fmt: skip
    return made


_OF_PACK = {"berklee": "OLPC Berklee Sound Library", "samples": "Sonic Pi"}


def heard(recipe: Any, tensors: Path, manifest: str = "") -> tuple[Any, Any, Any]:
    """Return logits, targets and masks of what judges, first ten seconds; or of a manifest."""
    import torch

    from mirkit.training.tag.task import TagTask
    from mirkit.zoo import checkpoints

    if manifest:  # all of it judges, and the store is beside the run's
        data = replace(recipe.data, path=manifest, store=f"{recipe.data.store}-test")
        recipe = replace(recipe, data=data)
    task = TagTask(recipe, torch.device("cpu"))
    net = task.network()
    net.load_state_dict(checkpoints.load_tensors(tensors)[0])
    n_frames = round(WINDOW * task.inputs.front_end.grid.fps)
    places = list(task.data.validation)
    logits = []
    with torch.no_grad():
        net.eval()
        for i in places:
            values = torch.from_numpy(task.store[i][:n_frames])
            logits.append(net(values[None]).logits[0].numpy())
    return np.array(logits), task.data.targets[places], task.data.mask[places]


def ship(args: argparse.Namespace) -> None:
    """Calibrate, write weights and card, score."""
    from mirkit.training.families import read_recipe
    from mirkit.zoo import checkpoints

    recipe = read_recipe(args.run / "recipe.toml")
    recipe = replace(recipe, model=replace(recipe.model, weights=""))
    labels = list(recipe.data.labels)
    groups = [[i for i, label in enumerate(labels) if group_of(label) == name] for name in GROUPS]
    judged = heard(recipe, args.run / "best.safetensors")
    boards = {"validation": judged}
    if args.test:
        boards["test renders"] = heard(recipe, args.run / "best.safetensors", str(args.test))
    slopes, offsets = np.ones(len(labels)), np.zeros(len(labels))
    for columns in groups:
        fitted = calibration(*(x[:, columns] for x in judged))
        if fitted is None:
            continue
        slopes[columns], offsets[columns] = fitted.weights[0], fitted.intercept
    numbers = {board: summary(*x, slopes, offsets, groups) for board, x in boards.items()}
    shutil.copy(args.run / "best.onnx", ROOT / "mirkit" / "weights" / f"{NAME}.onnx")
    write_credits(args.rows, args.data)
    sha256 = checkpoints.sha256_of(ROOT / "mirkit" / "weights" / f"{NAME}.onnx")
    listed = listing(labels)
    columns = {
        name: "".join(f"{json.dumps(x)} = {y:.4f}\n" for x, y in zip(labels, values, strict=True))
        for name, values in (("slope", slopes), ("offset", offsets))
    }
    trained = checkpoints.sha256_of(args.run / "best.safetensors")
    card = CARD.format(
        sha256=sha256,
        weights_hash=trained,
        labels=listed,
        widths=list(recipe.model.settings["widths"]),
        trained_on=listing(TRAINED_ON),
        taught_by=listing(taught(args.taught)),
        **columns,
    )
    (ROOT / "mirkit" / "cards" / f"{NAME}.toml").write_text(card, "utf-8")
    rows = class_rows(labels, boards)
    write_between_markers(PAGE, "classes", table(["class", *head(boards)], rows))
    write_between_markers(PAGE, "boards", board_table(numbers))
    write_json(NAME, {"sha256": sha256, "boards": numbers})


def group_of(label: str) -> str:
    """Return the group that a label is calibrated in."""
    from mirkit.vocab.tag_groups import is_in_group

    groups = {"tempo_energy": ("tempo", "energy"), "genre_mood": ("genre", "mood"),
              "music": ("vocals", "instrument")}  # fmt: skip
    for name, parts in groups.items():
        if any(is_in_group(label, part) for part in parts):
            return name
    return "music" if label == "Music" else "other"


def listing(texts: Any) -> str:
    """Return texts as a list of TOML, one per line."""
    return "[\n" + "".join(f"    {json.dumps(text)},\n" for text in texts) + "]"


def taught(path: Path) -> list[str]:
    """Return the teachers, as a card names them."""
    return [
        f"{each['model']}, {each['weights_hash']} ({each['license_weights']})"
        for each in json.loads(path.read_text("utf-8"))
    ]


def write_credits(manifest: Path, data: Path) -> None:
    """Write who made the recordings that train."""
    import csv

    rows = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    path = ROOT / "mirkit" / "weights" / f"{NAME}.attribution.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CREDITS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(credits(rows, data))


def calibration(logits: Any, targets: Any, mask: Any) -> Any:
    """Return one slope and one offset for a group of classes, None where one answer is all."""
    from mirkit.metrics.calibration import fit_logistic

    known = mask > 0
    if len(np.unique(targets[known])) < 2:
        return None
    return fit_logistic(logits[known][:, None], targets[known], penalty=0.0)


def summary(
    logits: Any, targets: Any, mask: Any, slopes: Any, offsets: Any, groups: list[list[int]]
) -> dict[str, float]:
    """Return the mean average precision and calibration errors, as it is and as shipped."""
    from mirkit.calibration import sigmoid
    from mirkit.metrics.calibration import expected_calibration_error
    from mirkit.metrics.tag import mean
    from mirkit.training.tag.task import known_precision

    numbers = {"clips": len(logits)}
    for name, columns in zip(GROUPS, groups, strict=True):
        x, y, known = (part[:, columns] for part in (logits, targets, mask))
        if calibration(x, y, known) is None:
            continue
        numbers[f"map_{name}"] = mean(known_precision(x, y, known))
        shown = known > 0
        shipped = sigmoid(slopes[columns] * x + offsets[columns])
        numbers[f"ece_raw_{name}"] = expected_calibration_error(sigmoid(x)[shown], y[shown])
        numbers[f"ece_{name}"] = expected_calibration_error(shipped[shown], y[shown])
        numbers[f"ece_cross_{name}"] = crossed(x, y, known)
    return {name: round(float(value), 4) for name, value in numbers.items()}


def crossed(logits: Any, targets: Any, mask: Any) -> float:
    """Return the calibration error of each half of the clips, calibrated on the other half."""
    from mirkit.calibration import sigmoid
    from mirkit.metrics.calibration import expected_calibration_error

    halves = np.arange(len(logits)) % 2 == 0
    errors = []
    for half in (halves, ~halves):
        fitted = calibration(logits[~half], targets[~half], mask[~half])
        if fitted is None:
            continue
        known = mask[half] > 0
        shown = sigmoid(fitted.weights[0] * logits[half] + fitted.intercept)
        errors.append(expected_calibration_error(shown[known], targets[half][known]))
    return float(np.mean(errors))


def head(boards: dict[str, Any]) -> list[str]:
    """Return the headings of the table of classes."""
    return [f"{name}: {what}" for name in boards for what in ("AP", "positives", "known")]


def class_rows(labels: list[str], boards: dict[str, Any]) -> list[list[object]]:
    """Return a row for each class: average precision and counts on each board."""
    from mirkit.training.tag.task import known_precision

    rows: list[list[object]] = [[label] for label in labels]
    for logits, targets, mask in boards.values():
        precision = known_precision(logits, targets, mask)
        counts = (targets * mask).sum(axis=0).astype(int), (mask > 0).sum(axis=0)
        for row, x, n, known in zip(rows, precision, *counts, strict=True):
            row += [f"{x:.3f}" if np.isfinite(x) else "–", n, known]
    return rows


def board_table(numbers: dict[str, dict[str, float]]) -> str:
    """Return the table of the boards."""
    names = list(next(iter(numbers.values())))
    return table(["board", *names], [[board, *x.values()] for board, x in numbers.items()])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("manifests")
    made.add_argument("data", type=Path)
    made.add_argument("out", type=Path)
    made.add_argument("--renders", type=Path, nargs=2, required=True)
    made.set_defaults(call=manifests)
    shipped = commands.add_parser("ship")
    shipped.add_argument("run", type=Path)
    shipped.add_argument("--rows", type=Path, required=True, help="the manifest that trained it")
    shipped.add_argument("--taught", type=Path, required=True, help="teachers.json")
    shipped.add_argument("--data", type=Path, required=True, help="the data pack")
    shipped.add_argument("--test", type=Path, help="a manifest of renders of other songs")
    shipped.set_defaults(call=ship)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
