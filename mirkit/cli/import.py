"""``mirkit import``: what DJ software knows of tracks, as annotation files."""  # noqa: N999  # the command is called so

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from mirkit.batch import Failure, Tally
from mirkit.cli.files import print_json, report_failure, report_tally
from mirkit.tasks import SCHEMA

FORMATS = ("rekordbox", "traktor", "virtualdj", "serato", "mixxx", "engine")
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
    from mirkit.formats.atomic import check_folder
    from mirkit.formats.dj import read_collection

    if args.output:
        check_folder(args.output)
    collection = read_collection(args.file, args.format)
    tally = Tally()
    for location, why in collection.failed.items():
        tally.fail(location)
        report_failure(location, Failure("FormatError", why), args.json)
    names = _names([track.location for track in collection.tracks])
    for track, name in zip(collection.tracks, names, strict=True):
        failure = _written(track, name, args)
        tally.count(track.location, failure)
        if failure is None:
            _report(track, args.json)
        else:
            report_failure(track.location, failure, args.json)
    report_tally(tally, args.output)
    return tally.status


def _written(track: Any, name: str, args: argparse.Namespace) -> Failure | None:
    """Write what is known of a track, and return why that failed."""
    from mirkit.errors import MirkitError
    from mirkit.formats.dj.tracks import analysis_of

    try:
        analysis = analysis_of(track)
        if args.output:
            _save(analysis, args.output / f"{name}{SUFFIXES[args.to]}", args.to)
    except (MirkitError, OSError) as error:
        return Failure(type(error).__name__, str(error))
    return None


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
