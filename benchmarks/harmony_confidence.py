"""Make the confidence of chords and keys honest: fit it on validation clips, measure it on others.

A chord is right for the share of its time in which the reference names the same chord of the full
vocabulary; a key, where it is the key in which the reference is longest. Writes slope and offset
into the section [confidence] of the cards, a table into docs/chords-and-key.md, and
benchmarks/results/harmony_confidence.json. It is to be run again whenever the weights change.

Run: python benchmarks/harmony_confidence.py --fit data/manifests/chord-val.jsonl --audio DIR
       --test data/manifests/chord-test.jsonl --audio-test DIR [--clips N] [--dry-run]
"""

import argparse
import re
from pathlib import Path

import numpy as np
import report

CARDS = report.ROOT / "mirkit" / "cards"
MODELS = {"chords": "chord-crnn", "key": "key-crnn"}
PENALTY = 1.0
N_BINS = 10


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
        curve, found = settle(
            decisions(task, args.fit, args.audio, None),
            decisions(task, args.test, args.audio_test, args.clips),
        )
        results[model] = {"slope": curve[0], "offset": curve[1], "measures": found}
        rows += [(model, name, *map(shown, each.values())) for name, each in found.items()]
        if not args.dry_run:
            path = CARDS / f"{model}.toml"
            path.write_text(card_with(path.read_text(), *curve))
    header = ("model", "confidence", "clips", "decisions", "right", "mean", "ECE", "Brier", "AUROC")
    text = report.table(header, rows)
    print(text)
    if not args.dry_run:
        docs = report.ROOT / "docs" / "chords-and-key.md"
        report.write_between_markers(docs, "confidence", text)
        report.write_json("harmony_confidence", results)


def settle(fitted_on: np.ndarray, held_out: np.ndarray) -> tuple[tuple[float, float], dict]:
    """Return slope and offset, and what the raw and the fitted confidence of the test is worth."""
    from mirkit.metrics.calibration import fit_logistic

    model = fit_logistic(odds(fitted_on[:, 0])[:, None], fitted_on[:, 1], PENALTY)
    fitted = model(odds(held_out[:, 0])[:, None])
    found = {
        "posterior": measures(held_out[:, 0], held_out),
        "fitted": measures(fitted, held_out),
    }
    return (model.weights[0], model.intercept), found


def measures(confidence: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Return how honest confidence is."""
    from mirkit.metrics.calibration import auroc, brier, expected_calibration_error

    right = rows[:, 1]
    return {
        "clips": len(np.unique(rows[:, 2])),
        "decisions": len(rows),
        "right": float(right.mean()),
        "mean": float(confidence.mean()),
        "ece": expected_calibration_error(confidence, right, N_BINS),
        "brier": brier(confidence, right),
        "auroc": auroc(confidence, (right > 0.5).astype(float)),
    }


def odds(probability: np.ndarray) -> np.ndarray:
    """Return log odds, kept finite as the decoder does."""
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def decisions(task: str, manifest: Path, folder: Path, clips: int | None) -> np.ndarray:
    """Return posterior, share that is right, and number of the clip, a row for each decision."""
    from mirkit.errors import MirkitError
    from mirkit.evaluation.items import read_items, spread
    from mirkit.evaluation.registry import find_benchmark

    ready = plain_system(task)
    rows: list[tuple[float, float, int]] = []
    for i, item in enumerate(spread(read_items(manifest, folder), clips)):
        try:
            truth = find_benchmark(task).reference(item.reference)
            found = ready(item.audio)
        except MirkitError as error:  # a clip without chords, or without a key
            print(f"{item.name}: {error}")
            continue
        judged = right_chords(truth, found) if task == "chords" else right_key(truth, found)
        rows += [(sure, right, i) for sure, right in judged]
    return np.array(rows)


def plain_system(task: str) -> object:
    """Return the system with its posterior for a confidence."""
    from mirkit.system import load

    return load(MODELS[task], calibration=None)


def right_chords(truth, found) -> list[tuple[float, float]]:  # noqa: ANN001
    """Return the confidence of each chord, and the share of its known time that is right."""
    from mirkit.vocab import reduce_chord

    def reduced(label: str) -> str:
        return "X" if label == "X" else reduce_chord(label.split("/")[0], "full")

    judged = []
    for (start, end), label, sure in zip(
        found.intervals.tolist(), found.labels, found.confidence.tolist(), strict=True
    ):
        known = right = 0.0
        for (first, last), name in zip(truth.intervals.tolist(), truth.labels, strict=True):
            shared = max(0.0, min(end, last) - max(start, first))
            if shared and name != "X":
                known += shared
                right += shared * (reduced(name) == reduced(label))
        if known > 0:
            judged.append((sure, min(1.0, right / known)))
    return judged


def right_key(truth, found) -> list[tuple[float, float]]:  # noqa: ANN001
    """Return the confidence of the key and whether it is right; nothing where either is None."""
    from mirkit.vocab import normal_key

    if truth.label is None or found.label is None:
        return []
    return [(found.confidence, float(normal_key(truth.label) == normal_key(found.label)))]


def card_with(text: str, slope: float, offset: float) -> str:
    """Return the text of a card with its section [confidence] written anew."""
    kept = re.sub(r"(?ms)^\[confidence\]\n.*?(?=^\[|\Z)", "", text).rstrip("\n")
    sha256 = re.search(r'(?m)^sha256 = (".*")$', text)
    assert sha256 is not None
    lines = f"sha256 = {sha256[1]}\nslope = {slope:.4f}\noffset = {offset:.4f}\n"
    return f"{kept}\n\n[confidence]\n{lines}"


def shown(value: float) -> str:
    """Return a count as it is, and a share to three places."""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


if __name__ == "__main__":
    main()
