"""``mirkit beats``: recordings in, beats and tempo out, to the screen or to files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.batch import Failure, run_batch
from mirkit.cli.arguments import add_decoding, add_jobs, decoding_options, processors
from mirkit.cli.files import Source, find_sources, print_beats, report_failure, targets

SUFFIXES = {"beats": ".beats", "jams": ".jams", "midi": ".mid", "csv": ".csv", "json": ".json"}
"""The formats, by name."""

ON_SCREEN = ("beats", "csv", "json")
"""The formats that can be printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for stdin")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write a file for each")
    parser.add_argument("--format", choices=SUFFIXES, default="beats", help="default: beats")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--model", metavar="NAME", help="see `mirkit models`")
    parser.add_argument("--weights", metavar="PATH", help="a checkpoint for the model, or random")
    add_decoding(parser)
    parser.add_argument("--skip-existing", action="store_true", help="leave files that are there")
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.skip_existing and not args.output:
        args.usage_error("--skip-existing looks at the files of -o DIR; give it too")
    if args.format not in ON_SCREEN and not args.output:
        args.usage_error(f"--format {args.format} writes files; give -o DIR too")
    sources, failed = find_sources(args.paths)
    for path, failure in failed:
        report_failure(path, failure, args.json)
    files = targets(sources, args.output, SUFFIXES[args.format]) if args.output else {}
    if args.skip_existing:
        sources = [source for source in sources if not files[source].exists()]
    n_failed = len(failed) + _analyze(sources, files, args)
    return 1 if n_failed else 0


def _analyze(sources: list[Source], files: dict[Source, Path], args: argparse.Namespace) -> int:
    """Analyze the sources and return how many failed."""
    n_jobs = min(args.jobs or processors(), len(sources) or 1)
    if any(source.path == "-" for source in sources):
        n_jobs = 1  # other processes do not see this one's standard input
    worker = Worker(args.model, args.weights, args.decoder, decoding_options(args))
    worker.check()
    n_failed = 0
    for source, result in run_batch(worker, sources, n_jobs, "beats"):
        outcome = result
        if not isinstance(result, Failure) and source in files:
            outcome = _write(result, files[source])
        if isinstance(outcome, Failure):
            n_failed += 1
            report_failure(source.path, outcome, args.json)
        elif args.json or source not in files:
            print_beats(
                result,
                source.path,
                "json" if args.json else args.format,
                note=f" ({result.provenance.model})",
            )
    return n_failed


@dataclass(frozen=True)
class Worker:
    """What runs in each process."""

    model: str | None
    weights: str | None
    decoder: str | None
    options: dict[str, Any]

    def check(self) -> None:
        """Load model and decoder once, as a wrong name is the fault of no file."""
        from mirkit.music.beat import system

        system(self.model, self.weights, self.decoder, **self.options)

    def __call__(self, source: Source) -> Any:
        """Return the beats of a recording."""
        from mirkit.music.beat import beats

        return beats(
            source.path,
            model=self.model,
            weights=self.weights,
            decoder=self.decoder,
            **self.options,
        )


def _write(beats: Any, path: Path) -> Failure | None:
    from mirkit.formats import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(beats, path)
    except OSError as error:
        return Failure(type(error).__name__, f"{path} cannot be written: {error}")
    return None
