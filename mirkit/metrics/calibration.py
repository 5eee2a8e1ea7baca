"""Calibration of confidence: Platt scaling, and measures of how honest it is.

Confidence is calibrated where, of all that was given confidence p, the share p is right. All
functions take one number for each decision, so they serve beats, chords and tags alike.

| question | function |
|---|---|
| how far is confidence from the share that is right | `expected_calibration_error`, `reliability` |
| does it tell right from wrong | `auroc` |
| both at once | `brier` |
| what makes scores honest | `fit_logistic`, `fit_isotonic`, `fit_temperature` |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirkit import checks
from mirkit.arrays import Floats
from mirkit.calibration import Logistic, sigmoid
from mirkit.errors import ParameterError
from mirkit.values import Value

Bins = Literal["width", "mass"]

N_BINS = 10
_N_NEWTON = 100
_COLDEST, _HOTTEST = 1e-3, 1e3


@dataclass(frozen=True, eq=False)
class Reliability(Value):
    """A reliability curve: what was promised and what was kept, one entry for each occupied bin.

    Parameters
    ----------
    confidence
        Mean confidence in the bin, shape ``(n_bins,)``.
    accuracy
        Share that is right, shape ``(n_bins,)``.
    counts
        How many decisions lie in it, shape ``(n_bins,)``.
    """

    confidence: Floats
    accuracy: Floats
    counts: NDArray[np.int64]


def reliability(
    confidence: ArrayLike, correct: ArrayLike, n_bins: int = N_BINS, bins: Bins = "width"
) -> Reliability:
    """Return the reliability curve of confidence.

    Parameters
    ----------
    confidence
        In [0, 1], shape ``(n,)``.
    correct
        Whether each decision is right, or the share of it that is, in [0, 1], shape ``(n,)``.
    n_bins
        How many bins.
    bins
        ``"width"``: the bins divide [0, 1] evenly, and a border belongs to the bin above it.
        ``"mass"``: they divide the decisions evenly, and equal confidence stays together.

    Raises
    ------
    ParameterError
        Where there is nothing, or a number is out of range.

    Examples
    --------
    >>> curve = reliability([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0])
    >>> curve.confidence, curve.accuracy
    (array([0.1, 0.9]), array([0. , 0.5]))
    """
    p, right = _pair(confidence, correct)
    if n_bins < 1:
        raise ParameterError(f"n_bins is {n_bins}; it is at least 1")
    if bins not in get_args(Bins):
        raise ParameterError(f"bins is {bins!r}; it is 'width' or 'mass'")
    index = _equal_width(p, n_bins) if bins == "width" else _equal_mass(p, n_bins)
    counts = np.bincount(index, minlength=n_bins)
    used = counts > 0
    sums = [np.bincount(index, values, n_bins)[used] for values in (p, right)]
    return Reliability(sums[0] / counts[used], sums[1] / counts[used], counts[used])


def expected_calibration_error(
    confidence: ArrayLike, correct: ArrayLike, n_bins: int = N_BINS, bins: Bins = "width"
) -> float:
    """Return the mean distance between confidence and the share that is right, over bins.

    Each bin of `reliability` counts by its decisions; the parameters are those of `reliability`.
    Few decisions in many bins look worse than they are: each bin adds its own noise.

    References
    ----------
    M. Pakdaman Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities
    using Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> round(expected_calibration_error([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0]), 3)
    0.25
    """
    curve = reliability(confidence, correct, n_bins, bins)
    return float(np.average(np.abs(curve.confidence - curve.accuracy), weights=curve.counts))


def brier(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean squared difference between confidence and what was right.

    Examples
    --------
    >>> brier([0.5, 1.0], [1, 1])
    0.125
    """
    p, right = _pair(confidence, correct)
    return float(np.mean((p - right) ** 2))


