"""``mirkit sections``: recordings in, their form out, to the screen or to files."""

from __future__ import annotations

import argparse
from typing import Any

from mirkit.cli.files import Source, print_json
from mirkit.cli.recordings import Command, add_recordings, run_recordings

SUFFIXES = {"lab": ".lab", "jams": ".jams", "csv": ".csv", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.model or args.weights:
        args.usage_error("sections are found without a network; leave out --model and --weights")
    command = Command("sections", SUFFIXES, ("lab", "csv", "json"), _save, _show)
    return run_recordings(args, command, Worker())


class Worker:
    """What runs in each process."""

    def check(self) -> None:
        """There is nothing to load."""

    def __call__(self, source: Source) -> Any:
        """Return the sections of a recording."""
        from mirkit.music.section import sections

        return sections(source.path)


def _save(sections: Any, path: Any) -> None:
    from mirkit.formats import save

    save(sections, path)


def _show(sections: Any, path: str, format_name: str) -> None:
    from mirkit.formats import dumps
    from mirkit.formats.json import to_object

    if format_name == "json":
        print_json(to_object(sections, file=path))
        return
    print(f"# {path}: {' '.join(sections.labels)}")
    print(dumps(sections, format_name), end="", flush=True)
