"""``mirkit search``: a sentence and recordings in, the recordings that it describes best out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirkit.batch import Failure, run_batch
from mirkit.cli.arguments import add_jobs, processors
from mirkit.cli.files import Source, find_sources, print_json, report_failure
from mirkit.cli.recordings import Worker
from mirkit.cli.tags import DIGITS, n_tags
from mirkit.tasks import SCHEMA, TASKS

if TYPE_CHECKING:
    from mirkit.annotation import Embedding
    from mirkit.sound.index import Hit, VectorIndex


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", metavar="TEXT", help="a sentence, or with --like a recording")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument(
        "--like", action="store_true", help="TEXT is a recording: find what sounds like it"
    )
    parser.add_argument("--top", type=n_tags, default=10, metavar="N", help="how many, or all")
    parser.add_argument(
        "--index", type=Path, metavar="DIR", help="keep the vectors there for the next search"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--model", metavar="NAME", help="see `mirkit models`")
    add_jobs(parser)
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if "-" in args.paths:
        args.usage_error("- is standard input, which is no place to find again; give files")
    if not args.query.strip():
        args.usage_error("TEXT is empty; it is a sentence, such as 'a slow piano'")
    from mirkit.sound.index import Space

    model = args.model or str(TASKS["zero_shot"].model)
    worker = Worker(("embed",), {"embed": {"model": model}})
    system = worker.system("embed")
    query = _query(args, system)
    space = Space.of(system.model.provenance)
    sources, failed = find_sources(args.paths)
    index = _open(args.index, space, query.shape[1])
    for source, failure in _refresh(index, sources, worker, args.jobs):
        failed.append((source.path, failure))
    if args.index is not None:
        index.save(args.index)
    for path, failure in failed:
        report_failure(path, failure, args.json)
    _show(args, _hits(index, query, sources, args.top))
    return 1 if failed else 0


def _query(args: argparse.Namespace, system: Any) -> Any:
    """Return the vector of the query: of a recording, or of a sentence."""
    from mirkit.errors import ParameterError

    if args.like:
        return system(args.query).values
    if not hasattr(system.model, "embed_texts"):
        raise ParameterError(
            f"model {args.model!r} knows no texts; give --like and a recording, or a model of "
            f"{TASKS['zero_shot'].command}"
        )
    return system.model.embed_texts([args.query])


def _open(folder: Path | None, space: Any, n_dimensions: int) -> VectorIndex:
    """Return the index in a folder, or a new one."""
    from mirkit.sound.index import VectorIndex

    if folder is not None and folder.exists():
        return VectorIndex.open(folder, space)
    return VectorIndex(space, n_dimensions)


def _refresh(
    index: VectorIndex, sources: Sequence[Source], worker: Worker, jobs: int | None
) -> Iterator[tuple[Source, Failure]]:
    """Embed the recordings that are new or have changed; yield those that fail."""
    stamps = {source.path: _stamp(source.path) for source in sources}
    new = [each for each in sources if index.stamp(each.path) != stamps[each.path]]
    vectors: dict[str, Embedding] = {}
    for source, result in run_batch(worker, new, min(jobs or processors(), len(new) or 1), "embed"):
        if isinstance(result, Failure):
            yield source, result
        else:
            vectors[source.path] = result.value
    if vectors:
        index.add(list(vectors), list(vectors.values()), stamps=stamps)


def _stamp(path: str) -> str:
    """Return what changes when a file does."""
    state = Path(path).stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def _hits(index: VectorIndex, query: Any, sources: Sequence[Source], top: int | str) -> list[Hit]:
    """Return the best recordings among those that were named; the index may hold more."""
    named = {source.path for source in sources}
    found = index.search(query, max(len(index), 1))[0]
    hits = [hit for hit in found if hit.key in named]
    return hits if top == "all" else hits[: int(top)]


def _show(args: argparse.Namespace, hits: Sequence[Hit]) -> None:
    rows: list[Mapping[str, Any]] = [{"file": hit.key, "score": hit.score} for hit in hits]
    if args.json:
        print_json({"schema": SCHEMA, "query": args.query, "search": rows})
        return
    for hit in hits:
        print(f"{hit.score:.{DIGITS}f}\t{hit.key}")
