"""Score systems on the items of a board: many at a time, and going on where it was cut off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from mirkit.batch import Failure, run_batch
from mirkit.errors import FormatError, MirkitError, ParameterError
from mirkit.evaluation.boards import BOARDS, Board, board
from mirkit.evaluation.items import Item, read_items, spread
from mirkit.evaluation.report import Report, Row, summarized
from mirkit.evaluation.statistics import N_DRAWS

if TYPE_CHECKING:
    from mirkit.datasets.ontology import Ontology
    from mirkit.datasets.sounds import Sound
    from mirkit.evaluation.tag_report import TagReport

Scores = Mapping[str, float]
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Job:
    """One item and the systems that are still to answer for it."""

    item: Item
    systems: tuple[str, ...]

    def __str__(self) -> str:
        return self.item.name


@dataclass(frozen=True)
class Worker:
    """What runs in each process: it decodes a recording once for all systems."""

    task: str

    def __call__(self, job: Job) -> dict[str, Scores | Failure]:
        """Return the scores of each system, or why there are none."""
        from mirkit.audio import reading

        asked = BOARDS[self.task]
        truth = job.item.reference
        if isinstance(truth, Path):
            truth = asked.reference(truth)
        audio = reading.read(job.item.audio, mono=True)

        def answer(system: str) -> Scores | Failure:
            try:
                return dict(asked.score(truth, asked.estimator(system)(audio)))
            except MirkitError as error:
                return Failure(type(error).__name__, str(error))
            except Exception as error:  # noqa: BLE001  # a peer's defect must not stop the others
                return Failure(type(error).__name__, f"{system}: internal error: {error}")

        return {system: answer(system) for system in job.systems}


class Options(TypedDict, total=False):
    """What `evaluate` can be told of any board."""

    systems: Sequence[str] | None
    audio: str | Path | None
    clips: int | None
    against: str | None
    by: str | None
    keep: str | Path | None
    n_jobs: int
    n_draws: int
    seed: int


class TagOptions(Options, total=False):
    """What it can be told of a board of tags."""

    split: str | None
    ontology: str | Path | Ontology | None
    counts: Mapping[str, float] | None


@overload
def evaluate(  # type: ignore[overload-overlap]  # "tags" is a task, and has a report of its own
    task: Literal["tags"],
    manifest: str | Path | Sequence[Item | Sound],
    **options: Unpack[TagOptions],
) -> TagReport: ...
@overload
def evaluate(
    task: str, manifest: str | Path | Sequence[Item], **options: Unpack[Options]
) -> Report: ...


def evaluate(task: str, manifest: Any, **options: Any) -> Report | TagReport:
    """Score systems on a board, with intervals that say how far to trust the measures.

    Parameters
    ----------
    task
        The board: ``"beat"``, ``"chord"``, ``"key"`` or ``"tags"``.
    manifest
        What is scored: see `evaluate_clips`, or for tags `mirkit.evaluation.tag_board`.
    options
        Those of `evaluate_clips` or, for tags, of `evaluate_tags`: ``systems``, ``audio``,
        ``clips``, ``against``, ``by``, ``keep``, ``n_jobs``, ``n_draws`` and ``seed`` for all.

    Returns
    -------
    Report or TagReport
        Measures, intervals and differences; clips that failed stand in `failed`.

    Raises
    ------
    ParameterError, FormatError, UnknownName
        Where the manifest is not one, or there is no such task, system or column.
    """
    if task == "tags":
        from mirkit.evaluation.tag_board import evaluate_tags

        return evaluate_tags(manifest, **options)
    return evaluate_clips(task, manifest, **options)


def evaluate_clips(
    task: str,
    manifest: str | Path | Sequence[Item],
    *,
    systems: Sequence[str] | None = None,
    audio: str | Path | None = None,
    clips: int | None = None,
    against: str | None = None,
    by: str | None = None,
    keep: str | Path | None = None,
    n_jobs: int = 1,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> Report:
    """Score systems on a board whose measures are means over clips.

    Parameters
    ----------
    task
        The board: ``"beat"``, ``"chord"`` or ``"key"``.
    manifest
        A manifest of rendered clips (``.csv``, ``.jsonl``), a table with the columns ``audio`` and
        ``annotation``, a folder of recordings with annotations beside them, or the items.
    systems
        What is compared, ``MODEL[+DECODER][@WEIGHTS]``; None takes those of the board.
    audio
        Folder of the recordings; None looks beside the manifest.
    clips
        Score so many, evenly spaced; all where None.
    against
        The system that the others are compared with, clip by clip; None takes the first.
    by
        A column of the manifest: means are also given for each of its values.
    keep
        A file (JSON lines) that each score is appended to, and that is read first: what was cut off
        goes on. Scores of other weights or of another version are not used.
    n_jobs
        Items at a time, each in a process.
    n_draws, seed
        Of the bootstrap.

    Returns
    -------
    Report
        Scores of each clip, means, intervals and differences; clips that failed stand in `failed`.

    Raises
    ------
    ParameterError, FormatError, UnknownName
        Where the manifest is not one, or there is no such task, system or column.
    """
    asked = board(task)
    items = _items(manifest, audio, clips)
    names = tuple(dict.fromkeys(asked.systems if systems is None else systems))
    if not names:
        raise ParameterError("systems is empty; name one at least")
    for name in names:
        asked.estimator(name)  # a wrong name is the fault of no clip
    against = compared(names, against)
    if by is not None and not any(by in item.columns for item in items):
        known = sorted({column for item in items for column in item.columns})
        raise ParameterError(f"by is {by!r}; the columns are {', '.join(known) or 'none'}")
    rows, failed = [], []
    for item, system, outcome in scored(task, asked, items, names, keep, n_jobs):
        if isinstance(outcome, Failure):
            failed.append((item.name, system, outcome))
        else:
            rows.append(Row(item.name, system, outcome, item.columns, item.song))
    source = str(manifest) if isinstance(manifest, str | Path) else f"{len(items)} items"
    return summarized(
        task, source, asked, names, tuple(rows), tuple(failed), against, by, n_draws, seed
    )


def _items(
    manifest: str | Path | Sequence[Item], audio: str | Path | None, clips: int | None
) -> tuple[Item, ...]:
    found = read_items(manifest, audio) if isinstance(manifest, str | Path) else tuple(manifest)
    return spread(distinct(found), clips)


def distinct(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return the items.

    Raises
    ------
    ParameterError
        Where two have one name.
    """
    twice = next((name for name, n in Counter(item.name for item in items).items() if n > 1), None)
    if twice is not None:
        raise ParameterError(
            f"{twice!r} is the name of two items; a column 'name' tells them apart"
        )
    return items


