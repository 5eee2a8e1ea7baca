"""Beats by dynamic programming: the chain of frames that is strong and evenly spaced.

Both trackers maximize, over chains of frames ``t[0] < t[1] < …``, the strength at the beats plus
what the lags between them cost. Neither looks at a lag below its shortest one, so all frames of
a block of that length depend on earlier blocks only, and a block is one numpy operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.arrays import Floats, Ints


@dataclass(frozen=True)
class Path:
    """A chain of beats.

    Parameters
    ----------
    frames
        Frame of each beat, shape ``(n,)``.
    score
        What the tracker maximized.
    """

    frames: Ints
    score: float


def track(strength: Floats, lag: float, tightness: float = 100.0) -> Path:
    """Return the chain of beats of one tempo that is strongest.

    Maximizes ``sum(strength[t[i]]) - tightness * sum(log((t[i] - t[i - 1]) / lag) ** 2)`` with lags
    from half to twice `lag`. The chain may begin and end anywhere.

    Parameters
    ----------
    strength
        How much each frame looks like a beat, not negative, shape ``(n_frames,)``. It is best
        divided by its standard deviation, so that `tightness` means the same for all recordings.
    lag
        Frames from beat to beat.
    tightness
        Cost of a lag that is e times too long or short.

    References
    ----------
    D. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research, 2007.

    Examples
    --------
    >>> track(np.array([0, 1, 0, 0, 0.9, 0, 0, 1.0]), lag=3).frames
    array([1, 4, 7])
    """
    lags = np.arange(max(1, round(lag / 2)), max(2, round(2 * lag) + 1))
    costs = tightness * np.log(lags / lag) ** 2
    block, longest = int(lags[0]), int(lags[-1])
    score = np.full(longest + len(strength), -np.inf)
    back = np.zeros(len(strength), dtype=np.int64)
    sources = np.arange(block)[:, None] + longest - lags
    for first in range(0, len(strength), block):
        n = min(block, len(strength) - first)
        reached = score[first + sources[:n]] - costs
        best = reached.argmax(axis=1)
        gain = reached[np.arange(n), best]
        back[first : first + n] = np.where(gain > 0, lags[best], 0)
        score[longest + first : longest + first + n] = strength[first : first + n] + np.maximum(
            gain, 0
        )
    return _backtrack(score[longest:], back)


def _backtrack(score: Floats, back: Ints) -> Path:
    if not len(score):
        return Path(np.empty(0, dtype=np.int64), 0.0)
    chain = [int(score.argmax())]
    while back[chain[-1]]:
        chain.append(chain[-1] - int(back[chain[-1]]))
    return Path(np.array(chain[::-1]), float(score.max()))


def follow(
    strength: Floats, lags: Ints, rigidity: float = 20.0, lag_gains: Floats | None = None
) -> Path:
    """Return the chain of beats that is strongest while its tempo may drift.

    Maximizes ``sum(strength[t[i]] + gain(lag[i]) - rigidity * abs(log(lag[i + 1] / lag[i])))``
    where ``lag[i] = t[i] - t[i - 1]``: a Viterbi over pairs of frame and lag. The chain spans the
    recording: its first beat lies within a lag of the start, its last within a lag of the end.

    The cost of a change is a cone over log lag, so the best change into every lag is found by one
    running maximum up and one down the lags, not by comparing all pairs.

    Parameters
    ----------
    strength
        How much each frame looks like a beat, shape ``(n_frames,)``.
    lags
        Allowed frames from beat to beat, increasing, shape ``(n_lags,)``.
    rigidity
        Cost of a tempo change by the factor e.
    lag_gains
        What a beat earns for each lag, shape ``(n_lags,)``; 0 where None.

    Examples
    --------
    >>> clicks = np.zeros(30)
    >>> clicks[[2, 7, 12, 18, 24]] = 1
    >>> follow(clicks, np.array([4, 5, 6, 7]), rigidity=1).frames
    array([ 2,  7, 12, 18, 24])
    """
    gains = np.zeros(len(lags)) if lag_gains is None else lag_gains
    if not len(strength):
        return Path(np.empty(0, dtype=np.int64), 0.0)
    slope = rigidity * np.log(lags)
    entered = _enter(strength, lags, gains, slope)
    return _walk_back(entered, strength, lags, slope)


def _enter(strength: Floats, lags: Ints, gains: Floats, slope: Floats) -> Floats:
    """Return the best score of a chain that enters each lag at each frame, its gain included.

    Row ``longest + t`` is frame t. The rows before frame 0 are the chains that have not begun,
    those after the last frame fill up its block.
    """
    block, longest, n_lags = int(lags[0]), int(lags[-1]), len(lags)
    padded = np.zeros(-(-len(strength) // block) * block)
    padded[: len(strength)] = strength
    entered = np.empty((longest + len(padded), n_lags))
    entered[:longest] = gains
    sources = _sources(lags)[:, None] + n_lags * np.arange(block)
    cone, flat = _Cone(slope, gains, block), entered.reshape(-1)
    score = np.empty((n_lags, block))
    for first in range(0, len(padded), block):
        flat[first * n_lags :].take(sources, out=score, mode="clip")  # faster than "raise"
        best = cone.best(score)
        best += padded[first : first + block]
        entered[longest + first : longest + first + block] = best.T
    return entered


class _Cone:
    """The best change into each lag: ``max(score - abs(slope - slope of the lag)) + gain``.

    That is a running maximum up the lags and one down. Both take doubling steps, each of them one
    numpy operation on all frames: after the step of s lags, a lag knows the 2 s - 1 beside it.

    Parameters
    ----------
    slope, gains
        Of each lag, shape ``(n_lags,)``.
    n_frames
        How many frames are worked on at once.
    """

    def __init__(self, slope: Floats, gains: Floats, n_frames: int) -> None:
        n_lags = len(slope)
        shifts = [1 << i for i in range((n_lags - 1).bit_length())]
        pad = max(shifts, default=0)
        # for each way two tables that take turns, whose first rows stand for no lag
        tables = np.full((2, 2, pad + n_lags, n_frames), -np.inf)
        known = tables[:, :, pad:]
        self._steps = [
            (known[way, i % 2], tables[way, i % 2, pad - shift :][:n_lags], known[way, 1 - i % 2])
            for i, shift in enumerate(shifts)
            for way in (0, 1)
        ]
        self._up: Floats
        self._top_up: Floats
        self._up, self._down = known[:, 0]
        self._top_up, self._top_down = known[:, len(shifts) % 2]
        self._slope = _repeat(slope, n_frames)
        self._gain_up = _repeat(gains - slope, n_frames)
        self._gain_down = _repeat((gains + slope)[::-1], n_frames)

    def best(self, score: Floats) -> Floats:
        """Return the best of scores ``(n_lags, n_frames)``; the next call overwrites it."""
        np.add(score, self._slope, out=self._up)
        np.subtract(score[::-1], self._slope[::-1], out=self._down)
        for own, shorter, into in self._steps:
            np.maximum(own, shorter, out=into)
        self._top_up += self._gain_up
        self._top_down += self._gain_down
        np.maximum(self._top_up, self._top_down[::-1], out=self._top_up)
        return self._top_up


def _repeat(values: Floats, n: int) -> Floats:
    """Return a row of `n` for each value: numpy adds whole tables faster than a column to one."""
    return np.repeat(values[:, None], n, axis=1)


def _sources(lags: Ints) -> Ints:
    """Return where, in the flat table, the beat before one at frame 0 entered each lag."""
    sources: Ints = (lags[-1] - lags) * len(lags) + np.arange(len(lags))
    return sources


def _walk_back(entered: Floats, strength: Floats, lags: Ints, slope: Floats) -> Path:
    flat, n_lags, n_frames = entered.reshape(-1), len(lags), len(strength)
    sources = _sources(lags)
    last = np.arange(max(0, n_frames - int(lags[-1])), n_frames)
    ends = flat.take(sources + last[:, None] * n_lags) + strength[last][:, None]
    ends[last[:, None] + lags < n_frames] = -np.inf
    row, lag = divmod(int(ends.argmax()), n_lags)
    changes = -np.abs(slope - slope[:, None])
    frame, chain = int(last[row]), []
    while frame >= 0:
        chain.append(frame)
        frame -= int(lags[lag])
        if frame >= 0:
            lag = int((flat[frame * n_lags :].take(sources) + changes[lag]).argmax())
    return Path(np.array(chain[::-1]), float(ends.max()))


def without_weak_ends(strength: Floats, frames: Ints, ratio: float = 0.2) -> Ints:
    """Return the beats from the first to the last that is not weak.

    A chain spans the recording, also where the music has not begun or is over: beats at either end
    go where the strength is below `ratio` times the root mean square of that of all beats.
    """
    at_beats = strength[frames]
    strong = np.flatnonzero(at_beats > ratio * np.sqrt(np.mean(at_beats**2)))
    return frames[strong[0] : strong[-1] + 1] if len(strong) else frames[:0]
