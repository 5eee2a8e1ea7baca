"""Score retrieval: recall at k and mean average precision at k of ranked lists.

A query has a ranking of the items of a pool, best first, and the set of items that answer it.
Where several items answer, recall at k is the share of queries with one of them among the first k,
as retrieval by text is reported ("R@k"); mAP at k divides by how many of the first k could have
answered, as in the DCASE task of language-based audio retrieval.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.arrays import Bools, Floats
from mirkit.errors import ParameterError


def recall_at(
    rankings: Sequence[Sequence[object]], relevant: Sequence[Collection[object]], k: int
) -> float:
    """Return recall at k: the share of queries with an answer among the first k.

    Parameters
    ----------
    rankings
        The items for each query, best first.
    relevant
        The items that answer it; one at least.
    k
        Number of items that count.

    Examples
    --------
    >>> recall_at([["a", "b"], ["b", "a"]], [{"a"}, {"a"}], 1)
    0.5
    """
    return float(np.mean(_hits(rankings, relevant, k).any(axis=1)))


def map_at(
    rankings: Sequence[Sequence[object]], relevant: Sequence[Collection[object]], k: int = 10
) -> float:
    """Return mean average precision at k.

    The average precision of a query is the sum, over its answers among the first k, of the
    precision at their places, by the number of answers that could stand there.

    Parameters
    ----------
    rankings, relevant, k
        As for `recall_at`.

    Examples
    --------
    >>> map_at([["a", "x", "b"]], [{"a", "b"}])  # (1 + 2/3) / 2
    0.8333333333333333
    """
    hits = _hits(rankings, relevant, k)
    precision = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    possible = np.array([min(len(each), k) for each in relevant])
    return float(np.mean((precision * hits).sum(axis=1) / possible))


def rank_all(scores: ArrayLike) -> list[list[int]]:
    """Return the items of each query by falling score, equals in their own order.

    Parameters
    ----------
    scores
        Shape ``(n_queries, n_items)``.

    Examples
    --------
    >>> rank_all([[0.1, 0.9, 0.9]])
    [[1, 2, 0]]
    """
    values: Floats = checks.frozen_array("scores", scores, np.float64, 2)
    checks.finite("scores", values)
    order: list[list[int]] = np.argsort(-values, axis=1, kind="stable").tolist()
    return order


def _hits(
    rankings: Sequence[Sequence[object]], relevant: Sequence[Collection[object]], k: int
) -> Bools:
    """Return whether the item at each of the first k places answers, ``(n_queries, k)``."""
    checks.positive("k", k)
    checks.same_length("relevant", relevant, len(rankings))
    if not len(rankings):
        raise ParameterError("rankings are empty; there is nothing to score")
    lone = next((i for i, each in enumerate(relevant) if not each), None)
    if lone is not None:
        raise ParameterError(f"relevant[{lone}] is empty; leave queries without an answer out")
    hits = np.zeros((len(rankings), k), bool)
    for row, items, answers in zip(hits, rankings, relevant, strict=True):
        first = [item in answers for item in items[:k]]
        row[: len(first)] = first
    return hits
