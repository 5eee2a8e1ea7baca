"""``mirkit embed``: recordings in, vectors out, a file for each."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from mirkit.cli.files import Source, print_json
from mirkit.cli.recordings import Command, add_recordings, run_recordings

SUFFIXES = {"npy": ".npy", "parquet": ".parquet", "jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--frames", action="store_true", help="a vector by frame, not by file")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    on_screen = tuple(SUFFIXES) if args.json else ("json",)
    worker = Worker(args.model, args.weights, args.frames, args.format)
    return run_recordings(args, Command("embed", SUFFIXES, on_screen, _show), worker)


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    frames: bool
    format: str

    def check(self) -> None:
        """Load model and format once, as what they lack is the fault of no file."""
        from importlib import import_module

        from mirkit.sound.tag import system

        system(self.model, self.weights, tasks=("tags", "embed"))
        if self.format == "parquet":
            import_module("mirkit.formats.parquet").needed()

    def __call__(self, source: Source) -> Any:
        """Return the embedding of a recording."""
        from mirkit.sound.tag import embed

        return embed(source.path, model=self.model, weights=self.weights, frames=self.frames)


def _show(embedding: Any, path: str, format_name: str) -> None:
    from mirkit.formats.json import to_object

    print_json(to_object(embedding, file=path))
