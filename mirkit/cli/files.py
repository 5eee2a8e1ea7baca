"""Input and output files of a command."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from mirkit.batch import Failure, Tally
from mirkit.errors import AudioError, ParameterError
from mirkit.tasks import SCHEMA


@dataclass(frozen=True)
class Source:
    """A recording to read.

    Parameters
    ----------
    path
        Where it is; ``"-"`` is standard input.
    place
        Where it lies below the folder that was named: the place of its output.
    """

    path: str
    place: PurePath


def find_sources(paths: Sequence[str]) -> tuple[list[Source], list[tuple[str, Failure]]]:
    """Return the recordings that `paths` name, each once, and the paths that name none."""
    sources: dict[str, Source] = {}
    failed: list[tuple[str, Failure]] = []
    for path in paths:
        try:
            for source in _sources_of(path):
                sources.setdefault(source.path, source)
        except AudioError as error:
            failed.append((path, Failure("AudioError", str(error))))
    return list(sources.values()), failed


def _sources_of(path: str) -> Iterator[Source]:
    from mirkit.audio.reading import find_audio

    if path == "-":
        yield Source("-", PurePath("stdin"))
        return
    root = Path(path) if Path(path).is_dir() else Path(path).parent
    for found in find_audio([path]):
        yield Source(str(found), found.relative_to(root))


def targets(sources: Sequence[Source], folder: Path, suffix: str) -> dict[Source, Path]:
    """Return the file that each source is written to: its place in `folder`, with `suffix`.

    Where two sources differ only by their own suffix, they keep it: ``song.mp3.beats``.

    Raises
    ------
    ParameterError
        Where two sources of different folders would still be written to one file.
    """
    shared = Counter(source.place.with_suffix("") for source in sources)
    places = {
        source: source.place.with_name(source.place.name + suffix)
        if shared[source.place.with_suffix("")] > 1
        else source.place.with_suffix(suffix)
        for source in sources
    }
    owners: dict[PurePath, Source] = {}
    for source, place in places.items():
        other = owners.setdefault(place, source)
        if other is not source:
            raise ParameterError(
                f"{other.path} and {source.path} would both be written to {folder / place}; "
                "name the folder that holds both, or write them to two folders"
            )
    return {source: folder / place for source, place in places.items()}


def report_failure(path: str, failure: Failure, as_json: bool) -> None:
    """Name the file that failed on stderr, and as a JSON object on stdout where asked."""
    message = failure.message if path in failure.message else f"{path}: {failure.message}"
    print(f"mirkit: {message}", file=sys.stderr)
    if as_json:
        error = {"type": failure.type, "message": failure.message}
        print_json({"schema": SCHEMA, "file": path, "error": error})


def report_tally(tally: Tally, where: Path | None = None) -> None:
    """Print on stderr what became of a batch, where there was more than one file."""
    if tally.worth_saying:
        print(f"mirkit: {tally.summary(where)}", file=sys.stderr)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun; what counts is imported now, and not to parse arguments."""
    from mirkit.values import count

    return count(n, noun)


def print_json(value: Any) -> None:
    """Print one object on one line; strict JSON, so never NaN."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)


def print_beats(beats: Any, path: str, format_name: str, note: str = "") -> None:
    """Print beats in a format; but for JSON under a comment that names the file and its tempo."""
    if format_name == "json":
        from mirkit.formats.json import to_object

        print_json(to_object(beats, file=path))
        return
    from mirkit.formats import dumps

    bpm = "no tempo" if beats.bpm is None else f"{beats.bpm:.2f} bpm"
    print(f"# {path}: {bpm}, {counted(len(beats), 'beat')}{note}")
    print(dumps(beats, format_name), end="", flush=True)
