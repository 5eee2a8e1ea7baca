"""``mirkit tags``: recordings in, tags out, to the screen or to files."""

from __future__ import annotations

import argparse

from mirkit.cli.arguments import add_prior
from mirkit.cli.recordings import Command, Found, add_recordings, run_recordings, task_worker

SUFFIXES = {"csv": ".csv", "jams": ".jams", "json": ".json"}
"""The formats, by name."""

DIGITS = 6  # of the scores on the screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument(
        "--top", type=n_tags, default=10, metavar="N", help="how many tags at most, or all"
    )
    parser.add_argument("--threshold", type=score, metavar="X", help="the lowest score kept: 0 … 1")
    add_prior(parser, "label", "Dog=.3")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(args, ["tags"], top=args.top, threshold=args.threshold, prior=args.prior)
    return run_recordings(args, Command("tags", SUFFIXES, ("csv", "json"), show_tags), worker)


def n_tags(text: str) -> int | str:
    """Parse a number of tags, at least 1, or ``all``."""
    if text == "all":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1, and not 'all'")
    return int(text)


def score(text: str) -> float:
    """Parse a score from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score from 0 to 1")
    return value


def show_tags(found: Found, path: str, format_name: str) -> None:
    """Print the tags of a recording below a line that names it."""
    from dataclasses import replace

    from mirkit.formats import dumps

    tags = found.value
    print(f"# {path}: {found.duration:.2f} s ({found.model})")
    print(dumps(replace(tags, scores=tags.scores.round(DIGITS)), "csv"), end="", flush=True)
