"""``mirkit plot``: a recording with its beats, chords, key and sections, as a picture."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

from mirkit.cli.pictured import add_subject, annotations_of

SUFFIXES = (".png", ".svg", ".pdf")
"""Suffixes of the files that are written."""

VIEWS = ("waveform", "spectrogram", "tempogram", "activations", "tags")
"""What may be drawn."""

DEFAULT = "beats,chords,key,sections"
"""The tasks whose results are drawn where none are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser, DEFAULT, "song.png, song.svg or song.pdf")
    parser.add_argument("--view", choices=VIEWS, default="waveform", help="default: waveform")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="from here [s]")
    parser.add_argument("--end", type=float, metavar="S", help="up to here [s]")
    parser.add_argument("--model", metavar="NAME", help="whose activations are drawn")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.output.suffix.lower() not in SUFFIXES:
        args.usage_error(f"{args.output} ends in none of {', '.join(SUFFIXES)}")
    if args.model is not None and args.view not in ("activations", "tags"):
        args.usage_error("--model goes with --view activations or tags; others draw annotations")
    from mirkit.formats.atomic import check_writable
    from mirkit.plots.canvas import new_figure

    new_figure(1, 1)  # names the missing extra before the work
    check_writable(args.output)
    save_figure(_figure(args), args.output)
    return 0


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure; the suffix says in which format."""
    from mirkit.formats.atomic import replace_file

    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:].lower())
    replace_file(path, content.getvalue())


def _figure(args: argparse.Namespace) -> Any:
    from mirkit.plots import plot

    if args.view == "activations":
        return _activations(args)
    if args.view == "tags":
        from mirkit.sound.tag import tags

        return plot(tags(args.path, model=args.model))
    found = annotations_of(args)
    return plot(args.path, found, view=args.view, start=args.start, end=args.end)


def _activations(args: argparse.Namespace) -> Any:
    """Return the activations of a model, with what its decoder finds in them."""
    from mirkit.plots import plot
    from mirkit.recording import Recording
    from mirkit.system import load

    system = load(args.model, task=None if args.model else args.tasks[0])
    heard = system.activations(Recording.of(args.path))
    decoded = system(heard) if not system.first else None
    return plot(heard, {system.task: decoded} if decoded is not None else None)
