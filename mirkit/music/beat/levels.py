"""The metrical levels of a track: which tempi to decode at, and how much speaks for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.arrays import Floats, Ints
from mirkit.decoding import tempo
from mirkit.music.beat.inputs import BeatInput

RATIOS = (1.0, 0.5, 2.0, 2 / 3, 1.5)
# A level is looked for this far (as a log ratio) from where the ratio says: beats are not machines.
NEAR = 0.06
# A hint means a level this near to it; where none is, the hint itself becomes one.
NEAR_HINT = 0.15
# A beat is worth what its activation exceeds this by [standard deviations]. A level with beats
# between the peaks pays for them, one that leaves out every other peak forgoes their worth.
WORTHY = 1.75
# Evidence looks at one lag, worth at the whole path: so much more it counts.
WORTH_POWER = 4


@dataclass(frozen=True)
class Level:
    """A tempo to decode at.

    Parameters
    ----------
    lag
        Frames from beat to beat.
    weight
        Evidence for it; only ratios between the levels of a track mean something.
    """

    lag: int
    weight: float


def evidence(inputs: BeatInput, strength: Floats, max_lag: int) -> Floats:
    """Return how likely each lag up to `max_lag` is the beat: index = lag, 0 below 2 frames.

    It is the autocorrelation of the activation times what the tempo head says; without that head, a
    broad bell around 120 bpm stands in for it.
    """
    periodicity = tempo.autocorrelation(strength, max_lag)
    bpms = 60 * inputs.fps / np.maximum(np.arange(max_lag + 1), 1)
    if inputs.tempo is None or inputs.bpms is None:
        belief = tempo.log_normal(bpms)
    else:
        belief = np.interp(bpms, inputs.bpms, tempo.smooth_histogram(inputs.tempo))
    weights: Floats = periodicity * belief
    weights[:2] = 0
    return weights


def find(
    inputs: BeatInput,
    weights: Floats,
    bpm_range: tuple[float, float],
    hint: float | None = None,
    known: float | None = None,
) -> list[Level]:
    """Return the levels to decode at: the lag of most evidence, and those at simple ratios to it.

    There are none where nothing repeats.

    Parameters
    ----------
    inputs
        The activations.
    weights
        Evidence by lag.
    bpm_range
        Slowest and fastest tempo [bpm].
    hint
        Lag that the listener expects [frames], or None; a level is made of it where none is near.
    known
        Lag of a level that is decoded already [frames], to which the ratios refer, or None.
    """
    lags = tempo.lags_between(bpm_range[1], bpm_range[0], inputs.fps)
    lags = lags[lags < len(weights)]
    if not len(lags) or not weights[lags].max() > 0:
        return []
    root = known or float(lags[weights[lags].argmax()])
    near = [_nearest(lags, weights, root / ratio, NEAR) for ratio in RATIOS]
    found = {level.lag: level for level in near if level is not None}
    if hint is not None and all(abs(np.log(lag / hint)) > NEAR_HINT for lag in found):
        level = _nearest(lags, weights, hint, NEAR_HINT)
        if level is not None:
            found[level.lag] = level
    return list(found.values())


def weigh(level: Level, strength: Floats, frames: Ints) -> float:
    """Return how much speaks for a level, now that its beats are known.

    It is ``evidence * worth ** WORTH_POWER``, where the worth is the sum over the beats of what
    their strength exceeds `WORTHY` by, as a share of what the frames that exceed it hold.

    Parameters
    ----------
    level
        The level.
    strength
        The activation in standard deviations, shape ``(n_frames,)``.
    frames
        Its beats.
    """
    worth = float(np.sum(strength[frames] - WORTHY))
    most = float(np.sum(np.maximum(strength - WORTHY, 0)))
    # a level of no worth is kept, as the last of all
    return level.weight * max(worth / most if most else 0.0, 1e-3) ** WORTH_POWER


def _nearest(lags: Ints, weights: Floats, lag: float, reach: float) -> Level | None:
    inside = lags[np.abs(np.log(lags / lag)) <= reach]
    if not len(inside):
        return None
    best = int(inside[weights[inside].argmax()])
    return Level(best, float(weights[best]))
