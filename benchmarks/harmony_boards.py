"""Chords and keys on held-out renders: tables in docs/chords-and-key.md, and benchmarks/results.

Run: python benchmarks/harmony_boards.py chords data/manifests/chord-test.jsonl --audio DIR
       [--keep FILE] [--clips N] [--systems NAME ...] [--board NAME], and the same with key

The slow peers are scored on fewer clips, in tables of their own: --clips 24 --board
"chord peers".
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import report

from mirkit.metrics.key import longest_key
from mirkit.rendering.clips import read_clip
from mirkit.vocab import TONICS, parse_chord

BOARDS = {"chords": "chord board", "key": "key board"}
LEFT_OUT = "\nClips without a truth of this kind are in no mean."


def main() -> None:
    """Score, print and write."""
    from mirkit.evaluation import BENCHMARKS, evaluate

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=list(BOARDS))
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--clips", type=int)
    parser.add_argument("--systems", nargs="+", metavar="NAME")
    parser.add_argument("--board", metavar="NAME", help="of the table")
    args = parser.parse_args()
    found = evaluate(
        args.task,
        args.manifest,
        systems=args.systems or BENCHMARKS[args.task].systems[:1],
        audio=args.audio,
        clips=args.clips,
        keep=args.keep,
        by="source",
    )
    table = found.table().replace(str(args.manifest), args.manifest.name)
    text = f"```\n{table.strip()}\n```" + LEFT_OUT
    if args.task == "key":
        text += "\n\n" + by_tonic(found.rows, args.audio)
    print(text)
    docs = report.ROOT / "docs" / "chords-and-key.md"
    board = args.board or BOARDS[args.task]
    report.write_between_markers(docs, board, text)
    report.write_json(board.replace(" ", "_"), found.means)


def by_tonic(rows: Sequence[Any], audio: Path) -> str:
    """Return a table that tells clips in which the tonic's chord is played from those without.

    A short excerpt without a chord on its tonic has the key that its composer had in mind, and no
    listener is bound to agree.
    """
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        played = "yes" if plays_tonic(read_clip(audio / f"{row.clip}.json")) else "no"
        groups.setdefault((row.system, played), []).append(row.scores)
    names = ("weighted", "correct", "local_correct", "local_weighted")
    cells = [
        (system, played, len(scores), *(f"{mean(scores, name):.3f}" for name in names))
        for (system, played), scores in sorted(groups.items(), reverse=True)
    ]
    titles = (name.replace("_", " ") for name in names)
    return report.table(("system", "tonic is played", "clips", *titles), cells)


def plays_tonic(clip: Any) -> bool:
    """Whether a chord is on the tonic of the key in which a clip is longest."""
    key = longest_key(clip.keys).label
    roots = {parse_chord(label).root for label in clip.chords.labels}
    return not roots or TONICS.index(key.split()[0]) in roots


def mean(scores: Sequence[Mapping[str, float]], name: str) -> float:
    """Return the mean of a measure over clips."""
    return sum(each[name] for each in scores) / len(scores)


if __name__ == "__main__":
    main()
