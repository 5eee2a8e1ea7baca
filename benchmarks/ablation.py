"""What each change of data, loss or model is worth: small beat networks, one change at a time.

Every variant trains for the same few steps from random weights, so the table says what helps early;
docs/training-log.md says what long runs made of it. Differences to the base come with a bootstrap
interval over songs. Runs that are finished are kept, a killed one resumes.

Writes a table into docs/training-log.md and benchmarks/results/ablation.json. Needs MIRKIT_DATA, a
store of clips (see mirkit.training.clips.pack) and the rendered clips to score on.

Run: python benchmarks/ablation.py --store DIR --clips DIR [--only VARIANT ...] [--steps N]
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import report
from trackers import Piece, mean, real, rendered

BASE = """
task = "beats"
name = "{name}"
folder = "{folder}"
seed = 0
model = {{front_end = "tcn_22k", config = {{{config}}}}}
data = {{store = "{store}", n_validation = 1{data}}}
loss = {{downbeat_weight = 2.0{loss}}}
augment = {{{augment}}}
optimizer = {{learning_rate = 3e-3, warmup_steps = 50, ema = 0.98}}
loop = {{n_steps = {steps}, batch_size = 8, log_every = 25, validate_every = {steps}}}
"""
SMALL = {
    "conv_filters": "[8, 16, 24]",
    "n_filters": "24",
    "n_blocks": "8",
    "norm": '"batch"',
    "sum_head": "true",
    "dropout": "0.1",
}
STILL = (
    "rate = 0, pitch = 0, equalizer = 0, noise = 0, clipping = 0, band_masks = 0, time_masks = 0"
)

# what is changed: (kind of change, where, value)
VARIANTS: dict[str, tuple[str, str, str]] = {
    "base": ("", "", ""),
    "a quarter of the clips": ("data", "data", ", n_train = 300"),
    "own arranger only": ("data", "data", ', sources = ["arranger"]'),
    "no arranger of our own": (
        "data",
        "data",
        ', sources = ["mma", "groove", "pop909", "hymnal", "lieder", "freedoom"]',
    ),
    "nothing augmented": ("data", "augment", STILL),
    "shift-tolerant loss": ("loss", "loss", ', kind = "shift_tolerant"'),
    "focal loss": ("loss", "loss", ', kind = "focal"'),
    "no tempo head": ("model", "n_tempi", "0"),
    "rectified tempo features": ("model", "tempo_filters", "96"),
    "no sum head": ("model", "sum_head", "false"),
    "twice the filters": ("model", "n_filters", "48"),
}
MEASURES = {"f_measure": "F", "cmlt": "CMLt", "amlt": "AMLt", "downbeat_f_measure": "downbeat F"}


def main() -> None:
    """Train what is not trained, score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=report.ROOT / "runs" / "ablation")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS))
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    boards = {"rendered": list(rendered(args.clips)), **real(Path(os.environ["MIRKIT_DATA"]))}
    for variant in args.only:
        train(variant, args)
        score(variant, boards, args.runs)
    write(args.runs, args.steps, boards["rendered"])


def folder_of(variant: str, runs: Path) -> Path:
    """Return the folder of a variant's run."""
    return runs / variant.replace(" ", "-")


def train(variant: str, args: argparse.Namespace) -> None:
    """Train a variant, unless it is trained."""
    from mirkit.training.loop import train as run

    folder = folder_of(variant, args.runs)
    if (folder / "best.onnx").is_file():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    recipe = args.runs / f"{folder.name}.toml"
    recipe.write_text(recipe_of(variant, folder, args))
    run(recipe, resume=(folder / "state.pt").is_file(), device="cpu")


def recipe_of(variant: str, folder: Path, args: argparse.Namespace) -> str:
    """Return the base recipe with one change."""
    kind, where, value = VARIANTS[variant]
    config = SMALL | ({where: value} if kind == "model" else {})
    if variant == "twice the filters":
        config["conv_filters"] = "[8, 16, 48]"
    parts = {"data": "", "loss": "", "augment": ""}
    if kind in ("data", "loss"):
        parts[where] = value
    return BASE.format(
        name=folder.name,
        folder=folder,
        config=", ".join(f"{name} = {setting}" for name, setting in config.items()),
        store=args.store,
        steps=args.steps,
        **parts,
    )


def score(variant: str, boards: dict[str, list[Piece]], runs: Path) -> None:
    """Write the scores of a variant's network beside it, unless they are there."""
    import mirkit
    from mirkit.metrics.beat import beat_scores, tempo_scores

    folder = folder_of(variant, runs)
    if (folder / "scores.json").is_file():
        return
    rows: dict[str, list[dict[str, float]]] = {}
    for board, pieces in boards.items():
        rows[board] = []
        for piece in pieces:
            found = mirkit.beats(piece.path, weights=str(folder / "best.onnx"))
            rows[board].append(
                beat_scores(mirkit.Beats(piece.times, piece.positions), found)
                if piece.times
                else tempo_scores(piece.bpm, found.bpm)
            )
    (folder / "scores.json").write_text(json.dumps(rows))


def write(runs: Path, steps: int, pieces: list[Piece]) -> None:
    """Print the table of all variants that are scored, and put it into the document."""
    found = {v: folder_of(v, runs) / "scores.json" for v in VARIANTS}
    scores = {v: json.loads(path.read_text()) for v, path in found.items() if path.is_file()}
    songs = [json.loads(p.path.with_suffix(".json").read_text())["song"] for p in pieces]
    rows = [row_of(variant, scores[variant], scores["base"], songs) for variant in scores]
    header = ("one change", "of", *MEASURES.values(), "change of F", "change of CMLt")
    text = report.table((*header, "expressive F", "songs Acc1"), rows)
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "training-log.md", "ablation", text)
    means = {
        v: {board: mean(rows) for board, rows in boards.items()} for v, boards in scores.items()
    }
    report.write_json("ablation", {"machine": report.machine(), "steps": steps, "means": means})


def row_of(variant: str, scores: dict, base: dict, songs: list[str]) -> tuple[str, ...]:
    """Format a variant's row: means, what changed against the base, the real recordings."""
    from mirkit.evaluation.statistics import bootstrap

    def column(rows: list[dict[str, float]], name: str) -> np.ndarray:
        return np.array([row.get(name, np.nan) for row in rows])

    means = [f"{np.nanmean(column(scores['rendered'], name)):.3f}" for name in MEASURES]
    changes = ["", ""]
    if variant != "base":
        differences = np.stack(
            [
                column(scores["rendered"], name) - column(base["rendered"], name)
                for name in ("f_measure", "cmlt")
            ],
            axis=1,
        )
        changes = [
            f"{each.mean:+.3f} [{each.low:+.3f}, {each.high:+.3f}]"
            for each in bootstrap(differences, songs)
        ]
    expressive, tempo = mean(scores["expressive"]), mean(scores["tempo"])
    kind = VARIANTS[variant][0]
    real_cells = (f"{expressive['f_measure']:.3f}", f"{tempo['tempo_accuracy_1']:.2f}")
    return (variant, kind, *means, *changes, *real_cells)


if __name__ == "__main__":
    main()
