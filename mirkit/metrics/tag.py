"""Score tags: measures over many clips at once, by class and on the whole.

All take scores and targets of shape ``(n_clips, n_classes)``; scores of different classes need not
be comparable, except where clips are given one class or ranked by class.

| question | function |
|---|---|
| does a class rank its clips first | `average_precision`, `precision_recall` |
| does it rank them above others | `roc_auc`, `d_prime` |
| does a clip rank its classes first | `lwlrap`, `top_k_accuracy` |
| is its best class right | `accuracy`, `confusion` |
| is it better at frequent classes | `strata` |
| what makes its scores honest | `fit_sigmoid_temperature`, `mirkit.metrics.calibration` |

A class without positives has no average precision: it is NaN, and means leave it out. So has one
without negatives no area. What a mean leaves out is the caller's to say: count the NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.annotation import Tags
from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError
from mirkit.metrics.calibration import fit_temperature
from mirkit.metrics.ranking import Curve, Ranking, table

STRATA = ("head", "mid", "tail")


def average_precision(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the average precision of each class, NaN for one without positives.

    It is the mean, over the positives, of the precision at their score; clips of equal score are
    one step. It does not interpolate.

    Examples
    --------
    >>> average_precision([[0.9, 0.2], [0.8, 0.1], [0.3, 0.3]], [[1, 0], [0, 0], [1, 0]])
    array([0.83333333,        nan])
    """
    return Ranking.of(scores, targets).average_precision()


def mean_average_precision(scores: ArrayLike, targets: ArrayLike) -> float:
    """Return the mean of `average_precision` over the classes that have positives; or NaN.

    Examples
    --------
    >>> mean_average_precision([[0.9, 0.2], [0.8, 0.1]], [[1, 0], [0, 0]])
    1.0
    """
    return mean(average_precision(scores, targets))


def precision_recall(scores: ArrayLike, targets: ArrayLike) -> tuple[Curve | None, ...]:
    """Return the precision-recall curve of each class, None for one without positives.

    Examples
    --------
    >>> (curve,) = precision_recall([[0.9], [0.8], [0.3]], [[1], [0], [1]])
    >>> curve.precision.round(3), curve.recall
    (array([1.   , 0.5  , 0.667]), array([0.5, 0.5, 1. ]))
    """
    ranking = Ranking.of(scores, targets)
    return tuple(ranking.curve(i) for i in range(ranking.n_classes))


