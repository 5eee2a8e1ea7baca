"""Score tags of related classes: a wrong label near the right one is less wrong.

Two measures that take the relations as plain arrays (`mirkit.datasets.ontology` makes them):

- `ontology_average_precision`: each false positive costs what its class is away from the labels of
  the clip; up to a distance, the coarse level, it costs nothing. `omap` is the mean over levels.
- `propagate`: labels and scores of classes move up to what contains them, so that the same
  measures tell how good a tagger is at telling animals from music.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.arrays import Bools, Floats
from mirkit.errors import ParameterError
from mirkit.metrics.ranking import Ranking, table
from mirkit.metrics.tag import mean


@dataclass(frozen=True)
class OntologyPrecision:
    """The ontology-aware mean average precision.

    Parameters
    ----------
    mean
        Over the coarse levels.
    by_level
        At each level, from 0 to the largest distance: what is no further away costs nothing.
    """

    mean: float
    by_level: tuple[float, ...]


def omap(scores: ArrayLike, targets: ArrayLike, distances: ArrayLike) -> OntologyPrecision:
    """Return the ontology-aware mean average precision over all coarse levels.

    At the last level nothing costs, so its value is 1 for any system; it is in the mean, as in the
    paper. The parameters are those of `ontology_average_precision`.

    References
    ----------
    H. Liu et al., "Ontology-aware learning and evaluation for audio tagging", arXiv 2211.12195.

    Examples
    --------
    >>> steps = [[0, 1, 4], [1, 0, 4], [4, 4, 0]]
    >>> near = omap([[0.1, 0.9, 0.0], [0.2, 0.3, 0.1]], [[1, 0, 0], [0, 1, 0]], steps)
    >>> far = omap([[0.1, 0.0, 0.9], [0.2, 0.1, 0.3]], [[1, 0, 0], [0, 0, 1]], steps)
    >>> near.mean > far.mean
    True
    """
    steps = _distances(distances, np.shape(scores)[-1])
    ranking = Ranking.of(scores, targets)
    away = nearest(targets, steps)
    levels = range(int(steps.max(initial=0)) + 1)
    found = [mean(ranking.average_precision(costs=costs(away, steps, level))) for level in levels]
    return OntologyPrecision(mean(found), tuple(found))


def ontology_average_precision(
    scores: ArrayLike, targets: ArrayLike, distances: ArrayLike, level: int = 0
) -> Floats:
    """Return the average precision of each class at a coarse level, NaN without positives.

    A false positive of a class on a clip costs its distance to the nearest label of the clip, in
    units of the mean distance of two classes beyond `level`; 0 where it lies within `level`.

    Parameters
    ----------
    scores, targets
        Shape ``(n_clips, n_classes)``.
    distances
        Steps between two classes in the graph, shape ``(n_classes, n_classes)``.
    level
        Up to this distance a false positive costs nothing.

    Examples
    --------
    >>> steps = [[0, 1, 4], [1, 0, 4], [4, 4, 0]]
    >>> targets = [[0, 1, 0], [1, 0, 0]]  # class 0 is called first on a clip of its sibling, 1
    >>> ontology_average_precision([[0.9, 0.8, 0], [0.5, 0.1, 0]], targets, steps).round(2)
    array([0.75, 1.  ,  nan])
    """
    steps = _distances(distances, np.shape(scores)[-1])
    prices = costs(nearest(targets, steps), steps, level)
    return Ranking.of(scores, targets).average_precision(costs=prices)


def nearest(targets: ArrayLike, distances: Floats) -> Floats:
    """Return how far each class is from the nearest label of each clip, ``(n_clips, n_classes)``.

    On a clip without labels every class is as far away as any two are.
    """
    truth = np.asarray(targets, dtype=np.bool_)
    away = np.full(truth.shape, distances.max(initial=0.0))
    for row, labels in zip(away, truth, strict=True):
        if labels.any():
            row[:] = distances[labels].min(axis=0)
    return away


def costs(away: Floats, distances: Floats, level: int) -> Floats:
    """Return what a false positive costs that is so far `away`, see `ontology_average_precision`.

    Examples
    --------
    >>> costs(np.array([[0.0, 1.0, 4.0]]), np.array([[0.0, 1, 4], [1, 0, 4], [4, 4, 0]]), 1)
    array([[0. , 0. , 1.5]])
    """
    pairs = distances[~np.eye(len(distances), dtype=np.bool_)]
    unit = np.where(pairs > level, pairs, 0.0).mean() if pairs.size else 0.0
    beyond: Floats = np.where(away > level, away, 0.0)
    return beyond / unit if unit > 0 else beyond


def propagate(scores: ArrayLike, targets: ArrayLike, members: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores and targets of what contains the classes: the highest score, any label.

    Parameters
    ----------
    scores, targets
        Shape ``(n_clips, n_classes)``.
    members
        Which classes each node contains, one at least, shape ``(n_nodes, n_classes)``.

    Returns
    -------
    tuple
        Both of shape ``(n_clips, n_nodes)``.

    Examples
    --------
    >>> propagate([[0.2, 0.7, 0.1]], [[1, 0, 0]], [[1, 1, 0], [0, 0, 1]])
    (array([[0.7, 0.1]]), array([[ True, False]]))
    """
    values, truth = table(scores, targets)
    held = np.asarray(members, dtype=np.bool_)
    if held.ndim != 2 or held.shape[1] != values.shape[1] or not held.any(axis=1).all():
        raise ParameterError(
            f"members have shape {held.shape}; they need (n_nodes, {values.shape[1]}), and every "
            "node contains a class"
        )
    above = np.stack([values[:, node].max(axis=1) for node in held], axis=1)
    return above, truth @ held.T


def _distances(distances: ArrayLike, n_classes: int) -> Floats:
    steps: Floats = checks.frozen_array("distances", distances, np.float64, 2)
    checks.finite("distances", steps)
    if steps.shape != (n_classes, n_classes) or (steps < 0).any() or np.diag(steps).any():
        raise ParameterError(
            f"distances have shape {steps.shape}; they need {(n_classes, n_classes)}, are not "
            "negative, and 0 from a class to itself"
        )
    return steps
