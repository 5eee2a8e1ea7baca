"""``mirkit export``: recordings to the files of DJ software, editors and sequencers.

What each file loses is told: how far the worst beat lies from its place, and which fields.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mirkit.batch import Failure, Tally, run_batch
from mirkit.cli.arguments import add_decoding, add_jobs, decoding_options, processors
from mirkit.cli.files import (
    Source,
    counted,
    find_sources,
    print_json,
    report_failure,
    report_tally,
    targets,
)
from mirkit.cli.kept import BESIDE, analyze_kept, open_playlists
from mirkit.cli.tracks import READ, Outcome, Worker
from mirkit.tasks import SCHEMA

COLLECTIONS = ("rekordbox", "traktor", "traktor-one-tempo", "virtualdj", "m3u")
"""Formats of one file for all tracks."""

STORES = ("serato", "mixxx", "engine")
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

_SHOWN = 5  # recordings without an annotation that are named

NOTATIONS = ("tag", "standard", "sharp", "flat", "camelot", "open")
"""How keys may be spelled: Am, A minor, G#, Ab, 8A, 1m."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_format(parser, [*COLLECTIONS, *STORES, "tags", *FILES])
    parser.add_argument("paths", nargs="+", metavar="PATH", help="recordings, folders, playlists")
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
    parser.add_argument(
        "--keep", type=Path, nargs="?", const=BESIDE, metavar="DIR",
        help="keep annotations as JAMS there (without DIR: beside each recording), and analyze "
        "only new recordings the next time",
    )  # fmt: skip
    parser.add_argument("--again", action="store_true", help="analyze anew, whatever is kept")
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
    parser.add_argument(
        "--one-tempo", action="store_true", help="fit one tempo, that of most beats, to each track"
    )
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
    annotations = getattr(args, "annotations", None)
    if annotations is not None and not annotations.is_dir():
        args.usage_error(
            f"--annotations {annotations} is no folder; look for a mistake in the path"
        )
    if args.keep is not None and annotations is not None:
        args.usage_error("--annotations reads a folder, and --keep reads and writes; give one")
    if args.again and args.keep is None:
        args.usage_error("--again is for annotations that are kept; give --keep too")


def check_target(args: argparse.Namespace) -> None:
    """Raise before the work where what is found could not be written."""
    from mirkit.formats.atomic import check_folder
    from mirkit.formats.dj import check_collection, check_store
    from mirkit.formats.dj.file_tags import check_installed

    if args.format in COLLECTIONS:
        check_collection(collection_file(args), args.format, merge=not args.replace)
    elif args.format in STORES:
        check_store(args.format, store_file(args))
    elif args.format in FILES:
        check_folder(args.output)
    else:
        check_installed()


def collection_file(args: argparse.Namespace) -> Path:
    """Return the file of a collection; in a folder it has its usual name."""
    from mirkit.formats.dj import DJ_FORMATS

    output: Path = args.output
    return output / DJ_FORMATS[args.format].file if output.is_dir() else output


def store_file(args: argparse.Namespace) -> Path | None:
    """Return the database of a program, or None where recordings hold what it knows."""
    from mirkit.formats.dj import DJ_STORES

    row = DJ_STORES[args.format]
    output: Path | None = args.output
    return output / row.file if output is not None and row.file and output.is_dir() else output


def hint_at_tags() -> None:
    """Say once what mutagen would add, where it is not installed."""
    from mirkit.errors import MissingExtra
    from mirkit.formats.dj.file_tags import check_installed

    try:
        check_installed()
    except MissingExtra:
        print(
            "mirkit: mutagen is not installed, so titles are read as far as the decoders tell, and "
            "tempo and key in file tags are not. Run: pip install 'mirkit[tags]'",
            file=sys.stderr,
        )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    check(args)
    check_target(args)
    hint_at_tags()
    paths, playlists, unread = open_playlists(args.paths)
    sources, failed = find_sources(paths)
    tally = Tally()
    for path, failure in (*unread, *failed):
        tally.fail(path)
        report_failure(path, failure, args.json)
    places = {}
    if args.format in FILES:  # before the work: two may want one place
        places = targets(sources, args.output, FILES[args.format])
    _say_what_is_not_known(sources, args.annotations)
    if args.keep is None:
        done, n_known = _analyze(sources, args, tally), 0
    else:
        done, n_known = analyze_kept(sources, worker_of(args), args, tally)
    write(done, args, tally, playlists, places)
    if args.keep is not None:
        _summarize(len(done), n_known, len(tally.failed), args)
    report_tally(tally, args.output)
    return tally.status


def _say_what_is_not_known(sources: Sequence[Source], annotations: Path | None) -> None:
    """Say which recordings have no annotation and are listened to, so that none is by mistake."""
    if annotations is None:
        return
    missing = [x.path for x in sources if not any(annotation_files(x, annotations))]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        print(
            f"mirkit: {len(missing)} of {len(sources)} recordings have no annotation in "
            f"{annotations} and are listened to: {shown}",
            file=sys.stderr,
        )


