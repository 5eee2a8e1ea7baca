"""``mirkit zero-shot``: recordings and sentences in, how well each sentence fits, out."""

from __future__ import annotations

import argparse
from pathlib import Path

from mirkit.cli.recordings import Command, add_recordings, run_recordings, task_worker
from mirkit.cli.tags import SUFFIXES, n_tags, score, show_tags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="TEXT",
        help="a sentence (default: AudioSet's)",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="a text file with a sentence per line"
    )
    parser.add_argument(
        "--template",
        action="append",
        metavar="TEXT",
        help="what is made of each sentence, which stands for {}; several are averaged",
    )
    parser.add_argument(
        "--top", type=n_tags, default="all", metavar="N", help="how many at most (default: all)"
    )
    parser.add_argument("--threshold", type=score, metavar="X", help="the lowest score kept: 0 … 1")
    parser.add_argument("--none", action="store_true", help="list 'none of these' too")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.errors import ParameterError
    from mirkit.sound.clap.prompts import check_labels, check_templates, read_labels

    given = (*args.label, *(read_labels(args.labels) if args.labels else ()))
    try:
        labels = check_labels(given) if given else None
        templates = check_templates(args.template) if args.template else None
    except ParameterError as error:
        args.usage_error(f"{error} (--label TEXT, --labels FILE, --template TEXT)")
    top = None if args.top == "all" else args.top
    worker = task_worker(
        args, ["zero_shot"], labels=labels, templates=templates, top=top,
        threshold=args.threshold, none=args.none,
    )  # fmt: skip
    return run_recordings(args, Command("zero-shot", SUFFIXES, ("csv", "json"), show_tags), worker)
