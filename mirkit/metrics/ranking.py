"""Score rankings of clips: precision, recall and areas, for all classes at once.

Clips of equal score are one step: no order among them is better than another. All counts may be
weighted, so a bootstrap draw is a weight and not a new ranking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.arrays import Bools, Floats, Ints
from mirkit.errors import ParameterError
from mirkit.values import Value

Measure: TypeAlias = Callable[[Floats, Bools, Floats, Ints, Ints], Floats]
"""From weights, hits, costs, first and last of one class to a number."""


@dataclass(frozen=True, eq=False)
class Curve(Value):
    """Precision and recall of one class as its threshold falls, one entry each distinct score.

    Parameters
    ----------
    precision, recall
        In [0, 1], shape ``(n_steps,)``; recall rises to 1.
    thresholds
        What scores must reach, falling, shape ``(n_steps,)``.
    """

    precision: Floats
    recall: Floats
    thresholds: Floats


@dataclass(frozen=True, eq=False)
class Ranking(Value):
    """Clips from the highest score to the lowest, class by class.

    Parameters
    ----------
    order
        Which clip stands at each place, shape ``(n_classes, n_clips)``.
    hits
        Whether it has the class, in that order.
    first, last
        Places of the first and the last clip of the same score.
    scores
        In that order.
    """

    order: Ints
    hits: Bools
    first: Ints
    last: Ints
    scores: Floats

    @classmethod
    def of(cls, scores: ArrayLike, targets: ArrayLike) -> Ranking:
        """Rank clips.

        Parameters
        ----------
        scores
            Any finite numbers, shape ``(n_clips, n_classes)``.
        targets
            Which clip has which class, of the same shape.

        Raises
        ------
        ParameterError
            Where shapes differ, there are no clips, or a score is not finite.
        """
        values, truth = table(scores, targets)
        order = np.argsort(-values.T, axis=1, kind="stable")
        ranked = np.take_along_axis(values.T, order, axis=1)
        places = np.broadcast_to(np.arange(ranked.shape[1]), ranked.shape)
        steps = np.ones((len(ranked), ranked.shape[1] + 1), dtype=np.bool_)
        steps[:, 1:-1] = ranked[:, 1:] != ranked[:, :-1]
        first = np.maximum.accumulate(np.where(steps[:, :-1], places, 0), axis=1)
        ends = np.where(steps[:, 1:], places, ranked.shape[1])
        last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
        return cls(order, np.take_along_axis(truth.T, order, axis=1), first, last, ranked)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.order)

    def average_precision(
        self, weights: ArrayLike | None = None, costs: ArrayLike | None = None
    ) -> Floats:
        """Return the average precision of each class, NaN for a class without positives.

        It is the mean over the positives of the precision at their score.

        Parameters
        ----------
        weights
            How often each clip counts, shape ``(n_clips,)`` or, for many weightings at once,
            ``(n_draws, n_clips)``; once each where None.
        costs
            What each clip costs where it is a false positive, shape ``(n_clips, n_classes)``; 1
            where None.

        Returns
        -------
        numpy.ndarray
            Shape ``(n_classes,)`` or ``(n_draws, n_classes)``.
        """
        return self._by_class(_precision_at_hits, weights, costs)

    def roc_auc(self, weights: ArrayLike | None = None) -> Floats:
        """Return how often a positive scores above a negative, a tie counting half, by class.

        It is NaN for a class without positives or without negatives; the parameter and the shape
        are those of `average_precision`.
        """
        return self._by_class(_pairs_won, weights, None)

    def curve(self, index: int) -> Curve | None:
        """Return the precision-recall curve of a class, or None where it has no positives."""
        hits = self.hits[index]
        ends = np.unique(self.last[index])
        found = np.cumsum(hits)[ends]
        if not found[-1]:
            return None
        return Curve(found / (ends + 1), found / found[-1], self.scores[index][ends])

    def _by_class(
        self, measure: Measure, weights: ArrayLike | None, costs: ArrayLike | None
    ) -> Floats:
        n_clips = self.order.shape[1]
        counts = np.ones(n_clips) if weights is None else np.asarray(weights, np.float64)
        if counts.ndim not in (1, 2) or counts.shape[-1] != n_clips:
            raise ParameterError(f"weights have shape {counts.shape}; there are {n_clips} clips")
        prices = np.ones((n_clips, self.n_classes)) if costs is None else np.asarray(costs, float)
        if prices.shape != (n_clips, self.n_classes):
            raise ParameterError(
                f"costs have shape {prices.shape}; they need {(n_clips, self.n_classes)}"
            )
        columns = [
            measure(
                counts[..., order],
                hits,
                prices[order, i],
                self.first[i],
                self.last[i],
            )
            for i, (order, hits) in enumerate(zip(self.order, self.hits, strict=True))
        ]
        return np.stack(columns, axis=-1)


def table(scores: ArrayLike, targets: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores and targets as arrays of one shape, ``(n_clips, n_classes)``.

    Raises
    ------
    ParameterError
        Where shapes differ, there are no clips, a score is not finite or a target is neither 0
        nor 1.
    """
    values: Floats = checks.frozen_array("scores", scores, np.float64, 2)
    truth = np.asarray(targets)
    if truth.shape != values.shape:
        raise ParameterError(
            f"scores have shape {values.shape} and targets {truth.shape}; both are "
            "(n_clips, n_classes). Are the targets class numbers?"
        )
    if not len(values):
        raise ParameterError("scores hold no clips; there is nothing to rank")
    checks.finite("scores", values)
    if not np.isin(truth, (0, 1)).all():
        raise ParameterError("targets hold other numbers than 0 and 1; a clip has a class or not")
    return values, truth.astype(np.bool_)


def _precision_at_hits(
    weights: Floats, hits: Bools, costs: Floats, first: Ints, last: Ints
) -> Floats:
    found = np.cumsum(weights * hits, axis=-1)
    called = found + np.cumsum(weights * ~hits * costs, axis=-1)
    at = last[hits]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = found[..., at] / called[..., at]
        # a positive of weight 0 counts nothing, and may stand where nothing counts
        total = np.where(weights[..., hits] > 0, weights[..., hits] * precision, 0.0).sum(-1)
        mean: Floats = total / found[..., -1]
    return mean


def _pairs_won(weights: Floats, hits: Bools, costs: Floats, first: Ints, last: Ints) -> Floats:
    wrong = weights * ~hits
    above = np.cumsum(wrong, axis=-1)
    before = above - wrong  # at the first of a step: the weight of all negatives above it
    lost = (above[..., last[hits]] + before[..., first[hits]]) / 2
    positives = weights[..., hits]
    n_pairs = positives.sum(-1) * above[..., -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        area: Floats = 1 - (positives * lost).sum(-1) / n_pairs
    return area
