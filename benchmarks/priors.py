"""Find the priors: what the models learned, what comes in music; written into cards and vocab.

``learned`` composes clips of the training lists (no sound is made) and counts how long each chord
quality and each mode was taught, as the losses weighted them. ``music`` estimates how often they
come in real recordings: by expectation maximization on the unlabeled recordings of `music`, with
published counts as further observations; of tags it counts the labels of `sounds`, and how often
the tagger expects them on the same recordings. Held-out recordings and those with a stated key
take no part. MIRKIT_DATA names the data.

Writes the section [prior] of the cards, mirkit/vocab/priors.toml, a table of docs/chords-and-key.md
and benchmarks/results/priors.json.

Run: python benchmarks/priors.py learned [--clips N]; python benchmarks/priors.py music
"""

import argparse
import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import real_recordings
import report

CARDS = report.ROOT / "mirkit" / "cards"
TABLE = report.ROOT / "mirkit" / "vocab" / "priors.toml"
RESULTS = report.ROOT / "benchmarks" / "results" / "priors.json"

TAUGHT: Mapping[str, Mapping[str, float]] = {
    "chord-crnn": {"train": 2360, "chord-train": 1400, "train-v7": 500},
    "key-crnn": {
        "train": 1500, "train-v7": 2400, "train-v8": 2294,
        "chord-train": 1400, "chord-train2": 1000, "chord-train3": 1200,
    },
}  # fmt: skip
"""Clips of each list that taught the shipped weights, as docs/training-log-chords.md says."""

NO_MUSIC = 0.4 + 0.6 * 0.5
"""Share of an excerpt that is without a chord where `HarmonyAugmentation.nothing` overwrites it."""

LISTENERS = {"ten genres": (86, 0.69), "electronic music": (373, 0.89)}
"""Recordings whose key listeners named, and the share of minor keys among them."""

POP_CHORDS = {"maj": 0.55, "min": 0.20, "7": 0.09, "min7": 0.08, "maj7": 0.03, "sus4": 0.015}
POP_OTHERS = 0.004
"""Shares of the time in annotated pop songs; the other qualities have `POP_OTHERS` each."""

N_POP = 200
"""Recordings that these count as: about as many as are listened to here."""

N_LABELS = 200
"""Recordings with the mean rate of all labels that are added to those in which each is counted.

A label that no source has is not impossible. 20, 200 and 400 give top-5 .485, .485 and .470 on
the recordings that are counted, and .50, .625, .65 of the classes of ESC-10's fold 5 by name.
"""


def main() -> None:
    """Find and write."""
    from mirkit.tasks import TASKS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("learned", "music"))
    parser.add_argument("--clips", type=int, default=300, help="of each list, evenly spaced")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="of activations")
    args = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if args.what == "learned":
        results["learned"] = {model: learned(model, args.clips) for model in TAUGHT}
        for model, found in results["learned"].items():
            write_card(model, found["shares"])
    else:
        results["music"] = {
            "chords": chords_of_music(args.keep),
            "key": keys_of_music(args.keep),
            "tags": tags_of_recordings(args.keep),
        }
        write_card("tag-mn", results["music"]["tags"]["expected"])
        write_table(
            {str(TASKS[task].expects): each["shares"] for task, each in results["music"].items()}
        )
    report.write_json("priors", results)
    if set(results) == {"learned", "music"}:
        report.write_between_markers(
            report.ROOT / "docs" / "chords-and-key.md", "priors", table(results)
        )


def learned(model: str, n_clips: int) -> dict[str, Any]:
    """Return the shares of classes in what a model was taught, and as its losses weighted them."""
    kind = "chords" if model == "chord-crnn" else "keys"
    counts: Counter[str] = Counter()
    for name, n_taught in TAUGHT[model].items():
        found = [composed[kind] for composed in compositions(name, n_clips)]
        for each in found:
            counts.update({key: n * n_taught / len(found) for key, n in each.items()})
    known = {name: n for name, n in counts.items() if name != "X"}
    whole = sum(known.values())
    taught = {name: n / whole for name, n in known.items()}
    return {"taught": taught, "shares": weighted(taught) if kind == "chords" else taught}


def compositions(name: str, n_clips: int) -> list[dict[str, Counter[str]]]:
    """Return the frames of each chord quality and of each mode in clips of a training list."""
    import os

    from mirkit import rendering
    from mirkit.evaluation.items import spread

    specs = rendering.read_specs(report.ROOT / "data" / "manifests" / f"{name}.toml")
    with tempfile.TemporaryDirectory() as cache:
        corpus = rendering.Corpus(Path(os.environ["MIRKIT_DATA"]), Path(cache))
        return [composed(spec, corpus) for spec in spread(tuple(specs), n_clips)]


