"""What each change of data, loss or model is worth: small beat networks, one change at a time.

Every variant trains for the same few steps from random weights, so the table says what helps early;
docs/training-log.md says what long runs made of it. Differences to the base come with a bootstrap
interval over songs. Runs that are finished are kept, a killed one resumes.

Writes a table into docs/training-log.md and benchmarks/results/ablation.json. Needs MIRKIT_DATA, a
store of clips (see mirkit.training.beat.data.pack_clips) and the rendered clips to score on.

Run: python benchmarks/ablation.py --store DIR --clips DIR [--only VARIANT ...] [--steps N]
"""

import argparse
import os
from pathlib import Path

import report
from trackers import real

import mirkit
from mirkit.evaluation.items import read_items
from mirkit.evaluation.report import Report
from mirkit.evaluation.statistics import Interval

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
    systems = {}
    for variant in dict.fromkeys(["base", *args.only]):
        systems[variant] = f"beat-tcn@{train(variant, args) / 'best.onnx'}"
    boards = {"rendered": read_items(args.clips), **real(Path(os.environ["MIRKIT_DATA"]))}
    keep = args.runs / "scores.jsonl"
    reports = {
        name: mirkit.evaluate(
            "beats", items, systems=[*systems.values()], against=systems["base"], keep=keep
        )
        for name, items in boards.items()
    }
    write(reports, systems, args.steps)


def train(variant: str, args: argparse.Namespace) -> Path:
    """Train a variant, unless it is trained; return the folder of its run."""
    from mirkit.training.loop import train as run

    folder: Path = args.runs / variant.replace(" ", "-")
    if not (folder / "best.onnx").is_file():
        args.runs.mkdir(parents=True, exist_ok=True)
        recipe = args.runs / f"{folder.name}.toml"
        recipe.write_text(recipe_of(variant, folder, args))
        run(recipe, resume=(folder / "state.pt").is_file(), device="cpu")
    return folder


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


def write(reports: dict[str, Report], systems: dict[str, str], steps: int) -> None:
    """Print the table of all variants, and put it into the document."""
    header = ("one change", "of", *MEASURES.values(), "change of F", "change of CMLt")
    rows = [row_of(variant, system, reports) for variant, system in systems.items()]
    text = report.table((*header, "expressive F", "songs Acc1"), rows)
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "training-log.md", "ablation", text)
    means = {
        variant: {name: found.means[system] for name, found in reports.items()}
        for variant, system in systems.items()
    }
    report.write_json("ablation", {"machine": report.machine(), "steps": steps, "means": means})


def row_of(variant: str, system: str, reports: dict[str, Report]) -> tuple[str, ...]:
    """Format a variant's row: means, what changed against the base, the real recordings."""
    clips = reports["rendered"]
    means = [f"{clips.means[system][name]:.3f}" for name in MEASURES]
    changes = ["", ""]
    if variant != "base":
        changes = [changed(clips.differences[system][name]) for name in ("f_measure", "cmlt")]
    real_cells = (
        f"{reports['expressive'].means[system]['f_measure']:.3f}",
        f"{reports['tempo'].means[system]['tempo_accuracy_1']:.2f}",
    )
    return (variant, VARIANTS[variant][0], *means, *changes, *real_cells)


def changed(x: Interval) -> str:
    """Print a difference with its interval."""
    return f"{x.mean:+.3f} [{x.low:+.3f}, {x.high:+.3f}]"


if __name__ == "__main__":
    main()
