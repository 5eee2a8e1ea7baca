"""From frames to `Beats`: seconds, numbers in the bar, tempi, ranked hypotheses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.annotation import Beats, TempoHypothesis
from mirkit.annotation.rhythm import measure_bpm
from mirkit.arrays import Floats, Ints
from mirkit.decoding import bars
from mirkit.decoding.peaks import refine, window_maximum
from mirkit.music.beat.inputs import BeatInput
from mirkit.music.beat.options import Meter, meter_priors

# No network is surer than this of a downbeat.
DOUBT = 0.01

# What a bar of another length costs [nats], and where one tempo holds for the whole recording.
CHANGE = 10.0
STEADY_CHANGE = 30.0

# Levels whose tempi differ by less are one.
SAME = 0.04

# What a level weighs, against the best, that had to be made from the best.
MADE_WEIGHT = 1e-3


@dataclass(frozen=True, eq=False)
class Decoded:
    """A level with its beats; `weight` is not a score yet."""

    bpm: float
    weight: float
    times: Floats
    positions: Ints | None


def seconds(inputs: BeatInput, frames: Ints) -> Floats:
    """Return the time of each beat [s]: where the parabola through its frame peaks."""
    # a parabola may peak before frame 0, a time may not
    return np.maximum(inputs.grid.time_of(refine(inputs.beat, frames)), 0.0)


def number(inputs: BeatInput, frames: Ints, meter: Meter, is_steady: bool = False) -> Ints | None:
    """Return the number of each beat in its bar, or None without a downbeat head.

    Songs of one tempo seldom leave a bar short: where beats are steady, that costs more.
    """
    gains = downbeat_gains(inputs, frames)
    cost = STEADY_CHANGE if is_steady else CHANGE
    return None if gains is None else bars.number_beats(gains, meter_priors(meter), cost)


def downbeat_gains(inputs: BeatInput, frames: Ints) -> Floats | None:
    """Return the log odds of each beat to begin a bar, ``(n_beats,)``, less their mean.

    None without a downbeat head.
    """
    if inputs.downbeat is None:
        return None
    near = np.clip(window_maximum(inputs.downbeat, 2)[frames], DOUBT, 1 - DOUBT)
    odds = np.log(near / (1 - near))
    # Networks differ in how sure they are of downbeats. Against the mean of the track, a longer bar
    # gains nothing by having fewer of them, nor a shorter one by having more.
    if inputs.harmony is not None:
        odds = odds + inputs.harmony.change_gains(inputs.grid.time_of(frames))
    gains: Floats = odds - odds.mean() if len(odds) else odds
    return gains


def hypothesis(
    inputs: BeatInput, lag: int, weight: float, times: Floats, positions: Ints | None
) -> Decoded:
    """Return a decoded level."""
    return Decoded(measure_bpm(times) or 60 * inputs.fps / lag, weight, times, positions)


def _apart(ranked: list[Decoded]) -> list[Decoded]:
    """Return the levels whose tempo no heavier one has."""
    kept: list[Decoded] = []
    for level in ranked:
        if all(abs(level.bpm / other.bpm - 1) >= SAME for other in kept):
            kept.append(level)
    return kept


def _is_missing(levels: list[Decoded], bpm: float, bpm_range: tuple[float, float]) -> bool:
    inside = bpm_range[0] <= bpm <= bpm_range[1]
    return inside and all(abs(level.bpm / bpm - 1) >= SAME for level in levels)


def _make(inputs: BeatInput, level: Decoded, ratio: float, meter: Meter) -> Decoded:
    """Return every second beat of a level, those on the stronger frames, or beats between too."""
    if ratio > 1:
        between = (level.times[1:] + level.times[:-1]) / 2
        times = np.sort(np.concatenate([level.times, between]))
    else:
        last = len(inputs.beat) - 1
        strength = inputs.beat[np.clip(inputs.grid.frame_at(level.times), 0, last)]
        times = level.times[int(strength[1::2].sum() > strength[::2].sum()) :: 2]
    frames = np.clip(inputs.grid.frame_at(times), 0, len(inputs.beat) - 1)
    weight = level.weight * MADE_WEIGHT
    return Decoded(level.bpm * ratio, weight, times, number(inputs, frames, meter))


def assemble(
    inputs: BeatInput,
    decoded: list[Decoded],
    wanted_bpm: float | None,
    bpm_range: tuple[float, float],
    meter: Meter,
) -> Beats:
    """Return the beats of the level of most weight, or nearest to `wanted_bpm`, with all levels.

    The levels come best first, and their scores sum to 1. Two that were decoded at different tempi
    may have met at one, and then the lighter is dropped; half and twice the tempo are always there
    where the range of tempi has them.
    """
    if not any(len(level.times) for level in decoded):
        return Beats(provenance=inputs.provenance)
    ranked = _apart(sorted(decoded, key=lambda level: -level.weight))
    ranked += [
        _make(inputs, ranked[0], ratio, meter)
        for ratio in (0.5, 2.0)
        if _is_missing(ranked, ranked[0].bpm * ratio, bpm_range)
    ]
    total = sum(level.weight for level in ranked)
    chosen = 0
    if wanted_bpm is not None:
        chosen = int(np.argmin([abs(np.log(level.bpm / wanted_bpm)) for level in ranked]))
    best = ranked[chosen]
    return Beats(
        best.times,
        best.positions,
        hypotheses=tuple(
            TempoHypothesis(level.bpm, level.weight / total, level.times, level.positions)
            for level in ranked
        ),
        level=chosen,
        provenance=inputs.provenance,
    )
