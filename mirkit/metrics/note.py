"""Score notes: precision, recall and F-measure as mir_eval defines them for transcription.

A note is right where one of the reference begins within a tolerance of it and has its pitch; each
note of the reference is matched with one at most. By a stricter measure they must end together
too, and by a looser one the pitch does not matter.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.annotation import Events
from mirkit.arrays import Floats
from mirkit.errors import ParameterError

LEAST_LENGTH = 1e-3
"""Shorter notes are scored as if they had this length [s]; mir_eval wants them to have one."""


def note_scores(
    reference: Events,
    estimate: Events,
    *,
    onset_tolerance: float = 0.05,
    pitch_tolerance: float = 50.0,
    offset_ratio: float = 0.2,
    offset_tolerance: float = 0.05,
) -> dict[str, float]:
    """Score estimated notes against reference notes.

    Parameters
    ----------
    reference, estimate
        Notes with pitches.
    onset_tolerance
        How far the starts of two notes may be apart [s].
    pitch_tolerance
        How far their pitches may be apart [cents].
    offset_ratio, offset_tolerance
        How far their ends may be apart: this share of the reference note's length, and at least
        this time [s].

    Returns
    -------
    dict
        ``precision``, ``recall`` and ``f_measure`` of starts and pitches; the same with
        ``offset_`` before it where ends count too, and with ``onset_`` where pitches do not;
        ``overlap``, how much of the time of two matched notes is common to both, in the mean; and,
        where both have velocities, ``velocity_f_measure``, for which these must agree within a
        tenth, after the line that fits them best. All in [0, 1]; 0 where one has no notes.

    Raises
    ------
    ParameterError
        Where pitches are missing, or a tolerance is not above 0.

    Examples
    --------
    >>> notes = Events([[0, 1], [1, 2]], ("60", "64"), kind="note")
    >>> other = Events([[0.02, 1], [1, 1.5]], ("60", "64"), kind="note")
    >>> scores = note_scores(notes, other)
    >>> scores["f_measure"], scores["offset_f_measure"]
    (1.0, 0.5)
    """
    checks.positive("onset_tolerance", onset_tolerance)
    checks.positive("pitch_tolerance", pitch_tolerance)
    checks.positive("offset_ratio", offset_ratio)
    checks.positive("offset_tolerance", offset_tolerance)
    true, found = _arrays("reference", reference), _arrays("estimate", estimate)
    near = {"onset_tolerance": onset_tolerance}
    same = {**near, "pitch_tolerance": pitch_tolerance}
    ends = {"offset_ratio": offset_ratio, "offset_min_tolerance": offset_tolerance}
    scores = {
        **_scores("", _transcription, *true, *found, **same, offset_ratio=None),
        **_scores("offset_", _transcription, *true, *found, **same, **ends),
        **_scores("onset_", _onsets, true[0], found[0], **near),
    }
    del scores["offset_overlap"]
    if reference.velocities is not None and estimate.velocities is not None:
        loud = (*true, reference.velocities, *found, estimate.velocities)
        with_velocity = _scores("velocity_", _velocity, *loud, **same, offset_ratio=None)
        scores["velocity_f_measure"] = with_velocity["velocity_f_measure"]
    return scores


def _arrays(name: str, notes: Events) -> tuple[Floats, Floats]:
    """Return intervals and frequencies as mir_eval takes them."""
    if notes.frequencies is None:
        raise ParameterError(
            f"the {name} has no pitches: its kind is {notes.kind!r}, and notes are scored. "
            "Give Events of kind 'note' with pitches."
        )
    starts, ends = notes.intervals.T
    return np.stack([starts, np.maximum(ends, starts + LEAST_LENGTH)], axis=1), notes.frequencies


NAMES = ("precision", "recall", "f_measure", "overlap")


def _scores(prefix: str, measure: Any, *arrays: Any, **options: Any) -> dict[str, float]:
    with warnings.catch_warnings():  # mir_eval warns where there are no notes; the score says it
        warnings.simplefilter("ignore")
        values = measure(*arrays, **options)
    return {prefix + name: float(x) for name, x in zip(NAMES, values, strict=False)}


def _transcription(*arrays: Any, **options: Any) -> Any:
    from mir_eval import transcription

    return transcription.precision_recall_f1_overlap(*arrays, **options)


def _onsets(*arrays: Any, **options: Any) -> Any:
    from mir_eval import transcription

    return transcription.onset_precision_recall_f1(*arrays, **options)


def _velocity(*arrays: Any, **options: Any) -> Any:
    from mir_eval import transcription_velocity

    return transcription_velocity.precision_recall_f1_overlap(*arrays, **options)
