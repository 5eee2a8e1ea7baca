"""Score ESC-10 by its five folds, from scratch and with pre-training, and write docs/esc10.md.

    python benchmarks/esc10.py run --data ESC10_DIR --runs DIR [--init CHECKPOINT] [--seeds 0 1 2]
    python benchmarks/esc10.py report --runs DIR

``run`` trains what is not there yet, a fold at a time, seeds outermost, so that it may be cut short
and called again; each fold's network is scored once, with the weights of its last step. ``report``
writes ``benchmarks/results/esc10.json`` and the tables between the markers of docs/esc10.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "esc10.toml"
PAGE = ROOT / "docs" / "esc10.md"
CONDITIONS = {"scratch": "from scratch", "pretrained": "pre-trained"}
N_FOLDS = 5
N_DRAWS = 10000


def recipe_of(data: Path, runs: Path, init: str, seed: int, fold: int) -> tuple[str, Path]:
    """Return the recipe of one fold, as text, and the folder of its run."""
    kind = "pretrained" if init else "scratch"
    folder = runs / f"{kind}-seed{seed}-fold{fold}"
    changes = {
        'path = "data/esc10/esc10.csv"': f'path = "{data / "esc10.csv"}"',
        'store = "runs/esc10-store"': f'store = "{runs / "store"}"',
        "fold = 1": f"fold = {fold}",
        "seed = 0": f'seed = {seed}\nfolder = "{folder}"',
    }
    if init:
        changes['backbone = "residual"'] = f'backbone = "residual"\nweights = "{init}"'
    text = RECIPE.read_text("utf-8")
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SystemExit(f"{RECIPE} holds {old!r} {text.count(old)} times, not once")
        text = text.replace(old, new)
    return text, folder


def run_fold(text: str, folder: Path) -> None:
    """Train one fold and write what it made of each clip of the fold that was left out."""
    import torch

    from mirkit.training.families import parse_recipe
    from mirkit.training.loop import train
    from mirkit.training.tag.task import TagTask
    from mirkit.training.weights import load_best

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "asked.toml"
    resume = (folder / "state.pt").is_file() and path.read_text("utf-8") == text
    path.write_text(text, "utf-8")
    began, cpu = time.monotonic(), time.process_time()
    train(path, resume=resume, device="cpu")
    spent = {"wall": time.monotonic() - began, "cpu": time.process_time() - cpu}
    task = TagTask(parse_recipe(text), torch.device("cpu"))
    net = task.network()
    load_best(net, folder)
    places = task.data.validation
    logits = task.predict(net, places)
    truth = task.data.targets[list(places)].argmax(axis=1)
    names = [task.data.sounds[i].sound.path.name for i in places]
    right = (logits.argmax(axis=1) == truth).astype(int).tolist()
    result = {"right": dict(zip(names, right, strict=True)), "seconds": spent}
    result["parameters"] = sum(p.numel() for p in net.parameters())
    (folder / "result.json").write_text(json.dumps(result), "utf-8")


def run(args: argparse.Namespace) -> None:
    """Train all folds that have no result yet."""
    for seed in args.seeds:
        for fold in args.folds:
            text, folder = recipe_of(args.data, args.runs, args.init, seed, fold)
            if not (folder / "result.json").is_file():
                run_fold(text, folder)
            result = json.loads((folder / "result.json").read_text("utf-8"))
            accuracy = np.mean(list(result["right"].values()))
            print(f"{folder.name}: {accuracy:.4f}, {result['seconds']['cpu']:.0f} s of CPU")


def gathered(runs: Path, kind: str) -> dict[int, dict[int, dict[str, Any]]]:
    """Return the results of a condition by seed, then fold; seeds with all folds only."""
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for path in runs.glob(f"{kind}-seed*-fold*/result.json"):
        _, seed, fold = path.parent.name.split("-")
        by_fold = found.setdefault(int(seed[4:]), {})
        by_fold[int(fold[4:])] = json.loads(path.read_text("utf-8"))
    return {seed: found[seed] for seed in sorted(found) if len(found[seed]) == N_FOLDS}


def interval(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the 95 % percentile interval of a mean, clips drawn anew with all their seeds."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (N_DRAWS, len(values)))
    means = values[draws].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def right_by_clip(results: dict[int, dict[int, dict[str, Any]]]) -> dict[str, float]:
    """Return how often each clip was right, over seeds."""
    rows: dict[str, list[int]] = {}
    for by_fold in results.values():
        for each in by_fold.values():
            for name, right in each["right"].items():
                rows.setdefault(name, []).append(right)
    return {name: float(np.mean(right)) for name, right in rows.items()}


def summary(results: dict[int, dict[int, dict[str, Any]]]) -> dict[str, Any]:
    """Return the accuracies of a condition: of each fold and seed, and together."""
    folds = {
        str(seed): [float(np.mean(list(by_fold[k]["right"].values()))) for k in sorted(by_fold)]
        for seed, by_fold in results.items()
    }
    clips = np.array(list(right_by_clip(results).values()))
    low, high = interval(clips)
    minutes = [
        sum(each["seconds"]["cpu"] for each in by_fold.values()) / 60
        for by_fold in results.values()
    ]
    first = next(iter(next(iter(results.values())).values()))
    return {
        "folds": folds,
        "mean": float(clips.mean()),
        "low": low,
        "high": high,
        "cpu_minutes": float(np.mean(minutes)),
        "parameters": first["parameters"],
    }


def report(args: argparse.Namespace) -> None:
    """Write the results and the page."""
    from report import write_between_markers, write_json

    results = {kind: gathered(args.runs, kind) for kind in CONDITIONS}
    made: dict[str, Any] = {kind: summary(x) for kind, x in results.items() if x}
    if all(results.values()):
        shared = sorted(set(results["scratch"]) & set(results["pretrained"]))
        a, b = (
            right_by_clip({seed: results[kind][seed] for seed in shared}) for kind in CONDITIONS
        )
        difference = np.array([b[name] - a[name] for name in sorted(a)])
        low, high = interval(difference)
        made["difference"] = {"mean": float(difference.mean()), "low": low, "high": high}
        made["difference"]["seeds"] = len(shared)
    write_json("esc10", made)
    write_between_markers(PAGE, "esc10", table(made))


def table(made: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = [
        "| training | seed | fold 1 | 2 | 3 | 4 | 5 | mean |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, name in CONDITIONS.items():
        for seed, folds in made.get(kind, {"folds": {}})["folds"].items():
            cells = " | ".join(f"{100 * x:.2f}" for x in folds)
            lines.append(f"| {name} | {seed} | {cells} | {100 * float(np.mean(folds)):.2f} |")
    lines.append("")
    for kind, name in CONDITIONS.items():
        if kind in made:
            x = made[kind]
            lines.append(
                f"- {name}: **{100 * x['mean']:.2f} %** over {len(x['folds'])} seeds (95 % "
                f"interval over clips {100 * x['low']:.2f} to {100 * x['high']:.2f}); "
                f"{x['cpu_minutes']:.1f} minutes of CPU for the five folds of a seed; "
                f"{x['parameters']:,} parameters."
            )
    if "difference" in made:
        x = made["difference"]
        lines.append(
            f"- pre-trained minus from scratch, clip by clip over the same {x['seeds']} seeds: "
            f"**{100 * x['mean']:+.2f}** points (95 % interval {100 * x['low']:+.2f} to "
            f"{100 * x['high']:+.2f})."
        )
    return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run")
    runs.add_argument("--data", type=Path, required=True)
    runs.add_argument("--runs", type=Path, required=True)
    runs.add_argument("--init", default="")
    runs.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    runs.add_argument("--folds", type=int, nargs="+", default=list(range(1, N_FOLDS + 1)))
    runs.set_defaults(call=run)
    pages = commands.add_parser("report")
    pages.add_argument("--runs", type=Path, required=True)
    pages.set_defaults(call=report)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
