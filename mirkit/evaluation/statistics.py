"""Measures that say how far to trust them: cluster bootstrap over recordings that hang together.

Clips of one song are no independent witnesses. So songs are drawn, not clips: a drawn song brings
all its clips along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mirkit import checks
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError

LEVEL = 0.95
N_DRAWS = 2000

Statistic: TypeAlias = Callable[[Floats], Floats]
"""From how often each cluster counts, ``(n_draws, n_clusters)``, to ``(n_draws, n_measures)``."""


@dataclass(frozen=True)
class Interval:
    """A mean and its bootstrap interval.

    Parameters
    ----------
    mean
        Over the clips that have the measure.
    low, high
        Percentile interval; None where fewer than two songs have the measure.
    n
        How many clips have it.
    """

    mean: float
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    values: Floats,
    songs: Sequence[str] | None = None,
    n_draws: int = N_DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Interval | None]:
    """Return the mean of each column with its interval.

    Parameters
    ----------
    values
        One row a clip, one column a measure, shape ``(n_clips, n_measures)``; NaN where a clip does
        not have the measure.
    songs
        The song that each clip is of; every clip its own where None.
    n_draws
        How many times the songs are drawn, with replacement.
    level
        Share of the draws whose mean the interval holds.
    seed
        Of the draws: the same rows and seed give the same intervals.

    Returns
    -------
    list
        One interval a column, or None where no clip has the measure.

    References
    ----------
    B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> bootstrap(np.array([[0.0], [1.0], [1.0], [1.0]]))[0]
    Interval(mean=0.75, low=0.25, high=1.0, n=4)
    """
    values = checks.frozen_array("values", values, np.float64, 2)
    songs = [str(i) for i in range(len(values))] if songs is None else songs
    checks.same_length("songs", songs, len(values))
    if n_draws < 1 or not 0 < level < 1:
        raise ParameterError(
            f"n_draws is {n_draws} and level {level}; there is at least one draw, and the level "
            "lies between 0 and 1"
        )
    n_songs, index = number_clusters(songs)
    sums, counts = _add_up(values, index, n_songs)
    rows = resample(lambda times: ratio(times @ sums, times @ counts), n_songs, n_draws, seed)
    found = zip(rows.T, counts.T, strict=True)
    return [
        interval(column, int(count.sum()), int(np.count_nonzero(count)), level)
        for column, count in found
    ]


def number_clusters(songs: Sequence[str]) -> tuple[int, Ints]:
    """Return how many different songs there are, and the number of each clip's song."""
    names, index = np.unique(np.asarray(songs, dtype=object).astype(str), return_inverse=True)
    return len(names), index


def resample(
    statistic: Statistic, n_clusters: int, n_draws: int, seed: int, n_at_once: int | None = None
) -> Floats:
    """Return measures of all clusters, then of each draw of as many, with replacement.

    Parameters
    ----------
    statistic
        What is measured, as a function of how often each cluster counts.
    n_clusters
        How many there are; a single one is not drawn.
    n_draws, seed
        How many times they are drawn, and from where: every statistic meets the same draws.
    n_at_once
        So many draws are measured at a time, to bound memory; all where None.

    Returns
    -------
    ndarray
        Shape ``(1 + n_draws, n_measures)``, or ``(1, n_measures)``.
    """
    rng = np.random.default_rng(seed)
    found = [statistic(np.ones((1, n_clusters)))]
    left = n_draws if n_clusters > 1 else 0
    while left > 0:
        n = left if n_at_once is None else min(left, n_at_once)
        times = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n)
        found.append(statistic(times.astype(np.float64)))
        left -= n
    return np.concatenate(found)


def interval(
    column: Floats,
    n: int,
    n_clusters: int,
    level: float = LEVEL,
    method: Literal["linear", "nearest"] = "linear",
) -> Interval | None:
    """Return a measure with the percentile interval of its draws.

    Parameters
    ----------
    column
        The measure, then that of each draw, shape ``(1 + n_draws,)``; NaN in draws without it.
    n, n_clusters
        How many clips and clusters have it.
    level
        Share of the draws that the interval holds.
    method
        Of the percentiles; ``"nearest"`` for measures that may be infinite.

    Returns
    -------
    Interval or None
        None where the measure is NaN; without ends where fewer than two clusters have it.
    """
    if np.isnan(column[0]):
        return None
    drawn = column[1:][~np.isnan(column[1:])]
    if n_clusters < 2 or not len(drawn):
        return Interval(float(column[0]), None, None, n)
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method=method)
    return Interval(float(column[0]), float(low), float(high), n)


def ratio(above: Floats, below: Floats | Ints) -> Floats:
    """Return ``above / below``, NaN where that is 0 / 0 or a division by 0."""
    quotient: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=np.asarray(below) > 0)
    return quotient


def _add_up(values: Floats, index: Ints, n_songs: int) -> tuple[Floats, Floats]:
    """Return the sums of each measure and of how many clips, shape ``(n_songs, n_measures)``."""
    known = np.isfinite(values)
    sums = np.zeros((n_songs, values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.where(known, values, 0.0))
    np.add.at(counts, index, known.astype(np.float64))
    return sums, counts
