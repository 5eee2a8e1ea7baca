"""Score taggers on all clips of a board together, with intervals over what clips were cut from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirkit.arrays import Bools, Floats, Ints
from mirkit.batch import Failure
from mirkit.datasets.ontology import Ontology, read_ontology
from mirkit.datasets.sounds import Sound
from mirkit.errors import ParameterError
from mirkit.evaluation import tag
from mirkit.evaluation.boards import BOARDS
from mirkit.evaluation.items import Item, spread
from mirkit.evaluation.report import Part
from mirkit.evaluation.run import Scores, compared, distinct, scored
from mirkit.evaluation.statistics import LEVEL, Interval
from mirkit.evaluation.tag_items import read_tag_items
from mirkit.evaluation.tag_measures import MEASURES, Measured, Truth
from mirkit.evaluation.tag_report import ClassRow, TagReport

N_DRAWS = 1000
_AT_ONCE = 1_000_000  # weights of so many clips are held at a time


def evaluate_tags(
    manifest: str | Path | Sequence[Item | Sound],
    *,
    systems: Sequence[str] | None = None,
    audio: str | Path | None = None,
    clips: int | None = None,
    split: str | None = None,
    against: str | None = None,
    by: str | None = None,
    keep: str | Path | None = None,
    ontology: str | Path | Ontology | None = None,
    counts: Mapping[str, float] | None = None,
    n_jobs: int = 1,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> TagReport:
    """Score taggers on a set of labeled sounds.

    Parameters
    ----------
    manifest
        ``"esc50:FOLDER"`` and the like, a table, a folder of class folders, items or sounds, see
        `mirkit.evaluation.tag_items`.
    systems
        What is compared: ``MODEL[@WEIGHTS]``, files of JSON lines or folders with saved scores.
    audio, clips, against, keep, n_jobs, n_draws, seed
        As in `evaluate`.
    split
        Only the clips of this split; all where None.
    by
        ``"fold"``, ``"group"`` or another column: the measures of each of its values.
    ontology
        ``ontology.json`` of AudioSet, for the hierarchical measures; none where None.
    counts
        How often each label was trained on, for strata; None goes by the clips of the board.

    Returns
    -------
    TagReport
        Measures, classes, differences, each with an interval; and what failed.

    Raises
    ------
    ParameterError, FormatError, UnknownName
        Where the manifest is not one, or there is no such system, split or column.
    """
    items = spread(distinct(read_tag_items(manifest, audio, split)), clips)
    names = tuple(dict.fromkeys(BOARDS["tags"].systems if systems is None else systems))
    if not names or n_draws < 1:
        raise ParameterError("name one system at least, and one draw")
    against = compared(names, against)
    if by is not None and not any(by in item.columns for item in items):
        known = sorted({column for item in items for column in item.columns})
        raise ParameterError(f"by is {by!r}; the columns are {', '.join(known) or 'none'}")
    outcomes = list(_outcomes(items, names, keep, n_jobs))
    failed = tuple((x.name, s, o) for x, s, o in outcomes if isinstance(o, Failure))
    lost = {clip for clip, _, _ in failed}
    kept = tuple(item for item in items if item.name not in lost)
    source = str(manifest) if isinstance(manifest, str | Path) else f"{len(items)} items"
    if not kept:
        clip, system, failure = failed[0]
        raise ParameterError(
            f"no clip was tagged by all systems; {clip}, {system}: {failure.message}"
        )
    graph = ontology if isinstance(ontology, Ontology | None) else read_ontology(ontology)
    truth = _truth(kept, graph, counts)
    answers = {(x.name, s): o for x, s, o in outcomes if not isinstance(o, Failure)}
    tables = {s: _table([answers[x.name, s] for x in kept], truth.labels) for s in names}
    board = Board(truth, tables, _groups(kept), against, n_draws, seed)
    whole, classes = board.part("all", np.ones(len(kept), np.bool_))
    column = np.array([item.columns.get(by or "", "") for item in kept])
    values = sorted(set(column.tolist()) - {""}, key=_natural) if by else []
    parts = [whole, *(board.part(value, column == value)[0] for value in values)]
    return TagReport(
        source, names, MEASURES, classes, tuple(parts), failed,
        _unheard(answers, names, truth.labels), _unrelated(truth), against, by, n_draws, seed,
    )  # fmt: skip


def _outcomes(
    items: tuple[Item, ...], systems: tuple[str, ...], keep: str | Path | None, n_jobs: int
) -> Iterator[tuple[Item, str, Scores | Failure]]:
    """Yield what each system says of each clip; saved scores need no sound."""
    asked = BOARDS["tags"]
    running = tuple(system for system in systems if not tag.is_saved(system))
    for system in running:
        asked.estimator(system)  # a wrong name is the fault of no clip
    for system in systems:
        if system not in running:
            yield from ((item, system, found) for item, found in tag.saved_scores(system, items))
    if running:
        yield from scored("tags", asked, items, running, keep, n_jobs)


def _truth(
    items: Sequence[Item], ontology: Ontology | None, counts: Mapping[str, float] | None
) -> Truth:
    labels = tuple(sorted({label for item in items for label in _labels(item)}))
    if not labels:
        raise ParameterError("no clip has a label; there is nothing to score against")
    targets = np.array([[label in _labels(item) for label in labels] for item in items])
    folds = [item.columns.get("fold", "") for item in items]
    numbers = np.unique(folds, return_inverse=True)[1] if all(folds) else None
    often = [float(n) for n in targets.sum(0)]  # of all clips: parts keep the strata of the whole
    if counts is not None:
        often = [float(counts.get(label, 0.0)) for label in labels]
    return Truth(labels, targets, numbers, np.array(often), ontology)


def _labels(item: Item) -> tuple[str, ...]:
    if isinstance(item.reference, Path):
        return tuple(label for label, score in tag.reference(item.reference) if score >= 0.5)
    return tuple(item.reference)


def _groups(items: Sequence[Item]) -> list[str]:
    return [item.song for item in items]


def _table(rows: Sequence[Scores], labels: Sequence[str]) -> Floats:
    return np.array([[row.get(label, 0.0) for label in labels] for row in rows], np.float64)


def _unheard(
    answers: Mapping[tuple[str, str], Scores], systems: Sequence[str], labels: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    found = {}
    for system in systems:
        named = {label for (_, other), row in answers.items() if other == system for label in row}
        never = tuple(label for label in labels if label not in named)
        if len(never) == len(labels):
            raise ParameterError(
                f"{system} names none of the labels of the board: {', '.join(labels[:3])}, … "
                f"against {', '.join(sorted(named)[:3]) or 'none'}, …. Are they called otherwise?"
            )
        if never:
            found[system] = never
    return found


def _unrelated(truth: Truth) -> tuple[str, ...]:
    if truth.ontology is None:
        return ()
    known = set(truth.known.tolist())
    return tuple(label for i, label in enumerate(truth.labels) if i not in known)


def _natural(value: str) -> tuple[int, str]:
    return (int(value), "") if value.isdigit() else (1 << 30, value)


@dataclass(frozen=True, eq=False)
class Board:
    """All that parts of a board are made from.

    Parameters
    ----------
    truth
        What is known of the clips.
    tables
        Scores by system, shape ``(n_clips, n_classes)``.
    groups
        What each clip was cut from.
    against, n_draws, seed
        As in `evaluate_tags`.
    """

    truth: Truth
    tables: Mapping[str, Floats]
    groups: Sequence[str]
    against: str | None
    n_draws: int
    seed: int

    def part(self, name: str, chosen: Bools) -> tuple[Part, tuple[ClassRow, ...]]:
        """Return the measures of some clips, and their classes."""
        truth = self.truth.part(chosen)
        groups = np.array(self.groups, dtype=object)[chosen].astype(str)
        index = np.unique(groups, return_inverse=True)[1]
        measured = {s: Measured(truth, table[chosen]) for s, table in self.tables.items()}
        drawn = {s: self._drawn(x, index) for s, x in measured.items()}
        columns = list(next(iter(measured.values())).columns)
        n, n_groups = len(index), int(index.max()) + 1
        means = {s: _intervals(columns, x[0], n, n_groups) for s, x in drawn.items()}
        for system, x in measured.items():
            if (precision := x.omap()) is not None:
                means[system]["omap"] = Interval(precision, None, None, n)
        base = None if self.against is None else drawn[self.against][0]
        with np.errstate(invalid="ignore"):  # two infinite d' have no difference
            differences = {
                s: _intervals(columns, x[0] - base, n, n_groups)
                for s, x in drawn.items()
                if base is not None and s != self.against
            }
        part = Part(name, n, n_groups, means, differences)
        return part, _classes(truth, {s: x[1] for s, x in drawn.items()}, n_groups)

    def _drawn(self, measured: Measured, index: Ints) -> tuple[Floats, Floats]:
        """Return measures and precision by class: first of the clips, then of each draw."""
        n_groups = int(index.max()) + 1
        rng = np.random.default_rng(self.seed)  # every system meets the same draws
        found = [measured(np.ones((1, len(index))))]
        left = self.n_draws if n_groups > 1 else 0
        while left > 0:
            n = min(left, max(1, _AT_ONCE // len(index)))
            times = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n)
            found.append(measured(times[:, index].astype(np.float64)))
            left -= n
        return np.concatenate([x for x, _ in found]), np.concatenate([x for _, x in found])


def _intervals(names: Sequence[str], rows: Floats, n: int, n_groups: int) -> dict[str, Interval]:
    """Return each column's first row with the percentiles of the others; no NaN."""
    found = {}
    for name, column in zip(names, rows.T, strict=True):
        if not np.isnan(column[0]):
            found[name] = _interval(column, n, n_groups)
    return found


def _interval(column: Floats, n: int, n_groups: int) -> Interval:
    drawn = column[1:][~np.isnan(column[1:])]
    if n_groups < 2 or not len(drawn):
        return Interval(float(column[0]), None, None, n)
    tail = (1 - LEVEL) / 2
    # the nearest draws and nothing between them: d' may be infinite
    low, high = np.quantile(drawn, [tail, 1 - tail], method="nearest")
    return Interval(float(column[0]), float(low), float(high), n)


def _classes(truth: Truth, precision: Mapping[str, Floats], n_groups: int) -> tuple[ClassRow, ...]:
    stratum = {int(i): name for name, classes in truth.strata.items() for i in classes}
    rows = []
    for i, label in enumerate(truth.labels):
        n = int(truth.targets[:, i].sum())
        known = {s: _interval(x[:, i], n, n_groups) for s, x in precision.items() if n}
        rows.append(ClassRow(label, n, stratum.get(i, ""), known))
    return tuple(rows)
