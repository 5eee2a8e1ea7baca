"""Published networks for chords, key and beats on real songs, beside mirkit's own, and their speed.

FOLDER holds their converted weights: crema.safetensors, s-key.safetensors, beatnet-1.safetensors,
beatnet-2.safetensors, beatnet-3.safetensors. Writes docs/published-music.md between its markers and
benchmarks/results/published_music.json. MIRKIT_DATA names the data.

Run: python benchmarks/published_music.py FOLDER
"""

import os
import sys
from pathlib import Path
from typing import Any

import report

SONGS = (
    "hungarian_dance_5", "lets_go_fishin", "sugar_plum_fairy", "vibe_ace", "solo_trumpet_06",
)  # fmt: skip
LONGEST = "lets_go_fishin"
N_SHOWN = 8
STEP = 0.1  # [s] between the moments at which two chord sequences are compared


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    models = loaded(Path(sys.argv[1]))
    songs = {name: Path(os.environ["MIRKIT_DATA"]) / "songs" / f"{name}.ogg" for name in SONGS}
    chords = {name: chords_of(models["crema"], path) for name, path in songs.items()}
    keys = {name: keys_of(models["s-key"], path) for name, path in songs.items()}
    beats = {name: beats_of(models, path) for name, path in songs.items()}
    speeds = {name: speed(model, songs[LONGEST]) for name, model in models.items()}
    machine = report.machine()
    page = report.ROOT / "docs" / "published-music.md"
    for section, text in (
        ("chords", chord_table(chords)), ("keys", key_table(keys)), ("beats", beat_table(beats)),
        ("speed", speed_table(speeds, machine)),
    ):  # fmt: skip
        print(text, end="\n\n")
        report.write_between_markers(page, section, text)
    results = {"chords": chords, "keys": keys, "beats": beats, "speed": speeds}
    report.write_json("published_music", {"machine": machine, **results})


def loaded(folder: Path) -> dict[str, Any]:
    """Return the models by name."""
    from mirkit.peers.beatnet import BeatNet
    from mirkit.peers.crema import Crema
    from mirkit.peers.skey import SKey

    kinds = (Crema, SKey, BeatNet)
    return {
        name: kind.from_weights(folder / f"{name}.safetensors")
        for kind in kinds
        for name in kind.origins
    }


def samples_of(path: Path, sample_rate: int) -> Any:
    """Return a recording as one mono block."""
    import numpy as np

    from mirkit.audio import reading

    with reading.blocks(path, sample_rate) as blocks:
        return np.concatenate(list(blocks), axis=1).mean(axis=0, keepdims=True)


def chords_of(model: Any, path: Path) -> dict[str, Any]:
    """Return the chords of both, and the share of time in which root and third are the same."""
    import mirkit

    theirs = mirkit.chords(model.activations([samples_of(path, model.sample_rate)]))
    ours = mirkit.chords(path)
    return {
        "crema": [[round(float(a), 1), label] for (a, _), label in listed(theirs)],
        "chord-crnn": [[round(float(a), 1), label] for (a, _), label in listed(ours)],
        "same": agreement(theirs, ours),
    }


def listed(chords: Any) -> list[Any]:
    """Return intervals and labels, pair by pair."""
    return list(zip(chords.intervals, chords.labels, strict=True))


def agreement(one: Any, other: Any) -> float:
    """Return the share of moments at which both name the same root and the same third."""
    import numpy as np

    from mirkit.vocab import reduce_chord

    times = np.arange(STEP / 2, min(one.intervals[-1, 1], other.intervals[-1, 1]), STEP)
    names = [
        [reduce_chord(chords.labels[i], "majmin") for i in places]
        for chords in (one, other)
        for places in [np.searchsorted(chords.intervals[:, 0], times, side="right") - 1]
    ]
    return float(np.mean([a == b for a, b in zip(*names, strict=True)]))


def keys_of(model: Any, path: Path) -> dict[str, Any]:
    """Return the key of both, with the confidence of each."""
    import mirkit

    theirs = mirkit.key(model.activations([samples_of(path, model.sample_rate)]))
    ours = mirkit.key(path)
    return {
        name: [key.label, key.confidence] for name, key in (("s-key", theirs), ("key-crnn", ours))
    }


def beats_of(models: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the tempo of each, and its F-measure against beat-tcn."""
    import mir_eval

    import mirkit

    ours = mirkit.beats(path)
    results: dict[str, Any] = {"beat-tcn": [ours.bpm, 1.0]}
    for name, model in models.items():
        if name.startswith("beatnet"):
            theirs = mirkit.beats(model.activations([samples_of(path, model.sample_rate)]))
            f = mir_eval.beat.f_measure(ours.times, theirs.times)
            results[name] = [theirs.bpm, float(f)]
    return results


def speed(model: Any, path: Path) -> dict[str, float]:
    """Return how many times faster than real time the front end is, and both together."""
    samples = samples_of(path, model.sample_rate)
    seconds = samples.shape[1] / model.sample_rate
    features = model.features([samples])
    front, network = report.least_cpu_seconds(
        [lambda: model.features([samples]), lambda: model.activations(features)], rounds=3
    )
    return {"features": seconds / front, "both": seconds / (front + network)}


def chord_table(chords: dict[str, Any]) -> str:
    """Return the first chords of each song, and how far both agree."""
    rows = [
        (f"{title(name)}, {model}", begun(found[model]), f"{found['same']:.0%}")
        for name, found in chords.items()
        for model in ("crema", "chord-crnn")
    ]
    return report.table(("song, model", f"first {N_SHOWN} chords", "same root and third"), rows)


def begun(chords: list[Any]) -> str:
    """Return the first chords with their times."""
    return " · ".join(f"{start:.1f} `{label}`" for start, label in chords[:N_SHOWN])


def key_table(keys: dict[str, Any]) -> str:
    """Return the keys of each song and their confidence."""
    rows = [
        (title(name), *(f"{label} ({sure:.2f})" for label, sure in found.values()))
        for name, found in keys.items()
    ]
    return report.table(("song", "s-key", "key-crnn"), rows)


def beat_table(beats: dict[str, Any]) -> str:
    """Return the tempi of each song, with the F-measure against ours."""
    names = list(next(iter(beats.values())))
    rows = [
        (title(name), *(f"{bpm or 0:.0f} ({f:.2f})" for bpm, f in found.values()))
        for name, found in beats.items()
    ]
    return report.table(("song: bpm (F)", *names), rows)


def speed_table(speeds: dict[str, Any], machine: dict[str, Any]) -> str:
    """Return the speed of each model."""
    rows = [
        (name, f"{found['features']:.0f}", f"{found['both']:.0f}") for name, found in speeds.items()
    ]
    header = ("times real time, one core, one thread", "front end", "with the network")
    return (
        report.table(header, rows)
        + f"\n\nFrom samples in memory; {machine['processor']}, load {machine['load'][0]}."
    )


def title(name: str) -> str:
    """Return a song as a reader knows it."""
    return name.replace("_", " ")


if __name__ == "__main__":
    main()
