"""The arguments of the sub-commands of ``mirkit library``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mirkit.cli.arguments import add_jobs
from mirkit.errors import UnknownName


def add_nothing(parser: argparse.ArgumentParser) -> None:
    """Declare no argument."""


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Declare what is scanned."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="none to scan again")
    parser.add_argument(
        "--verify", action="store_true", help="hash files again that look unchanged"
    )


def add_removed(parser: argparse.ArgumentParser) -> None:
    """Declare what is removed."""
    parser.add_argument("paths", nargs="+", metavar="PATH")


def add_analysis(parser: argparse.ArgumentParser) -> None:
    """Declare what is analyzed, and how."""
    parser.add_argument("--tasks", type=names, metavar="NAME[,NAME…]", help="default: most of them")
    parser.add_argument(
        "--model", action="append", default=[], metavar="TASK=NAME", help="a model for a task"
    )
    add_jobs(parser)
    parser.add_argument("--limit", type=at_least_1, metavar="N", help="N tracks at most")
    parser.add_argument("--dry-run", action="store_true", help="only say what is left")
    parser.add_argument("--retry", action="store_true", help="try again what has failed")
    parser.add_argument("--scan", action="store_true", help="look for new files first")
    parser.add_argument(
        "--cpu", type=percent, default=100.0, metavar="PERCENT", help="of each processor"
    )
    parser.add_argument(
        "--nice", type=int, default=0, metavar="N", help="give way to other programs, 0 to 19"
    )


def add_list(parser: argparse.ArgumentParser) -> None:
    """Declare what is listed."""
    parser.add_argument("--failed", action="store_true", help="what failed, and why")
    parser.add_argument("--limit", type=at_least_1, metavar="N", help="N rows at most")


def _add_query(parser: argparse.ArgumentParser, name: str = "query") -> None:
    kind: Any = {"default": ""} if name.startswith("-") else {}
    parser.add_argument(
        name, metavar="QUERY", help='such as "bpm:120-126 key:~8A tag:jazz -tag:vocals"', **kind
    )


def add_search(parser: argparse.ArgumentParser) -> None:
    """Declare what is searched for."""
    _add_query(parser)
    parser.add_argument("--limit", type=at_least_1, default=50, metavar="N", help="default: 50")


def add_similar(parser: argparse.ArgumentParser) -> None:
    """Declare what is alike."""
    parser.add_argument("track", metavar="TRACK", help="a path, or the number of a track")
    parser.add_argument("--at", type=float, metavar="S", help="sounds like this moment of it [s]")
    parser.add_argument("--limit", type=at_least_1, default=10, metavar="N", help="default: 10")
    _add_query(parser, "--query")


def add_playlist(parser: argparse.ArgumentParser) -> None:
    """Declare what is put in order."""
    _add_query(parser)
    parser.add_argument("--limit", type=at_least_1, default=30, metavar="N", help="default: 30")
    parser.add_argument("--first", type=int, metavar="TRACK", help="number of the first track")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the list")
    parser.add_argument("--format", default="m3u", metavar="FORMAT", help="default: m3u")
    parser.add_argument("--name", default="mirkit", metavar="NAME", help="of the list")


def add_show(parser: argparse.ArgumentParser) -> None:
    """Declare what is shown."""
    parser.add_argument("track", metavar="TRACK", help="a path, or the number of a track")


def add_review(parser: argparse.ArgumentParser) -> None:
    """Declare how much is reviewed."""
    parser.add_argument("--limit", type=at_least_1, default=50, metavar="N", help="default: 50")


def add_correction(parser: argparse.ArgumentParser) -> None:
    """Declare what a person says of a track."""
    parser.add_argument("track", metavar="TRACK", help="a path, or the number of a track")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", metavar="KEY", help="such as Am, 8A or 'A minor'")
    what.add_argument("--double", action="store_true", help="the beats at twice the tempo")
    what.add_argument("--halve", action="store_true", help="the beats at half the tempo")
    what.add_argument(
        "--file", type=Path, metavar="FILE", help="annotations: JAMS, JSON, .beats, …"
    )
    what.add_argument("--undo", metavar="TASK", help="what the model said is back")


def add_lesson(parser: argparse.ArgumentParser) -> None:
    """Declare a tag of one's own and its examples."""
    parser.add_argument("tag", metavar="TAG")
    parser.add_argument("tracks", nargs="+", metavar="TRACK", help="5 to 20 that have it")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="TRACK", help="tracks that do not have it"
    )


def add_watched(parser: argparse.ArgumentParser) -> None:
    """Declare where new tracks are delivered to."""
    parser.add_argument("format", metavar="FORMAT", help="a DJ format: see `mirkit export --help`")
    parser.add_argument("-o", "--output", metavar="PATH", help="the file, or the database")
    parser.add_argument("--every", type=float, default=30.0, metavar="S", help="default: 30")
    parser.add_argument("--once", action="store_true", help="look once")
    parser.add_argument("--tasks", type=names, metavar="NAME[,NAME…]", help="default: most of them")
    parser.add_argument(
        "--model", action="append", default=[], metavar="TASK=NAME", help="a model for a task"
    )
    add_jobs(parser)


def add_tagging(parser: argparse.ArgumentParser) -> None:
    """Declare which files get tags."""
    _add_query(parser, "--query")
    parser.add_argument("--write", action="store_true", help="write; else only say what would be")
    parser.add_argument("--undo", action="store_true", help="bring back the tags from before")
    parser.add_argument("--notation", default="tag", metavar="NAME", help="spelling of keys")


def add_check(parser: argparse.ArgumentParser) -> None:
    """Declare what is checked."""
    parser.add_argument("--backup", type=Path, metavar="FILE", help="write a copy of the library")
    parser.add_argument("--duplicates", action="store_true", help="list files of the same sound")
    parser.add_argument(
        "--forget-missing", action="store_true", help="remove tracks whose files are gone"
    )


def add_export(parser: argparse.ArgumentParser) -> None:
    """Declare what is exported, and where to."""
    parser.add_argument(
        "format", metavar="FORMAT", help="table, or a DJ format: see `mirkit export --help`"
    )
    _add_query(parser, "--query")
    parser.add_argument("-o", "--output", metavar="PATH", help="the file, or the database")
    parser.add_argument("--limit", type=at_least_1, metavar="N", help="N tracks at most")


def names(text: str) -> tuple[str, ...]:
    """Parse names of tasks of a library, separated by commas."""
    from mirkit.library.makers import LIBRARY_TASKS

    found = tuple(text.split(","))
    for name in found:
        if name not in LIBRARY_TASKS:
            known = ", ".join(LIBRARY_TASKS)
            raise argparse.ArgumentTypeError(f"{name!r} is no task; there are {known}")
    return found


def settings(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the settings of tasks that ``--model`` gives; a wrong name is wrong usage."""
    from mirkit.library.makers import makers

    found: dict[str, dict[str, Any]] = {}
    for text in args.model:
        task, _, model = text.partition("=")
        if not model:
            args.usage_error(f"--model is {text!r}; it is TASK=NAME, such as beats=tempogram")
        found[task] = {"model": model}
    try:
        makers(args.tasks, found)
    except UnknownName as error:
        args.usage_error(str(error))
    return found


def at_least_1(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def percent(text: str) -> float:
    """Parse a share in percent, above 0 and at most 100."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no share in percent (1 to 100)")
    return value