def annotation_files(source: Source, folder: Path) -> Iterator[Path]:
    """Yield the annotations of a recording that are in a folder."""
    for suffix in READ:
        for name in (source.place.with_suffix(suffix), Path(f"{source.place}{suffix}")):
            if (folder / name).exists():
                yield folder / name


def _analyze(sources: list[Source], args: argparse.Namespace, tally: Tally) -> list[Outcome]:
    """Return the outcomes; count the recordings that fail."""
    n_jobs = min(args.jobs or processors(), len(sources) or 1)
    done = []
    for source, result in run_batch(worker_of(args), sources, n_jobs, "export"):
        if isinstance(result, Failure):
            tally.fail(source.path)
            report_failure(source.path, result, args.json)
        else:
            done.append(result)
    return done


def worker_of(args: argparse.Namespace) -> Worker:
    """Return the worker that the arguments describe."""
    more = tuple(n for n, asked in (("key", args.key), ("sections", args.cues)) if asked)
    return Worker(
        args.model, args.weights, args.decoder, decoding_options(args), args.annotations,
        args.tolerance / 1000, more, args.one_tempo,
    )  # fmt: skip


def _summarize(n_tracks: int, n_known: int, n_failed: int, args: argparse.Namespace) -> None:
    if args.json:
        summary = {"tracks": n_tracks, "known": n_known, "failed": n_failed}
        print_json({"schema": SCHEMA, "summary": summary})
    else:
        print(f"{counted(n_tracks, 'track')}, {n_known} of them known before; {n_failed} failed")


def write(
    done: list[Outcome],
    args: argparse.Namespace,
    tally: Tally,
    playlists: Mapping[str, Sequence[str]] = MappingProxyType({}),
    places: Mapping[Source, Path] = MappingProxyType({}),
) -> None:
    """Write what was found, and count which recordings that was done for.

    Parameters
    ----------
    done
        What was found.
    args
        Those of the command.
    tally
        Counts each recording.
    playlists
        Names of lists and the locations of their tracks, beside ``--playlist``.
    places
        The file of each recording, for formats of a file each.
    """
    if args.format in COLLECTIONS:
        _write_collection(done, args, tally, playlists)
    elif args.format in STORES:
        _write_store(done, args, tally)
    else:
        for outcome in done:
            _write_one(outcome, places.get(outcome.source), args, tally)


def _write_one(
    outcome: Outcome, place: Path | None, args: argparse.Namespace, tally: Tally
) -> None:
    from mirkit.errors import MirkitError

    try:
        (_write_tags if place is None else _write_file)(outcome, place, args)
    except (MirkitError, OSError) as error:
        _fail(outcome, error, args, tally)
    else:
        tally.done()
        _report(outcome, None, args)


def _fail(outcome: Outcome, error: Exception, args: argparse.Namespace, tally: Tally) -> None:
    tally.fail(outcome.source.path)
    failure = Failure(type(error).__name__, str(error))
    report_failure(outcome.source.path, failure, args.json)


def _write_collection(
    done: list[Outcome],
    args: argparse.Namespace,
    tally: Tally,
    playlists: Mapping[str, Sequence[str]],
) -> None:
    from mirkit.formats.dj import Collection, Playlist, losses, save_collection

    tracks = {outcome.track.location: outcome.track for outcome in done}
    named = {**({args.playlist: tuple(tracks)} if args.playlist else {}), **playlists}
    lists = [
        Playlist(name, tuple(x for x in places if x in tracks)) for name, places in named.items()
    ]
    collection, path = Collection(tuple(tracks.values()), tuple(lists)), collection_file(args)
    try:
        save_collection(collection, path, args.format, merge=not args.replace,
                        notation=args.notation)  # fmt: skip
    except OSError as error:
        tally.fail(str(path))
        report_failure(str(path), Failure(type(error).__name__, str(error)), args.json)
        return
    lost = {loss.location: loss for loss in losses(collection, args.format)}
    for outcome in done:
        tally.done()
        _report(outcome, lost[outcome.track.location], args)


def _write_store(done: list[Outcome], args: argparse.Namespace, tally: Tally) -> None:
    from mirkit.errors import FormatError
    from mirkit.formats.dj import Collection, losses, store_collection

    tracks = {outcome.track.location: outcome.track for outcome in done}
    collection, path = Collection(tuple(tracks.values())), store_file(args)
    lock = True if args.lock else None
    try:
        left = store_collection(collection, args.format, path, lock=lock, force=args.force)
    except (FormatError, OSError) as error:
        tally.fail(str(path))
        report_failure(str(path), Failure(type(error).__name__, str(error)), args.json)
        return
    lost = {loss.location: loss for loss in losses(collection, args.format)}
    for outcome in done:
        why = left.get(outcome.track.location)
        if why:
            _fail(outcome, FormatError(why), args, tally)
        else:
            tally.done()
            _report(outcome, lost[outcome.track.location], args)


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
            "wrong_beats": fit.n_wrong,
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
    text += f" but for {row['wrong_beats']}" if row["wrong_beats"] else ""
    if "lost" in row:
        off = row["deviation_ms"]
        text += ", file without grid" if off is None else f", file within {off:.1f} ms of it"
        text += f"; not kept: {', '.join(row['lost'])}" if row["lost"] else ""
    return text
