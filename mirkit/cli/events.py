"""``mirkit events``: recordings in, sound events out, to the screen or to files."""

from __future__ import annotations

import argparse

from mirkit.cli.files import counted
from mirkit.cli.recordings import (
    Command,
    Found,
    add_recordings,
    run_recordings,
    show_text,
    task_worker,
)
from mirkit.cli.tags import score

SUFFIXES = {
    "csv": ".csv",
    "jams": ".jams",
    "json": ".json",
    "dcase": ".tsv",
    "audacity": ".labels.txt",
    "svl": ".svl",
}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument(
        "--label", action="append", metavar="NAME", help="a class that is wanted; may be repeated"
    )
    parser.add_argument(
        "--threshold", type=score, metavar="X", help="least probability of all classes: 0 … 1"
    )
    parser.add_argument("--decoder", metavar="NAME", help="threshold or boxes")
    parser.add_argument("--min-length", type=float, metavar="S", help="shortest event [s]")
    parser.add_argument("--max-gap", type=float, metavar="S", help="longest pause in one [s]")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(
        args,
        ["events"],
        labels=None if args.label is None else tuple(args.label),
        threshold=args.threshold,
        decoder=args.decoder,
        min_length=args.min_length,
        max_gap=args.max_gap,
    )
    command = Command("events", SUFFIXES, ("csv", "dcase", "json"), show_text(_summary))
    return run_recordings(args, command, worker)


def _summary(found: Found) -> str:
    return f"{counted(len(found.value), 'event')} ({found.model})"