def auroc(scores: ArrayLike, correct: ArrayLike) -> float:
    """Return how often what is right scores above what is wrong; a tie counts half.

    It is the area under the receiver operating characteristic, and NaN where all is right or all
    is wrong.

    Parameters
    ----------
    scores
        Any numbers; only their order counts, shape ``(n,)``.
    correct
        Right or wrong (1 or 0), shape ``(n,)``.

    Examples
    --------
    >>> auroc([0.2, 0.7, 0.6, 0.9], [0, 0, 1, 1])
    0.75
    """
    values = _column("scores", scores)
    right = _column("correct", correct)
    checks.same_length("correct", right, len(values))
    if not np.isin(right, (0, 1)).all():
        raise ParameterError("correct holds shares; auroc needs right or wrong, 1 or 0")
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]  # ties share their mean rank
    n_right = int(right.sum())
    n_pairs = n_right * (len(right) - n_right)
    if not n_pairs:
        return float("nan")
    return float((ranks[right == 1].sum() - n_right * (n_right + 1) / 2) / n_pairs)


def fit_logistic(
    features: ArrayLike,
    correct: ArrayLike,
    penalty: float = 1.0,
    weights: ArrayLike | None = None,
) -> Logistic:
    """Fit a logistic model by Newton's method; on one column it is Platt's scaling.

    It minimizes the cross entropy of all rows plus ``penalty / 2`` times the sum of the squared
    weights, those of features brought to unit spread; the intercept is free.

    Parameters
    ----------
    features
        Shape ``(n, n_features)``.
    correct
        Right or wrong, or the share that is right, in [0, 1], shape ``(n,)``.
    penalty
        Pull of the weights towards 0, at least 0. With 0 the fit of what can be separated
        perfectly never ends; it stops after some steps.
    weights
        How much each row counts, shape ``(n,)``; all alike where None.

    Examples
    --------
    >>> model = fit_logistic([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> bool(model([[0.0]])[0] < 0.5 < model([[3.0]])[0])
    True
    """
    x = checks.frozen_array("features", features, np.float64, 2)
    y = checks.unit_interval("correct", correct, len(x))
    assert y is not None
    checks.finite("features", x)
    counts = np.ones(len(x)) if weights is None else _column("weights", weights)
    checks.same_length("weights", counts, len(x))
    if not (len(x) and np.isfinite(penalty) and penalty >= 0 and (counts >= 0).all()):
        raise ParameterError(
            f"there are {len(x)} rows and penalty is {penalty}; a fit needs rows, and neither "
            "penalty nor weights are negative"
        )
    center = np.average(x, axis=0, weights=counts)
    spread = np.sqrt(np.average((x - center) ** 2, axis=0, weights=counts))
    spread[spread == 0] = 1.0
    rows = np.column_stack([(x - center) / spread, np.ones(len(x))])
    solution = _newton(rows, y, counts, penalty)
    unscaled = solution[:-1] / spread
    return Logistic(tuple(map(float, unscaled)), float(solution[-1] - unscaled @ center))


def _newton(rows: Floats, y: Floats, counts: Floats, penalty: float) -> Floats:
    """Return the minimum of the penalized cross entropy; the last column is the intercept's."""
    pull = np.append(np.full(rows.shape[1] - 1, penalty), 0.0)

    def loss(solution: Floats) -> float:
        odds = rows @ solution
        entropy = counts @ (np.logaddexp(0, odds) - y * odds)
        return float(entropy + 0.5 * pull @ solution**2)

    solution = np.zeros(rows.shape[1])
    known = loss(solution)
    for _ in range(_N_NEWTON):
        p = sigmoid(rows @ solution)
        slope = rows.T @ (counts * (p - y)) + pull * solution
        curvature = (rows * (counts * p * (1 - p))[:, None]).T @ rows + np.diag(pull + 1e-12)
        step = np.linalg.solve(curvature, slope)
        while (new := loss(solution - step)) > known + 1e-12 * abs(known):
            step /= 2  # too far: the loss is convex, so a shorter step is better
            if np.abs(step).max() < 1e-12:
                return solution
        solution, known = solution - step, new
        if np.abs(step).max() < 1e-9:
            break
    return solution


