"""The boards: what each task is asked, how it answers, and how the answer is scored.

A task joins by an entry in `BOARDS`; statistics, tables and plots are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirkit.audio import Audio
from mirkit.errors import UnknownName
from mirkit.evaluation import beat, chord, key, tag
from mirkit.evaluation.tag_measures import MEASURES as TAG_MEASURES

Estimator = Callable[[Audio], Any]


@dataclass(frozen=True)
class Board:
    """A task as boards see it.

    Parameters
    ----------
    measures
        What is reported, in order: name in the scores, and label in tables.
    headline
        The measures that tables by group show.
    systems
        What is compared where nobody says.
    reference
        Reads an annotation file.
    estimator
        From the name of a system to what answers for it: ``audio → estimate``.
    score
        From reference and estimate to the measures; one that does not apply is left out.
    fingerprint
        What of a system may change under its name, such as the hash of its weights: scores kept
        from another are not used again.
    subsets
        Parts of a board that have a name, and what their columns hold.
    """

    measures: Mapping[str, str]
    headline: tuple[str, ...]
    systems: tuple[str, ...]
    reference: Callable[[Path], Any]
    estimator: Callable[[str], Estimator]
    score: Callable[[Any, Any], Mapping[str, float]]
    fingerprint: Callable[[str], str]
    subsets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


BOARDS: dict[str, Board] = {
    "beat": Board(
        measures=beat.MEASURES,
        headline=("f_measure", "cmlt", "amlt"),
        systems=("beat-tcn", "tempogram", "librosa"),
        reference=beat.reference,
        estimator=beat.estimator,
        score=beat.score,
        fingerprint=beat.fingerprint,
        subsets={"4/4 with drums": {"meter": "4/4", "drums": "1"}},
    ),
    "chord": Board(
        measures=chord.MEASURES,
        headline=("majmin", "sevenths", "seg"),
        systems=("chord-crnn", "librosa-chords"),
        reference=chord.reference,
        estimator=chord.estimator,
        score=chord.score,
        fingerprint=beat.fingerprint,
    ),
    "key": Board(
        measures=key.MEASURES,
        headline=("weighted", "correct", "local_correct"),
        systems=("key-crnn", "librosa-key"),
        reference=key.reference,
        estimator=key.estimator,
        score=key.score,
        fingerprint=beat.fingerprint,
    ),
    "tags": Board(  # its measures are over all clips at once, see `evaluate_tags`
        measures=TAG_MEASURES,
        headline=("map", "auc", "accuracy"),
        systems=("tag-mn",),
        reference=tag.reference,
        estimator=tag.estimator,
        score=tag.score,
        fingerprint=tag.fingerprint,
    ),
}
"""The boards by task."""


def board(task: str) -> Board:
    """Return the board of `task`.

    Raises
    ------
    UnknownName
        Where there is none.
    """
    if task not in BOARDS:
        raise UnknownName("task", task, list(BOARDS))
    return BOARDS[task]
