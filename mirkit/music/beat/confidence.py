"""Calibrated confidence of beats, from activations and metrical levels.

Two small logistic models stand in the card of a network, under ``[confidence]``. ``level`` says
how likely the tempo of a metrical level is the one that listeners tap, within 4 %; ``beat`` says
how likely a beat lies within 70 ms of a true one. They are fitted by ``benchmarks/confidence.py``
on recordings that the network was not trained on, and hold for its weights and decoder only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mirkit.activations import Activations
from mirkit.annotation import Beats, TempoHypothesis
from mirkit.arrays import Floats
from mirkit.calibration import Logistic, sigmoid
from mirkit.decoding.peaks import window_maximum
from mirkit.decoding.tempo import smooth_histogram
from mirkit.errors import FormatError
from mirkit.music.beat.inputs import BeatInput, read
from mirkit.music.beat.options import USUAL
from mirkit.music.beat.results import downbeat_gains
from mirkit.zoo.registry import Card

LEVEL_FEATURES = (
    "score_margin",  # log score, against the best other level
    "belief_margin",  # log of what the tempo head believes of it, against the best other level
    "against_double",  # the same, against twice the tempo
    "against_half",
    "octaves",  # above 120 bpm
    "octaves_squared",
    "downbeats",  # mean downbeat activation at the first beats of bars
    "downbeat_alternation",  # between every other bar: bars may be twice as long
    "mid_bar",  # downbeat activation in the middle of bars: bars may be half as long
)
BEAT_FEATURES = (
    "activation",  # log odds of the beat head at the beat
    "neighbors",  # the same, mean of the beats before and after
    "mean_activation",  # the same, mean of all beats
    "unevenness",  # log ratio of the interval before or after to the median, the larger
    "level",  # log odds that the level is right
    "against_half",  # as for levels: where the truth is half the tempo, every other beat is wrong
    "weaker_half",  # activation of this beat's parity less that of the other
)

METER_FEATURES = (
    "margin",  # mean log odds of the downbeats of the meter, against the best other meter
)

LIMIT = 8.0
"""No log ratio counts for more."""

_TOLERANCE = 0.04
_BLUR = 4.0  # half the window that the tempo head is smoothed with [bpm]
_LEAST = 1e-3


@dataclass(frozen=True)
class Confidence:
    """The confidence of beats, of their tempo, and of all other levels.

    Parameters
    ----------
    level
        From `LEVEL_FEATURES` to whether the level is right.
    beat
        From `BEAT_FEATURES` to whether the beat is.
    meter
        From `METER_FEATURES` to whether the number of beats in a bar is; None where not fitted.
    """

    level: Logistic
    beat: Logistic
    meter: Logistic | None = None

    @classmethod
    def from_card(cls, card: Card) -> Confidence | None:
        """Return what was fitted for a card's weights; None where nothing was, or for others.

        Raises
        ------
        FormatError
            Where the card lacks a feature or holds an unknown one.
        """
        fitted = card.confidence
        if not fitted or fitted.get("sha256") != card.sha256:
            return None
        return cls(
            _model(card, "level", fitted, LEVEL_FEATURES),
            _model(card, "beat", fitted, BEAT_FEATURES),
            _model(card, "meter", fitted, METER_FEATURES) if "meter" in fitted else None,
        )

    def __call__(self, beats: Beats, activations: Activations) -> Beats:
        """Return `beats` with confidence, decoded from `activations`, which have a tempo head."""
        inputs = read(activations, upsample=False)
        if inputs.tempo is None or beats.level is None:
            return beats
        features = level_features(beats, inputs)
        odds = features @ np.array(self.level.weights) + self.level.intercept
        levels = tuple(
            replace(
                level,
                confidence=self.beat(beat_features(level, row, own, inputs)),
                tempo_confidence=float(sigmoid(own)),
                meter_confidence=self._sure_of_meter(level, inputs),
            )
            for level, row, own in zip(beats.hypotheses, features, odds, strict=True)
        )
        chosen = levels[beats.level]
        return replace(beats, confidence=chosen.confidence, hypotheses=levels)

    def _sure_of_meter(self, level: TempoHypothesis, inputs: BeatInput) -> float | None:
        features = meter_features(level, inputs)
        if self.meter is None or features is None:
            return None
        return float(self.meter(features[None])[0])


def meter_features(level: TempoHypothesis, inputs: BeatInput) -> Floats | None:
    """Return `METER_FEATURES` of a hypothesis, shape ``(1,)``, or None where it has no bars."""
    found = Beats(level.times, level.positions).meter
    frames = np.clip(inputs.grid.frame_at(level.times), 0, max(len(inputs.beat) - 1, 0))
    gains = downbeat_gains(inputs, frames)
    if found is None or gains is None:
        return None
    scores = {length: _best_phase(gains, length) for length in {found, *USUAL}}
    margin = scores.pop(found) - max(scores.values())
    return np.array([np.clip(margin, -LIMIT, LIMIT)])


def _best_phase(gains: Floats, length: int) -> float:
    """Return the largest mean gain of every `length`-th beat."""
    means = [gains[phase::length].mean() for phase in range(min(length, len(gains)))]
    return float(max(means, default=0.0))


def _model(card: Card, name: str, fitted: Mapping[str, object], known: tuple[str, ...]) -> Logistic:
    table = fitted.get(name)
    if not isinstance(table, Mapping) or set(table) != {"intercept", *known}:
        held = ", ".join(table) if isinstance(table, Mapping) else "nothing"
        raise FormatError(
            f"{card.source}: confidence.{name} holds {held}; it needs intercept, "
            f"{', '.join(known)}. Fit it again: benchmarks/confidence.py"
        )
    return Logistic(tuple(float(table[each]) for each in known), float(table["intercept"]))


def level_features(beats: Beats, inputs: BeatInput) -> Floats:
    """Return `LEVEL_FEATURES` of each hypothesis, shape ``(n_hypotheses, n_features)``."""
    levels = beats.hypotheses
    scores = np.log([level.score + 1e-6 for level in levels])
    bpms = np.array([level.bpm for level in levels])
    own, double, half = (_belief(inputs, bpms * ratio) for ratio in (1.0, 2.0, 0.5))
    octaves = np.log2(bpms / 120)
    columns = (_margin(scores), _margin(own), own - double, own - half, octaves, octaves**2)
    bars = [_bar_features(level, inputs) for level in levels]
    return np.column_stack([*columns, np.array(bars).reshape(len(levels), 3)])


def beat_features(
    level: TempoHypothesis, level_row: Floats, level_odds: float, inputs: BeatInput
) -> Floats:
    """Return `BEAT_FEATURES` of each beat of a hypothesis, shape ``(n_beats, n_features)``.

    Parameters
    ----------
    level
        The hypothesis.
    level_row
        Its `LEVEL_FEATURES`.
    level_odds
        Log odds that it is right.
    inputs
        The activations.
    """
    n = len(level.times)
    activation = _odds(_at(inputs, inputs.beat, level.times))
    around = np.pad(activation, 1, mode="reflect") if n > 1 else np.zeros(n + 2)
    parity = np.zeros(n)
    if n > 1:
        lead = activation[::2].mean() - activation[1::2].mean()
        parity = np.where(np.arange(n) % 2, -lead, lead)
    track = [
        activation.mean() if n else 0.0,
        level_odds,
        level_row[LEVEL_FEATURES.index("against_half")],
    ]
    mean, odds, against_half = np.tile(track, (n, 1)).T
    neighbors = (around[:-2] + around[2:]) / 2
    return np.column_stack(
        [activation, neighbors, mean, _unevenness(level.times), odds, against_half, parity]
    )


def _at(inputs: BeatInput, curve: Floats, times: Floats) -> Floats:
    """Return the largest value of a curve within a frame of each time."""
    frames = np.clip(inputs.grid.frame_at(times), 0, max(len(curve) - 1, 0))
    near: Floats = window_maximum(curve, 1)[frames]
    return near


def _odds(p: Floats) -> Floats:
    inside = np.clip(p, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(inside / (1 - inside))
    return odds


def _belief(inputs: BeatInput, bpms: Floats) -> Floats:
    """Return the log of what the tempo head gives each tempo, within 4 % or its blur."""
    assert inputs.tempo is not None
    assert inputs.bpms is not None
    sums = np.concatenate([[0.0], np.cumsum(smooth_histogram(inputs.tempo))])
    reach = np.maximum(_BLUR, _TOLERANCE * bpms)
    first = np.searchsorted(inputs.bpms, bpms - reach)
    last = np.searchsorted(inputs.bpms, bpms + reach, side="right")
    belief: Floats = np.log(sums[last] - sums[first] + _LEAST)
    return belief


def _margin(values: Floats) -> Floats:
    """Return by how much each value exceeds the largest of the others."""
    others = [np.max(np.delete(values, k), initial=-np.inf) for k in range(len(values))]
    return np.clip(values - np.array(others), -LIMIT, LIMIT)


def _bar_features(level: TempoHypothesis, inputs: BeatInput) -> tuple[float, float, float]:
    if level.positions is None or inputs.downbeat is None or not len(level.times):
        return 0.0, 0.0, 0.0
    downbeat = _at(inputs, inputs.downbeat, level.times)
    first = downbeat[level.positions == 1]
    middle = downbeat[level.positions == 3] if level.positions.max() == 4 else first[:0]
    alternation = abs(first[::2].mean() - first[1::2].mean()) if len(first) > 2 else 0.0
    return (
        float(first.mean()) if len(first) else 0.0,
        float(alternation),
        float(middle.mean()) if len(middle) else 0.0,
    )


def _unevenness(times: Floats) -> Floats:
    """Return how far the worse interval beside each beat is from the median, as a log ratio."""
    if len(times) < 3:
        return np.zeros(len(times))
    intervals = np.diff(times)
    ratio = np.pad(np.abs(np.log(intervals / np.median(intervals))), 1)
    larger: Floats = np.maximum(ratio[:-1], ratio[1:])
    return larger
