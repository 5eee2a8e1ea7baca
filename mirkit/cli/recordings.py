"""The commands that analyze recordings: what they read, write, report and go on with."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from mirkit.batch import Failure, Tally, run_batch
from mirkit.cli.arguments import add_jobs, length, processors, seconds
from mirkit.cli.files import Source, find_sources, print_json, report_failure, report_tally, targets
from mirkit.errors import WriteError
from mirkit.tasks import TASKS

WHOLE = (".jams", ".json")
"""Suffixes of the formats that hold a whole analysis: the recording beside its annotations."""


@dataclass(frozen=True)
class Found:
    """An `Analysis` as it travels between processes, and the model of its task."""

    annotations: dict[str, Any]
    path: str
    metadata: dict[str, str]
    content_hash: str | None
    duration: float | None

    @property
    def value(self) -> Any:
        """The annotation of a command for one task."""
        return next(iter(self.annotations.values()))

    @property
    def model(self) -> str:
        """Name of the model of that annotation."""
        return str(self.value.provenance.model) if self.value.provenance else "no model"

    def analysis(self) -> Any:
        """Return the analysis."""
        from mirkit.annotation import Analysis
        from mirkit.audio import Track

        track = Track(Path(self.path), self.metadata, self.content_hash)
        return Analysis(self.annotations, track, self.duration)


@dataclass(frozen=True)
class Worker:
    """The function that runs in each process: the tasks of one recording.

    Parameters
    ----------
    tasks
        Names of the tasks.
    settings
        Arguments of `mirkit.system.load` by task, such as model, weights and decoder.
    hashed
        Whether to hash the content of the recording.
    offset, limit
        Where to start, and how much to read at most [s].
    """

    tasks: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hashed: bool = False
    offset: float = 0.0
    limit: float | None = None
    reads_twice: ClassVar[bool] = False
    """Whether the system of one task reads a recording more than once."""

    def check(self) -> None:
        """Load each system once, as a wrong name is the fault of no file."""
        for task in self.tasks:
            self.system(task)

    def system(self, task: str) -> Any:
        """Return the system of a task."""
        from mirkit.system import load

        settings = dict(self.settings.get(task, {}))
        return load(settings.pop("model", None), task=task, **settings)

    def __call__(self, source: Source) -> Found:
        """Return the annotations of a recording."""
        from mirkit.audio.sources import content_hash
        from mirkit.recording import Recording
        from mirkit.tasks import with_needs

        recording = Recording.of(source.path, offset=self.offset, limit=self.limit)
        names = list(with_needs(self.tasks))
        recording = recording.shared() if len(names) > 1 or self.reads_twice else recording
        found: dict[str, Any] = {}
        for name in names:
            needed = {need: found[need] for need in TASKS[name].needs}
            found[name] = self.system(name)(recording, **needed)
        known = recording.described
        digest = content_hash(known) if self.hashed else known.content_hash
        annotations = {name: found[name] for name in self.tasks}
        length = recording.whole_duration
        return Found(annotations, source.path, dict(known.metadata), digest, length)


def save_found(found: Found, path: Path) -> None:
    """Write an analysis where the format of `path` holds one, else the annotation of the task."""
    from mirkit.formats import save

    save(found.analysis() if path.suffix in WHOLE else found.value, path)


def show_text(summarize: Callable[[Found], str]) -> Callable[[Found, str, str], None]:
    """Return a function that prints an annotation below a line that `summarize` writes."""

    def show(found: Found, path: str, format_name: str) -> None:
        from mirkit.formats import dumps

        print(f"# {path}: {summarize(found)}")
        print(dumps(found.value, format_name), end="", flush=True)

    return show


@dataclass(frozen=True)
class Command:
    """The differences between commands.

    Parameters
    ----------
    title
        Title of the progress bar.
    suffixes
        Suffix of the files of each format.
    on_screen
        The formats that can be printed.
    show
        Prints a result in a format other than JSON: result, path of the recording, format. See
        `show_text`.
    save
        Writes a result to a path.
    edit
        Changes the JSON object of a result before it is printed, or None.
    """

    title: str
    suffixes: Mapping[str, str]
    on_screen: tuple[str, ...]
    show: Callable[[Found, str, str], None]
    save: Callable[[Found, Path], None] = save_found
    edit: Callable[[dict[str, Any]], None] | None = None

    def print(self, found: Found, path: str, format_name: str) -> None:
        """Print a result."""
        if format_name != "json":
            self.show(found, path, format_name)
            return
        from mirkit.formats.json import to_object

        row = to_object(found.analysis(), file=path)
        if self.edit is not None:
            self.edit(row)
        print_json(row)


def task_worker(args: argparse.Namespace, tasks: Sequence[str], **settings: Any) -> Worker:
    """Return the worker of a command for one task, with the model that the arguments name.

    Settings that are None are left to their defaults.
    """
    given = {"model": args.model, "weights": args.weights, **settings}
    known = {name: value for name, value in given.items() if value is not None}
    return Worker(tuple(tasks), {tasks[0]: known}, hashed=args.output is not None)


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
    parser.add_argument(
        "--offset", type=seconds, default=0.0, metavar="S", help="where to start reading [s]"
    )
    parser.add_argument("--duration", type=length, metavar="S", help="how much to read at most [s]")
    parser.add_argument("--skip-existing", action="store_true", help="leave files that are there")
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def run_recordings(args: argparse.Namespace, command: Command, worker: Any) -> int:
    """Give each recording to `worker`, write or print what it finds; return the exit status."""
    if args.skip_existing and not args.output:
        args.usage_error("--skip-existing looks at the files of -o DIR; give it too")
    if args.format not in command.on_screen and not args.output:
        args.usage_error(f"--format {args.format} writes files; give -o DIR too")
    worker = replace(worker, offset=args.offset, limit=args.duration)
    sources, failed = find_sources(args.paths)
    tally = Tally()
    for path, why in failed:
        tally.fail(path)
        report_failure(path, why, args.json)
    files = {}
    if args.output:
        check_target(args.output)
        files = targets(sources, args.output, command.suffixes[args.format])
    if args.skip_existing:
        sources = [source for source in sources if not files[source].exists()]
    worker.check()
    for source, result in run_batch(worker, sources, _n_jobs(args, sources), command.title):
        failure = _deliver(result, source, files.get(source), args, command)
        tally.count(source.path, failure)
        if failure is not None:
            report_failure(source.path, failure, args.json)
    report_tally(tally, args.output)
    return tally.status


def check_target(folder: Path) -> None:
    """Raise before the work where no file could be written to a folder."""
    from mirkit.formats.atomic import check_folder

    check_folder(folder)


def _deliver(
    result: Any, source: Source, file: Path | None, args: argparse.Namespace, command: Command
) -> Failure | None:
    """Write or print a result, and return why that failed, or why there is none."""
    if isinstance(result, Failure):
        return result
    if file is not None and (failure := _written(result, file, command)) is not None:
        return failure
    if args.json or file is None:
        command.print(result, source.path, "json" if args.json else args.format)
    return None


def _written(result: Any, path: Path, command: Command) -> Failure | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        command.save(result, path)
    except WriteError as error:
        return Failure(type(error).__name__, str(error))
    except OSError as error:
        return Failure(type(error).__name__, f"{path} cannot be written: {error}")
    return None


def _n_jobs(args: argparse.Namespace, sources: list[Source]) -> int:
    if any(source.path == "-" for source in sources):
        return 1  # other processes do not see this one's standard input
    return min(args.jobs or processors(), len(sources) or 1)
