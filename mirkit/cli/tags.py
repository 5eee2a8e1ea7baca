"""``mirkit tags``: recordings in, what sounds in them out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from mirkit.cli.files import Source, print_json
from mirkit.cli.recordings import Command, add_recordings, run_recordings

SUFFIXES = {"csv": ".csv", "jams": ".jams", "json": ".json"}
"""The formats, by name."""

DIGITS = 6  # of the scores on the screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES)
    parser.add_argument(
        "--top", type=n_tags, default=10, metavar="N", help="how many tags at most, or all"
    )
    parser.add_argument("--threshold", type=score, metavar="X", help="the lowest score kept: 0 … 1")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = Worker(args.model, args.weights, args.top, args.threshold)
    return run_recordings(args, Command("tags", SUFFIXES, ("csv", "json"), _show, _save), worker)


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    top: int | None
    threshold: float | None

    def check(self) -> None:
        """Load the model once, as a wrong name is the fault of no file."""
        from mirkit.sound.tag import system

        system(self.model, self.weights, self.top, self.threshold)

    def __call__(self, source: Source) -> Any:
        """Return the tags of a recording, and how long it is [s]."""
        from mirkit.sound.tag import system

        tagger = system(self.model, self.weights, self.top, self.threshold)
        heard, duration = tagger.hear(source.path)
        return tagger.decoder(heard), duration


def n_tags(text: str) -> int | None:
    """Parse a number of tags, at least 1, or ``all``."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tags from 1, and not 'all'")
    return int(text)


def score(text: str) -> float:
    """Parse a score from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score from 0 to 1")
    return value


def _save(found: Any, path: Any) -> None:
    from mirkit.annotation import Analysis
    from mirkit.formats import save

    tags, duration = found
    # JAMS wants to know how long a tag holds.
    save(Analysis({"tags": tags}, duration=duration) if path.suffix == ".jams" else tags, path)


def _show(found: Any, path: str, format_name: str) -> None:
    from dataclasses import replace

    from mirkit.formats import dumps
    from mirkit.formats.json import to_object

    tags, duration = found
    if format_name == "json":
        print_json(to_object(tags, file=path))
        return
    print(f"# {path}: {duration:.2f} s ({tags.provenance.model})")
    print(dumps(replace(tags, scores=tags.scores.round(DIGITS)), "csv"), end="", flush=True)
