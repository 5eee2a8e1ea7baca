"""Teach a tagger the classes of your own folder, and plot how well it hears each.

Run: python examples/fine_tune_tags.py FOLDER, where FOLDER holds a folder of sounds for each class
Without a folder it takes ESC-10 where MIRKIT_DATA is set, and sounds that it makes where not.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from mirkit.training.families import make_task, parse_recipe
from mirkit.training.loop import train
from mirkit.training.tag.compose import compose_recipe
from mirkit.training.tag.task import TagTask, known_precision
from mirkit.training.weights import load_best

RATE = 16000


def made_sounds(folder: Path) -> Path:
    """Write twelve sounds of each of three classes, and return their folder."""
    rng = np.random.default_rng(0)
    seconds = np.arange(RATE) / RATE
    for i in range(12):
        made = {
            "clicks": rng.standard_normal(RATE) * (seconds % 0.25 < 0.003),
            "noise": 0.1 * rng.standard_normal(RATE),
            "tone": 0.1 * np.sin(2 * np.pi * (500 + 100 * i) * seconds),
        }
        for name, samples in made.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            floor = 1e-3 * rng.standard_normal(RATE)
            soundfile.write(folder / name / f"{i}.wav", samples + floor, RATE)
    return folder


def plotted(labels: tuple[str, ...], precision: np.ndarray, path: Path) -> None:
    """Draw the average precision of each class as a bar."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 1 + 0.3 * len(labels)), layout="constrained")
    axes.barh(labels, np.nan_to_num(precision))
    axes.set(xlim=(0, 1), xlabel="average precision, recordings that were not trained on")
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Train, judge, plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--backbone", default="residual")
    parser.add_argument("--weights", default="", help="checkpoint to start from")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--plot", type=Path, default=Path("precision.png"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = args.folder
        if data is None and os.environ.get("MIRKIT_DATA"):
            data = Path(os.environ["MIRKIT_DATA"]) / "esc10" / "esc10.csv"
        data = data or made_sounds(Path(scratch) / "sounds")
        began = time.monotonic()
        text = compose_recipe(
            args.backbone,
            data,
            Path(scratch) / "run",
            head="own",
            weights=args.weights,
            epochs=args.epochs,
            crop=2.5,
        )
        recipe = Path(scratch) / "recipe.toml"
        recipe.write_text(text, "utf-8")
        run = train(recipe)
        task = make_task(parse_recipe(text), torch.device("cpu"))
        assert isinstance(task, TagTask)
        net = task.network()
        load_best(net, run)
        places = list(task.data.validation)
        logits = task.predict(net, places)
        precision = known_precision(logits, task.data.targets[places], task.data.mask[places])
        for label, value in zip(task.data.labels, precision, strict=True):
            print(f"{value:.2f}  {label}")
        plotted(task.data.labels, precision, args.plot)
        minutes = (time.monotonic() - began) / 60
        print(f"{len(places)} recordings judged after {minutes:.1f} minutes; see {args.plot}")


if __name__ == "__main__":
    main()
