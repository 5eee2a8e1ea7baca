"""``mirkit tempo``: recordings in, their tempo and the other likely levels out."""

from __future__ import annotations

import argparse

from mirkit.cli.arguments import add_decoding, decoding_options
from mirkit.cli.recordings import (
    Command,
    Found,
    add_recordings,
    run_recordings,
    show_text,
    task_worker,
)

SUFFIXES = {"csv": ".csv", "jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    add_decoding(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(args, ["tempo"], decoder=args.decoder, **decoding_options(args))
    command = Command("tempo", SUFFIXES, ("csv", "json"), show_text(_summary))
    return run_recordings(args, command, worker)


def _summary(found: Found) -> str:
    tempo = found.value
    bpm = "no tempo" if tempo.bpm is None else f"{tempo.bpm:.2f} bpm"
    sure = "" if tempo.confidence is None else f", confidence {tempo.confidence:.2f}"
    return f"{bpm}{sure} ({found.model})"
