"""Forward algorithms: what is known of beat and bar now, from what has been, never taken back.

A Viterbi path may change its mind about the past; the probabilities of the states, given all
frames so far, need no future.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats, Ints
from mirkit.decoding.dbn import tempo_changes


@dataclass(frozen=True)
class PhaseModel:
    """The numbers of a `PhaseFilter`.

    Parameters
    ----------
    lags
        Intervals that a beat may last [frames], increasing.
    rigidity
        A beat of r times the interval of the last one costs ``rigidity * abs(r - 1)``.
    seen
        Where a beat is seen, from its first frame on [frames]: -1 is the frame before it.
    restart
        Probability, at each frame, that the beat begins anew in any state: so the filter finds
        back where the music breaks off.
    """

    lags: tuple[int, ...]
    rigidity: float = 100.0
    seen: tuple[int, ...] = (-1, 0, 1)
    restart: float = 1e-4


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Layout of the states of a model: those of one interval in a row, in order of phase."""

    first: Ints
    last: Ints
    seen: Ints
    changes: Floats
    phasors: NDArray[np.complex128]


@lru_cache(maxsize=8)
def _lattice(model: PhaseModel) -> _Lattice:
    lags = np.array(model.lags)
    first = np.cumsum(lags) - lags
    seen = first[:, None] + np.array(model.seen) % lags[:, None]
    phases = np.concatenate([np.arange(lag) / lag for lag in lags])
    return _Lattice(
        first,
        first + lags - 1,
        seen.ravel(),
        np.exp(tempo_changes(lags, model.rigidity)),
        np.exp(2j * np.pi * phases),
    )


class PhaseFilter:
    """The probability of each interval and phase of the beat, carried on from frame to frame.

    A state is an interval and how many of its frames have passed. Within a beat the phase goes on
    by one a frame; where the beat ends, the interval may change.

    Parameters
    ----------
    model
        The numbers.

    Attributes
    ----------
    weights
        The state: one probability for each interval and phase, those of an interval in a row.
    """

    def __init__(self, model: PhaseModel) -> None:
        self._restart, self._lattice = model.restart, _lattice(model)
        n_states = sum(model.lags)
        self.weights = np.full(n_states, 1 / n_states)

    def step(self, odds: float) -> float:
        """Go on by one frame, which is `odds` times likelier to be a beat than none.

        Return how likely that frame was, against one of which nothing is known.
        """
        weights, lattice = self.weights, self._lattice
        begun = weights[lattice.last] @ lattice.changes
        weights[1:] = weights[:-1]
        weights[lattice.first] = begun
        weights[lattice.seen] *= odds
        likelihood = float(weights.sum())
        weights *= (1 - self._restart) / likelihood
        weights += self._restart / len(weights)
        return likelihood

    def read(self) -> tuple[Floats, NDArray[np.complex128]]:
        """Return the probability of each interval, and the sum of its phasors, ``(n_lags,)``.

        The phasor of a state is ``exp(2j * pi * phase)``, phase in beats: at a beat it is 1.
        """
        first = self._lattice.first
        turned = self.weights * self._lattice.phasors
        return np.add.reduceat(self.weights, first), np.add.reduceat(turned, first)


class PhaseBank:
    """Filters side by side, each of its own range of intervals.

    In one filter the likeliest metrical level starves the others, which then know no phase when
    they are asked for. Here each range keeps its phases whatever the others find; how likely the
    ranges are is the log likelihood of each, in which old frames fade.

    Parameters
    ----------
    models
        The filters' numbers. Ranges should overlap, so that a tempo at a border lies inside one.
    memory
        Frames after which a frame counts 1/e.
    trust
        What the log likelihood of a filter counts: neighboring frames are no independent witnesses.

    Attributes
    ----------
    lags
        The intervals of all filters, one after the other.
    evidence
        Log likelihood of each filter, ``(n_models,)``.
    """

    def __init__(self, models: Sequence[PhaseModel], memory: float, trust: float = 1.0) -> None:
        self._filters = [PhaseFilter(model) for model in models]
        self._keep, self._trust = float(np.exp(-1 / memory)), trust
        self.lags = np.concatenate([np.array(model.lags) for model in models])
        self.evidence = np.zeros(len(models))

    def step(self, odds: float) -> None:
        """Go on by one frame, which is `odds` times likelier to be a beat than none."""
        likelihoods = [each.step(odds) for each in self._filters]
        self.evidence = self._keep * self.evidence + np.log(likelihoods)

    def read(self) -> tuple[Floats, NDArray[np.complex128]]:
        """Return the weight of each of `lags`, and the sum of its phasors.

        The likeliest filter weighs 1. See `PhaseFilter.read`.
        """
        weights = np.exp(self._trust * (self.evidence - self.evidence.max()))
        read = [each.read() for each in self._filters]
        chances = [w * each[0] for w, each in zip(weights, read, strict=True)]
        phasors = [w * each[1] for w, each in zip(weights, read, strict=True)]
        return np.concatenate(chances), np.concatenate(phasors)


class BarFilter:
    """The probability of each place in the bar, carried on from beat to beat.

    Parameters
    ----------
    meters
        Bar lengths that may occur [beats], and how likely each is.
    change
        Probability that a bar has another length than the one before it.
    """

    def __init__(self, meters: Mapping[int, float], change: float = 1e-3) -> None:
        lengths = list(meters)
        self._first = np.cumsum([0, *lengths[:-1]])
        self._last = self._first + np.array(lengths) - 1
        self._numbers = np.concatenate([np.arange(length) + 1 for length in lengths])
        self._change, self._priors = change, np.array(list(meters.values()))
        self.weights = np.repeat(self._priors / lengths, lengths)

    def after(self, gain: float) -> Floats:
        """Return the weights one beat later, whose log odds of being a downbeat are `gain`."""
        ended = self.weights[self._last]
        weights = np.roll(self.weights, 1)
        weights[self._first] = (1 - self._change) * ended + (
            self._change * ended.sum() * self._priors
        )
        weights[self._first] *= np.exp(gain)
        weights /= weights.sum()
        known: Floats = weights
        return known

    def number(self, weights: Floats) -> tuple[int, float]:
        """Return the likeliest number in the bar (1 = downbeat), and its probability."""
        chances = np.bincount(self._numbers, weights)
        number = int(chances.argmax())
        return number, float(chances[number])
