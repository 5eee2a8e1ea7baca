"""``mirkit library``: a music library that is scanned, analyzed and searched.

Each row of `COMMANDS` is a sub-command: its help, its arguments and the function that runs it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mirkit.cli import library_arguments as arguments
from mirkit.cli import library_lists as lists
from mirkit.cli.files import counted, print_json
from mirkit.tasks import SCHEMA

if TYPE_CHECKING:
    from mirkit.library import Library, Plan

VARIABLE = "MIRKIT_LIBRARY"
"""The environment variable that names the library, where ``--library`` does not."""

Run = Callable[["Library", argparse.Namespace], int]


@dataclass(frozen=True)
class Command:
    """A sub-command.

    Parameters
    ----------
    summary
        Help line.
    add
        Declares its arguments.
    run
        Runs it on a library and returns the exit status.
    writes
        Whether it writes to the library.
    """

    summary: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Run
    writes: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    default = os.environ.get(VARIABLE, "music.db")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="library_command")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        )
        sub.add_argument(
            "--library", metavar="FILE", default=default,
            help=f"the library (default: ${VARIABLE}, or music.db)",
        )  # fmt: skip
        sub.add_argument("--json", action="store_true", help="print one JSON object a line")
        command.add(sub)
        sub.set_defaults(usage_error=sub.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status; only ``add`` makes a library."""
    from mirkit.errors import FormatError
    from mirkit.library import Library

    command = COMMANDS[args.library_command]
    if args.library_command != "add" and not Path(args.library).exists():
        raise FormatError(f"{args.library} is not there; mirkit library add FOLDER makes it")
    with Library(args.library, read_only=not command.writes) as library:
        return command.run(library, args)


def run_add(library: Library, args: argparse.Namespace) -> int:
    """Scan folders and files, and those that the library is of already."""
    report = library.add(*args.paths, verify=args.verify)
    for path, why in report.failed.items():
        print(f"mirkit: {path}: {why.removeprefix(f'{path} ')}", file=sys.stderr)
    for path in report.absent:
        print(f"mirkit: {path} is not there; its files are left as they were", file=sys.stderr)
    if args.json:
        print_json({"schema": SCHEMA, **vars(report)})
    else:
        print(f"{report.summary()}; {counted(len(library), 'track')} in {library.path}")
    return 1 if report.failed or report.absent else 0


def run_analyze(library: Library, args: argparse.Namespace) -> int:
    """Analyze what is new or changed."""
    from mirkit.cli.arguments import processors
    from mirkit.cli.library_progress import Bar

    settings = arguments.settings(args)
    if args.scan:
        library.add()
    if args.dry_run:
        plan = library.plan(args.tasks, settings=settings, retry=args.retry)
        _print_plan(plan, args.json)
        return 0
    with Bar() as bar:
        report = library.analyze(
            args.tasks,
            settings=settings,
            n_jobs=args.jobs or processors(),
            limit=args.limit,
            retry=args.retry,
            share=args.cpu / 100,
            niceness=args.nice,
            progress=bar,
        )
    if args.json:
        print_json({"schema": SCHEMA, **vars(report)})
    else:
        print(report.summary() + ("; interrupted" if report.interrupted else ""))
    if not (report.n_done or report.n_failed or report.n_gone or report.interrupted):
        left = library.plan(args.tasks, settings=settings, retry=args.retry).n_tracks
        if left:
            others = f"another process is at work on {counted(left, 'track')}"
            print(f"mirkit: {others}", file=sys.stderr)
    if report.n_failed:
        print("mirkit: mirkit library list --failed says why files failed", file=sys.stderr)
    if report.interrupted:
        return 130
    return 1 if report.n_failed else 0


def _print_plan(plan: Plan, as_json: bool) -> None:
    models = {task: plan.makers[task].model for task in plan.tasks}
    if as_json:
        counts = {"n_tracks": plan.n_tracks, "tasks": dict(plan.tasks)}
        print_json({"schema": SCHEMA, **counts, "models": models})
        return
    print(f"{counted(plan.n_tracks, 'track')} left")
    for task, n in plan.tasks.items():
        print(f"{task}\t{n}\t{models[task]}")


def run_watch(library: Library, args: argparse.Namespace) -> int:
    """Bring new files into a DJ program, analyzed, as they arrive."""
    from mirkit.library.delivery import watch

    _need_output(args)
    watch(
        library,
        args.format,
        args.output,
        every=args.every,
        n_passes=1 if args.once else None,
        tell=lambda text: print(text, flush=True),
        tasks=args.tasks,
        settings=arguments.settings(args),
        n_jobs=args.jobs or 1,
    )
    return 0


