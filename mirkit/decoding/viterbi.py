"""The likeliest path of states, where a state stays or gives way to any other alike.

A change costs the same from wherever it starts, so the best predecessor of a state is itself or
the best of all: a step costs as much as there are states, not the square of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirkit.arrays import Floats, Ints
from mirkit.errors import ParameterError


def viterbi(scores: Floats, stay: ArrayLike, switch: ArrayLike) -> Ints:
    """Return the path of states with the highest sum of scores and of weights of its steps.

    Parameters
    ----------
    scores
        Log likelihood of each state, shape ``(n_steps, n_states)``; -inf where it cannot be.
    stay
        Log probability of remaining in a state over the step to each row, shape ``(n_steps,)`` or
        one number; the first counts nothing.
    switch
        Log probability of going to any one other state, ``(n_steps,)``, ``(n_steps, n_states)``
        where it depends on the state gone to, or one number. Not above `stay`.

    Returns
    -------
    numpy.ndarray
        The states, shape ``(n_steps,)``; of equal ones the first.

    Examples
    --------
    >>> scores = np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    >>> viterbi(scores, stay=np.log(0.8), switch=np.log(0.2))
    array([0, 0, 0, 1, 1])
    """
    stay, switch = _check(scores, stay, switch)
    n_steps, n_states = scores.shape
    if not n_steps:
        return np.empty(0, np.int64)
    stayed = np.ones((n_steps, n_states), bool)
    sources = np.zeros(n_steps, np.int64)
    best = scores[0].astype(np.float64)
    for t in range(1, n_steps):
        source = sources[t] = int(best.argmax())
        changed = best[source] + switch[t]
        best = best + stay[t]
        np.greater_equal(best, changed, out=stayed[t])
        best = np.maximum(best, changed) + scores[t]
    return _trace(int(best.argmax()), stayed, sources)


def posteriors(scores: Floats, stay: ArrayLike, switch: ArrayLike) -> Floats:
    """Return the probability of each state at each step, given all scores: forwards, backwards.

    Parameters
    ----------
    scores, stay, switch
        As for `viterbi`.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_steps, n_states)``; each row sums to 1.

    Examples
    --------
    >>> scores = np.log([[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]])
    >>> posteriors(scores, stay=np.log(0.8), switch=np.log(0.2))[:, 0].round(3)
    array([0.942, 0.89 , 0.942])
    """
    stay, switch = _check(scores, stay, switch)
    likelihoods = _likelihoods(scores)
    change = np.exp(switch)
    remain = np.exp(stay)[:, None] - change  # beyond what changing to itself would give
    together = _forward(likelihoods, remain, change)
    together *= _backward(likelihoods, remain, change)
    return np.asarray(together / together.sum(axis=1, keepdims=True))


def _forward(likelihoods: Floats, remain: Floats, change: Floats) -> Floats:
    """Return the probability of each state given the steps up to its own, but for a factor."""
    found = np.empty_like(likelihoods)
    found[:1] = likelihoods[:1] / likelihoods[:1].sum()
    steps = zip(likelihoods[1:], remain[1:], change[1:], found[:-1], found[1:], strict=True)
    for seen, stay, switch, before, row in steps:
        np.multiply(before, stay, out=row)  # the row before sums to 1
        row += switch
        row *= seen
        row /= np.add.reduce(row)
    return found


def _backward(likelihoods: Floats, remain: Floats, change: Floats) -> Floats:
    """Return the likelihood of the steps after each one, given its state, but for a factor."""
    found = np.empty_like(likelihoods)
    found[-1:] = 1
    seen = np.empty(likelihoods.shape[1])
    steps = zip(likelihoods[1:], remain[1:], change[1:], found[1:], found[:-1], strict=True)
    for likelihood, stay, switch, after, row in reversed(list(steps)):
        np.multiply(after, likelihood, out=seen)
        np.multiply(seen, stay, out=row)
        row += seen @ switch
        row /= np.add.reduce(row)
    return found


def runs(path: Ints) -> Ints:
    """Return where each run of equal states begins and ends (exclusive), shape ``(n_runs, 2)``.

    Examples
    --------
    >>> runs(np.array([4, 4, 1, 4])).tolist()
    [[0, 2], [2, 3], [3, 4]]
    """
    edges = np.flatnonzero(np.diff(path)) + 1
    edges = np.concatenate([[0], edges, [len(path)]]) if len(path) else np.zeros(1, np.int64)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _trace(state: int, stayed: NDArray[np.bool_], sources: Ints) -> Ints:
    path = np.empty(len(sources), np.int64)
    for t in reversed(range(len(path))):
        path[t] = state
        if not stayed[t, state]:
            state = int(sources[t])
    return path


def _check(scores: Floats, stay: ArrayLike, switch: ArrayLike) -> tuple[Floats, Floats]:
    """Return `stay` as ``(n_steps,)`` and `switch` as ``(n_steps, n_states or 1)``."""
    if scores.ndim != 2 or not scores.shape[1]:
        raise ParameterError(f"scores have shape {scores.shape}; they are (n_steps, n_states)")
    bad = np.flatnonzero(np.isnan(scores).any(axis=1) | (scores.max(axis=1) == -np.inf))
    if bad.size:
        raise ParameterError(f"scores[{bad[0]}] hold NaN, or no state that may be")
    n_steps, n_states = scores.shape
    stays = np.broadcast_to(np.asarray(stay, np.float64), (n_steps,))
    switches = np.asarray(switch, np.float64)
    switches = switches[:, None] if switches.ndim == 1 else switches
    switches = np.broadcast_to(switches, (n_steps, n_states))
    if n_steps > 1 and (switches[1:] > stays[1:, None]).any():
        raise ParameterError(
            "switch exceeds stay; a state is likelier to remain than any to follow"
        )
    return stays, switches


def _likelihoods(scores: Floats) -> Floats:
    return np.asarray(np.exp(scores - scores.max(axis=1, keepdims=True)) + 1e-300)