def composed(spec: Any, corpus: Any) -> dict[str, Counter[str]]:
    """Return the frames of each chord quality and mode that a clip teaches, N and X among them."""
    from mirkit.frames import FrameGrid
    from mirkit.rendering.labels import drop_silent_keys, reduce_chords
    from mirkit.rendering.mix import PREROLL
    from mirkit.rendering.run import perform_clip
    from mirkit.rendering.score import crop
    from mirkit.training.harmony.targets import NO_CHORD, OTHER, chord_targets, key_targets
    from mirkit.vocab import CHORD_QUALITIES, MODES

    score = crop(perform_clip(spec, corpus), 0.0, spec.seconds, PREROLL)
    chords = reduce_chords(score.parts, score.chords, spec.seconds)
    truth = {
        "chords": [list(each) for each in chords],
        "keys": [list(each) for each in drop_silent_keys(score.keys, chords)],
        "instruments": [{"role": part.role, "n_notes": len(part.notes)} for part in score.parts],
    }
    grid = FrameGrid.from_fps(5)
    n_frames = int(spec.seconds * 5)
    names = {NO_CHORD: "N", OTHER: "X"}
    tags = [int(tag) for tag in chord_targets(truth, grid, n_frames)["tag"] if tag >= 0]
    keys = [int(key) for key in key_targets(truth, grid, n_frames) if key >= 0]
    return {
        "chords": Counter(names.get(tag, CHORD_QUALITIES[tag % 14]) for tag in tags),
        "keys": Counter(MODES[key // 12] for key in keys),
    }


def weighted(taught: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of chord qualities as the loss weights them, and N as augmentation adds it.

    Rare qualities count more, so what the network expects is between what it was taught and all
    alike.
    """
    from mirkit.training.harmony.augment import HarmonyAugmentation
    from mirkit.training.harmony.recipe import ChordLossSettings

    loss = ChordLossSettings()
    chords = {name: share for name, share in taught.items() if name != "N"}
    rare = {name: share**-loss.balance for name, share in chords.items()}
    mean = sum(rare[name] * share for name, share in chords.items()) / sum(chords.values())
    heard = {n: share * min(rare[n] / mean, loss.most) for n, share in chords.items()}
    overwritten = HarmonyAugmentation().nothing * NO_MUSIC
    nothing = taught["N"] * (1 - overwritten) + overwritten
    whole = sum(heard.values())
    return {name: share * (1 - nothing) / whole for name, share in heard.items()} | {"N": nothing}


def chords_of_music(keep: Path | None) -> dict[str, Any]:
    """Return the shares of the time of chord qualities in music, and where they come from."""
    from mirkit.decoding.priors import estimate_prior
    from mirkit.vocab.priors import EXCLUSIVE
    from mirkit.zoo.registry import card

    names = EXCLUSIVE["quality"]
    old = [card("chord-crnn").prior[name] for name in names]
    recordings = real_recordings.open_to_learning("music")
    rows, weights = [], []
    for item, activations in real_recordings.activations("chords", recordings, keep):
        frames = qualities(activations)
        rows.append(frames)
        weights.append(np.full(len(frames), item.weight / max(len(frames), 1)))
    p, w = np.concatenate(rows), np.concatenate(weights)
    alone = estimate_prior(p, old, weights=w)
    pop = pop_songs(names, alone[names.index("N")])
    shares = estimate_prior(p, old, weights=w, expected=list(pop.values()), strength=N_POP)
    return {
        "recordings": real_recordings.count(recordings),
        "published": pop,
        "alone": named(names, alone),
        "shares": named(names, np.maximum(shares, 1e-4)),
    }


def pop_songs(names: Sequence[str], nothing: float) -> dict[str, float]:
    """Return the shares in pop songs, and of N what is found: songs tell nothing of loops."""
    chords = {name: POP_CHORDS.get(name, POP_OTHERS) for name in names if name != "N"}
    whole = sum(chords.values())
    shares = {name: share * (1 - nothing) / whole for name, share in chords.items()}
    return {name: shares.get(name, nothing) for name in names}


def qualities(activations: Any) -> np.ndarray:
    """Return the probability of each quality and of N at each frame that is not silent."""
    from mirkit.gate import LEVEL, SECONDS_PER_LEVEL, SILENCE

    head, level = activations["tag"], activations[LEVEL].values[:, 0]
    places = (head.grid.times(head.n_frames) / SECONDS_PER_LEVEL).astype(int)
    sounds = level[np.clip(places, 0, len(level) - 1)] > SILENCE
    tags = head.probabilities().astype(np.float64)[sounds]
    found = np.concatenate([tags[:, :168].reshape(-1, 12, 14).sum(axis=1), tags[:, 168:169]], 1)
    return found / found.sum(axis=1, keepdims=True)


def keys_of_music(keep: Path | None) -> dict[str, Any]:
    """Return the shares of the modes among recordings, and where they come from."""
    from mirkit.decoding.priors import estimate_prior
    from mirkit.vocab import MODES
    from mirkit.zoo.registry import card

    old = [card("key-crnn").prior[mode] for mode in MODES]
    minor = float(np.mean([share for _, share in LISTENERS.values()]))
    n = sum(n for n, _ in LISTENERS.values())
    recordings = real_recordings.open_to_learning("music")
    found = [
        (modes(activations), item.weight)
        for item, activations in real_recordings.activations("key", recordings, keep)
    ]
    tonal = [(p, weight) for p, weight in found if p is not None]
    p, w = np.array([p for p, _ in tonal]), [weight for _, weight in tonal]
    alone = estimate_prior(p, old, weights=w)
    shares = estimate_prior(p, old, weights=w, expected=[1 - minor, minor], strength=n)
    return {
        "recordings": round(sum(w)),
        "published": {"major": 1 - minor, "minor": minor},
        "alone": named(MODES, alone),
        "shares": named(MODES, shares),
    }


def modes(activations: Any) -> np.ndarray | None:
    """Return the probability of major and minor for a recording, or None where it has no key."""
    from mirkit.music.key.decoder import GATE, pool, read
    from mirkit.zoo.registry import card

    frames, clip, _ = read(GATE(activations))
    pooled = pool(frames, clip)
    least = card("key-crnn").min_activation or 0.0625
    return None if pooled.max() < least else pooled.reshape(2, 12).sum(axis=1)


def tags_of_recordings(keep: Path | None) -> dict[str, Any]:
    """Return how often each label is there in real recordings, and how often it is expected.

    Each source counts alike. `sounds` say what is in them. Of `music` it is known that it is music
    and no other sound; which instruments play nobody says: there the tagger is believed.
    """
    from mirkit.vocab.tag_groups import is_in_group
    from mirkit.zoo.registry import card

    labels = tuple(card("tag-mn").config["labels"])
    music = {label for label in labels if not is_in_group(label, "environment")}
    expected, there, weights = [], [], []
    heard = real_recordings.trained_on()
    for pack in ("sounds", "music"):
        unheard = [x for x in real_recordings.open_to_learning(pack) if x.place not in heard]
        recordings = real_recordings.evened(unheard)
        for item, activations in real_recordings.activations("tags", recordings, keep):
            scores = real_recordings.calibrated_tags(activations)
            expected.append(scores)
            there.append(
                real_recordings.truth(item, labels)
                if pack == "sounds"
                else [
                    label == "Music" or (label in music) * p
                    for label, p in zip(labels, scores, strict=True)
                ]
            )
            weights.append(item.weight)
    w = np.array(weights)
    rates = w @ np.array(there, float)
    shares = (rates + N_LABELS * rates.mean() / w.sum()) / (w.sum() + N_LABELS)
    return {
        "recordings": round(w.sum()),
        "expected": named(labels, w @ np.array(expected) / w.sum()),
        "shares": named(labels, shares),
    }


def named(names: Sequence[str], shares: Any) -> dict[str, float]:
    """Return shares by name."""
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


def write_card(model: str, shares: Mapping[str, float]) -> None:
    """Write the section [prior] of a card anew."""
    path = CARDS / f"{model}.toml"
    kept = re.sub(r"(?ms)^\[prior\]\n.*?(?=^\[|\Z)", "", path.read_text()).rstrip("\n")
    path.write_text(f"{kept}\n\n[prior]\n{toml(shares)}")


def write_table(kinds: Mapping[str, Mapping[str, float]]) -> None:
    """Write the priors of music."""
    parts = [
        "# How often classes come in music: shares of the time, of recordings, of recordings.\n"
        "# Written by benchmarks/priors.py.\n"
    ]
    parts += [f"[{kind}]\n{toml(shares)}" for kind, shares in kinds.items()]
    TABLE.write_text("\n".join(parts))


def toml(shares: Mapping[str, float]) -> str:
    """Return lines of shares, most first."""
    rows = sorted(shares.items(), key=lambda row: -row[1])
    return "".join(f"{bare(name)} = {share:.4g}\n" for name, share in rows)


def bare(name: str) -> str:
    """Return a key of TOML, in quotes where it needs them."""
    return name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'


def table(results: Mapping[str, Any]) -> str:
    """Return what was taught, learned, published and found, class by class."""
    rows = [
        (name, *(f"{shares[name]:.3f}" for shares in columns))
        for task, model in (("chords", "chord-crnn"), ("key", "key-crnn"))
        for taught, found in [(results["learned"][model], results["music"][task])]
        for columns in [
            (taught["taught"], taught["shares"], *map(found.get, ("alone", "published", "shares")))
        ]
        for name in sorted(found["shares"], key=found["shares"].get, reverse=True)
    ]
    header = ("class", "taught", "learned", "EM alone", "published", '`"music"`')
    return report.table(header, rows)


if __name__ == "__main__":
    main()