def roc_auc(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the area under the receiver operating characteristic of each class.

    It is how often a positive scores above a negative, a tie counting half; NaN for a class without
    positives or without negatives.

    Examples
    --------
    >>> roc_auc([[0.9, 0.5], [0.8, 0.5], [0.3, 0.5]], [[1, 1], [0, 0], [1, 1]])
    array([0.5, 0.5])
    """
    return Ranking.of(scores, targets).roc_auc()


def d_prime(auc: float) -> float:
    """Return how many standard deviations apart two normal distributions of this area lie.

    It is infinite for 1, and NaN for NaN. Of a board the field gives that of the mean area, not
    the mean over classes.

    Examples
    --------
    >>> round(d_prime(0.95), 3), d_prime(0.5), d_prime(1.0)
    (2.326, 0.0, inf)
    """
    if np.isnan(auc):
        return float("nan")
    if not 0 <= auc <= 1:
        raise ParameterError(f"auc is {auc}; it lies in [0, 1]")
    if auc in (0, 1):
        return float("inf") if auc else -float("inf")
    return 2**0.5 * NormalDist().inv_cdf(auc)


def mean(values: ArrayLike) -> float:
    """Return the mean of what is known, or NaN where nothing is."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def lwlrap(scores: ArrayLike, targets: ArrayLike) -> float:
    """Return the label-weighted label-ranking average precision; NaN where no clip has a label.

    For each label of each clip: of the classes that score at least as high on the clip, the share
    that are its labels. The mean is over all labels, so that each counts alike.

    References
    ----------
    E. Fonseca et al., "Audio tagging with noisy labels and minimal supervision", DCASE 2019.

    Examples
    --------
    >>> lwlrap([[0.9, 0.5, 0.1], [0.2, 0.6, 0.4]], [[1, 0, 0], [0, 0, 1]])
    0.75
    """
    by_clip = lwlrap_by_clip(scores, targets)
    return mean(np.repeat(by_clip, np.asarray(targets).sum(1).astype(np.int64)))


def lwlrap_by_clip(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the mean share of each clip's labels, see `lwlrap`; NaN where it has none.

    Examples
    --------
    >>> lwlrap_by_clip([[0.9, 0.5, 0.1], [0.2, 0.6, 0.4]], [[1, 0, 0], [0, 0, 1]])
    array([1. , 0.5])
    """
    values, truth = table(scores, targets)
    return Ranking.of(values.T, truth.T).average_precision()


def lwlrap_by_class(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the share that `lwlrap` takes the mean of, by class; NaN without positives.

    Examples
    --------
    >>> lwlrap_by_class([[0.9, 0.5, 0.1], [0.2, 0.6, 0.4]], [[1, 0, 0], [0, 0, 1]])
    array([1. , nan, 0.5])
    """
    values, truth = table(scores, targets)
    ranking = Ranking.of(values.T, truth.T)
    found = np.cumsum(ranking.hits, axis=1)
    precision = np.empty(values.shape)
    shares = np.take_along_axis(found, ranking.last, axis=1) / (ranking.last + 1)
    np.put_along_axis(precision, ranking.order, shares, axis=1)
    counts = truth.sum(0)
    with np.errstate(invalid="ignore"):
        by_class: Floats = np.where(truth, precision, 0.0).sum(0) / counts
    return by_class


def strata(counts: ArrayLike, bounds: tuple[float, float] | None = None) -> dict[str, Ints]:
    """Return which classes are frequent (head), of middling frequency (mid) and rare (tail).

    Parameters
    ----------
    counts
        How often each class occurs, in the training set or in the references, shape
        ``(n_classes,)``. Classes that never occur are in no stratum.
    bounds
        Least counts of mid and of head; None takes thirds of the classes that occur, equal counts
        staying together.

    Returns
    -------
    dict
        Indices of the classes of each of `STRATA`; together with those that never occur, all.

    Examples
    --------
    >>> found = strata([500, 20, 90, 0, 3, 400, 60])
    >>> found["head"], found["tail"]
    (array([0, 5]), array([1, 4]))
    """
    numbers: Floats = checks.frozen_array("counts", counts, np.float64, 1)
    checks.finite("counts", numbers)
    occurs = numbers > 0
    if bounds is None:
        ordered = np.sort(numbers[occurs])
        n = len(ordered)
        bounds = (ordered[n // 3], ordered[2 * n // 3]) if n else (1, 1)
    low, high = bounds
    if low > high:
        raise ParameterError(f"bounds are {bounds}; the least count of mid comes first")
    masks = (numbers >= high, (numbers >= low) & (numbers < high), numbers < low)
    return {name: np.flatnonzero(mask & occurs) for name, mask in zip(STRATA, masks, strict=True)}


@dataclass(frozen=True)
class Accuracy:
    """The share of clips whose best class is right.

    Parameters
    ----------
    mean
        Over folds; over clips where there are no folds.
    low, high
        Percentile interval of the mean, groups of clips drawn within their folds.
    by_fold
        The accuracy of each fold, in order; empty where there are none.
    n
        How many clips.
    """

    mean: float
    low: float
    high: float
    by_fold: Mapping[int, float] = field(default_factory=dict)
    n: int = 0

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def accuracy(
    scores: ArrayLike,
    labels: ArrayLike,
    folds: Sequence[int] | None = None,
    groups: Sequence[str] | None = None,
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Accuracy:
    """Return the share of clips whose best class is right, by the field's rule for folds.

    Each fold's accuracy is taken, then their mean. The interval draws whole groups (the clips of
    one recording are no independent witnesses), each within its fold. It says what other clips
    would give, not what another training would.

    Parameters
    ----------
    scores
        Shape ``(n_clips, n_classes)``; of equal ones the first class is called.
    labels
        The right class of each clip, shape ``(n_clips,)``.
    folds
        The fold of each clip; None for one test set.
    groups
        What each clip was cut from; every clip its own where None.
    n_draws, level, seed
        Of the interval.

    Examples
    --------
    >>> found = accuracy([[2, 1], [1, 2], [2, 1], [2, 1]], [0, 1, 0, 1], folds=[1, 1, 2, 2])
    >>> found.mean, found.by_fold
    (0.75, {1: 1.0, 2: 0.5})
    """
    right = correct(scores, labels).astype(np.float64)
    n = len(right)
    where = np.ones(n, np.int64) if folds is None else np.asarray(folds, np.int64)
    names = [str(i) for i in range(n)] if groups is None else groups
    checks.same_length("folds", where, n)
    checks.same_length("groups", names, n)
    rng = np.random.default_rng(seed)
    found: dict[int, float] = {}
    drawn = []
    for fold in sorted(set(where.tolist())):
        inside = where == fold
        index = np.unique(np.asarray(names, dtype=object)[inside].astype(str), return_inverse=True)
        hits, sizes = np.bincount(index[1], right[inside]), np.bincount(index[1])
        found[fold] = float(hits.sum() / sizes.sum())
        times = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=n_draws)
        drawn.append(times @ hits / (times @ sizes))
    tail = (1 - level) / 2
    low, high = map(float, np.quantile(np.mean(drawn, axis=0), [tail, 1 - tail]))
    total = float(np.mean(list(found.values())))
    return Accuracy(total, low, high, {} if folds is None else found, n)


def correct(scores: ArrayLike, labels: ArrayLike) -> Ints:
    """Return whether the best class of each clip is the right one, shape ``(n_clips,)``."""
    values, truth = _check_labels(scores, labels)
    return np.asarray(values.argmax(axis=1) == truth)


def top_k_accuracy(scores: ArrayLike, labels: ArrayLike, k: int = 5) -> float:
    """Return the share of clips whose right class is among the `k` best.

    Of equal scores the first classes are taken, as `accuracy` does.

    Examples
    --------
    >>> top_k_accuracy([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2], k=2)
    0.5
    """
    values, truth = _check_labels(scores, labels)
    if not 1 <= k <= values.shape[1]:
        raise ParameterError(f"k is {k}; it is 1 to {values.shape[1]}, the number of classes")
    best = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return float(np.mean((best == truth[:, None]).any(axis=1)))


def fit_sigmoid_temperature(logits: ArrayLike, targets: ArrayLike) -> float:
    """Return the temperature that makes ``sigmoid(logits / temperature)`` likeliest.

    All classes share it. It is the `fit_temperature` of each decision between a class and nothing.

    Parameters
    ----------
    logits, targets
        Shape ``(n_clips, n_classes)``.

    Examples
    --------
    >>> fit_sigmoid_temperature([[2.0, -2.0], [2.0, -2.0]], [[1, 0], [0, 0]]) > 1
    True
    """
    values, truth = table(logits, targets)
    pairs = np.stack([np.zeros(values.size), values.ravel()], axis=1)
    return fit_temperature(pairs, truth.ravel().astype(np.int64))


def confusion(scores: ArrayLike, labels: ArrayLike) -> Ints:
    """Return how often each class (row) was taken for each (column), ``(n_classes, n_classes)``.

    Examples
    --------
    >>> confusion([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], [0, 1, 1])
    array([[1, 0],
           [1, 1]])
    """
    values, truth = _check_labels(scores, labels)
    counts = np.zeros((values.shape[1], values.shape[1]), np.int64)
    np.add.at(counts, (truth, values.argmax(axis=1)), 1)
    return counts


def _check_labels(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Ints]:
    values: Floats = checks.frozen_array("scores", scores, np.float64, 2)
    truth: Ints = checks.frozen_array("labels", labels, np.int64, 1)
    checks.same_length("labels", truth, len(values))
    checks.finite("scores", values)
    if not len(truth) or truth.min() < 0 or truth.max() >= values.shape[1]:
        raise ParameterError(
            f"labels lie in 0 to {values.shape[1] - 1}, and there is at least one clip"
        )
    return values, truth


def tag_scores(reference: Tags, estimate: Tags) -> dict[str, float]:
    """Score the tags of one recording; labels that a side does not name score 0 there.

    What is over many recordings at once, such as mean average precision, is for `mirkit.evaluate`.

    Parameters
    ----------
    reference
        Its labels: those with a score of at least 0.5.
    estimate
        All that the system says.

    Returns
    -------
    dict
        ``lrap`` (label-ranking average precision), ``precision_at_1`` (whether the best tag is
        right) and ``recall_at_5``, all in [0, 1]; nothing where the reference has no labels.

    Examples
    --------
    >>> truth = Tags(("Dog",), [1.0])
    >>> tag_scores(truth, Tags(("Rain", "Dog"), [0.8, 0.5]))
    {'lrap': 0.5, 'precision_at_1': 0.0, 'recall_at_5': 1.0}
    """
    true = {label for label, score in reference if score >= 0.5}
    if not true:
        return {}
    found = dict(estimate)
    labels = [*found, *sorted(true - set(found))]
    scores = np.array([[found.get(label, 0.0) for label in labels]])
    truth = np.array([[label in true for label in labels]])
    called = [label for label in labels if found.get(label, 0.0) > 0][:5]
    return {
        "lrap": lwlrap(scores, truth),
        "precision_at_1": float(bool(called) and called[0] in true),
        "recall_at_5": len(true & set(called)) / len(true),
    }
