"""What the prior of music gives on real recordings: stated keys, other people's systems, tags.

| measured | on |
|---|---|
| mir_eval's weighted key score | the groups of `music` whose source states a major or minor key |
| agreement with S-KEY and with crema | held-out `music`; the rest, which priors were estimated on |
| labels and calibration of tags | held-out `sounds` |

Each group of recordings counts once; intervals are from a bootstrap of groups. WEIGHTS is the
folder of s-key.safetensors and crema.safetensors, which `Published.convert` writes. Writes tables
into docs/chords-and-key.md and docs/tags.md, and benchmarks/results/label_shift.json. MIRKIT_DATA
names the data.

Run: python benchmarks/label_shift.py WEIGHTS [--keep DIR]
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import real_recordings
import report
from real_recordings import Item

PRIORS = ("flat", "music")
N_DRAWS = 2000
STEP = 0.1  # [s] between the moments at which two chord sequences are compared
VOCABULARIES = ("majmin", "sevenths", "full")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, metavar="WEIGHTS")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="of activations")
    args = parser.parse_args()
    held, others = halves("music")
    skey, crema = published(args.weights)
    results = {
        "stated keys": stated_keys(args.keep),
        "held-out music": agreement(held, skey, crema, args.keep),
        "other music": agreement(others, skey, crema, args.keep),
    }
    harmony = harmony_table(results)
    results["held-out sounds"] = tags_of_sounds(args.keep)
    tags = tag_table(results["held-out sounds"])
    print(harmony, tags, sep="\n\n")
    docs = report.ROOT / "docs"
    report.write_between_markers(docs / "chords-and-key.md", "label shift", harmony)
    report.write_between_markers(docs / "tags.md", "label shift", tags)
    report.write_json("label_shift", results)


def halves(pack: str) -> tuple[list[Item], list[Item]]:
    """Return the held-out recordings of a pack, and those that may be learned from."""
    held = real_recordings.held_out()
    return (
        real_recordings.weighed(item for item in real_recordings.items(pack) if item.place in held),
        real_recordings.open_to_learning(pack),
    )


def published(folder: Path) -> tuple[Any, Any]:
    """Return S-KEY and crema."""
    from mirkit.peers.crema import Crema
    from mirkit.peers.skey import SKey

    return (
        SKey.from_weights(folder / "s-key.safetensors"),
        Crema.from_weights(folder / "crema.safetensors"),
    )


def decoders(task: str) -> dict[str, Callable[[Any], Any]]:
    """Return what decodes the activations of the default model, under each prior."""
    from mirkit.system import load

    return {prior: load(task=task, prior=prior).decode for prior in PRIORS}


def stated_keys(keep: Path | None) -> dict[str, Any]:
    """Return the scores of the keys that sources state, and how often minor is stated and named."""
    from mirkit.metrics.key import NEAR, nearness

    known = [(item, stated(item.key)) for item in real_recordings.items("music")]
    truth = {item.place: key for item, key in known if key}
    chosen = real_recordings.weighed(item for item, key in known if key)
    found = {prior: [] for prior in PRIORS}
    minor = {prior: [] for prior in PRIORS}
    for item, activations in real_recordings.activations("key", chosen, keep):
        for prior, decode in decoders("key").items():
            label = decode(activations).label
            found[prior].append(NEAR[nearness(truth[item.place], label)])
            minor[prior].append(float(label is not None and label.endswith("minor")))
    rows = {prior: mean(chosen, found[prior]) for prior in PRIORS}
    return {
        "groups": real_recordings.count(chosen),
        "weighted": rows | {"difference": difference(chosen, found)},
        "minor": {prior: mean(chosen, minor[prior]) for prior in PRIORS}
        | {"stated": mean(chosen, [float(truth[x.place].endswith("minor")) for x in chosen])},
    }


def stated(text: str) -> str | None:
    """Return a stated key in the one spelling, or None where it is neither major nor minor."""
    from mirkit.errors import ParameterError
    from mirkit.vocab import normal_key

    words = text.replace("Natural ", "").replace("Harmonic ", "")
    if not words.lower().endswith(("major", "minor")):
        return None
    try:
        return normal_key(words)
    except ParameterError:
        return None


def agreement(
    chosen: Sequence[Item], skey: Any, crema: Any, keep: Path | None
) -> dict[str, dict[str, Any]]:
    """Return how far keys agree with S-KEY and chords with crema, under each prior."""
    keys = key_agreement(chosen, skey, keep)
    chords = chord_agreement(chosen, crema, keep)
    return {
        name: {"groups": real_recordings.count(chosen)}
        | {prior: mean(chosen, found[prior]) for prior in PRIORS}
        | {"difference": difference(chosen, found)}
        for name, found in (keys | chords).items()
    }


Scores = dict[str, dict[str, list[float]]]


def key_agreement(chosen: Sequence[Item], skey: Any, keep: Path | None) -> Scores:
    """Return mir_eval's weighted score of the keys by those of S-KEY."""
    from mirkit.metrics.key import NEAR, nearness
    from mirkit.music.key.decoder import decoder

    plain, ours = decoder(), decoders("key")
    found: dict[str, list[float]] = {prior: [] for prior in PRIORS}
    theirs = real_recordings.activations("skey", chosen, keep, skey)
    for (_, heard), (_, other) in zip(
        real_recordings.activations("key", chosen, keep), theirs, strict=True
    ):
        expected = plain(other).label
        for prior, decode in ours.items():
            found[prior].append(NEAR[nearness(expected, decode(heard).label)])
    return {"key, weighted": found}


