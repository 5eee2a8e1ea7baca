"""Score estimates against references: two values, two files, or two folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mirkit.errors import ParameterError
from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.items import SUFFIXES
from mirkit.evaluation.registry import find_benchmark


@dataclass(frozen=True)
class Scores:
    """The scores of several files.

    Parameters
    ----------
    by_file
        The measures of each file, by its name without folder and suffix.
    missing
        References that have no estimate; they count as zero in no mean, so look at them.
    """

    by_file: Mapping[str, Mapping[str, float]]
    missing: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_file", MappingProxyType(dict(self.by_file)))

    def mean(self) -> dict[str, float]:
        """Return the mean of each measure over the files that have it."""
        names = dict.fromkeys(name for row in self.by_file.values() for name in row)
        return {
            name: _mean([row[name] for row in self.by_file.values() if name in row])
            for name in names
        }


def score(reference: Any, estimate: Any, task: str = "beats", **settings: float) -> Scores:
    """Score estimates against references with the field's measures.

    Parameters
    ----------
    reference, estimate
        Two values, two annotation files, or two folders. In folders, files belong together that
        share their name without suffixes: ``song.beats`` and ``song.jams``.
    task
        What is scored: a name in `mirkit.evaluation.BENCHMARKS`.
    settings
        Of the task's measures, such as ``trim`` [s] for beats.

    Raises
    ------
    ParameterError
        Where the two folders share no name, or a value is none that the task has.
    FormatError
        Where a file holds no such annotation.
    UnknownName
        Where there is no such task.

    Examples
    --------
    >>> from mirkit.annotation import Beats
    >>> beats = Beats([5.5, 6.0, 6.5, 7.0])
    >>> score(beats, beats).mean()["f_measure"]
    1.0
    """
    benchmark = find_benchmark(task)
    compare = benchmark.compare or benchmark.score
    pairs, missing = _pairs(reference, estimate)
    rows = {
        name: compare(_value(true, benchmark), _value(found, benchmark), **settings)
        for name, (true, found) in pairs.items()
    }
    return Scores(rows, tuple(missing))


def _pairs(reference: Any, estimate: Any) -> tuple[dict[str, tuple[Any, Any]], list[str]]:
    if not _is_folder(reference) and not _is_folder(estimate):
        return {_stem(reference): (reference, estimate)}, []
    if not (_is_folder(reference) and _is_folder(estimate)):
        raise ParameterError(
            f"{reference} and {estimate}: one is a folder and the other is not; give two folders "
            "or two files"
        )
    true, found = _files(Path(reference)), _files(Path(estimate))
    shared = {name: (true[name], found[name]) for name in true if name in found}
    if not shared:
        raise ParameterError(
            f"{reference} and {estimate} share no file name: "
            f"{_examples(true)} against {_examples(found)}"
        )
    return shared, [name for name in true if name not in found]


def _files(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            name = path.relative_to(folder).with_name(_stem(path)).as_posix()
            if name in files:
                raise ParameterError(f"{files[name]} and {path} have one name; keep one of them")
            files[name] = path
    return files


def _value(source: Any, benchmark: Benchmark) -> Any:
    if isinstance(source, benchmark.values):
        return source
    if isinstance(source, str | Path):
        return benchmark.reference(Path(source))
    valid = " or ".join(kind.__name__ for kind in benchmark.values)
    raise ParameterError(
        f"{benchmark.task} are scored from {valid}, or a path, not {type(source).__name__}; is the "
        "task another one?"
    )


def _is_folder(source: Any) -> bool:
    return isinstance(source, str | Path) and Path(source).is_dir()


def _stem(source: Any) -> str:
    if not isinstance(source, str | Path):
        return "estimate"
    name = Path(source).name
    for suffix in reversed(Path(name).suffixes[-2:]):  # song.beats.txt is named song
        if suffix.lower() in SUFFIXES:
            name = name.removesuffix(suffix)
    return name


def _examples(files: Mapping[str, Path]) -> str:
    names: Sequence[str] = list(files)[:3]
    return ", ".join(names) or "nothing"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
