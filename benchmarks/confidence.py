"""Make the confidence of beats honest: fit it on validation clips, measure it on test clips.

Writes the section [confidence] of the model's card, tables into docs/confidence.md, and
benchmarks/results/confidence.json. It is to be run again whenever the weights change; until then
the new weights give no confidence.

Run: python benchmarks/confidence.py --fit data/manifests/val.csv --audio DIR
       --test data/manifests/test.jsonl --audio-test DIR [--dry-run] [--jobs N]
"""

import argparse
import math
import os
from functools import partial
from pathlib import Path

import report

from mirkit.batch import Failure, run_batch
from mirkit.evaluation.items import read_items

CARDS = report.ROOT / "mirkit" / "cards"
NAMES = {
    "level": "the level is right",
    "beat": "the beat is right",
    "track": "share of right beats",
}


def main() -> None:
    """Fit, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", type=Path, nargs="+", required=True, metavar="MANIFEST")
    parser.add_argument("--audio", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--test", type=Path, nargs="+", default=[], metavar="MANIFEST")
    parser.add_argument("--audio-test", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--model", default="beat-tcn")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the reliability diagram")
    args = parser.parse_args()
    held_out = decode(args.model, args.test, args.audio_test, args.jobs)
    fitted_on = decode(args.model, args.fit, args.audio, args.jobs)
    settle(args.model, fitted_on, held_out, args.dry_run, args.plot)


def settle(
    model: str, fitted_on: list, held_out: list, dry_run: bool, picture: Path | None
) -> None:
    """Fit on some tracks, measure on others, print, draw, and write unless it is a dry run."""
    from mirkit.evaluation.confidence import (
        card_with,
        cross_validate,
        fit_confidence,
        honesty,
        outcomes,
    )
    from mirkit.music.beat.decoder import DEFAULT
    from mirkit.zoo.registry import card

    confidence = fit_confidence(fitted_on)
    boards = {f"validation ({len(fitted_on)}), cross-validated": cross_validate(fitted_on)}
    if held_out:
        boards[f"test ({len(held_out)})"] = outcomes(held_out, lambda _: confidence)
    numbers = {
        board: {name: honesty(outcome) for name, outcome in found.items()}
        for board, found in boards.items()
    }
    summary, curves = summary_table(numbers), curve_table(*list(boards.items())[-1])
    print(summary, curves, sep="\n\n")
    if picture:
        draw(list(boards.values())[-1], picture)
    if dry_run:
        return
    known = card(model)
    path = CARDS / f"{model}.toml"
    decoder = known.decoder or DEFAULT
    path.write_text(card_with(path.read_text(), confidence, known.sha256, decoder))
    docs = report.ROOT / "docs" / "confidence.md"
    report.write_between_markers(docs, "honesty", summary)
    report.write_between_markers(docs, "reliability", curves)
    weights = {"sha256": known.sha256, "decoder": decoder}
    report.write_json("confidence", {"weights": weights, "boards": without_nan(numbers)})


def decode(model: str, manifests: list[Path], folders: list[Path], n_jobs: int) -> list:
    """Return the decoded tracks of manifests, each with the folder of its recordings."""
    if len(manifests) != len(folders):
        raise SystemExit(f"{len(manifests)} manifests need as many folders, not {len(folders)}")
    items = [
        item
        for manifest, folder in zip(manifests, folders, strict=True)
        for item in read_items(manifest, folder)
    ]
    found = []
    for item, outcome in run_batch(partial(track, model), items, n_jobs, "clips"):
        if isinstance(outcome, Failure):
            raise SystemExit(f"{item.name}: {outcome.message}")
        found.append(outcome)
    return found


def track(model: str, item) -> object:  # noqa: ANN001
    """Decode a recording, and keep what its confidence is made of."""
    from mirkit.evaluation.beat import read_beats
    from mirkit.evaluation.confidence import DecodedTrack
    from mirkit.system import load

    ready = load(model, task="beats")
    activations = ready.activations(item.audio)
    return DecodedTrack.of(ready.decoder(activations), activations, read_beats(item.reference))


def summary_table(numbers: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return a row for each board and kind of confidence."""
    header = ("clips", "confidence that", "decisions", "right", "mean confidence", "ECE",
              "ECE, equal mass", "ECE if exactly honest", "AUROC [95 %]", "Brier")  # fmt: skip
    rows = []
    for board, found in numbers.items():
        for name, x in found.items():
            area = f"{x['auroc']:.3f} [{x['auroc_low']:.3f}, {x['auroc_high']:.3f}]"
            floor = "" if math.isnan(x["ece_floor"]) else f"{x['ece_floor']:.3f}"
            rows.append((board, NAMES[name], int(x["n"]), f"{x['right']:.3f}",
                         f"{x['confidence']:.3f}", f"{x['ece']:.3f}", f"{x['ece_mass']:.3f}",
                         floor, area, f"{x['brier']:.3f}"))  # fmt: skip
    return report.table(header, rows)


def curve_table(board: str, found: dict) -> str:
    """Return the reliability curve of each kind of confidence, in ten bins of equal width."""
    from mirkit.metrics.calibration import reliability

    rows = []
    for name, outcome in found.items():
        curve = reliability(outcome.confidence, outcome.correct)
        for p, right, n in zip(curve.confidence, curve.accuracy, curve.counts, strict=True):
            rows.append((NAMES[name], f"{p:.2f}", f"{right:.2f}", n))
    return report.table((board, "confidence", "right", "decisions"), rows)


def draw(found: dict, path: Path) -> None:
    """Draw the reliability diagram of each kind of confidence."""
    from mirkit.metrics.calibration import reliability
    from mirkit.plots import plot_reliability

    curves = {NAMES[name]: reliability(x.confidence, x.correct) for name, x in found.items()}
    plot_reliability(curves).savefig(path)


def without_nan(numbers: dict) -> dict:
    """Return the numbers rounded, and None for what is not one."""
    return {
        board: {
            name: {key: None if math.isnan(x) else round(x, 4) for key, x in row.items()}
            for name, row in found.items()
        }
        for board, found in numbers.items()
    }


if __name__ == "__main__":
    main()