@dataclass(frozen=True, eq=False)
class Isotonic(Value):
    """A rising curve through points, constant beyond its ends.

    Parameters
    ----------
    scores
        Increasing, shape ``(n,)``.
    probabilities
        Never falling, shape ``(n,)``.
    """

    scores: Floats
    probabilities: Floats

    def __call__(self, scores: ArrayLike) -> Floats:
        """Return the probability of each score."""
        curve: Floats = np.interp(np.asarray(scores, float), self.scores, self.probabilities)
        return curve


def fit_isotonic(scores: ArrayLike, correct: ArrayLike) -> Isotonic:
    """Fit the rising curve with the least squared error, by pooling neighbors that fall.

    Parameters
    ----------
    scores
        Any numbers, shape ``(n,)``.
    correct
        Right or wrong, or the share that is right, in [0, 1], shape ``(n,)``.

    Examples
    --------
    >>> fit_isotonic([1, 2, 3, 4], [0, 1, 0, 1]).probabilities
    array([0. , 0.5, 0.5, 1. ])
    """
    values = _column("scores", scores)
    y = checks.unit_interval("correct", correct, len(values))
    assert y is not None
    places, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    pools: list[tuple[float, int, int]] = []  # sum, decisions, places
    for total, count in zip(np.bincount(group, y).tolist(), counts.tolist(), strict=True):
        pool = (total, count, 1)
        while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    levels = np.repeat([total / n for total, n, _ in pools], [width for _, _, width in pools])
    return Isotonic(places, levels)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature that makes ``softmax(logits / temperature)`` likeliest.

    It changes no decision, only how sure it is: above 1 it takes confidence back.

    Parameters
    ----------
    logits
        Shape ``(n, n_classes)``.
    labels
        The right class of each row, shape ``(n,)``.

    Returns
    -------
    float
        From 0.001 (all is right, at any temperature) to 1000.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
    ICML 2017.

    Examples
    --------
    >>> fit_temperature([[2.0, 0.0]] * 4, [0, 0, 0, 1]) > 1
    True
    """
    z = checks.frozen_array("logits", logits, np.float64, 2)
    checks.finite("logits", z)
    truth = checks.frozen_array("labels", labels, np.int64, 1)
    checks.same_length("labels", truth, len(z))
    if not len(z) or truth.min() < 0 or truth.max() >= z.shape[1]:
        raise ParameterError(f"labels lie in 0 to {z.shape[1] - 1}, and there is at least one row")
    above = z - z[np.arange(len(z)), truth][:, None]
    low, high = np.log(1 / _HOTTEST), np.log(1 / _COLDEST)
    for _ in range(60):  # the loss is convex in 1 / temperature: halve where its slope turns
        middle = (low + high) / 2
        odds = np.exp(middle) * above
        p = np.exp(odds - odds.max(axis=1, keepdims=True))
        slope = np.sum(p * above / p.sum(axis=1, keepdims=True))
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def _pair(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    p = _column("confidence", confidence)
    right = _column("correct", correct)
    checks.unit_interval("confidence", p, len(p))
    checks.unit_interval("correct", right, len(p))
    return p, right


def _column(name: str, values: ArrayLike) -> Floats:
    column: Floats = checks.frozen_array(name, values, np.float64, 1)
    if not len(column):
        raise ParameterError(f"{name} is empty; there is nothing to measure")
    checks.finite(name, column)
    return column


def _equal_width(p: Floats, n_bins: int) -> NDArray[np.int64]:
    return np.minimum((p * n_bins).astype(np.int64), n_bins - 1)


def _equal_mass(p: Floats, n_bins: int) -> NDArray[np.int64]:
    order = np.sort(p)
    first = np.searchsorted(order, p)  # of those with the same confidence
    index: NDArray[np.int64] = first * n_bins // len(p)
    return index
