"""Score systems on the items of a benchmark: many at a time, going on where it was cut off."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from mirkit import checks
from mirkit.batch import Failure, run_batch
from mirkit.datasets.sounds import Sound
from mirkit.errors import MirkitError, ParameterError, UnknownName
from mirkit.evaluation.benchmark import Benchmark, Outcome
from mirkit.evaluation.cache import CacheKey, ScoreCache
from mirkit.evaluation.items import Item, check_column, check_names, select_split, spread
from mirkit.evaluation.parts import Row
from mirkit.evaluation.registry import BENCHMARKS, find_benchmark
from mirkit.evaluation.report import Report, Trial

KEYWORD = inspect.Parameter.KEYWORD_ONLY


def evaluate(
    task: str,
    manifest: str | Path | Sequence[Item | Sound],
    *,
    systems: Sequence[str] | None = None,
    audio: str | Path | None = None,
    clips: int | None = None,
    split: str | None = None,
    against: str | None = None,
    by: str | None = None,
    keep: str | Path | None = None,
    n_jobs: int = 1,
    n_draws: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Report:
    """Score systems on a benchmark, with intervals that say how far to trust the measures.

    Parameters
    ----------
    task
        A name in `mirkit.evaluation.BENCHMARKS`, such as ``"beats"``.
    manifest
        A manifest of rendered clips (``.csv``, ``.jsonl``), a table with the columns ``audio`` and
        ``annotation``, a folder of recordings with annotations beside them, or the items. Of tags:
        a published set as ``"esc50:FOLDER"``, a table, a folder of class folders, items or sounds.
    systems
        What is compared, ``MODEL[+DECODER][?prior=PRIOR][@WEIGHTS]``, or saved scores of tags; None
        takes those of the benchmark.
    audio
        Folder of the recordings; None looks beside the manifest.
    clips
        Score so many, evenly spaced; all where None.
    split
        Only the clips whose column ``split`` holds this; all where None.
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
        Of the cluster bootstrap; None takes as many draws as the benchmark says.
    options
        Settings of one benchmark. Of tags: ``ontology``, a path of AudioSet's ``ontology.json``,
        for hierarchical measures, and ``counts``, how often each label was trained on.

    Returns
    -------
    Report
        Scores of each clip, measures, intervals and differences; clips that failed stand in
        `failed`.

    Raises
    ------
    ParameterError, FormatError, UnknownName
        Where the manifest is not one, or there is no such task, system, split, column or setting.
    """
    benchmark = find_benchmark(task)
    _check_options(benchmark, options)
    n_draws = benchmark.n_draws if n_draws is None else n_draws
    n_draws = checks.whole("n_draws", n_draws)
    n_jobs = checks.whole("n_jobs", n_jobs)
    seed = checks.whole("seed", seed, 0)
    if clips is not None:
        clips = checks.whole("clips", clips)
    for name, value in {"keep": keep, "audio": audio}.items():
        checks.instance(name, value, (str, Path, NoneType), "a path, or None")
    for name, text in {"split": split, "by": by, "against": against}.items():
        checks.instance(name, text, (str, NoneType), "a name, or None")
    found = select_split(benchmark.read_items(manifest, audio), split)
    check_names(found)
    check_column(found, by)
    items = spread(found, clips)
    names = _choose_systems(benchmark, systems)
    against = _choose_baseline(names, against)
    outcomes = list(_score(benchmark, items, names, ScoreCache(keep), n_jobs))
    trial = Trial(
        task=task,
        source=str(manifest) if isinstance(manifest, str | Path) else f"{len(items)} items",
        systems=names,
        labels=benchmark.measures,
        headline=benchmark.headline,
        subsets=benchmark.subsets,
        rows=tuple(Row(x, s, o) for x, s, o in outcomes if not isinstance(o, Failure)),
        failed=tuple((x.name, s, o) for x, s, o in outcomes if isinstance(o, Failure)),
        against=against,
        by=by,
        n_draws=n_draws,
        seed=seed,
    )
    return benchmark.summarize(trial, **options)


def _check_options(benchmark: Benchmark, options: Mapping[str, Any]) -> None:
    shared = [
        name for name, x in inspect.signature(evaluate).parameters.items() if x.kind == KEYWORD
    ]
    for name in options:
        if name not in benchmark.options:
            kind = f"setting of {benchmark.task}"
            raise UnknownName(kind, name, [*shared, *benchmark.options])


def _choose_systems(benchmark: Benchmark, systems: Sequence[str] | None) -> tuple[str, ...]:
    given = benchmark.systems if systems is None else checks.texts("systems", systems)
    names = tuple(dict.fromkeys(given))
    if not names:
        raise ParameterError("systems is empty; name one system at least")
    return names


def _choose_baseline(systems: tuple[str, ...], against: str | None) -> str | None:
    """Return which system the others are compared with: the first where None, or none."""
    if against is not None and against not in systems:
        raise ParameterError(f"against is {against!r}; the systems are {', '.join(systems)}")
    return against or (systems[0] if len(systems) > 1 else None)


def _score(
    benchmark: Benchmark,
    items: tuple[Item, ...],
    systems: tuple[str, ...],
    cache: ScoreCache,
    n_jobs: int,
) -> Iterator[tuple[Item, str, Outcome]]:
    """Yield what each system scored on each item: first what was saved before, with no sound."""
    saved = {system: benchmark.saved(system, items) for system in systems}
    running = tuple(system for system in systems if saved[system] is None)
    for system in running:
        benchmark.estimator(system)  # a wrong name is the fault of no clip
    for system, outcomes in saved.items():
        yield from ((item, system, outcome) for item, outcome in outcomes or ())
    yield from _run(benchmark, items, running, cache, n_jobs)


def _run(
    benchmark: Benchmark,
    items: tuple[Item, ...],
    systems: tuple[str, ...],
    cache: ScoreCache,
    n_jobs: int,
) -> Iterator[tuple[Item, str, Outcome]]:
    """Yield what each system scored on each item: first what was kept, then what is new."""
    prints = {system: benchmark.fingerprint(system) for system in systems}

    def key(item: Item, system: str) -> CacheKey:
        return CacheKey(benchmark.task, system, prints[system], item.name, str(item.audio))

    jobs = []
    for item in items:
        kept = {system: cache.get(key(item, system)) for system in systems}
        missing = tuple(system for system, scores in kept.items() if scores is None)
        yield from ((item, system, scores) for system, scores in kept.items() if scores is not None)
        if missing:
            jobs.append(Job(item, missing))
    worker, n_jobs = Worker(benchmark.task), min(n_jobs, len(jobs) or 1)
    for job, outcome in run_batch(worker, jobs, n_jobs, benchmark.task):
        answers = dict.fromkeys(job.systems, outcome) if isinstance(outcome, Failure) else outcome
        for system, answer in answers.items():
            if not isinstance(answer, Failure):
                cache.append(key(job.item, system), answer)
            yield job.item, system, answer


@dataclass(frozen=True)
class Job:
    """One item and the systems that are still to answer for it."""

    item: Item
    systems: tuple[str, ...]

    def __str__(self) -> str:
        return self.item.name


@dataclass(frozen=True)
class Worker:
    """Worker of a process: it decodes a recording once for all systems."""

    task: str

    def __call__(self, job: Job) -> dict[str, Outcome]:
        """Return the scores of each system, or why there are none."""
        from mirkit.audio import reading

        benchmark = BENCHMARKS[self.task]
        truth = job.item.reference
        if isinstance(truth, Path):
            truth = benchmark.reference(truth)
        audio = reading.read(job.item.audio, mono=True)

        def answer(system: str) -> Outcome:
            try:
                return dict(benchmark.score(truth, benchmark.estimator(system)(audio)))
            except MirkitError as error:
                return Failure(type(error).__name__, str(error))
            except Exception as error:  # noqa: BLE001  # a peer's defect must not stop the others
                return Failure(type(error).__name__, f"{system}: internal error: {error}")

        return {system: answer(system) for system in job.systems}
