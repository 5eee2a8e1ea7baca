"""``mirkit caption``: recordings in, a sentence for each out."""

from __future__ import annotations

import argparse
from dataclasses import replace

from mirkit.cli.recordings import Command, Found, add_recordings, run_recordings, task_worker

SUFFIXES = {"csv": ".csv", "jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(args, ["zero_shot"])  # whose model --model names
    worker = replace(worker, tasks=("caption",))
    return run_recordings(args, Command("caption", SUFFIXES, ("csv", "json"), _show), worker)


def _show(found: Found, path: str, format_name: str) -> None:
    print(f"{path}: {found.value.text}", flush=True)
