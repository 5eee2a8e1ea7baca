"""Reports of tags: all clips are measured together, with intervals over what they were cut from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirkit.arrays import Bools, Floats, Ints
from mirkit.datasets.ontology import Ontology, read_ontology
from mirkit.errors import ParameterError
from mirkit.evaluation.items import Item, column_values
from mirkit.evaluation.parts import ClassRow, Part, Scores
from mirkit.evaluation.report import Report, Trial
from mirkit.evaluation.saved_tags import read_tags
from mirkit.evaluation.statistics import Interval, interval, number_clusters, resample
from mirkit.evaluation.tag_measures import TagMeasures, Truth

_AT_ONCE = 1_000_000  # weights of so many clips are held at a time


def summarize_tags(
    trial: Trial,
    *,
    ontology: str | Path | Ontology | None = None,
    counts: Mapping[str, float] | None = None,
) -> Report:
    """Return the report of a trial of tags.

    A clip that one system failed on counts for none.

    Parameters
    ----------
    trial
        Its rows hold the score of each label, and its items their labels.
    ontology
        ``ontology.json`` of AudioSet, for the hierarchical measures; none where None.
    counts
        How often each label was trained on, for strata; None goes by the clips.

    Raises
    ------
    ParameterError
        Where no clip was tagged by all systems, or has a label, or a system names none of them.
    """
    lost = {clip for clip, _, _ in trial.failed}
    answers = {(row.clip, row.system): row.scores for row in trial.rows if row.clip not in lost}
    items = tuple({row.clip: row.item for row in trial.rows if row.clip not in lost}.values())
    if not items:
        clip, system, failure = trial.failed[0]
        raise ParameterError(
            f"no clip was tagged by all systems; {clip}, {system}: {failure.message}"
        )
    truth = _truth(items, _graph(ontology), counts)
    tables = {s: _table([answers[x.name, s] for x in items], truth.labels) for s in trial.systems}
    answered = Answers(trial, truth, tables, [item.song for item in items])
    whole, classes = answered.part("all", np.ones(len(items), np.bool_))
    column = np.array([item.columns.get(str(trial.by), "") for item in items])
    groups = [answered.part(x, column == x)[0] for x in column_values(items, trial.by)]
    return Report(
        **(vars(trial) | {"rows": ()}),
        summaries=(whole,),
        groups=tuple(groups),
        classes=classes,
        unheard=_unheard(trial, truth.labels),
        unrelated=_unrelated(truth),
    )


def _graph(ontology: str | Path | Ontology | None) -> Ontology | None:
    return ontology if isinstance(ontology, Ontology | None) else read_ontology(ontology)


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
        return tuple(label for label, score in read_tags(item.reference) if score >= 0.5)
    return tuple(item.reference)


def _table(rows: Sequence[Scores], labels: Sequence[str]) -> Floats:
    return np.array([[row.get(label, 0.0) for label in labels] for row in rows], np.float64)


def _unheard(trial: Trial, labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found = {}
    for system in trial.systems:
        named = {label for row in trial.rows if row.system == system for label in row.scores}
        never = tuple(label for label in labels if label not in named)
        if len(never) == len(labels):
            raise ParameterError(
                f"{system} names none of the labels of the items: {', '.join(labels[:3])}, … "
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


@dataclass(frozen=True, eq=False)
class Answers:
    """All that parts of a benchmark of tags are made from.

    Parameters
    ----------
    trial
        Systems, and the settings of the bootstrap.
    truth
        What is known of the clips.
    tables
        Scores by system, shape ``(n_clips, n_classes)``.
    groups
        What each clip was cut from.
    """

    trial: Trial
    truth: Truth
    tables: Mapping[str, Floats]
    groups: Sequence[str]

    def part(self, name: str, chosen: Bools) -> tuple[Part, tuple[ClassRow, ...]]:
        """Return the measures of some clips, and their classes."""
        truth = self.truth.part(chosen)
        n_groups, index = number_clusters(np.array(self.groups, dtype=object)[chosen].tolist())
        measures = {s: TagMeasures(truth, table[chosen]) for s, table in self.tables.items()}
        names = tuple(next(iter(measures.values())).columns)
        drawn = {s: self._resample(x, index, n_groups) for s, x in measures.items()}
        heads = {s: x[:, : len(names)] for s, x in drawn.items()}
        means = {s: _intervals(names, x, len(index), n_groups) for s, x in heads.items()}
        for system, x in measures.items():
            if (precision := x.omap()) is not None:
                means[system]["omap"] = Interval(precision, None, None, len(index))
        with np.errstate(invalid="ignore"):  # two infinite d' have no difference
            differences = {
                s: _intervals(names, x - heads[self.trial.against], len(index), n_groups)
                for s, x in heads.items()
                if self.trial.against not in (None, s)
            }
        part = Part(name, len(index), n_groups, means, differences)
        return part, _classes(truth, {s: x[:, len(names) :] for s, x in drawn.items()}, n_groups)

    def _resample(self, measures: TagMeasures, index: Ints, n_groups: int) -> Floats:
        """Return measures and precision by class: first of the clips, then of each draw."""

        def weigh(times: Floats) -> Floats:
            return np.concatenate(measures(times[:, index]), axis=1)

        n_at_once = max(1, _AT_ONCE // len(index))
        return resample(weigh, n_groups, self.trial.n_draws, self.trial.seed, n_at_once)


def _intervals(names: Sequence[str], rows: Floats, n: int, n_groups: int) -> dict[str, Interval]:
    """Return each measure that is no NaN, by name."""
    found = {name: _interval(x, n, n_groups) for name, x in zip(names, rows.T, strict=True)}
    return {name: x for name, x in found.items() if x is not None}


def _interval(column: Floats, n: int, n_groups: int) -> Interval | None:
    """Return a measure with its interval; d' may be infinite, so nothing lies between draws."""
    return interval(column, n, n_groups, method="nearest")


def _classes(truth: Truth, precision: Mapping[str, Floats], n_groups: int) -> tuple[ClassRow, ...]:
    stratum = {int(i): name for name, classes in truth.strata.items() for i in classes}
    rows = []
    for i, label in enumerate(truth.labels):
        n = int(truth.targets[:, i].sum())
        known = {s: _interval(x[:, i], n, n_groups) for s, x in precision.items()}
        found = {s: x for s, x in known.items() if x is not None}
        rows.append(ClassRow(label, n, stratum.get(i, ""), found))
    return tuple(rows)
