"""Score beats: the measures of mir_eval, with tempo and downbeats beside them.

All need reference beats that a person tapped or a renderer knows. By the field's custom the first
5 s are left out, as listeners need some time to find the beat.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.annotation import Beats
from mirkit.arrays import Floats

OCTAVES = (1.0, 2.0, 0.5, 3.0, 1 / 3)
"""Factors by which Accuracy 2 lets a tempo be off."""

TEMPO_TOLERANCE = 0.04
"""Relative error within which Accuracy 1 and 2 take a tempo as right."""


def beat_scores(reference: Beats, estimate: Beats, trim: float = 5.0) -> dict[str, float]:
    """Score estimated beats against reference beats.

    Parameters
    ----------
    reference, estimate
        The beats; downbeat F needs positions in both, and is left out where one has none.
    trim
        Beats before this time are not scored [s].

    Returns
    -------
    dict
        ``f_measure`` (±70 ms), ``cemgil``, ``goto``, ``p_score``, ``cmlc``, ``cmlt``, ``amlc``,
        ``amlt`` (correct, or any allowed, metrical level; longest run, or total), the
        ``information_gain`` [normalized], ``downbeat_f_measure``, ``tempo_accuracy_1`` and ``_2``
        (of the median beat intervals, within 4 %, and up to octaves and triples); all in [0, 1].

    Examples
    --------
    >>> beats = Beats([5.5, 6.0, 6.5, 7.0], positions=[1, 2, 3, 4])
    >>> beat_scores(beats, beats)["cmlt"]
    1.0
    """
    if trim < 0:
        checks.positive("trim", trim)
    true, found = (beats.times[beats.times >= trim] for beats in (reference, estimate))
    scores = _mir_eval_scores(true, found)
    if reference.positions is not None and estimate.positions is not None:
        scores["downbeat_f_measure"] = _f_measure(
            reference.downbeats[reference.downbeats >= trim],
            estimate.downbeats[estimate.downbeats >= trim],
        )
    return scores | tempo_scores(reference.bpm, estimate.bpm)


def tempo_scores(reference: float | None, estimate: float | None) -> dict[str, float]:
    """Return whether a tempo [bpm] is right within 4 %, and right up to a factor of 2 or 3.

    Two tracks without tempo agree.
    """
    if reference is None or estimate is None:
        same = float(reference is None and estimate is None)
        return {"tempo_accuracy_1": same, "tempo_accuracy_2": same}
    right = [abs(estimate / (reference * f) - 1) <= TEMPO_TOLERANCE for f in OCTAVES]
    return {"tempo_accuracy_1": float(right[0]), "tempo_accuracy_2": float(any(right))}


def _mir_eval_scores(true: Floats, found: Floats) -> dict[str, float]:
    from mir_eval import beat

    def quietly(function: Any) -> Any:
        return _quietly(function, true, found)

    cmlc, cmlt, amlc, amlt = quietly(beat.continuity)
    cemgil, _ = quietly(beat.cemgil)
    scores = {
        "f_measure": quietly(beat.f_measure),
        "cemgil": cemgil,
        "goto": quietly(beat.goto),
        "p_score": quietly(beat.p_score),
        "cmlc": cmlc,
        "cmlt": cmlt,
        "amlc": amlc,
        "amlt": amlt,
        "information_gain": quietly(beat.information_gain),
    }
    return {name: float(np.nan_to_num(value)) for name, value in scores.items()}


def _f_measure(true: Floats, found: Floats) -> float:
    from mir_eval import beat

    return float(_quietly(beat.f_measure, true, found))


def _quietly(function: Any, true: Floats, found: Floats) -> Any:
    with warnings.catch_warnings():  # mir_eval warns where there are no beats; the score says it
        warnings.simplefilter("ignore")
        return function(true, found)
