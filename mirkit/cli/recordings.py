"""What the commands that listen to recordings share: where they read, write, fail and go on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.batch import Failure, run_batch
from mirkit.cli.arguments import add_jobs, processors
from mirkit.cli.files import Source, find_sources, print_json, report_failure, targets


def save_annotation(annotation: Any, path: Path) -> None:
    """Write an annotation in the format that the suffix of `path` names."""
    from mirkit.formats import save

    save(annotation, path)


def showing(summarize: Callable[[Any], str]) -> Callable[[Any, str, str], None]:
    """Return what prints an annotation below a line that `summarize` writes about it."""

    def show(annotation: Any, path: str, format_name: str) -> None:
        from mirkit.formats import dumps
        from mirkit.formats.json import to_object

        if format_name == "json":
            print_json(to_object(annotation, file=path))
            return
        print(f"# {path}: {summarize(annotation)}")
        print(dumps(annotation, format_name), end="", flush=True)

    return show


@dataclass(frozen=True)
class Command:
    """How one command differs from the others.

    Parameters
    ----------
    title
        What the progress bar says.
    suffixes
        Suffix of the files of each format.
    on_screen
        The formats that can be printed.
    show
        Prints a result: result, path of the recording, name of the format (``"json"`` for one
        object a line). See `showing`.
    save
        Writes a result to a path.
    """

    title: str
    suffixes: Mapping[str, str]
    on_screen: tuple[str, ...]
    show: Callable[[Any, str, str], None]
    save: Callable[[Any, Path], None] = save_annotation


def add_recordings(
    parser: argparse.ArgumentParser, formats: Mapping[str, str], has_model: bool = True
) -> None:
    """Declare the arguments; the first of `formats` is the default."""
    default = next(iter(formats))
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for stdin")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write a file for each")
    parser.add_argument("--format", choices=formats, default=default, help=f"default: {default}")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    if has_model:
        parser.add_argument("--model", metavar="NAME", help="see `mirkit models`")
        parser.add_argument(
            "--weights", metavar="PATH", help="a checkpoint for the model, or random"
        )
    parser.add_argument("--skip-existing", action="store_true", help="leave files that are there")
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def run_recordings(args: argparse.Namespace, command: Command, worker: Any) -> int:
    """Give each recording to `worker`, write or print what it finds; return the exit status."""
    if args.skip_existing and not args.output:
        args.usage_error("--skip-existing looks at the files of -o DIR; give it too")
    if args.format not in command.on_screen and not args.output:
        args.usage_error(f"--format {args.format} writes files; give -o DIR too")
    sources, failed = find_sources(args.paths)
    for path, failure in failed:
        report_failure(path, failure, args.json)
    files = {}
    if args.output:
        files = targets(sources, args.output, command.suffixes[args.format])
    if args.skip_existing:
        sources = [source for source in sources if not files[source].exists()]
    worker.check()
    n_failed = sum(
        not _delivered(result, source, files.get(source), args, command)
        for source, result in run_batch(worker, sources, _n_jobs(args, sources), command.title)
    )
    return 1 if failed or n_failed else 0


def _delivered(
    result: Any, source: Source, file: Path | None, args: argparse.Namespace, command: Command
) -> bool:
    """Write or print a result and return True, or report why there is none."""
    outcome = result
    if not isinstance(result, Failure) and file is not None:
        outcome = _written(result, file, command)
    if isinstance(outcome, Failure):
        report_failure(source.path, outcome, args.json)
        return False
    if args.json or file is None:
        command.show(result, source.path, "json" if args.json else args.format)
    return True


def _written(result: Any, path: Path, command: Command) -> Failure | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        command.save(result, path)
    except OSError as error:
        return Failure(type(error).__name__, f"{path} cannot be written: {error}")
    return None


def _n_jobs(args: argparse.Namespace, sources: list[Source]) -> int:
    if any(source.path == "-" for source in sources):
        return 1  # other processes do not see this one's standard input
    return min(args.jobs or processors(), len(sources) or 1)
