"""From values to the annotations of JAMS: namespace, observations, and what the sandbox holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from mirkit.annotation import (
    Beats,
    Caption,
    Embedding,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoHypothesis,
    TempoMap,
)
from mirkit.errors import ParameterError
from mirkit.vocab.keys import CHURCH_MODES, MODES, NO_KEY, write_key

Row: TypeAlias = tuple[float, float, Any, float | None]
"""One observation: time [s], duration [s], value, confidence."""

Written: TypeAlias = tuple[str, list[Row], dict[str, Any]]
"""Namespace, observations, and what goes into the sandbox."""


def _duration(start: float, end: float) -> float:
    """Return the length that, added to `start`, gives `end` exactly."""
    length = end - start
    for near in (length, np.nextafter(length, np.inf), np.nextafter(length, 0)):
        if start + near == end:
            return float(near)
    return length


def _listed(values: Any) -> list[Any] | None:
    return None if values is None else values.tolist()


def _column(values: Any, n: int) -> list[Any]:
    return [None] * n if values is None else values.tolist()


def _spans(x: Segments | Events, values: Any) -> list[Row]:
    confidence = _column(x.confidence, len(x))
    spans = x.intervals.tolist()
    return [
        (start, _duration(start, end), value, sure)
        for (start, end), value, sure in zip(spans, values, confidence, strict=True)
    ]


def _beats(x: Beats, duration: float) -> Written:
    positions = [position or None for position in _column(x.positions, len(x))]
    confidence = _column(x.confidence, len(x))
    rows = zip(x.times.tolist(), [0.0] * len(x), positions, confidence, strict=True)
    has = {"positions": x.positions is not None, "confidence": x.confidence is not None}
    return (
        "beat",
        list(rows),
        {"has": has, "hypotheses": [*map(_level, x.hypotheses)], "level": x.level,
         "denominators": _listed(x.denominators)},
    )  # fmt: skip


def _level(x: TempoHypothesis) -> dict[str, Any]:
    return {
        "bpm": x.bpm,
        "score": x.score,
        "times": x.times.tolist(),
        "positions": _listed(x.positions),
        "confidence": _listed(x.confidence),
        "tempo_confidence": x.tempo_confidence,
        "meter_confidence": x.meter_confidence,
    }


def _tempo(x: Tempo, duration: float) -> Written:
    levels = x.hypotheses or (
        [] if x.bpm is None else [(x.bpm, 1.0 if x.confidence is None else x.confidence)]
    )
    rows: list[Row] = [(0.0, duration, bpm, score) for bpm, score in levels]
    extra = {"bpm": x.bpm, "confidence": x.confidence, "hypotheses": [*x.hypotheses],
             "meter": x.meter, "meter_confidence": x.meter_confidence}  # fmt: skip
    return "tempo", rows, extra


def _tempo_map(x: TempoMap, duration: float) -> Written:
    times = x.times.tolist()
    ends = [*times[1:], max(duration, times[-1])] if times else []
    rows: list[Row] = [
        (start, end - start, bpm, 1.0)
        for start, end, bpm in zip(times, ends, x.bpms.tolist(), strict=True)
    ]
    extra = {"meters": _listed(x.meters), "denominators": _listed(x.denominators)}
    return "tempo", rows, extra


def _segments(x: Segments, duration: float) -> Written:
    namespace = {"chord": "chord", "key": "key_mode"}.get(x.kind, "segment_open")
    values = [key_value(label) for label in x.labels] if x.kind == "key" else x.labels
    return (
        namespace,
        _spans(x, values),
        {"kind": x.kind, "labels": [*x.labels], "sure": x.confidence is not None},
    )


def _events(x: Events, duration: float) -> Written:
    namespace = {"onset": "onset", "note": "note_midi"}.get(x.kind, "tag_open")
    values: Sequence[Any] = x.labels
    if x.kind == "note":
        if x.pitches is None:
            raise ParameterError(
                f"JAMS holds the pitches of notes, and these have none: {x.labels[0]}"
            )
        values = x.pitches.tolist()
    elif x.kind == "event":
        values = [label or "" for label in x.labels]  # the namespace has no null
    extra = {"kind": x.kind, "labels": [*x.labels], "sure": x.confidence is not None}
    if x.velocities is not None:
        extra["velocities"] = x.velocities.tolist()
    return namespace, _spans(x, values), extra


def _tags(x: Tags, duration: float) -> Written:
    return "tag_open", [(0.0, duration, label, score) for label, score in x], {}


def _key(x: Key, duration: float) -> Written:
    extra: dict[str, Any] = {
        "label": x.label,
        "confidence": x.confidence,
        "tuning_cents": x.tuning_cents,
    }
    rows: list[Row] = [(0.0, duration, key_value(x.label), x.confidence)]
    if x.segments is None:
        return "key_mode", rows, extra
    labels = x.segments.labels
    extra["local"] = {"labels": [*labels], "sure": x.segments.confidence is not None}
    if labels:
        rows = _spans(x.segments, [key_value(label) for label in labels])
    return "key_mode", rows, extra


def _caption(x: Caption, duration: float) -> Written:
    return "blob", [(0.0, duration, {"caption": x.text}, x.confidence)], {}


def _embedding(x: Embedding, duration: float) -> Written:
    grid = x.grid
    n_frames, n_dimensions = x.values.shape
    times = [0.0] if grid is None else np.maximum(grid.times(n_frames), 0).tolist()
    period = duration if grid is None else grid.period
    rows: list[Row] = [
        (time, period, vector, None) for time, vector in zip(times, x.values.tolist(), strict=True)
    ]
    clock = None if grid is None else [grid.rate.numerator, grid.rate.denominator, grid.start]
    return "vector", rows, {"grid": clock, "n_dimensions": n_dimensions}


WRITERS: dict[type, Callable[[Any, float], Written]] = {
    Beats: _beats,
    Tempo: _tempo,
    TempoMap: _tempo_map,
    Segments: _segments,
    Events: _events,
    Tags: _tags,
    Key: _key,
    Caption: _caption,
    Embedding: _embedding,
}


def key_value(label: str | None) -> str:
    """Return a key as the namespace spells it; N where it has no place for the mode."""
    if label is None or label == NO_KEY:
        return "N"
    spelled = write_key(label, "jams")
    return spelled if spelled.endswith((*MODES, *CHURCH_MODES)) else "N"
