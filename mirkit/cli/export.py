"""``mirkit export``: recordings to the files of DJ software, editors and sequencers.

What each file loses is told: how far the worst beat lies from its place, and which fields.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mirkit.batch import Failure, run_batch
from mirkit.cli.arguments import add_decoding, add_jobs, decoding_options, processors
from mirkit.cli.files import Source, find_sources, print_json, report_failure, targets
from mirkit.cli.hearing import Outcome, Worker
from mirkit.tasks import SCHEMA

COLLECTIONS = ("rekordbox", "traktor", "traktor-one-tempo", "virtualdj", "m3u")
"""Formats of one file for all tracks."""

STORES = ("serato", "mixxx")
"""Formats that live in the recordings, or in a database that is there."""

FILES = {
    "audacity": ".labels.txt",
    "svl": ".svl",
    "svcsv": ".sv.csv",
    "reaper": ".rpp",
    "reapercsv": ".reaper.csv",
    "midi": ".mid",
    "jams": ".jams",
    "beats": ".beats",
    "csv": ".csv",
    "json": ".json",
}
"""Formats of one file a track, with the suffix."""

NOTATIONS = ("tag", "standard", "sharp", "flat", "camelot", "open")
"""How keys may be spelled: Am, A minor, G#, Ab, 8A, 1m."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_format(parser, [*COLLECTIONS, *STORES, "tags", *FILES])
    parser.add_argument("paths", nargs="+", metavar="PATH", help="recordings, or folders of them")
    parser.add_argument(
        "--annotations", type=Path, metavar="DIR", help="take what is there instead of analyzing"
    )
    parser.add_argument(
        "--grid", action="store_true", help="write the grid's beats, not those heard"
    )
    parser.add_argument("--key", action="store_true", help="hear the key too")
    parser.add_argument(
        "--cues", action="store_true", help="set cues where sections begin, and loops at a drop"
    )
    add_delivery(parser)


