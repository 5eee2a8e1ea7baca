"""Fit the confidence of beats, and measure how honest it is.

What is right is counted thus. A *level* is right where its tempo is within 4 % of the reference's;
a *beat*, where a reference beat lies within 70 ms of it; of a *track*, it is the share of its beats
that are, and its confidence is the mean of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations
from mirkit.annotation import Beats
from mirkit.arrays import Floats
from mirkit.calibration import Logistic
from mirkit.errors import ParameterError
from mirkit.metrics.beat import tempo_scores
from mirkit.metrics.calibration import (
    auroc,
    brier,
    expected_calibration_error,
    fit_logistic,
)
from mirkit.music.beat.confidence import (
    BEAT_FEATURES,
    LEVEL_FEATURES,
    METER_FEATURES,
    Confidence,
    beat_features,
    level_features,
    meter_features,
)
from mirkit.music.beat.inputs import BeatInput, read

BEAT_TOLERANCE = 0.07  # [s]
GOOD = 0.9
"""Share of right beats from which a track counts as right, where right or wrong is asked."""

_LEVEL_PENALTY = 1.0
_BEAT_PENALTY = 30.0
# The beats of other levels outnumber those of the chosen one, and are rarely looked at.
_OTHER_WEIGHT = 0.3


@dataclass(frozen=True, eq=False)
class DecodedTrack:
    """A track as it was decoded, and the truth."""

    beats: Beats
    inputs: BeatInput
    truth: Beats
    features: Floats

    @classmethod
    def of(cls, beats: Beats, activations: Activations, truth: Beats) -> DecodedTrack:
        """Return it, with the features of its levels."""
        inputs = read(activations, upsample=False)
        return cls(beats, inputs, truth, level_features(beats, inputs))

    @property
    def right_levels(self) -> Floats:
        """Mark the hypotheses that have the true tempo."""
        scores = [tempo_scores(self.truth.bpm, level.bpm) for level in self.beats.hypotheses]
        return np.array([score["tempo_accuracy_1"] for score in scores])


@dataclass(frozen=True, eq=False)
class Outcome:
    """Promised probabilities and outcomes, one entry per decision.

    Parameters
    ----------
    confidence, correct
        In [0, 1], shape ``(n,)``.
    track
        Which track each is of, shape ``(n,)``.
    """

    confidence: Floats
    correct: Floats
    track: NDArray[np.int64]


def right_beats(times: Floats, truth: Floats) -> Floats:
    """Return which times [s] lie within 70 ms of a true beat.

    Examples
    --------
    >>> right_beats(np.array([1.0, 1.5]), np.array([1.06, 2.0]))
    array([1., 0.])
    """
    if not len(truth):
        return np.zeros(len(times))
    right = np.searchsorted(truth, times).clip(1, len(truth) - 1) if len(truth) > 1 else 0
    left = np.maximum(np.asarray(right) - 1, 0)
    distance = np.minimum(np.abs(times - truth[left]), np.abs(times - truth[right]))
    near: Floats = (distance <= BEAT_TOLERANCE).astype(np.float64)
    return near


def fit_confidence(tracks: Sequence[DecodedTrack]) -> Confidence:
    """Fit both models on tracks whose network was not trained on them.

    Raises
    ------
    ParameterError
        Where there is none with beats.
    """
    if not any(len(track.beats) for track in tracks):
        raise ParameterError("no track has beats; a fit needs some")
    level = fit_logistic(
        np.concatenate([track.features for track in tracks]),
        np.concatenate([track.right_levels for track in tracks]),
        _LEVEL_PENALTY,
    )
    rows, correct, weights = [], [], []
    for track in tracks:
        for k, (features, right) in enumerate(_beat_rows(track, level)):
            rows.append(features)
            correct.append(right)
            weights.append(np.full(len(right), 1.0 if k == track.beats.level else _OTHER_WEIGHT))
    beat = fit_logistic(
        np.concatenate(rows), np.concatenate(correct), _BEAT_PENALTY, np.concatenate(weights)
    )
    return Confidence(level, beat, fit_meter(tracks))


def fit_meter(tracks: Sequence[DecodedTrack]) -> Logistic | None:
    """Fit how sure meters are, on tracks whose meter is known; None where there are too few."""
    known = [x for x in map(meter_row, tracks) if x is not None]
    if len({right for _, right in known}) < 2:
        return None
    rows, right = zip(*known, strict=True)
    return fit_logistic(np.array(rows), np.array(right), _LEVEL_PENALTY)


def meter_row(track: DecodedTrack) -> tuple[Floats, float] | None:
    """Return the `METER_FEATURES` of the chosen level, and whether its meter is right."""
    chosen = track.beats.level
    if chosen is None or track.truth.meter is None:
        return None
    features = meter_features(track.beats.hypotheses[chosen], track.inputs)
    if features is None:
        return None
    return features, float(track.beats.meter == track.truth.meter)


def _beat_rows(track: DecodedTrack, level: Logistic) -> Iterator[tuple[Floats, Floats]]:
    """Yield features and rightness of the beats of each hypothesis."""
    odds = track.features @ np.array(level.weights) + level.intercept
    for known, row, own in zip(track.beats.hypotheses, track.features, odds, strict=True):
        features = beat_features(known, row, float(own), track.inputs)
        yield features, right_beats(known.times, track.truth.times)


def outcomes(
    tracks: Sequence[DecodedTrack], confidence_of: Callable[[int], Confidence]
) -> dict[str, Outcome]:
    """Return what was promised and kept of the chosen level, of its beats, and of whole tracks.

    Parameters
    ----------
    tracks
        The tracks; those without beats promise nothing.
    confidence_of
        The models for each track, by its index.
    """
    found: dict[str, list[tuple[Floats, Floats, int]]] = {"level": [], "beat": [], "track": []}
    for i, track in enumerate(tracks):
        chosen = track.beats.level
        if chosen is None or not len(track.beats):
            continue
        models = confidence_of(i)
        features, right = list(_beat_rows(track, models.level))[chosen]
        sure = models.beat(features)
        level = models.level(track.features[chosen : chosen + 1])
        found["level"].append((level, track.right_levels[chosen : chosen + 1], i))
        found["beat"].append((sure, right, i))
        found["track"].append((sure.mean(keepdims=True), right.mean(keepdims=True), i))
    return {name: _join(parts) for name, parts in found.items()}


def _join(parts: list[tuple[Floats, Floats, int]]) -> Outcome:
    if not parts:
        raise ParameterError("no track has beats; there is nothing to measure")
    sure, right, track = zip(*parts, strict=True)
    return Outcome(
        np.concatenate(sure), np.concatenate(right), np.repeat(track, [len(x) for x in sure])
    )


def cross_validate(tracks: Sequence[DecodedTrack], n_folds: int = 10) -> dict[str, Outcome]:
    """Return the outcomes of tracks whose models were fitted on the other folds."""
    folds = [
        fit_confidence([track for i, track in enumerate(tracks) if i % n_folds != fold])
        for fold in range(n_folds)
    ]
    return outcomes(tracks, lambda i: folds[i % n_folds])


def honesty(outcome: Outcome, n_draws: int = 200, seed: int = 0) -> dict[str, float]:
    """Return how honest confidence is.

    Returns
    -------
    dict
        ``n``, ``right`` and ``confidence`` (means), ``ece`` (bins of equal width), ``ece_mass`` (of
        equal mass), ``ece_floor``: what `ece` would be, of as many decisions, were the confidence
        exactly right (nan for shares); ``brier``; ``auroc`` with its bootstrap interval over
        tracks, ``auroc_low`` and ``auroc_high`` (shares count as right from 0.9).
    """
    p, y = outcome.confidence, outcome.correct
    rng = np.random.default_rng(seed)
    binary = np.isin(y, (0, 1)).all()
    decided = y if binary else (y >= GOOD).astype(np.float64)
    drawn = [auroc(p[i], decided[i]) for i in _draws(outcome.track, n_draws, rng)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    floor = [expected_calibration_error(p, rng.uniform(size=len(p)) < p) for _ in range(n_draws)]
    return {
        "n": float(len(p)),
        "right": float(y.mean()),
        "confidence": float(p.mean()),
        "ece": expected_calibration_error(p, y),
        "ece_mass": expected_calibration_error(p, y, bins="mass"),
        "ece_floor": float(np.mean(floor)) if binary else float("nan"),
        "brier": brier(p, y),
        "auroc": auroc(p, decided),
        "auroc_low": float(low),
        "auroc_high": float(high),
    }


def _draws(
    track: NDArray[np.int64], n_draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the entries of as many tracks as there are, drawn with replacement."""
    order = np.argsort(track, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(track[order])) + 1)
    for _ in range(n_draws):
        yield np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])


def card_with(text: str, confidence: Confidence, sha256: str | None, decoder: str) -> str:
    """Return the text of a card with its ``[confidence]`` section written anew.

    Parameters
    ----------
    text
        The card (TOML).
    confidence
        What was fitted.
    sha256
        Hash of the weights that it was fitted for.
    decoder
        Name of the decoder that it was fitted for.
    """
    kept = re.sub(r"(?ms)^\[confidence\b[^\n]*\n.*?(?=^\[(?!confidence\b)|\Z)", "", text)
    lines = ["[confidence]", f'decoder = "{decoder}"', f'sha256 = "{sha256}"']
    for name, model, features in (
        ("level", confidence.level, LEVEL_FEATURES),
        ("beat", confidence.beat, BEAT_FEATURES),
        ("meter", confidence.meter, METER_FEATURES),
    ):
        if model is None:
            continue
        lines += ["", f"[confidence.{name}]", f"intercept = {model.intercept:.5f}"]
        lines += [f"{x} = {w:.5f}" for x, w in zip(features, model.weights, strict=True)]
    return kept.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"
