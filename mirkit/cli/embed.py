"""``mirkit embed``: recordings in, vectors out, a file for each."""

from __future__ import annotations

import argparse

from mirkit.cli.recordings import Command, Found, add_recordings, run_recordings, task_worker

SUFFIXES = {"npy": ".npy", "parquet": ".parquet", "jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--frames", action="store_true", help="a vector per frame, not per file")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.format == "parquet":
        from mirkit.formats.parquet import require_pyarrow

        require_pyarrow()
    on_screen = tuple(SUFFIXES) if args.json else ("json",)
    worker = task_worker(args, ["embed"], frames=args.frames)
    return run_recordings(args, Command("embed", SUFFIXES, on_screen, _show), worker)


def _show(found: Found, path: str, format_name: str) -> None:
    raise AssertionError(f"{format_name} is never printed")  # run_recordings refuses it
