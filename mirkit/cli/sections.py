"""``mirkit sections``: recordings in, their form out, to the screen or to files."""

from __future__ import annotations

import argparse
from typing import Any

from mirkit.cli.files import Source
from mirkit.cli.recordings import Command, add_recordings, run_recordings, showing

SUFFIXES = {"lab": ".lab", "jams": ".jams", "csv": ".csv", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES, has_model=False)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    command = Command("sections", SUFFIXES, ("lab", "csv", "json"), showing(_summary))
    return run_recordings(args, command, Worker())


class Worker:
    """What runs in each process."""

    def check(self) -> None:
        """There is nothing to load."""

    def __call__(self, source: Source) -> Any:
        """Return the sections of a recording."""
        from mirkit.music.section import sections

        return sections(source.path)


def _summary(sections: Any) -> str:
    return " ".join(sections.labels)
