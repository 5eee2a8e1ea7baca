"""``mirkit analyze``: recordings in, all that can be heard in them out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mirkit.cli.files import Source, print_json
from mirkit.cli.recordings import Command, add_recordings, run_recordings

SUFFIXES = {"jams": ".jams", "json": ".json"}
"""The formats, by name."""

TASKS = ("beats", "tempo", "chords", "key", "sections", "tags")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_recordings(parser, SUFFIXES, has_model=False)
    parser.add_argument(
        "--tasks", type=tasks, metavar="NAME[,NAME…]", help=f"default: {','.join(TASKS)}"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    command = Command("analyze", SUFFIXES, tuple(SUFFIXES), _show, _save)
    return run_recordings(args, command, Worker(args.tasks or TASKS))


def tasks(text: str) -> tuple[str, ...]:
    """Parse names of tasks, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in TASKS:
            raise argparse.ArgumentTypeError(f"{name!r} is no task; there are {', '.join(TASKS)}")
    return names


@dataclass(frozen=True)
class Found:
    """An `Analysis` as it travels between processes."""

    annotations: dict[str, Any]
    path: str
    metadata: dict[str, str]
    duration: float | None

    def analysis(self) -> Any:
        """Return the analysis."""
        from pathlib import Path

        from mirkit.annotation import Analysis
        from mirkit.audio import Track

        return Analysis(self.annotations, Track(Path(self.path), self.metadata), self.duration)


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    tasks: tuple[str, ...]

    def check(self) -> None:
        """Load the tagger once, as its absence is the fault of no file; the others are shipped."""
        if "tags" in self.tasks:
            from mirkit.sound.tag import system

            system()

    def __call__(self, source: Source) -> Any:
        """Return what is heard in a recording."""
        from mirkit.analysis import analyze

        found = analyze(source.path, tasks=self.tasks)
        assert found.track is not None
        return Found(dict(found), source.path, dict(found.track.metadata), found.duration)


def _save(found: Any, path: Any) -> None:
    from mirkit.formats import save

    save(found.analysis(), path)


def _show(found: Any, path: str, format_name: str) -> None:
    if format_name == "json":
        from mirkit.formats.json import to_object

        print_json(to_object(found.analysis(), file=path))
        return
    print(f"# {path}: {found.duration:.2f} s")
    for task, annotation in found.annotations.items():
        print(f"{task}\t{SUMMARIES[task](annotation)}", flush=True)


def _sure(label: str | None, confidence: float | None) -> str:
    return str(label) if confidence is None else f"{label} (confidence {confidence:.2f})"


def _tempo(tempo: Any) -> str:
    return "none" if tempo.bpm is None else _sure(f"{tempo.bpm:.2f} bpm", tempo.confidence)


def _beats(beats: Any) -> str:
    return f"{len(beats)}, {len(beats.downbeats)} downbeats"


def _tags(tags: Any) -> str:
    return ", ".join(f"{label} {score:.2f}" for label, score in tags)


SUMMARIES: Mapping[str, Any] = {
    "beats": _beats,
    "tempo": _tempo,
    "chords": lambda chords: " ".join(chords.labels),
    "key": lambda key: _sure(key.label, key.confidence),
    "sections": lambda sections: " ".join(sections.labels),
    "tags": _tags,
}