def run_tag(library: Library, args: argparse.Namespace) -> int:
    """Write tempo, key and ReplayGain into files, or bring back what they had."""
    from mirkit.library.tagging import undo, write_tags

    rows = library.search(args.query, limit=None)
    if not (args.write or args.undo):
        lists.print_rows(rows, args.json)
        print(
            f"mirkit: {counted(len(rows), 'track')}; --write writes into their files",
            file=sys.stderr,
        )
        return 0
    report = undo(library) if args.undo else write_tags(library, rows, notation=args.notation)
    for path, why in report.failed.items():
        print(f"mirkit: {path}: {why}", file=sys.stderr)
    print(f"{counted(report.n_done, 'file')} changed, {len(report.failed)} left alone")
    return 1 if report.failed else 0


def run_check(library: Library, args: argparse.Namespace) -> int:
    """Look for damage, missing files and duplicates; back up."""
    if args.backup:
        from mirkit.formats.atomic import check_writable

        check_writable(args.backup)
    problems = library.problems()
    for problem in problems:
        print(f"mirkit: {library.path}: {problem}", file=sys.stderr)
    status = library.status()
    n_missing = status.files.get("missing", 0)
    print(f"{counted(status.n_tracks, 'track')}, {counted(n_missing, 'file')} missing")
    if args.forget_missing:
        print(f"{counted(library.forget_missing(), 'track')} without files removed")
    if args.duplicates:
        for rows in library.duplicates():
            places = [path for row in rows for path in library.places(row.id)]
            print("same samples: " + "\t".join(places))
    if args.backup:
        print(f"backed up to {library.back_up(args.backup)}")
    return 1 if problems else 0


def run_remove(library: Library, args: argparse.Namespace) -> int:
    """Take folders and files out of the library."""
    print(f"{counted(library.remove(*args.paths), 'track')} removed; no file was touched")
    return 0


def run_playlist(library: Library, args: argparse.Namespace) -> int:
    """Order tracks for mixing, and print the list or write it for DJ programs."""
    rows = library.playlist(library.search(args.query, limit=args.limit), args.first)
    if args.output is None:
        lists.print_rows(rows, args.json)
        return 0
    from mirkit.library.export import save_playlist

    save_playlist(library, rows, args.output, args.format, args.name)
    print(f"{counted(len(rows), 'track')} written to {args.output}")
    return 0


def run_export(library: Library, args: argparse.Namespace) -> int:
    """Write tracks for DJ programs, or as a table."""
    from mirkit.library.tables import SUFFIXES

    rows = library.search(args.query, limit=args.limit)
    if args.format == "table":
        if not str(args.output or "").endswith(SUFFIXES):
            args.usage_error(f"a table needs -o FILE that ends in {' or '.join(SUFFIXES)}")
        from mirkit.library import tables

        tables.save(rows, args.output)
        print(f"{counted(len(rows), 'track')} written to {args.output}")
        return 0
    _need_output(args)
    from mirkit.exporting import export

    lost = export([library.analysis(row.id) for row in rows], args.format, args.output)
    where = args.output or "the recordings"
    print(f"{counted(len(lost), 'track')} written to {where}")
    return 0


def _need_output(args: argparse.Namespace) -> None:
    """End with exit status 2 where a format of one file for all tracks has none."""
    from mirkit.formats.dj import DJ_FORMATS

    if args.output is None and args.format in DJ_FORMATS:
        args.usage_error(f"{args.format} needs -o PATH")


COMMANDS: Mapping[str, Command] = {
    "add": Command("scan folders and files", arguments.add_paths, run_add),
    "analyze": Command("analyze what is new or changed", arguments.add_analysis, run_analyze),
    "status": Command(
        "count tracks, files and results", arguments.add_nothing, lists.run_status, False
    ),
    "list": Command("list tracks, or what failed", arguments.add_list, lists.run_list, False),
    "show": Command("show all that is known", arguments.add_show, lists.run_show, False),
    "search": Command("find tracks by a query line", arguments.add_search, lists.run_search, False),
    "similar": Command(
        "find tracks that sound alike", arguments.add_similar, lists.run_similar, False
    ),
    "playlist": Command("order tracks for mixing", arguments.add_playlist, run_playlist, False),
    "review": Command("list what is least sure", arguments.add_review, lists.run_review, False),
    "correct": Command("say what is right", arguments.add_correction, lists.run_correct),
    "teach": Command(
        "learn a tag of one's own from examples", arguments.add_lesson, lists.run_teach
    ),
    "watch": Command(
        "bring new files into a DJ program as they arrive", arguments.add_watched, run_watch
    ),
    "tag": Command("write tempo, key and gain into files", arguments.add_tagging, run_tag),
    "check": Command("look for damage, back up", arguments.add_check, run_check),
    "remove": Command("take folders and files out", arguments.add_removed, run_remove),
    "export": Command("write to DJ programs and tables", arguments.add_export, run_export, False),
}
"""The sub-commands by name."""
