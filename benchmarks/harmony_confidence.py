"""Make the confidence of chords and keys honest: fit it on validation clips, measure it on others.

A chord is right for the share of its time in which the reference names the same chord of the full
vocabulary; a key, where it is the key in which the reference is longest. With the prior of music
a decision counts as often as what is true there comes in music, for which the balanced clips are
weighted (importance weighting). Writes the curves into the sections [confidence] and
[confidence.flat] of the cards, a table into docs/chords-and-key.md, and
benchmarks/results/harmony_confidence.json. It is to be run again whenever the weights or priors
change.

Run: python benchmarks/harmony_confidence.py --fit data/manifests/chord-val.jsonl --audio DIR
       --test data/manifests/chord-test.jsonl --audio-test DIR [--clips N] [--dry-run]
"""

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report

CARDS = report.ROOT / "mirkit" / "cards"
MODELS = {"chords": "chord-crnn", "key": "key-crnn"}
PRIORS = ("flat", "music")
PENALTY = 1.0
N_BINS = 10
N_DRAWN = 20_000
"""Weighted decisions that are drawn to measure them as if they came as often as in music."""

Curve = tuple[float, float]


@dataclass(frozen=True)
class Decision:
    """A chord or a key that was named.

    Parameters
    ----------
    posterior
        Its probability.
    right
        Share of it that is right.
    clip
        Number of the clip.
    true
        Share of its known time that each class is true: qualities and N, or modes.
    """

    posterior: float
    right: float
    clip: int
    true: Mapping[str, float]


def main() -> None:
    """Fit, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR")
    parser.add_argument("--test", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--audio-test", type=Path, required=True, metavar="DIR")
    parser.add_argument("--clips", type=int, help="of the test, evenly spaced")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    args = parser.parse_args()
    rows, results = [], {}
    for task, model in MODELS.items():
        curves: dict[str, Curve] = {}
        results[model] = {}
        for prior in PRIORS:
            fitted_on = decisions(task, prior, args.fit, args.audio, None)
            held_out = decisions(task, prior, args.test, args.audio_test, args.clips)
            curves[prior] = fitted(fitted_on, weights_of(task, prior, fitted_on))
            found = measured(held_out, weights_of(task, prior, held_out), curves)
            slope, offset = curves[prior]
            results[model][prior] = {"slope": slope, "offset": offset, "measures": found}
            rows += [(model, prior, name, *map(shown, x.values())) for name, x in found.items()]
        if not args.dry_run:
            path = CARDS / f"{model}.toml"
            path.write_text(card_with(path.read_text(), curves))
    names = ("clips", "decisions", "right", "mean", "ECE", "Brier", "AUROC")
    text = report.table(("model", "prior", "confidence", *names), rows)
    print(text)
    if not args.dry_run:
        docs = report.ROOT / "docs" / "chords-and-key.md"
        report.write_between_markers(docs, "confidence", text)
        report.write_json("harmony_confidence", results)


def fitted(rows: Sequence[Decision], weights: np.ndarray) -> Curve:
    """Return slope and offset of the curve from the posterior to the share that is right."""
    from mirkit.metrics.calibration import fit_logistic

    posterior = np.array([row.posterior for row in rows])
    model = fit_logistic(odds(posterior)[:, None], [row.right for row in rows], PENALTY, weights)
    return model.weights[0], model.intercept


def measured(
    rows: Sequence[Decision], weights: np.ndarray, curves: Mapping[str, Curve]
) -> dict[str, dict[str, float]]:
    """Return what the posterior is worth, and each curve that was fitted up to here."""
    rng = np.random.default_rng(0)
    alike = np.ptp(weights) == 0
    drawn = np.arange(len(rows))
    if not alike:
        drawn = rng.choice(len(rows), N_DRAWN, p=weights / weights.sum())
    p, right = (np.array([getattr(row, x) for row in rows])[drawn] for x in ("posterior", "right"))
    counts = {"clips": len({row.clip for row in rows}), "decisions": len(rows)}
    found = {"posterior": counts | measures(p, right)}
    for prior, (slope, offset) in curves.items():
        name = "fitted" if prior == list(curves)[-1] else f"fitted for {prior}"
        found[name] = counts | measures(1 / (1 + np.exp(-slope * odds(p) - offset)), right)
    return found


def measures(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Return how honest confidence is."""
    from mirkit.metrics.calibration import auroc, brier, expected_calibration_error

    return {
        "right": float(right.mean()),
        "mean": float(confidence.mean()),
        "ece": expected_calibration_error(confidence, right, N_BINS),
        "brier": brier(confidence, right),
        "auroc": auroc(confidence, (right > 0.5).astype(float)),
    }


