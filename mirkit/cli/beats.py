"""``mirkit beats``: recordings in, beats and tempo out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from mirkit.cli.arguments import add_decoding, decoding_options
from mirkit.cli.files import Source, print_beats
from mirkit.cli.recordings import Command, add_recordings, run_recordings

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
    worker = Worker(args.model, args.weights, args.decoder, decoding_options(args))
    return run_recordings(args, Command("beats", SUFFIXES, ON_SCREEN, _show), worker)


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    decoder: str | None
    options: dict[str, Any]

    def check(self) -> None:
        """Load model and decoder once, as a wrong name is the fault of no file."""
        from mirkit.music.beat import system

        system(self.model, self.weights, self.decoder, **self.options)

    def __call__(self, source: Source) -> Any:
        """Return the beats of a recording."""
        from mirkit.music.beat import beats

        return beats(
            source.path,
            model=self.model,
            weights=self.weights,
            decoder=self.decoder,
            **self.options,
        )


def _show(beats: Any, path: str, format_name: str) -> None:
    print_beats(beats, path, format_name, note=f" ({beats.provenance.model})")
