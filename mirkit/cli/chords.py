"""``mirkit chords``: recordings in, chords out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from mirkit.cli.arguments import add_prior
from mirkit.cli.files import counted
from mirkit.cli.recordings import (
    Command,
    Found,
    Worker,
    add_recordings,
    run_recordings,
    show_text,
    task_worker,
)

SUFFIXES = {"lab": ".lab", "jams": ".jams", "midi": ".mid", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

VOCABULARIES = ("majmin", "sevenths", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument("--decoder", metavar="NAME", help="how chords are found in activations")
    add_prior(parser, "quality", "7=.4,min7=.2")
    parser.add_argument("--vocabulary", choices=VOCABULARIES, help="default: full")
    parser.add_argument(
        "--no-inversions", action="store_true", help="name no chord tone in the bass"
    )
    parser.add_argument("--beats", action="store_true", help="let chords change on beats only")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = task_worker(
        args,
        ["chords"],
        decoder=args.decoder,
        prior=args.prior,
        vocabulary=args.vocabulary,
        inversions=False if args.no_inversions else None,
    )
    command = Command("chords", SUFFIXES, ("lab", "csv", "json"), show_text(_summary))
    return run_recordings(args, command, OnBeats(**vars(worker)) if args.beats else worker)


@dataclass(frozen=True)
class OnBeats(Worker):
    """A worker whose chords change on the beats of the recording."""

    reads_twice: ClassVar[bool] = True

    def system(self, task: str) -> Any:
        """Return a function that finds beats first."""
        from mirkit.music.chord import chords

        super().system(task)  # a wrong name is the fault of no file
        return partial(chords, beats=True, **self.settings[task])


def _summary(found: Found) -> str:
    return f"{counted(len(found.value), 'chord')} ({found.model})"
