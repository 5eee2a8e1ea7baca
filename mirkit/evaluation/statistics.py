"""Means that say how far to trust them: bootstrap intervals over recordings that hang together.

Clips of one song are no independent witnesses. So songs are drawn, not clips: a drawn song brings
all its clips along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirkit import checks
from mirkit.arrays import Floats
from mirkit.errors import ParameterError

LEVEL = 0.95
N_DRAWS = 2000


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
    sums, counts = _by_song(values, songs)
    means = _drawn_means(sums, counts, n_draws, seed)
    tail = (1 - level) / 2
    intervals: list[Interval | None] = []
    for total, count, drawn in zip(sums.T, counts.T, means.T, strict=True):
        n = int(count.sum())
        if not n:
            intervals.append(None)
            continue
        low = high = None
        if np.count_nonzero(count) > 1:
            low, high = map(float, np.nanquantile(drawn, [tail, 1 - tail]))
        intervals.append(Interval(float(total.sum() / n), low, high, n))
    return intervals


def _by_song(values: Floats, songs: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the sums of each measure and of how many clips, shape ``(n_songs, n_measures)``."""
    names, index = np.unique(np.asarray(songs, dtype=object).astype(str), return_inverse=True)
    known = np.isfinite(values)
    sums = np.zeros((len(names), values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.where(known, values, 0.0))
    np.add.at(counts, index, known.astype(np.float64))
    return sums, counts


def _drawn_means(sums: Floats, counts: Floats, n_draws: int, seed: int) -> Floats:
    """Return the mean of each measure in each draw, NaN where it drew no clip that has it."""
    n_songs = len(sums)
    if not n_songs:
        return np.full((n_draws, sums.shape[1]), np.nan)
    rng = np.random.default_rng(seed)
    # how often each song is drawn is all that a mean needs to know of a draw
    times = rng.multinomial(n_songs, np.full(n_songs, 1 / n_songs), size=n_draws)
    drawn = times @ counts
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(drawn > 0, times @ sums / np.maximum(drawn, 1), np.nan)
    return means
