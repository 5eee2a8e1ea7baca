"""``mirkit chords``: recordings in, chords out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from mirkit.cli.files import Source
from mirkit.cli.recordings import Command, add_recordings, run_recordings, showing

SUFFIXES = {"lab": ".lab", "jams": ".jams", "midi": ".mid", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

VOCABULARIES = ("majmin", "sevenths", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--decoder", metavar="NAME", help="how chords are found in activations")
    parser.add_argument("--vocabulary", choices=VOCABULARIES, help="default: full")
    parser.add_argument(
        "--no-inversions", action="store_true", help="name no chord tone in the bass"
    )
    parser.add_argument("--beats", action="store_true", help="let chords change on beats only")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    options: dict[str, Any] = {}
    if args.vocabulary:
        options["vocabulary"] = args.vocabulary
    if args.no_inversions:
        options["inversions"] = False
    worker = Worker(args.model, args.weights, args.decoder, args.beats, options)
    command = Command("chords", SUFFIXES, ("lab", "csv", "json"), showing(_summary))
    return run_recordings(args, command, worker)


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    decoder: str | None
    beats: bool
    options: dict[str, Any]

    def check(self) -> None:
        """Load model and decoder once, as a wrong name is the fault of no file."""
        from mirkit.music.chord import system

        system(self.model, self.weights, self.decoder, **self.options)

    def __call__(self, source: Source) -> Any:
        """Return the chords of a recording."""
        from mirkit.music.chord import chords

        return chords(
            source.path,
            model=self.model,
            weights=self.weights,
            decoder=self.decoder,
            beats=self.beats,
            **self.options,
        )


def _summary(chords: Any) -> str:
    return f"{len(chords)} chords ({chords.provenance.model})"
