"""Fields of a beets item that hold an analysis.

| field | holds |
|---|---|
| ``bpm`` | tempo, whole, as beets has it |
| ``initial_key`` | key, as file tags spell it |
| ``mirkit_bpm`` | tempo of the grid with two decimals |
| ``mirkit_tempo_confidence`` | how sure its metrical level is, in [0, 1] |
| ``mirkit_tempo_alternatives`` | tempi of the other levels, likely ones first |
| ``mirkit_beat_confidence`` | share of the beats that is expected to be right |
| ``mirkit_key_confidence`` | how sure the key is, in [0, 1] |
| ``mirkit_heard`` | the tasks done, so that what has no pulse is not heard again |
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from mirkit.annotation import Analysis, Beats, Key
from mirkit.decoding.gridfit import fit_grid
from mirkit.formats.dj.keys import spell_key
from mirkit.tasks import TASKS

Fields: TypeAlias = dict[str, "int | float | str | None"]

HEARD = "mirkit_heard"
FIELDS = {"Beats": "bpm", "Key": "initial_key"}
"""The field of beets that holds each kind of annotation."""

FIELD_OF = {task.name: FIELDS[task.value] for task in TASKS.values() if task.value in FIELDS}
"""The field of beets that each task is for."""


class HasFields(Protocol):
    """An item of beets, or a mapping."""

    def get(self, key: str, /) -> Any:
        """Return the value of a field, or None."""


def missing_tasks(item: HasFields) -> tuple[str, ...]:
    """Return the tasks whose field is empty, and which were not tried before.

    Examples
    --------
    >>> missing_tasks({"bpm": 128, "initial_key": None})
    ('key',)
    >>> missing_tasks({"bpm": 0, "initial_key": "Am", "mirkit_heard": "beats key"})
    ()
    """
    heard = str(item.get(HEARD) or "").split()
    return tuple(
        task for task, field in FIELD_OF.items() if not item.get(field) and task not in heard
    )


def fields_of(found: Analysis, heard: str = "") -> Fields:
    """Return the fields of an analysis, with None for what was not heard.

    Parameters
    ----------
    found
        With beats, a key, or both.
    heard
        What `HEARD` holds so far.
    """
    fields: Fields = {}
    for annotation in found.values():
        if isinstance(annotation, Beats):
            fields |= _of_beats(annotation)
        elif isinstance(annotation, Key):
            fields |= _of_key(annotation)
    return fields | {HEARD: " ".join(sorted({*heard.split(), *found}))}


def _of_beats(beats: Beats) -> Fields:
    bpm = fit_grid(beats).grid.bpm if len(beats) > 1 else None
    chosen = beats.bpm
    others = [f"{level.bpm:.2f}" for level in beats.hypotheses if level.bpm != chosen]
    return {
        "bpm": None if bpm is None else round(bpm),
        "mirkit_bpm": None if bpm is None else round(bpm, 2),
        "mirkit_tempo_confidence": beats.tempo_confidence,
        "mirkit_tempo_alternatives": " ".join(others) or None,
        "mirkit_beat_confidence": beats.track_confidence,
    }


def _of_key(key: Key) -> Fields:
    return {
        "initial_key": None if key.label is None else spell_key(key.label),
        "mirkit_key_confidence": key.confidence,
    }
