"""Chords and keys on held-out renders: tables in docs/chords-and-key.md, and benchmarks/results.

Run: python benchmarks/harmony_boards.py chord data/manifests/chord-test.jsonl --audio DIR
       [--keep FILE] [--clips N] [--systems NAME ...], and the same with key
"""

import argparse
from pathlib import Path

import report

LEFT_OUT = "\nClips without a truth of this kind are in no mean."


def main() -> None:
    """Score, print and write."""
    from mirkit.evaluation import evaluate

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["chord", "key"])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--clips", type=int)
    parser.add_argument("--systems", nargs="+", metavar="NAME")
    args = parser.parse_args()
    found = evaluate(
        args.task,
        args.manifest,
        systems=args.systems or [f"{args.task}-crnn"],
        audio=args.audio,
        clips=args.clips,
        keep=args.keep,
        by="source",
    )
    table = found.table().replace(str(args.manifest), args.manifest.name)
    text = f"```\n{table.strip()}\n```" + LEFT_OUT
    print(text)
    docs = report.ROOT / "docs" / "chords-and-key.md"
    report.write_between_markers(docs, f"{args.task} board", text)
    report.write_json(f"{args.task}_board", found.means)


if __name__ == "__main__":
    main()
