"""The measures of tags over all clips at once, as functions of how often each clip counts.

Mean average precision is no mean over clips. So an interval weighs the clips anew in each draw and
takes every measure again; what the weights do not touch, such as rankings, is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np

from mirkit.arrays import Bools, Floats, Ints
from mirkit.datasets.ontology import Level, Ontology
from mirkit.evaluation.statistics import ratio
from mirkit.metrics.ontology import omap, propagate
from mirkit.metrics.ranking import Ranking
from mirkit.metrics.tag import d_prime, lwlrap_by_clip, strata

N_BINS = 10
DEPTHS = (0, 1, 2)
"""Of the ontology, at which a hierarchical mean is taken, beside that of all nodes."""

Column: TypeAlias = Callable[[Floats, Floats], Floats]
"""From weights ``(n_draws, n_clips)`` and precision by class ``(n_draws, n_classes)`` to one number
a draw."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Ground truth of the clips.

    Parameters
    ----------
    labels
        The classes.
    targets
        Which clip has which, shape ``(n_clips, n_classes)``.
    folds
        The fold of each clip, or None.
    counts
        How often each class was trained on; None goes by `targets`.
    ontology
        What the classes are kinds of, or None.
    """

    labels: tuple[str, ...]
    targets: Bools
    folds: Ints | None = None
    counts: Floats | None = None
    ontology: Ontology | None = None

    @cached_property
    def known(self) -> Ints:
        """The classes that the ontology has."""
        names = {} if self.ontology is None else self.ontology.children
        return np.array([i for i, x in enumerate(self.labels) if x in names], dtype=np.int64)

    @cached_property
    def strata(self) -> Mapping[str, Ints]:
        """Classes by frequency; empty where all are as frequent."""
        found = strata(self.targets.sum(0) if self.counts is None else self.counts)
        filled = {name: classes for name, classes in found.items() if len(classes)}
        return filled if len(filled) > 1 else {}

    @cached_property
    def levels(self) -> Mapping[str, Level]:
        """Levels of the ontology by the name of their measure."""
        if self.ontology is None or not len(self.known):
            return {}
        names = [self.labels[i] for i in self.known]
        found = {f"map_depth_{depth}": self.ontology.level(names, depth) for depth in DEPTHS}
        return found | {"map_all_nodes": self.ontology.level(names)}

    @cached_property
    def distances(self) -> Floats | None:
        """Steps between the classes that the ontology has."""
        if self.ontology is None or not len(self.known):
            return None
        return self.ontology.distances([self.labels[i] for i in self.known])

    def part(self, chosen: Bools) -> Truth:
        """Return what is known of some of the clips."""
        folds = None if self.folds is None else self.folds[chosen]
        return Truth(self.labels, self.targets[chosen], folds, self.counts, self.ontology)


MEASURES: Mapping[str, str] = {
    "map": "mAP",
    "map_head": "mAP head",
    "map_mid": "mAP mid",
    "map_tail": "mAP tail",
    "auc": "AUC",
    "d_prime": "d'",
    "lwlrap": "lwlrap",
    "accuracy": "accuracy",
    "top_5": "top 5",
    "ece": "ECE (0 is best)",
    **{f"map_depth_{depth}": f"mAP at depth {depth}" for depth in DEPTHS},
    "map_all_nodes": "mAP of all nodes",
    "omap": "OmAP",
}
"""What is reported, in order: name, and label in tables."""


@dataclass(frozen=True, eq=False)
class TagMeasures:
    """The measures of one system on clips.

    Parameters
    ----------
    truth
        What is known of the clips.
    scores
        What the system says, in [0, 1], shape ``(n_clips, n_classes)``.
    """

    truth: Truth
    scores: Floats
    single: bool = field(init=False)

    def __post_init__(self) -> None:
        one = bool((self.truth.targets.sum(1) == 1).all())
        object.__setattr__(self, "single", one and len(self.truth.labels) > 1)

    @cached_property
    def ranking(self) -> Ranking:
        """The clips ranked by each class."""
        return Ranking.of(self.scores, self.truth.targets)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The measures that apply, by name."""
        found: dict[str, Column] = {"map": lambda weights, precision: mean_known(precision)}
        found |= {
            f"map_{name}": _of_classes(classes) for name, classes in self.truth.strata.items()
        }
        found |= {"auc": self._auc, "d_prime": self._d_prime, "lwlrap": self._lwlrap()}
        if self.single:
            right = self.scores.argmax(1) == self.truth.targets.argmax(1)
            found["accuracy"] = self._share(right)
            if len(self.truth.labels) > 5:
                found["top_5"] = self._share(self._among_best(5))
        found["ece"] = self._calibration()
        return found | {name: self._level(level) for name, level in self.truth.levels.items()}

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the measures and the precision by class, a row for each row of weights."""
        precision = self.ranking.average_precision(weights)
        found = [column(weights, precision) for column in self.columns.values()]
        return np.stack(found, axis=1), precision

    def omap(self) -> float | None:
        """Return the ontology-aware precision, or None without an ontology."""
        if self.truth.distances is None:
            return None
        at = self.truth.known
        return omap(self.scores[:, at], self.truth.targets[:, at], self.truth.distances).mean

    def _auc(self, weights: Floats, precision: Floats) -> Floats:
        return mean_known(self.ranking.roc_auc(weights))

    def _d_prime(self, weights: Floats, precision: Floats) -> Floats:
        return np.array([d_prime(auc) for auc in self._auc(weights, precision)])

    def _lwlrap(self) -> Column:
        shares = np.nan_to_num(lwlrap_by_clip(self.scores, self.truth.targets))
        counts = self.truth.targets.sum(1).astype(np.float64)
        return lambda weights, precision: ratio(weights @ (shares * counts), weights @ counts)

    def _among_best(self, k: int) -> Bools:
        best = np.argsort(-self.scores, axis=1, kind="stable")[:, :k]
        return np.asarray((best == self.truth.targets.argmax(1)[:, None]).any(1))

    def _share(self, right: Bools) -> Column:
        """Return the share of right clips: the mean over folds, where there are folds."""
        folds = np.zeros(len(right), np.int64) if self.truth.folds is None else self.truth.folds
        inside = (folds[:, None] == np.unique(folds)).astype(np.float64)  # (n_clips, n_folds)
        hits = inside * right[:, None]
        return lambda weights, precision: mean_known(ratio(weights @ hits, weights @ inside))

    def _calibration(self) -> Column:
        """Return the calibration error of the best class, or of all decisions."""
        p, right = self.scores, self.truth.targets
        if self.single:
            best = p.argmax(1)[:, None]
            p = np.take_along_axis(p, best, axis=1)
            right = np.take_along_axis(right, best, axis=1)
        places = np.minimum((p * N_BINS).astype(np.int64), N_BINS - 1)
        gaps = np.zeros((len(p), N_BINS))  # what each clip promised more than it kept, by bin
        np.add.at(gaps, (np.arange(len(p))[:, None], places), p - right)
        n_decisions = p.shape[1]
        return lambda weights, precision: (
            np.abs(weights @ gaps).sum(1) / (n_decisions * weights.sum(1))
        )

    def _level(self, level: Level) -> Column:
        at = self.truth.known
        above = propagate(self.scores[:, at], self.truth.targets[:, at], level.members)
        ranking = Ranking.of(*above)
        return lambda weights, precision: mean_known(ranking.average_precision(weights))


def mean_known(values: Floats) -> Floats:
    """Return the mean of each row over what is not NaN; NaN where all is."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(1), known.sum(1))


def _of_classes(classes: Ints) -> Column:
    return lambda weights, precision: mean_known(precision[:, classes])
