"""Label shift: the class prior that a classifier learned, exchanged for that of its application.

A classifier that learned from balanced or rendered data expects its classes as often as they came
there. Under label shift only these priors differ, what a class sounds like does not; then the
posterior under the new prior is the old one times the ratio of the priors, and the new prior is
found by expectation maximization from unlabeled data.

References
----------
M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
probabilities: a simple procedure", Neural Computation 14(1), 2002.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mirkit.arrays import Floats
from mirkit.errors import ParameterError

N_ITERATIONS = 10_000
LEAST = 1e-12
"""No probability is smaller: what can only be a class of share 0 would be nothing at all."""


def exchange_prior(posteriors: ArrayLike, learned: ArrayLike, new: ArrayLike) -> Floats:
    """Return posteriors of classes that exclude each other under another prior.

    Parameters
    ----------
    posteriors
        Under the learned prior, shape ``(n, n_classes)``; rows sum to 1.
    learned, new
        Shares of the classes, ``(n_classes,)``; only their ratio counts.

    Examples
    --------
    >>> exchange_prior([[0.5, 0.5]], learned=[0.5, 0.5], new=[0.2, 0.8])
    array([[0.2, 0.8]])
    """
    ratio = np.asarray(new, np.float64) / np.asarray(learned, np.float64)
    odds = np.maximum(np.asarray(posteriors, np.float64), LEAST) * ratio
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def exchange_rates(probabilities: ArrayLike, learned: ArrayLike, new: ArrayLike) -> Floats:
    """Return probabilities of classes that may come together under other rates.

    Parameters
    ----------
    probabilities
        That each class is there, under the learned rates, shape ``(n, n_classes)``.
    learned, new
        How often each class is there, in (0, 1), ``(n_classes,)``.

    Examples
    --------
    >>> exchange_rates([[0.5, 0.5]], learned=[0.5, 0.1], new=[0.5, 0.5])
    array([[0.5, 0.9]])
    """
    p, old, rate = (np.asarray(x, np.float64) for x in (probabilities, learned, new))
    there, not_there = p * rate / old, (1 - p) * (1 - rate) / (1 - old)
    return np.asarray(there / np.maximum(there + not_there, LEAST))


def estimate_prior(
    posteriors: ArrayLike,
    learned: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    expected: ArrayLike | None = None,
    strength: float = 0.0,
    tolerance: float = 1e-9,
) -> Floats:
    """Return the shares of classes in unlabeled data, by expectation maximization.

    From the learned prior on, the shares are the mean of the posteriors under the shares before,
    which raises the likelihood of the data each time. With `expected` it is the maximum a
    posteriori under a Dirichlet prior: as if `strength` more observations had those shares, so
    few observations move them little.

    Parameters
    ----------
    posteriors
        Under the learned prior, shape ``(n, n_classes)``.
    learned
        Shares of the classes where the classifier learned, ``(n_classes,)``, above 0.
    weights
        What each row counts as, ``(n,)``; 1 where None. Frames of one recording are no
        observations of their own: give them one over their number.
    expected
        Shares that are expected, ``(n_classes,)``; None for none.
    strength
        How many observations `expected` counts as.
    tolerance
        Largest change of a share in the last iteration.

    Returns
    -------
    numpy.ndarray
        Share of each class, ``(n_classes,)``, of sum 1. Classes whose proportions are to stay as
        they were learned, such as the twelve transpositions of a chord, are summed before.

    Raises
    ------
    ParameterError
        Where shapes do not fit, or a learned share is 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(4000) < 0.9  # heard by one who learned that both are as frequent
    >>> odds = np.exp(rng.normal(np.where(y, 1, -1), 1) * 2)
    >>> posteriors = np.stack([odds, np.ones(4000)], axis=1) / (1 + odds[:, None])
    >>> estimate_prior(posteriors, [0.5, 0.5]).round(2)
    array([0.9, 0.1])
    """
    p, old = (np.asarray(x, np.float64) for x in (posteriors, learned))
    _check(p, old)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    pseudo = _pseudo_counts(expected, strength, len(old))
    shares = old / old.sum()
    for _ in range(N_ITERATIONS):
        counts = w @ exchange_prior(p, old, shares) + pseudo
        before, shares = shares, counts / counts.sum()
        if np.abs(shares - before).max() <= tolerance:
            break
    return np.asarray(shares)


def estimate_rates(
    probabilities: ArrayLike,
    learned: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    expected: ArrayLike | None = None,
    strength: float = 0.0,
) -> Floats:
    """Return how often classes that may come together are there, each estimated by itself.

    Parameters
    ----------
    probabilities
        That each class is there, under the learned rates, shape ``(n, n_classes)``.
    learned
        How often each class was there, in (0, 1), ``(n_classes,)``.
    weights, strength
        As for `estimate_prior`.
    expected
        Rates that are expected, ``(n_classes,)``.
    """
    p, old = np.asarray(probabilities, np.float64), np.asarray(learned, np.float64)
    wanted = old if expected is None else np.asarray(expected, np.float64)
    found = [
        estimate_prior(
            np.stack([p[:, i], 1 - p[:, i]], axis=1),
            [old[i], 1 - old[i]],
            weights=weights,
            expected=[wanted[i], 1 - wanted[i]],
            strength=strength,
            tolerance=1e-6,
        )[0]
        for i in range(p.shape[1])
    ]
    return np.array(found)


def _check(p: Floats, old: Floats) -> None:
    if p.ndim != 2 or not len(p) or old.shape != p.shape[1:]:
        raise ParameterError(
            f"posteriors have shape {p.shape} and learned shares {old.shape}; they are "
            "(n, n_classes) and (n_classes,), with n at least 1"
        )
    if not (old > 0).all():
        raise ParameterError(
            f"learned[{int(np.argmin(old > 0))}] is {old.min():g}; a class that never came cannot "
            "be told: each share is above 0"
        )


def _pseudo_counts(expected: ArrayLike | None, strength: float, n_classes: int) -> Floats:
    if expected is None or not strength:
        return np.zeros(n_classes)
    shares = np.asarray(expected, np.float64)
    if shares.shape != (n_classes,):
        raise ParameterError(f"expected has shape {shares.shape}; it is ({n_classes},)")
    return np.asarray(strength * shares / shares.sum())
