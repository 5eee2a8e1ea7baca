"""``mirkit score``: estimates against references, with mir_eval's measures."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from mirkit.cli.arguments import benchmark_of
from mirkit.cli.files import print_json
from mirkit.tasks import SCHEMA


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("task", metavar="TASK", help="what is scored, such as beats")
    parser.add_argument("--reference", required=True, metavar="PATH", help="file or folder")
    parser.add_argument("--estimate", required=True, metavar="PATH", help="file or folder")
    parser.add_argument("--trim", type=float, metavar="SECONDS", help="leave out beats before: 5")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.evaluation import score

    task = benchmark_of(args).task
    settings = {} if args.trim is None else {"trim": args.trim}
    if settings and task != "beats":
        args.usage_error(f"--trim is for beats; {task} has no such setting")
    scores = score(args.reference, args.estimate, task, **settings)
    for name in scores.missing:
        print(f"mirkit: {name} has no estimate", file=sys.stderr)
    if args.json:
        for name, row in scores.by_file.items():
            print_json({"schema": SCHEMA, "file": name, "scores": dict(row)})
        print_json({"schema": SCHEMA, "mean": scores.mean(), "n_files": len(scores.by_file)})
    else:
        print(_table(scores))
    return 1 if scores.missing else 0


def _table(scores: Any) -> str:
    mean = scores.mean()
    rows = {**scores.by_file, f"mean of {len(scores.by_file)}": mean}
    width = max(len(name) for name in rows)
    lines = [" " * width + "".join(f"  {name}" for name in mean)]
    for name, row in rows.items():
        cells = (
            f"  {row[each]:{len(each)}.3f}" if each in row else "  " + "-".rjust(len(each))
            for each in mean
        )
        lines.append(name.ljust(width) + "".join(cells))
    return "\n".join(lines)