def chord_agreement(chosen: Sequence[Item], crema: Any, keep: Path | None) -> Scores:
    """Return the share of moments at which chords are those of crema, in each vocabulary."""
    from mirkit.music.chord.decoder import GATE, decoder
    from mirkit.vocab import reduce_chord

    plain, ours = decoder(), decoders("chords")
    found: Scores = {name: {prior: [] for prior in PRIORS} for name in VOCABULARIES}
    theirs = real_recordings.activations("crema", chosen, keep, crema)
    for (_, heard), (_, other) in zip(
        real_recordings.activations("chords", chosen, keep), theirs, strict=True
    ):
        expected = plain(GATE(other))
        times = np.arange(STEP / 2, expected.intervals[-1, 1], STEP)
        reference = labels_at(expected, times)
        for prior, decode in ours.items():
            estimate = labels_at(decode(heard), times)
            for name in VOCABULARIES:
                same = [
                    reduce_chord(a, name) == reduce_chord(b, name)
                    for a, b in zip(reference, estimate, strict=True)
                ]
                found[name][prior].append(float(np.mean(same)))
    return {f"chords, {name}": scores for name, scores in found.items()}


def labels_at(chords: Any, times: np.ndarray) -> list[str]:
    """Return the chords that sound at some times [s]."""
    places = np.searchsorted(chords.intervals[:, 0], times, side="right") - 1
    return [chords.labels[i] for i in np.clip(places, 0, len(chords.labels) - 1)]


def tags_of_sounds(keep: Path | None) -> dict[str, dict[str, float]]:
    """Return how tags fare on held-out sounds that hold a label of the tagger."""
    from mirkit.system import load
    from mirkit.zoo.registry import card

    labels = tuple(card("tag-mn").config["labels"])
    own = [label in real_recordings.ontology().children for label in labels]
    held, _ = halves("sounds")
    there = {item.place: real_recordings.truth(item, labels) for item in held}
    chosen = real_recordings.weighed(item for item in held if there[item.place].any())
    heard = list(real_recordings.activations("tags", chosen, keep))
    y = np.array([there[item.place] for item in chosen])[:, own]
    found = {}
    for prior in PRIORS:
        ready = load(task="tags", prior=prior, top="all")
        scores = []
        for _, activations in heard:
            by_name = dict(ready.decode(activations))
            scores.append([by_name[label] for label in labels])
        found[prior] = tag_measures(chosen, np.array(scores)[:, own], y)
    return found


def tag_measures(chosen: Sequence[Item], scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return how often the first and the first five tags hold a right one, and calibration."""
    from mirkit.metrics.calibration import brier, expected_calibration_error

    order = np.argsort(-scores, axis=1, kind="stable")
    hits = np.take_along_axis(y, order, axis=1)
    flat = (scores.ravel(), y.ravel().astype(float))
    return {
        "groups": real_recordings.count(chosen),
        "clips": len(chosen),
        "top-1": mean(chosen, hits[:, :1].any(axis=1))["mean"],
        "top-5": mean(chosen, hits[:, :5].any(axis=1))["mean"],
        "ECE": expected_calibration_error(*flat),
        "Brier": brier(*flat),
        "mean score": float(scores.mean()),
        "rate": float(y.mean()),
    }


def mean(chosen: Sequence[Item], values: Any) -> dict[str, float]:
    """Return the mean over groups, with its interval of 95 %."""
    groups = by_group(chosen, values)
    low, high = np.percentile(drawn(groups), [2.5, 97.5])
    return {"mean": float(groups.mean()), "low": float(low), "high": float(high)}


def difference(chosen: Sequence[Item], found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the mean of music less that of flat, paired by group, with its interval."""
    return mean(chosen, np.array(found["music"]) - np.array(found["flat"]))


def by_group(chosen: Sequence[Item], values: Any) -> np.ndarray:
    """Return the mean of each group."""
    sums: dict[str, list[float]] = {}
    for item, value in zip(chosen, values, strict=True):
        sums.setdefault(item.group, []).append(float(value))
    return np.array([np.mean(each) for each in sums.values()])


def drawn(groups: np.ndarray) -> np.ndarray:
    """Return the means of groups drawn with replacement."""
    places = np.random.default_rng(0).integers(len(groups), size=(N_DRAWS, len(groups)))
    return groups[places].mean(axis=1)


def harmony_table(results: Mapping[str, Any]) -> str:
    """Return what both priors give, and the difference."""
    keys = results["stated keys"]
    rows = [("stated keys", "weighted", f"{keys['groups']:.0f}", *cells(keys["weighted"]))]
    rows += [
        (f"{name}, agreement", measure, f"{found['groups']:.0f}", *cells(found))
        for name, measures in results.items()
        if name.endswith("music")
        for measure, found in measures.items()
    ]
    minor = keys["minor"]
    shares = ", ".join(f"{name} {minor[name]['mean']:.0%}" for name in ("stated", *PRIORS))
    header = ("recordings", "measure", "groups", *PRIORS, "music − flat")
    return report.table(header, rows) + f"\n\nMinor keys among the stated: {shares}."


def cells(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return means, and the difference with its interval."""
    gain = found["difference"]
    return [
        *(f"{found[prior]['mean']:.3f}" for prior in PRIORS),
        f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]",
    ]


def tag_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return what both priors give."""
    names = [name for name in found["flat"] if name != "clips"]
    rows = [(prior, *(shown(each[name]) for name in names)) for prior, each in found.items()]
    return report.table(("prior", *names), rows)


def shown(value: float) -> str:
    """Return a count as it is, and a share to three places."""
    return f"{value:.0f}" if value >= 2 else f"{value:.3f}"


if __name__ == "__main__":
    main()