def compared(systems: tuple[str, ...], against: str | None) -> str | None:
    """Return which system the others are compared with: the first where None, or none.

    Raises
    ------
    ParameterError
        Where it is not among the systems.
    """
    if against is not None and against not in systems:
        raise ParameterError(f"against is {against!r}; the systems are {', '.join(systems)}")
    return against or (systems[0] if len(systems) > 1 else None)


def scored(
    task: str,
    asked: Board,
    items: tuple[Item, ...],
    systems: tuple[str, ...],
    keep: str | Path | None,
    n_jobs: int,
) -> Iterator[tuple[Item, str, Scores | Failure]]:
    """Yield what each system scored on each item: first what was kept, then what is new."""
    prints = {system: asked.fingerprint(system) for system in systems}
    kept = _Kept(keep)

    def key(item: Item, system: str) -> Key:
        return (task, system, prints[system], item.name, str(item.audio))

    jobs = []
    for item in items:
        missing = tuple(system for system in systems if key(item, system) not in kept.scores)
        for system in systems:
            if system not in missing:
                yield item, system, kept.scores[key(item, system)]
        if missing:
            jobs.append(Job(item, missing))
    for job, outcome in run_batch(Worker(task), jobs, min(n_jobs, len(jobs) or 1), task):
        answers = dict.fromkeys(job.systems, outcome) if isinstance(outcome, Failure) else outcome
        for system, answer in answers.items():
            if not isinstance(answer, Failure):
                kept.append(key(job.item, system), answer)
            yield job.item, system, answer


class _Kept:
    """Scores in a file, one line each; a line that was cut off is ignored."""

    names = ("task", "system", "fingerprint", "clip", "audio")

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self.scores: dict[Key, Scores] = {}
        if self.path is None or not self.path.exists():
            return
        text = self.path.read_text(encoding="utf-8")
        for i, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
                key = tuple(str(row[name]) for name in self.names)
                self.scores[key] = row["scores"]  # type: ignore[index]
            except (json.JSONDecodeError, KeyError, TypeError):
                if i < len(text.splitlines()) or text.endswith("\n"):
                    raise FormatError(
                        f"{self.path}, line {i} is no score; it is a file that evaluate wrote"
                    ) from None
        if text and not text.endswith("\n"):  # killed while it wrote
            self.path.write_text("".join(f"{x}\n" for x in text.split("\n")[:-1]), encoding="utf-8")

    def append(self, key: Key, scores: Scores) -> None:
        if self.path is None:
            return
        row = {"schema": 1, **dict(zip(self.names, key, strict=True)), "scores": dict(scores)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