def add_format(parser: argparse.ArgumentParser, formats: list[str]) -> None:
    """Add the format and where it goes."""
    parser.add_argument("format", choices=formats, metavar="FORMAT", help=", ".join(formats))
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT",
        help="the program's file, which is merged into where it is there; or the folder for a "
        "file each. Tags, Serato's too, go into the recordings",
    )  # fmt: skip


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Add how beats are found, and how what is found is written."""
    parser.add_argument(
        "--tolerance", type=float, default=10.0, metavar="MS",
        help="how far a beat may lie from the grid: 10",
    )  # fmt: skip
    parser.add_argument("--playlist", metavar="NAME", help="put the tracks into a playlist too")
    parser.add_argument("--replace", action="store_true", help="start the file anew, do not merge")
    parser.add_argument(
        "--notation", choices=NOTATIONS, default="tag", metavar="NAME",
        help=f"of keys in tags, rekordbox and VirtualDJ: {', '.join(NOTATIONS)}",
    )  # fmt: skip
    parser.add_argument("--lock", action="store_true", help="lock the grid in Serato or Mixxx")
    parser.add_argument("--force", action="store_true", help="change grids that are locked there")
    parser.add_argument("--json", action="store_true", help="report one JSON object a line")
    parser.add_argument("--model", metavar="NAME", help="see `mirkit models`")
    parser.add_argument("--weights", metavar="PATH", help="a checkpoint for the model, or random")
    add_decoding(parser)
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def check(args: argparse.Namespace) -> None:
    """End with exit status 2 where arguments do not go together."""
    if args.output is None and args.format not in ("tags", "serato"):
        args.usage_error(f"{args.format} needs -o OUT")
    if not 0 < args.tolerance <= 100:
        args.usage_error(f"--tolerance is {args.tolerance} ms; it lies between 0 and 100")


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    check(args)
    sources, failed = find_sources(args.paths)
    for path, failure in failed:
        report_failure(path, failure, args.json)
    n_failed = len(failed)
    done: list[Outcome] = []
    for source, result in _outcomes(sources, args):
        if isinstance(result, Failure):
            n_failed += 1
            report_failure(source.path, result, args.json)
        else:
            done.append(result)
    return 1 if n_failed + write(done, args) else 0


def _outcomes(sources: list[Source], args: argparse.Namespace) -> Iterator[tuple[Source, Any]]:
    more = tuple(n for n, asked in (("key", args.key), ("sections", args.cues)) if asked)
    n_jobs = min(args.jobs or processors(), len(sources) or 1)
    return run_batch(worker_of(args, args.annotations, more), sources, n_jobs, "export")


def worker_of(args: argparse.Namespace, annotations: Path | None, more: tuple[str, ...]) -> Worker:
    """Return what analyzes, as the arguments say."""
    return Worker(
        args.model, args.weights, args.decoder, decoding_options(args), annotations,
        args.tolerance / 1000, more,
    )  # fmt: skip


def write(
    done: list[Outcome],
    args: argparse.Namespace,
    playlists: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> int:
    """Write what was found and return how many files could not be written.

    `playlists` are the names of lists and the locations of their tracks, beside ``--playlist``.
    """
    if args.format in COLLECTIONS:
        return _write_collection(done, args, playlists)
    if args.format in STORES:
        return _write_store(done, args)
    write_one = _write_tags if args.format == "tags" else _write_file
    places = {}
    if args.format in FILES:
        places = targets([x.source for x in done], args.output, FILES[args.format])
    n_failed = 0
    for outcome in done:
        try:
            write_one(outcome, places.get(outcome.source), args)
        except OSError as error:  # AudioError too
            n_failed += 1
            report_failure(
                outcome.source.path, Failure(type(error).__name__, str(error)), args.json
            )
        else:
            _report(outcome, None, args)
    return n_failed


def _write_collection(
    done: list[Outcome], args: argparse.Namespace, playlists: Mapping[str, Sequence[str]]
) -> int:
    from mirkit.formats.dj import DJ_FORMATS, Collection, Playlist, losses, save_collection

    tracks = {outcome.track.location: outcome.track for outcome in done}
    named = {**({args.playlist: tuple(tracks)} if args.playlist else {}), **playlists}
    lists = [
        Playlist(name, tuple(x for x in places if x in tracks)) for name, places in named.items()
    ]
    collection = Collection(tuple(tracks.values()), tuple(lists))
    path = args.output / DJ_FORMATS[args.format].file if args.output.is_dir() else args.output
    try:
        save_collection(collection, path, args.format, merge=not args.replace,
                        notation=args.notation)  # fmt: skip
    except OSError as error:
        report_failure(str(path), Failure(type(error).__name__, str(error)), args.json)
        return 1
    lost = {loss.location: loss for loss in losses(collection, args.format)}
    for outcome in done:
        _report(outcome, lost[outcome.track.location], args)
    return 0


def _write_store(done: list[Outcome], args: argparse.Namespace) -> int:
    from mirkit.errors import FormatError
    from mirkit.formats.dj import DJ_STORES, Collection, losses, store_collection

    tracks = {outcome.track.location: outcome.track for outcome in done}
    collection, path = Collection(tuple(tracks.values())), args.output
    if path is not None and path.is_dir():
        path = path / DJ_STORES[args.format].file
    lock = True if args.lock else None
    try:
        left = store_collection(collection, args.format, path, lock=lock, force=args.force)
    except (FormatError, OSError) as error:
        report_failure(str(path), Failure(type(error).__name__, str(error)), args.json)
        return 1
    lost = {loss.location: loss for loss in losses(collection, args.format)}
    for outcome in done:
        why = left.get(outcome.track.location)
        if why:
            report_failure(outcome.source.path, Failure("FormatError", why), args.json)
        else:
            _report(outcome, lost[outcome.track.location], args)
    return len(left)


def _write_tags(outcome: Outcome, place: Path | None, args: argparse.Namespace) -> None:
    from mirkit.formats.dj import file_tags as tags

    tags.write(
        outcome.source.path, bpm=outcome.track.tempo, key=outcome.track.key, notation=args.notation
    )


def _write_file(outcome: Outcome, place: Path | None, args: argparse.Namespace) -> None:
    from mirkit.annotation import Analysis
    from mirkit.formats import FORMATS, save

    assert place is not None
    parts = dict(outcome.parts)
    if args.grid and outcome.fit is not None:
        parts["beats"] = outcome.fit.grid.beats()
    whole = Analysis(parts, duration=outcome.track.duration)
    value = whole if len(parts) > 1 and Analysis in FORMATS[args.format].values else parts["beats"]
    place.parent.mkdir(parents=True, exist_ok=True)
    save(value, place)


def _report(outcome: Outcome, loss: Any, args: argparse.Namespace) -> None:
    """Print how the grid fits, and what the file loses of it."""
    track, fit = outcome.track, outcome.fit
    row: dict[str, Any] = {"schema": SCHEMA, "file": outcome.source.path, "bpm": track.tempo,
                           "key": track.key}  # fmt: skip
    if fit is not None:
        row |= {
            "constant": fit.constant,
            "segments": len(fit.grid),
            "quality": round(fit.quality, 4),
            "fit_ms": round(1000 * fit.max_error, 3),
        }
    if loss is not None:
        held = loss.deviation is not None and loss.deviation < float("inf")
        row |= {
            "deviation_ms": round(1000 * loss.deviation, 3) if held else None,
            "lost": list(loss.fields),
        }
    if args.json:
        print_json(row)
    else:
        print(_sentence(row))


def _sentence(row: dict[str, Any]) -> str:
    if "constant" not in row:
        return f"{row['file']}: no grid, as there are no beats"
    tempo = "one tempo" if row["constant"] else f"{row['segments']} tempi"
    text = (
        f"{row['file']}: {row['bpm']:.2f} bpm, {tempo}, quality {row['quality']:.2f}, "
        f"beats within {row['fit_ms']:.1f} ms of the grid"
    )
    if "lost" in row:
        off = row["deviation_ms"]
        text += ", file without grid" if off is None else f", file within {off:.1f} ms of it"
        text += f"; not kept: {', '.join(row['lost'])}" if row["lost"] else ""
    return text
