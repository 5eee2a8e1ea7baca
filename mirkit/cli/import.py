"""``mirkit import``: what DJ software knows of tracks, as annotation files."""  # noqa: N999  # the command is called so

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from mirkit.cli.files import print_json
from mirkit.tasks import SCHEMA

FORMATS = ("rekordbox", "traktor", "virtualdj", "serato", "mixxx")
"""The programs."""

SUFFIXES = {"jams": ".jams", "json": ".json", "beats": ".beats", "csv": ".csv", "midi": ".mid"}
"""What is written, and its suffix."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument(
        "file", metavar="FILE",
        help="collection or database of the program; a recording, or a folder of them, for serato",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write a file for each")
    parser.add_argument("--to", choices=SUFFIXES, default="jams", help="kind of file: jams")
    parser.add_argument("--json", action="store_true", help="report one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.errors import ParameterError
    from mirkit.formats.dj import read_collection
    from mirkit.formats.dj.tracks import analysis_of

    collection = read_collection(args.file, args.format)
    names = _names([track.location for track in collection.tracks])
    n_failed = 0
    for track, name in zip(collection.tracks, names, strict=True):
        try:
            analysis = analysis_of(track)
            if args.output:
                _save(analysis, args.output / f"{name}{SUFFIXES[args.to]}", args.to)
        except (ParameterError, OSError) as error:
            n_failed += 1
            print(f"mirkit: {track.location}: {error}", file=sys.stderr)
        else:
            _report(track, args.json)
    return 1 if n_failed else 0


def _names(locations: list[str]) -> list[str]:
    """Return a name for the file of each track: its own, with a number where several share it."""
    stems = [PurePosixPath(location).stem for location in locations]
    shared, seen = Counter(stems), Counter[str]()
    names = []
    for stem in stems:
        seen[stem] += 1
        names.append(f"{stem}.{seen[stem]}" if shared[stem] > 1 else stem)
    return names


def _save(analysis: Any, path: Path, format_name: str) -> None:
    from mirkit.annotation import Analysis
    from mirkit.errors import ParameterError
    from mirkit.formats import FORMATS, save

    path.parent.mkdir(parents=True, exist_ok=True)
    if Analysis in FORMATS[format_name].values:
        save(analysis, path)
    elif "beats" in analysis:
        save(analysis["beats"], path)
    else:
        raise ParameterError(f"it has no grid; {format_name} files hold beats")


def _report(track: Any, as_json: bool) -> None:
    n = 0 if track.grid is None else len(track.grid)
    if as_json:
        print_json(
            {"schema": SCHEMA, "file": track.location, "bpm": track.tempo, "key": track.key,
             "segments": n, "cues": len(track.cues)}
        )  # fmt: skip
        return
    tempo = "no tempo" if track.tempo is None else f"{track.tempo:.2f} bpm"
    print(f"{track.location}: {tempo}, {n} grid segments, {len(track.cues)} cues, "
          f"{track.key or 'no key'}")  # fmt: skip
