"""Recordings and annotations that `mirkit plot` and `mirkit sonify` are given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mirkit.cli.analyze import tasks


def add_subject(parser: argparse.ArgumentParser, default: str, example: str) -> None:
    """Declare the recording, the tasks that are looked for in it, and the file to write."""
    parser.add_argument("path", metavar="PATH", help="a recording")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=f"such as {example}"
    )
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--tasks", type=tasks, default=tasks(default), metavar="NAME[,NAME…]",
        help=f"find these first; default: {default}",
    )  # fmt: skip
    given.add_argument(
        "--annotation", metavar="FILE", help="take these instead of finding any (.jams, .beats, …)"
    )
    parser.set_defaults(usage_error=parser.error)


def annotations_of(args: argparse.Namespace) -> Any:
    """Return the annotation of the file that was given, or the analysis of the recording."""
    if args.annotation:
        from mirkit.formats import read

        return read(args.annotation)
    from mirkit.analysis import analyze

    return analyze(args.path, tasks=args.tasks)
