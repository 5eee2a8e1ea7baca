"""Boards: estimates scored against references, one file or whole folders at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mirkit.annotation import Beats, Key, Segments, Tags
from mirkit.errors import ParameterError, UnknownName
from mirkit.evaluation.boards import BOARDS, Board
from mirkit.evaluation.items import SUFFIXES, Item
from mirkit.evaluation.key import longest
from mirkit.evaluation.report import Report
from mirkit.evaluation.run import evaluate
from mirkit.evaluation.tag_report import TagReport

__all__ = ["BOARDS", "Board", "Item", "Report", "Scores", "TagReport", "evaluate", "score"]


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


def score(reference: Any, estimate: Any, task: str = "beat", **options: float) -> Scores:
    """Score estimates against references with the field's measures.

    Parameters
    ----------
    reference, estimate
        Two values, two annotation files, or two folders. In folders, files belong together that
        share their name without suffixes: ``song.beats`` and ``song.jams``.
    task
        What is scored: ``"beat"``, ``"chord"``, ``"key"`` or ``"tags"``.
    options
        Settings of the task's measures, such as ``trim`` [s] for beats.

    Raises
    ------
    ParameterError
        Where the two folders share no name, or a file holds no such annotation.

    Examples
    --------
    >>> beats = Beats([5.5, 6.0, 6.5, 7.0])
    >>> score(beats, beats).mean()["f_measure"]
    1.0
    """
    measure = _measure(task)
    attribute, kinds = _HELD[task]
    pairs, missing = _pairs(reference, estimate)
    rows = {
        name: measure(_value(true, attribute, kinds), _value(found, attribute, kinds), **options)
        for name, (true, found) in pairs.items()
    }
    return Scores(rows, tuple(missing))


def _measure(task: str) -> Callable[..., dict[str, float]]:
    from mirkit.metrics.beat import beat_scores
    from mirkit.metrics.chord import chord_scores
    from mirkit.metrics.tag import tag_scores

    known: dict[str, Callable[..., dict[str, float]]]
    known = {
        "beat": beat_scores,
        "chord": chord_scores,
        "key": _key_scores,
        "tags": tag_scores,
    }
    if task not in known:
        raise UnknownName("task", task, list(known))
    return known[task]


def _key_scores(reference: Any, estimate: Any) -> dict[str, float]:
    """Score keys; of local keys alone the one that lasts longest is that of the whole."""
    from mirkit.metrics.key import key_scores

    true, found = (longest(x) if isinstance(x, Segments) else x for x in (reference, estimate))
    return key_scores(true, found)


_HELD: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "beat": ("beats", (Beats,)),
    "chord": ("chords", (Segments,)),
    "key": ("key", (Key, Segments)),
    "tags": ("tags", (Tags,)),
}
"""What each task looks for in an `Analysis`, and which values it takes."""


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


def _value(source: Any, attribute: str, kinds: tuple[type, ...]) -> Any:
    if isinstance(source, kinds):
        return source
    from mirkit.evaluation.references import read_reference

    return read_reference(Path(source), attribute, kinds)


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
