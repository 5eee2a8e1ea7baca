"""``mirkit notes``: recordings in, notes out, to the screen or to files."""

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

SUFFIXES = {"csv": ".csv", "midi": ".mid", "jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--min-length", type=float, metavar="S", help="shortest note [s]")
    parser.add_argument("--onset-threshold", type=float, metavar="X", help="default: 0.5")
    parser.add_argument("--frame-threshold", type=float, metavar="X", help="default: 0.3")
    parser.add_argument("--fmin", type=float, metavar="HZ", help="lowest pitch [Hz]")
    parser.add_argument("--fmax", type=float, metavar="HZ", help="highest pitch [Hz]")
    parser.add_argument("--bends", action="store_true", help="pitches finer than semitones")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(
        args,
        ["notes"],
        min_length=args.min_length,
        onset_threshold=args.onset_threshold,
        frame_threshold=args.frame_threshold,
        fmin=args.fmin,
        fmax=args.fmax,
        bends=args.bends or None,
    )
    command = Command("notes", SUFFIXES, ("csv", "json"), show_text(_summary))
    return run_recordings(args, command, worker)


def _summary(found: Found) -> str:
    return f"{counted(len(found.value), 'note')} ({found.model})"
