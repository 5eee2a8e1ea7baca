"""Published models on five real songs beside mirkit's own, and the speed of all.

Writes the tables of docs/published.md and benchmarks/results/published_songs.json; afterwards
benchmarks/card_scores.py writes the speeds into the cards. The weights must be there (`mirkit
models download NAME`), and MIRKIT_DATA names the data.

Run: python benchmarks/published_songs.py
"""

import os
from pathlib import Path
from typing import Any

import report

PAGE = report.ROOT / "docs" / "published.md"
SONGS = (
    "hungarian_dance_5", "lets_go_fishin", "sugar_plum_fairy", "vibe_ace", "solo_trumpet_06",
)  # fmt: skip
LONGEST = "lets_go_fishin"
OWN = (
    "beat-tcn", "beat-tcn-live", "tempogram", "chord-crnn", "key-crnn", "tag-mn", "librosa",
    "librosa-chords", "librosa-key",
)  # fmt: skip
N_CHORDS = 8
N_TAGS = 5
STEP = 0.1
"""Time between the moments at which two chord sequences are compared [s]."""


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    from mirkit.zoo.registry import models

    published = [card for card in models() if card.wheel or card.converted]
    songs = {name: Path(os.environ["MIRKIT_DATA"]) / "songs" / f"{name}.ogg" for name in SONGS}
    names = {task: [c.name for c in published if c.task == task] for task in tasks_of(published)}
    found = {
        "tags": {song: tags_of(names["tags"], path) for song, path in songs.items()},
        "chords": {song: chords_of(path) for song, path in songs.items()},
        "key": {song: keys_of(path) for song, path in songs.items()},
        "beats": {song: beats_of(names["beats"], path) for song, path in songs.items()},
        "speed": {name: speed(name, songs[LONGEST]) for name in systems_of(published)},
    }
    machine = report.machine()
    tables = {
        "models": model_table(published),
        "tags": tag_table(found["tags"]),
        "chords": chord_table(found["chords"]),
        "keys": key_table(found["key"]),
        "beats": beat_table(found["beats"]),
        "speed": speed_table(found["speed"], machine),
    }
    for section, text in tables.items():
        print(text, end="\n\n")
        report.write_between_markers(PAGE, section, text)
    report.write_json("published_songs", {"machine": machine, **found})


def systems_of(cards: list[Any]) -> list[str]:
    """Return what is timed: published models, those of beats with two decoders, and our own."""
    names = [card.name for card in cards]
    offline = [f"{card.name}+drift" for card in cards if card.task == "beats"]
    return [*names, *offline, *OWN]


def tasks_of(cards: list[Any]) -> list[str]:
    """Return the tasks of models, each once."""
    return list(dict.fromkeys(card.task for card in cards))


def tags_of(names: list[str], path: Path) -> dict[str, dict[str, float]]:
    """Return the highest tags of each model, best first."""
    import mirkit

    tags = {name: mirkit.tags(path, model=name, top=N_TAGS) for name in names}
    return {name: {k: round(float(v), 3) for k, v in found} for name, found in tags.items()}


def chords_of(path: Path) -> dict[str, Any]:
    """Return the chords of both, and the share of time in which root and third are the same."""
    import mirkit

    found = {name: mirkit.chords(path, model=name) for name in ("crema", "chord-crnn")}
    same = agreement(found["crema"], found["chord-crnn"])
    return {**{name: list_chords(x) for name, x in found.items()}, "same": same}


def list_chords(chords: Any) -> list[Any]:
    """Return when each chord begins [s], and its label."""
    starts = chords.intervals[:, 0].round(1).tolist()
    return list(map(list, zip(starts, chords.labels, strict=True)))


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


def keys_of(path: Path) -> dict[str, Any]:
    """Return the key of both, with the confidence of each."""
    import mirkit

    keys = {name: mirkit.key(path, model=name) for name in ("s-key", "key-crnn")}
    return {name: [key.label, key.confidence] for name, key in keys.items()}


def beats_of(names: list[str], path: Path) -> dict[str, Any]:
    """Return the tempo of each, and its F-measure against beat-tcn."""
    import mir_eval

    import mirkit

    ours = mirkit.beats(path)
    results: dict[str, Any] = {"beat-tcn": [ours.bpm, 1.0]}
    for name in names:
        for decoder in (None, "drift"):
            theirs = mirkit.beats(path, model=name, decoder=decoder)
            f = mir_eval.beat.f_measure(ours.times, theirs.times)
            results[name if decoder is None else f"{name}+{decoder}"] = [theirs.bpm, float(f)]
    return results


def speed(name: str, path: Path) -> float:
    """Return how many times faster than real time a system is, samples at its rate given."""
    from mirkit.audio import reading
    from mirkit.system import load

    model, _, decoder = name.partition("+")
    system = load(model, decoder=decoder or None)
    audio = reading.read(path, system.sample_rate, mono=True)
    system(audio)
    (seconds,) = report.least_cpu_seconds([lambda: system(audio)], rounds=3)
    return audio.samples.shape[1] / audio.sample_rate / seconds


def model_table(cards: list[Any]) -> str:
    """Return what the cards say."""
    rows = [
        (
            f"`{card.name}`",
            card.task,
            f"{card.sample_rate / 1000:g} kHz",
            ", ".join(card.trained_on),
            card.license_weights,
            card.wheel or "a URL",
            f"{(card.size or 0) / 1e6:.1f} MB",
        )
        for card in cards
    ]
    titles = ("model", "task", "sample rate", "trained on", "license", "from", "download")
    return report.table(titles, rows)


def tag_table(tags: dict[str, Any]) -> str:
    """Return the highest tags of each song by each model."""
    rows = [
        (title(song) if not i else "", name, ", ".join(f"{k} {v:.2f}" for k, v in found.items()))
        for song, by_model in tags.items()
        for i, (name, found) in enumerate(by_model.items())
    ]
    return report.table(("recording", "model", f"the {N_TAGS} highest tags"), rows)


def chord_table(chords: dict[str, Any]) -> str:
    """Return the first chords of each song, and how far both agree."""
    rows = [
        (f"{title(name)}, {model}", first_chords(found[model]), f"{found['same']:.0%}")
        for name, found in chords.items()
        for model in ("crema", "chord-crnn")
    ]
    return report.table(("song, model", f"first {N_CHORDS} chords", "same root and third"), rows)


def first_chords(chords: list[Any]) -> str:
    """Return the first chords with their times."""
    return " · ".join(f"{start:.1f} `{label}`" for start, label in chords[:N_CHORDS])


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


def speed_table(speeds: dict[str, float], machine: dict[str, Any]) -> str:
    """Return the speed of each model."""
    rows = [(name, f"{speed:.0f}") for name, speed in sorted(speeds.items(), key=lambda x: -x[1])]
    return (
        report.table(("system", "times real time"), rows)
        + f"\n\n{machine['processor']}, load {machine['load'][0]}."
    )


def title(name: str) -> str:
    """Return a song as a reader knows it."""
    return name.replace("_", " ")


if __name__ == "__main__":
    main()
