"""``mirkit analyze``: recordings in, the annotations of several tasks out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from mirkit.cli.recordings import Command, Found, Worker, add_recordings, run_recordings
from mirkit.tasks import ANALYZED, TASKS

SUFFIXES = {"jams": ".jams", "json": ".json"}
"""The formats, by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES, has_model=False)
    parser.add_argument(
        "--tasks", type=tasks, metavar="NAME[,NAME…]", help=f"default: {','.join(ANALYZED)}"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    worker = Worker(args.tasks or ANALYZED, hashed=args.output is not None)
    return run_recordings(args, Command("analyze", SUFFIXES, tuple(SUFFIXES), _show), worker)


def tasks(text: str) -> tuple[str, ...]:
    """Parse names of tasks, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in TASKS:
            raise argparse.ArgumentTypeError(f"{name!r} is no task; there are {', '.join(TASKS)}")
    return names


def _show(found: Found, path: str, format_name: str) -> None:
    print(f"# {path}: {found.duration:.2f} s")
    for task, annotation in found.annotations.items():
        print(f"{task}\t{SUMMARIES[type(annotation).__name__](annotation)}", flush=True)


def _sure(label: str | None, confidence: float | None) -> str:
    return str(label) if confidence is None else f"{label} (confidence {confidence:.2f})"


def _tempo(tempo: Any) -> str:
    return "none" if tempo.bpm is None else _sure(f"{tempo.bpm:.2f} bpm", tempo.confidence)


def _beats(beats: Any) -> str:
    from mirkit.values import count

    return f"{len(beats)}, {count(len(beats.downbeats), 'downbeat')}"


def _tags(tags: Any) -> str:
    return ", ".join(f"{label} {score:.2f}" for label, score in tags)


SUMMARIES: Mapping[str, Callable[[Any], str]] = {
    "Beats": _beats,
    "Tempo": _tempo,
    "Segments": lambda segments: " ".join(segments.labels),
    "Key": lambda key: _sure(key.label, key.confidence),
    "Tags": _tags,
    "Events": lambda events: f"{len(events)}",
    "Embedding": lambda embedding: f"{embedding.values.shape[1]} dimensions",
}
"""The line of each kind of annotation."""
