"""``mirkit beats``: recordings in, beats and tempo out, to the screen or to files."""

from __future__ import annotations

import argparse

from mirkit.cli.arguments import add_decoding, decoding_options
from mirkit.cli.files import print_beats
from mirkit.cli.recordings import Command, Found, add_recordings, run_recordings, task_worker

SUFFIXES = {"beats": ".beats", "jams": ".jams", "midi": ".mid", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

ON_SCREEN = ("beats", "csv", "json")
"""The formats that can be printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    add_decoding(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(args, ["beats"], decoder=args.decoder, **decoding_options(args))
    return run_recordings(args, Command("beats", SUFFIXES, ON_SCREEN, _show), worker)


def _show(found: Found, path: str, format_name: str) -> None:
    print_beats(found.value, path, format_name, note=f" ({found.model})")
