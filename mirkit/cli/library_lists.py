"""``mirkit library status``, ``list`` and ``show``: what is known, on the screen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mirkit.cli.files import counted, print_json
from mirkit.tasks import SCHEMA

if TYPE_CHECKING:
    from mirkit.library import Library, TrackRow


def run_status(library: Library, args: argparse.Namespace) -> int:
    """Print the counts of a library."""
    status = library.status()
    if args.json:
        held = {name: getattr(status, name) for name in type(status).__dataclass_fields__}
        print_json({"schema": SCHEMA, **held, "roots": library.roots})
        return 0
    counts = f"{counted(status.n_tracks, 'track')}, {counted(status.n_files, 'file')}"
    print(f"{library.path}: {counts}, {status.n_bytes / 2**20:.1f} MiB")
    for root in library.roots:
        print(f"  {root}")
    print("tracks\t" + _counts(status.tracks))
    print("files\t" + _counts(status.files))
    for task, (n_done, n_failed) in status.results.items():
        print(f"{task}\t{n_done} done" + (f", {n_failed} failed" if n_failed else ""))
    return 0


def _counts(counts: Any) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "none"


def run_list(library: Library, args: argparse.Namespace) -> int:
    """Print tracks, or what failed and why."""
    if not args.failed:
        print_rows(library.tracks(limit=args.limit), args.json)
        return 0
    for row in library.failures(limit=args.limit):
        if args.json:
            error = {"type": row.type, "message": row.message}
            print_json({"schema": SCHEMA, "file": row.path, "task": row.task, "error": error})
        else:
            print(f"{row.path}\t{row.task or 'file'}\t{row.type}: {row.message}")
    return 0


def print_rows(rows: Iterable[TrackRow], as_json: bool) -> None:
    """Print tracks, one a line."""
    for row in rows:
        if as_json:
            print_json({"schema": SCHEMA, **row.as_dict()})
        else:
            print(line(row))


def line(row: TrackRow) -> str:
    """Return the line of a track: number, tempo, key, energy, name."""
    bpm = "-" if row.bpm is None else f"{row.bpm:.1f}"
    energy = "-" if row.energy is None else f"{row.energy:.2f}"
    name = " - ".join(text for text in (row.artist, row.title) if text)
    return "\t".join([str(row.id), bpm, row.camelot or "-", energy, name])


def run_search(library: Library, args: argparse.Namespace) -> int:
    """Print the tracks that a query line finds."""
    print_rows(library.search(args.query, limit=args.limit), args.json)
    return 0


def run_similar(library: Library, args: argparse.Namespace) -> int:
    """Print the tracks that sound most like one, or like a moment of it."""
    row = find(library, args.track)
    sound = row.id if args.at is None else library.moment(row.id, args.at)
    for found, score in library.similar(sound, args.limit, query=args.query):
        if args.json:
            print_json({"schema": SCHEMA, "score": score, **found.as_dict()})
        else:
            print(f"{score:.3f}\t{line(found)}")
    return 0


def run_review(library: Library, args: argparse.Namespace) -> int:
    """Print what is least sure."""
    for doubt in library.doubtful(args.limit):
        if args.json:
            held = {"what": doubt.what, "confidence": doubt.confidence}
            print_json({"schema": SCHEMA, **held, "track": doubt.track.as_dict()})
        else:
            print(f"{doubt.confidence:.2f}\t{doubt.what}\t{line(doubt.track)}")
    return 0


def run_correct(library: Library, args: argparse.Namespace) -> int:
    """Keep what a person says of a track."""
    number = find(library, args.track).id
    if args.undo is not None:
        library.uncorrect(number, args.undo)
        return 0
    for task, value in _said(library, number, args).items():
        library.correct(number, task, value)
        print(f"{task}\t{value.summary()}")
    return 0


def _said(library: Library, number: int, args: argparse.Namespace) -> dict[str, Any]:
    """Return what a person says, by task."""
    from mirkit.annotation import Key
    from mirkit.errors import ParameterError

    if args.key is not None:
        return {"key": Key(args.key)}
    if args.file is not None:
        from mirkit.cli.tracks import read_parts

        return read_parts(args.file)
    beats = library.get(number, "beats")
    if beats is None:
        raise ParameterError(f"track {number} has no beats: analyze it first")
    return {"beats": beats.double() if args.double else beats.halve()}


def run_teach(library: Library, args: argparse.Namespace) -> int:
    """Learn a tag of one's own from examples."""
    examples, others = (
        [find(library, text).id for text in texts] for texts in (args.tracks, args.without)
    )
    probe = library.teach(args.tag, examples, others)
    print(
        f"{probe.tag}\tfound in {counted(probe.n_found, 'track')}; of {probe.n_examples} examples "
        f"and {probe.n_others} others, {100 * probe.accuracy:.0f} % are told apart unseen"
    )
    return 0


def find(library: Library, text: str) -> TrackRow:
    """Return the track that a number or a path names."""
    return library.track(int(text) if text.isdecimal() else text)


def run_show(library: Library, args: argparse.Namespace) -> int:
    """Print all that is known of a track."""
    from mirkit.formats.json import to_object

    row = find(library, args.track)
    if args.json:
        held = {"track": row.as_dict(), "analysis": to_object(library.analysis(row.id))}
        print_json({"schema": SCHEMA, **held})
        return 0
    for name, value in row.as_dict().items():
        if value not in (None, ""):
            print(f"{name}\t{f'{value:.2f}' if isinstance(value, float) else value}")
    for path in library.places(row.id)[1:]:
        print(f"also\t{path}")
    print("tags\t" + ", ".join(f"{label} {score:.2f}" for label, score in library.tags(row.id)))
    for task in library.status().results:
        _show_task(library, row.id, task)
    return 0


def _show_task(library: Library, track: int, task: str) -> None:
    value, maker = library.get(track, task), library.maker(track, task)
    if value is not None and maker is not None:
        print(f"{task}\t{value.summary()}\t({maker.model})")
    sys.stdout.flush()
