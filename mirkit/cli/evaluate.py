"""``mirkit evaluate``: systems on a benchmark, with intervals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mirkit.cli.arguments import add_jobs, benchmark_of, processors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("task", metavar="TASK", help="what is scored, such as beats")
    parser.add_argument(
        "manifest",
        metavar="MANIFEST",
        help="clips (.csv, .jsonl), audio,annotation or a folder; for tags also SET:FOLDER",
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME",
        help="MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]; for tags also saved scores",
    )
    parser.add_argument("--audio", type=Path, metavar="DIR", help="where the recordings lie")
    parser.add_argument("--clips", type=_count, metavar="N", help="score N, evenly spaced")
    parser.add_argument("--against", metavar="NAME", help="compare with it (default: the first)")
    parser.add_argument("--by", metavar="COLUMN", help="also by a column, such as style")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="go on from these scores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report; - prints it")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the report (.png, .pdf)")
    parser.add_argument("--split", metavar="NAME", help="score only the clips of this split")
    parser.add_argument("--ontology", metavar="PATH", help="tags: AudioSet's ontology.json")
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of clips; it is at least 1")
    return value


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.evaluation import evaluate

    report = evaluate(
        args.task,
        args.manifest,
        **_options(args),
        systems=args.systems,
        audio=args.audio,
        clips=args.clips,
        split=args.split,
        against=args.against,
        by=args.by,
        keep=args.keep,
        n_jobs=args.jobs or processors(),
    )
    for clip, system, failure in report.failed:
        print(f"mirkit: {clip}, {system}: {failure.message}", file=sys.stderr)
    if str(args.json) == "-":
        print(report.to_json(indent=None), end="")
    else:
        print(report.table())
    if args.json and str(args.json) != "-":
        args.json.write_text(report.to_json(), encoding="utf-8")
    if args.plot:
        from mirkit.evaluation import draw

        draw(report).savefig(args.plot)
    return 1 if report.failed else 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of one benchmark alone; they are wrong usage of any other."""
    from mirkit.evaluation import BENCHMARKS

    benchmark = benchmark_of(args)
    options = {name: getattr(args, name) for name in ("ontology",) if getattr(args, name)}
    for name in options:
        if name not in benchmark.options:
            owners = [task for task, other in BENCHMARKS.items() if name in other.options]
            args.usage_error(
                f"--{name} is for {' and '.join(owners)}; {args.task} has no such setting"
            )
    return options