def weights_of(task: str, prior: str, rows: Sequence[Decision]) -> np.ndarray:
    """Return what each decision counts, 1 in the mean: more where what is true is frequent."""
    from mirkit.tasks import TASKS
    from mirkit.vocab.priors import expected_shares

    expected = expected_shares(str(TASKS[task].expects), prior)
    if expected is None:
        return np.ones(len(rows))
    seen: Counter[str] = Counter()
    for row in rows:
        seen.update(row.true)
    whole = sum(seen.values())
    ratios = {name: expected[name] * whole / n for name, n in seen.items() if name in expected}
    weights = np.array(
        [sum(x * ratios.get(name, 1.0) for name, x in row.true.items()) for row in rows]
    )
    return weights / weights.mean()


def odds(probability: np.ndarray) -> np.ndarray:
    """Return log odds, kept finite as the decoder does."""
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def decisions(
    task: str, prior: str, manifest: Path, folder: Path, clips: int | None
) -> list[Decision]:
    """Return what is decided under a prior in the clips of a manifest."""
    from mirkit.errors import MirkitError
    from mirkit.evaluation.items import read_items, spread
    from mirkit.evaluation.registry import find_benchmark
    from mirkit.system import load

    ready = load(MODELS[task], prior=prior, calibration=None)
    judge = judged_chords if task == "chords" else judged_key
    found: list[Decision] = []
    for i, item in enumerate(spread(read_items(manifest, folder), clips)):
        try:
            truth = find_benchmark(task).reference(item.reference)
            named = ready(item.audio)
        except MirkitError as error:  # a clip without chords, or without a key
            print(f"{item.name}: {error}")
            continue
        found += judge(truth, named, i)
    return found


def judged_chords(truth: Any, found: Any, clip: int) -> list[Decision]:
    """Return the chords of which something is known."""
    rows = []
    for (start, end), label, sure in zip(
        found.intervals.tolist(), found.labels, found.confidence.tolist(), strict=True
    ):
        known: Counter[str] = Counter()
        for (first, last), name in zip(truth.intervals.tolist(), truth.labels, strict=True):
            shared = max(0.0, min(end, last) - max(start, first))
            if shared and name != "X":
                known[reduced(name)] += shared
        whole = sum(known.values())
        if whole > 0:
            true: Counter[str] = Counter()
            for name, seconds in known.items():
                true[name.rpartition(":")[2]] += seconds / whole
            rows.append(Decision(sure, min(1.0, known[reduced(label)] / whole), clip, true))
    return rows


def reduced(label: str) -> str:
    """Return a chord of the full vocabulary in root position, N or X."""
    from mirkit.vocab import reduce_chord

    return "X" if label == "X" else reduce_chord(label.split("/")[0], "full")


def judged_key(truth: Any, found: Any, clip: int) -> list[Decision]:
    """Return the key; nothing where either is None."""
    from mirkit.vocab import normal_key

    if truth.label is None or found.label is None:
        return []
    true = normal_key(truth.label)
    right = float(true == normal_key(found.label))
    return [Decision(found.confidence, right, clip, {true.split()[1]: 1.0})]


def card_with(text: str, curves: Mapping[str, Curve]) -> str:
    """Return the text of a card with its sections of confidence written anew."""
    kept = re.sub(r"(?ms)^\[confidence\b[^\n]*\n.*?(?=^\[(?!confidence\b)|\Z)", "", text)
    sha256 = re.search(r'(?m)^sha256 = (".*")$', text)
    assert sha256 is not None
    music, flat = (
        f"slope = {slope:.4f}\noffset = {offset:.4f}\n"
        for slope, offset in (curves["music"], curves["flat"])
    )
    return (
        f"{kept.rstrip()}\n\n[confidence]\nsha256 = {sha256[1]}\n{music}\n[confidence.flat]\n{flat}"
    )


def shown(value: float) -> str:
    """Return a count as it is, and a share to three places."""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


if __name__ == "__main__":
    main()
