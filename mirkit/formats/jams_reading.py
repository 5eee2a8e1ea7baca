"""From the annotations of JAMS to values: of the namespaces that have one, whoever wrote them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from mirkit.annotation import (
    Annotation,
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
from mirkit.formats.jams_writing import Row
from mirkit.formats.positions import read_positions
from mirkit.formats.spans import mend
from mirkit.frames import FrameGrid
from mirkit.vocab.keys import NO_KEY


def guess_type(namespace: str, rows: list[Row]) -> str | None:
    """Return which value an annotation of another program is most like."""
    spans = {(time, duration) for time, duration, _, _ in rows}
    if namespace == "tempo":
        return "TempoMap" if len({time for time, _ in spans}) > 1 else "Tempo"
    if namespace == "key_mode":
        return "Key" if len(rows) <= 1 else "Segments"
    if namespace.startswith("tag_"):
        return "Tags" if len(spans) <= 1 else "Events"
    if namespace.startswith(("segment_", "chord")) and namespace != "chord_roman":
        return "Segments"
    return {
        "beat": "Beats",
        "beat_position": "Beats",
        "onset": "Events",
        "note_midi": "Events",
        "note_hz": "Events",
        "vector": "Embedding",
    }.get(namespace)


def _read_beats(rows: list[Row], extra: dict[str, Any], namespace: str) -> Beats:
    positions = read_positions([_position(x) for _, _, x, _ in rows])
    has = extra.get("has", {"positions": positions is not None, "confidence": _all_sure(rows)})
    if has["positions"] and positions is None:
        positions = np.zeros(len(rows), dtype=np.int64)
    return Beats(
        np.array([time for time, _, _, _ in rows]),
        positions if has["positions"] else None,
        _confidence(rows) if has["confidence"] else None,
        tuple(TempoHypothesis(**level) for level in extra.get("hypotheses", ())),
        extra.get("level"),
        denominators=extra.get("denominators", _units(rows)),
    )


def _position(value: Any) -> Any:
    """Return a value of ``beat``, or the position of one of ``beat_position``, which is whole."""
    if not isinstance(value, dict):
        return value
    if value["position"] != int(value["position"]):
        raise ValueError(f"position {value['position']} is no number of a beat in its bar")
    return int(value["position"])


def _units(rows: list[Row]) -> Any:
    """Return the denominators that the values of ``beat_position`` hold, or None."""
    found = [x.get("beat_units") if isinstance(x, dict) else None for _, _, x, _ in rows]
    return None if not found or None in found else found


def _read_tempo(rows: list[Row], extra: dict[str, Any], namespace: str) -> Tempo:
    if extra:
        return Tempo(
            extra["bpm"], extra["confidence"], tuple(map(tuple, extra["hypotheses"])), None,
            extra.get("meter"), extra.get("meter_confidence"),
        )  # fmt: skip
    levels = tuple((float(x), float(score or 0.0)) for _, _, x, score in rows if x is not None)
    best = max(levels, key=lambda level: level[1])[0] if levels else None
    return Tempo(best, None, levels if len(levels) > 1 else ())


def _read_tempo_map(rows: list[Row], extra: dict[str, Any], namespace: str) -> TempoMap:
    return TempoMap(
        np.array([time for time, _, _, _ in rows]),
        np.array([float(bpm) for _, _, bpm, _ in rows]),
        extra.get("meters"),
        denominators=extra.get("denominators"),
    )


def _read_segments(rows: list[Row], extra: dict[str, Any], namespace: str) -> Segments:
    kinds = {"key_mode": "key", "chord": "chord", "chord_harte": "chord"}
    kind: Any = extra.get("kind", kinds.get(namespace, "section"))
    unknown = {"chord": "X", "key": NO_KEY}.get(kind, "")
    labels = extra.get("labels") or [_label(value) or unknown for _, _, value, _ in rows]
    sure = extra.get("sure", _all_sure(rows))
    return Segments(mend(_spans(rows)), tuple(labels), _confidence(rows) if sure else None, kind)


def _read_events(rows: list[Row], extra: dict[str, Any], namespace: str) -> Events:
    kinds = {"onset": "onset", "note_midi": "note", "note_hz": "note"}
    kind: Any = extra.get("kind", kinds.get(namespace, "event"))
    values = [value for _, _, value, _ in rows]
    if namespace == "note_hz":
        values = [69 + 12 * math.log2(value / 440) for value in values]
    labels = extra.get("labels") or [_label(round(x, 3) if kind == "note" else x) for x in values]
    return Events(
        np.array(_spans(rows)).reshape(-1, 2),
        tuple(labels),
        _confidence(rows) if extra.get("sure", _all_sure(rows)) else None,
        kind,
        pitches=np.array(values, dtype=np.float64) if kind == "note" else None,
        velocities=extra.get("velocities"),
    )


def _read_tags(rows: list[Row], extra: dict[str, Any], namespace: str) -> Tags:
    known = [(str(value), score) for _, _, value, score in rows if value is not None]
    scores = [1.0 if score is None else float(score) for _, score in known]
    return Tags(tuple(label for label, _ in known), np.array(scores))


def _read_key(rows: list[Row], extra: dict[str, Any], namespace: str) -> Key:
    if "label" in extra:
        local = extra.get("local")
        if local is not None:
            spans = rows if local["labels"] else []
            local = _read_segments(spans, {"kind": "key", **local}, namespace)
        return Key(
            extra["label"], extra["confidence"], segments=local, tuning_cents=extra["tuning_cents"]
        )
    if not rows:
        return Key(None)
    return Key(_label(rows[0][2]), rows[0][3])


def _read_caption(rows: list[Row], extra: dict[str, Any], namespace: str) -> Caption:
    return Caption(rows[0][2]["caption"], rows[0][3])


def _read_embedding(rows: list[Row], extra: dict[str, Any], namespace: str) -> Embedding:
    vectors = np.array([value for _, _, value, _ in rows], dtype=np.float32)
    if "grid" in extra:
        clock = extra["grid"]
        grid = None if clock is None else FrameGrid(Fraction(clock[0], clock[1]), clock[2])
        return Embedding(vectors.reshape(-1, extra["n_dimensions"]), grid)
    times = [time for time, _, _, _ in rows]
    steps = np.diff(times)
    if not len(steps):
        return Embedding(vectors.reshape(len(rows), -1), None)
    if np.ptp(steps) > 1e-6:
        raise ValueError("its vectors do not lie on a regular grid")
    return Embedding(vectors, FrameGrid.from_fps(1 / float(np.mean(steps)), times[0]))


def _spans(rows: list[Row]) -> list[tuple[float, float]]:
    return [(time, time + duration) for time, duration, _, _ in rows]


def _all_sure(rows: list[Row]) -> bool:
    return bool(rows) and all(isinstance(sure, int | float) for _, _, _, sure in rows)


def _confidence(rows: list[Row]) -> Any:
    return np.array([float(sure or 0.0) for _, _, _, sure in rows])


def _label(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


READERS: dict[str, Callable[[list[Row], dict[str, Any], str], Annotation]] = {
    "Beats": _read_beats,
    "Tempo": _read_tempo,
    "TempoMap": _read_tempo_map,
    "Segments": _read_segments,
    "Events": _read_events,
    "Tags": _read_tags,
    "Key": _read_key,
    "Caption": _read_caption,
    "Embedding": _read_embedding,
}
"""Which reader makes each type of value: of rows, our own sandbox, and the namespace."""
