"""``.jams``: the JSON annotation format of music research, with what made each annotation.

| value | namespace | |
|---|---|---|
| `Beats` | beat | value = position in the bar, or null; hypotheses in the sandbox |
| `Tempo` | tempo | one observation for each hypothesis, whose score is its confidence |
| `TempoMap` | tempo | one observation for each entry; beats in a bar in the sandbox |
| `Segments` | chord, key_mode, segment_open | by kind; sections and segments are segment_open |
| `Events` | tag_open, onset, note_midi | by kind; velocities in the sandbox; note_hz is read too |
| `Tags` | tag_open | over the whole recording; confidence = score |
| `Key` | key_mode | ``A:minor``; N where there is none; the local keys where known |
| `Caption` | blob | |
| `Embedding` | vector | |

The sandbox of each annotation, under ``mirkit``, holds what its namespace has no place for, so
values come back exactly. Files of other programs are read too: each annotation in one of these
namespaces becomes the value it looks like, others are left out. A file with one value in it gives
that value, and one with several an `Analysis`.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mirkit.activations import Provenance
from mirkit.annotation import (
    Analysis,
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
from mirkit.audio import Track
from mirkit.errors import FormatError, ParameterError
from mirkit.frames import FrameGrid

Row: TypeAlias = tuple[float, float, Any, float | None]
"""One observation: time [s], duration [s], value, confidence."""


def dumps(value: Annotation | Analysis) -> str:
    """Return the JAMS text of an annotation, or of all annotations of a track."""
    jam = to_jams(value)
    return str(jam.dumps(ensure_ascii=False, indent=1)) + "\n"


def loads(text: str, name: str) -> Annotation | Analysis:
    """Return the value of a JAMS text."""
    import io

    import jams

    try:
        x = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"{name}, line {error.lineno}: no JSON: {error.msg}") from None
    if not isinstance(x, dict) or "annotations" not in x:
        raise FormatError(f"{name} is JSON but no JAMS: it has no 'annotations'. Is it .json?")
    try:
        jam = jams.load(io.StringIO(text), validate=False)
    except (jams.JamsError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{name} is no valid JAMS: {error!r}") from None
    return from_jams(jam, name)


def to_jams(value: Annotation | Analysis) -> Any:
    """Return a ``jams.JAMS`` that holds an annotation, or all annotations of a track.

    Raises
    ------
    ParameterError
        Where a label does not fit the namespace: a chord that is not spelled as Harte does.
    """
    import jams

    analysis = value if isinstance(value, Analysis) else Analysis({"": value})
    jam = jams.JAMS()
    for task, x in analysis.items():
        jam.annotations.append(_to_annotation(jams, task, x, analysis.duration or 0.0))
    _describe(jam, analysis)
    jam.sandbox.update(mirkit={"analysis": analysis is value, "duration": analysis.duration})
    if analysis.track is not None:
        jam.sandbox.mirkit["track"] = _track_object(analysis.track)
    try:
        with warnings.catch_warnings():  # jams calls jsonschema in a way that is going out
            warnings.simplefilter("ignore", DeprecationWarning)
            jam.validate(strict=True)
    except jams.SchemaError as error:
        raise ParameterError(f"JAMS cannot hold this: {str(error).splitlines()[0]}") from None
    return jam


def from_jams(jam: Any, name: str = "<jams>") -> Annotation | Analysis:
    """Return the value that a ``jams.JAMS`` holds, or the `Analysis` of several."""
    annotations: dict[str, Annotation] = {}
    for annotation in jam.annotations:
        try:
            value = _from_annotation(annotation)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{name}: {annotation.namespace}: {error}") from None
        if value is not None:
            own = _sandbox(annotation).get("task")
            task = own or _task_of(value)
            annotations[task if task not in annotations else _numbered(task, annotations)] = value
    ours = _sandbox(jam)
    if not annotations and not ours:
        found = ", ".join(sorted({x.namespace for x in jam.annotations})) or "none"
        raise FormatError(f"{name} holds no annotation that mirkit knows; its namespaces: {found}")
    if not ours.get("analysis", len(annotations) != 1):
        return next(iter(annotations.values()))
    duration = ours["duration"] if ours else jam.file_metadata.duration
    return Analysis(annotations, _from_track_object(ours.get("track")), duration)


def _describe(jam: Any, analysis: Analysis) -> None:
    """Fill in what JAMS says of the recording; without a duration, where the last event ends."""
    known = {} if analysis.track is None else analysis.track.metadata
    jam.file_metadata.title = known.get("title", "")
    jam.file_metadata.artist = known.get("artist", "")
    jam.file_metadata.release = known.get("album", "")
    ends = [row.time + row.duration for x in jam.annotations for row in x.data]
    jam.file_metadata.duration = analysis.duration or max(ends, default=0.0)


def _to_annotation(jams: Any, task: str, x: Annotation, duration: float) -> Any:
    namespace, rows, extra = _WRITERS[type(x)](x, duration)
    made_by = x.provenance
    annotation = jams.Annotation(namespace, time=0, duration=duration or None)
    for time, length, value, confidence in rows:
        annotation.append(time=time, duration=length, value=value, confidence=confidence)
    if made_by is not None:
        annotation.annotation_metadata.annotation_tools = made_by.model
        annotation.annotation_metadata.version = made_by.version or ""
        annotation.annotation_metadata.data_source = "program"
        extra["provenance"] = asdict(made_by)
    annotation.sandbox.update(mirkit={"type": type(x).__name__, "task": task, **extra})
    return annotation


def _from_annotation(annotation: Any) -> Annotation | None:
    extra = _sandbox(annotation)
    rows = [(float(x.time), float(x.duration), x.value, x.confidence) for x in annotation.data]
    kind = extra.get("type") or _guess_type(annotation.namespace, rows)
    if kind is None:
        return None
    value = _READERS[kind](rows, extra, annotation.namespace)
    if "provenance" in extra:
        return replace(value, provenance=Provenance(**extra["provenance"]))
    tools = annotation.annotation_metadata.annotation_tools
    return replace(value, provenance=Provenance(str(tools))) if tools and not extra else value


def _guess_type(namespace: str, rows: list[Row]) -> str | None:
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


def _task_of(value: Annotation) -> str:
    if isinstance(value, Segments | Events):
        return f"{value.kind}s"
    return {"TempoMap": "tempo_map"}.get(type(value).__name__, type(value).__name__.lower())


def _numbered(task: str, taken: dict[str, Annotation]) -> str:
    n = 2
    while f"{task}_{n}" in taken:
        n += 1
    return f"{task}_{n}"


def _sandbox(x: Any) -> dict[str, Any]:
    ours = getattr(x.sandbox, "mirkit", None)
    return dict(ours) if isinstance(ours, dict) else {}


def _track_object(track: Track) -> dict[str, Any]:
    file = str(track.source) if isinstance(track.source, Path) else None
    return {"file": file, "metadata": dict(track.metadata), "content_hash": track.content_hash}


def _from_track_object(x: dict[str, Any] | None) -> Track | None:
    if x is None or x["file"] is None:
        return None
    return Track(Path(x["file"]), x["metadata"], x["content_hash"])


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


Written: TypeAlias = tuple[str, list[Row], dict[str, Any]]
"""Namespace, observations, and what goes into the sandbox."""


def _beats(x: Beats, duration: float) -> Written:
    positions = [position or None for position in _column(x.positions, len(x))]
    confidence = _column(x.confidence, len(x))
    rows = zip(x.times.tolist(), [0.0] * len(x), positions, confidence, strict=True)
    has = {"positions": x.positions is not None, "confidence": x.confidence is not None}
    return (
        "beat",
        list(rows),
        {"has": has, "hypotheses": [*map(_level, x.hypotheses)], "level": x.level},
    )


def _level(x: TempoHypothesis) -> dict[str, Any]:
    return {
        "bpm": x.bpm,
        "score": x.score,
        "times": x.times.tolist(),
        "positions": _listed(x.positions),
        "confidence": _listed(x.confidence),
        "tempo_confidence": x.tempo_confidence,
    }


def _tempo(x: Tempo, duration: float) -> Written:
    levels = x.hypotheses or (
        [] if x.bpm is None else [(x.bpm, 1.0 if x.confidence is None else x.confidence)]
    )
    rows: list[Row] = [(0.0, duration, bpm, score) for bpm, score in levels]
    return "tempo", rows, {"bpm": x.bpm, "confidence": x.confidence, "hypotheses": [*x.hypotheses]}


def _tempo_map(x: TempoMap, duration: float) -> Written:
    times = x.times.tolist()
    ends = [*times[1:], max(duration, times[-1])] if times else []
    rows: list[Row] = [
        (start, end - start, bpm, 1.0)
        for start, end, bpm in zip(times, ends, x.bpms.tolist(), strict=True)
    ]
    return "tempo", rows, {"meters": _listed(x.meters)}


def _segments(x: Segments, duration: float) -> Written:
    namespace = {"chord": "chord", "key": "key_mode"}.get(x.kind, "segment_open")
    values = [_jams_key(label) for label in x.labels] if x.kind == "key" else x.labels
    return (
        namespace,
        _spans(x, values),
        {"kind": x.kind, "labels": [*x.labels], "sure": x.confidence is not None},
    )


def _events(x: Events, duration: float) -> Written:
    namespace = {"onset": "onset", "note": "note_midi"}.get(x.kind, "tag_open")
    if x.kind == "note" and x.pitches is None:
        raise ParameterError(f"JAMS holds the pitches of notes, and these have none: {x.labels[0]}")
    extra = {"kind": x.kind, "labels": [*x.labels], "sure": x.confidence is not None}
    if x.velocities is not None:
        extra["velocities"] = x.velocities.tolist()
    return namespace, _spans(x, x.labels if x.pitches is None else x.pitches.tolist()), extra


def _tags(x: Tags, duration: float) -> Written:
    return "tag_open", [(0.0, duration, label, score) for label, score in x], {}


def _key(x: Key, duration: float) -> Written:
    extra: dict[str, Any] = {
        "label": x.label,
        "confidence": x.confidence,
        "tuning_cents": x.tuning_cents,
    }
    rows: list[Row] = [(0.0, duration, _jams_key(x.label), x.confidence)]
    if x.segments is None:
        return "key_mode", rows, extra
    labels = x.segments.labels
    extra["local"] = {"labels": [*labels], "sure": x.segments.confidence is not None}
    if labels:
        rows = _spans(x.segments, [_jams_key(label) for label in labels])
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


_WRITERS: dict[type, Callable[[Any, float], Written]] = {
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


def _read_beats(rows: list[Row], extra: dict[str, Any], namespace: str) -> Beats:
    values = [x["position"] if isinstance(x, dict) else x for _, _, x, _ in rows]
    has = extra.get("has", {"positions": any(values), "confidence": _all_sure(rows)})
    return Beats(
        np.array([time for time, _, _, _ in rows]),
        np.array([int(x or 0) for x in values], dtype=np.int64) if has["positions"] else None,
        _confidence(rows) if has["confidence"] else None,
        tuple(TempoHypothesis(**level) for level in extra.get("hypotheses", ())),
        extra.get("level"),
    )


def _read_tempo(rows: list[Row], extra: dict[str, Any], namespace: str) -> Tempo:
    if extra:
        return Tempo(extra["bpm"], extra["confidence"], tuple(map(tuple, extra["hypotheses"])))
    levels = tuple((float(bpm), float(score or 0.0)) for _, _, bpm, score in rows)
    best = max(levels, key=lambda level: level[1])[0] if levels else None
    return Tempo(best, None, levels if len(levels) > 1 else ())


def _read_tempo_map(rows: list[Row], extra: dict[str, Any], namespace: str) -> TempoMap:
    meters = extra.get("meters")
    return TempoMap(
        np.array([time for time, _, _, _ in rows]),
        np.array([float(bpm) for _, _, bpm, _ in rows]),
        None if meters is None else np.array(meters, dtype=np.int64),
    )


def _read_segments(rows: list[Row], extra: dict[str, Any], namespace: str) -> Segments:
    kinds = {"key_mode": "key", "chord": "chord", "chord_harte": "chord"}
    labels = extra.get("labels") or [_label(value) for _, _, value, _ in rows]
    sure = extra.get("sure", _all_sure(rows))
    kind: Any = extra.get("kind", kinds.get(namespace, "section"))
    return Segments(_intervals(rows), tuple(labels), _confidence(rows) if sure else None, kind)


def _read_events(rows: list[Row], extra: dict[str, Any], namespace: str) -> Events:
    kinds = {"onset": "onset", "note_midi": "note", "note_hz": "note"}
    kind: Any = extra.get("kind", kinds.get(namespace, "event"))
    values = [value for _, _, value, _ in rows]
    if namespace == "note_hz":
        values = [69 + 12 * math.log2(value / 440) for value in values]
    labels = extra.get("labels") or [_label(round(x, 3) if kind == "note" else x) for x in values]
    return Events(
        _intervals(rows),
        tuple(labels),
        _confidence(rows) if extra.get("sure", _all_sure(rows)) else None,
        kind,
        pitches=np.array(values, dtype=np.float64) if kind == "note" else None,
        velocities=extra.get("velocities"),
    )


def _read_tags(rows: list[Row], extra: dict[str, Any], namespace: str) -> Tags:
    scores = [1.0 if score is None else float(score) for _, _, _, score in rows]
    return Tags(tuple(str(value) for _, _, value, _ in rows), np.array(scores))


def _read_key(rows: list[Row], extra: dict[str, Any], namespace: str) -> Key:
    if "label" in extra:
        local = extra.get("local")
        if local is not None:
            spans = rows if local["labels"] else []
            local = _read_segments(spans, {"kind": "key", **local}, namespace)
        return Key(
            extra["label"], extra["confidence"], segments=local, tuning_cents=extra["tuning_cents"]
        )
    if not rows or rows[0][2] == "N":
        return Key(None, rows[0][3] if rows else None)
    return Key(str(rows[0][2]), rows[0][3])


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


_READERS: dict[str, Callable[[list[Row], dict[str, Any], str], Annotation]] = {
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


def _intervals(rows: list[Row]) -> Any:
    return np.array([(time, time + duration) for time, duration, _, _ in rows]).reshape(-1, 2)


def _all_sure(rows: list[Row]) -> bool:
    return bool(rows) and all(isinstance(sure, int | float) for _, _, _, sure in rows)


def _confidence(rows: list[Row]) -> Any:
    return np.array([float(sure or 0.0) for _, _, _, sure in rows])


def _label(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def _jams_key(label: str | None) -> str:
    from mirkit.vocab import normal_key

    return "N" if label is None or label == "N" else normal_key(label).replace(" ", ":")
