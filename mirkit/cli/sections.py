"""``mirkit sections``: recordings in, their form out, to the screen or to files."""

from __future__ import annotations

import argparse

from mirkit.cli.recordings import (
    Command,
    Found,
    Worker,
    add_recordings,
    run_recordings,
    show_text,
)

SUFFIXES = {"lab": ".lab", "jams": ".jams", "csv": ".csv", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES, has_model=False)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    command = Command("sections", SUFFIXES, ("lab", "csv", "json"), show_text(_summary))
    worker = Worker(("sections",), hashed=args.output is not None)
    return run_recordings(args, command, worker)


def _summary(found: Found) -> str:
    return " ".join(found.value.labels)
