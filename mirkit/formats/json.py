"""``.json``: one object, the same that the command line prints, with ``"schema": 1``.

| value | members |
|---|---|
| `Beats` | beats: [{time, position, confidence}], tempo: {bpm, confidence, hypotheses} |
| `Tempo` | tempo: {bpm, confidence, hypotheses: [{bpm, score}]} |
| `TempoMap` | tempo_map: [{time, bpm, meter}] |
| `Segments` | chords, keys, sections or segments: [{start, end, label, confidence}] |
| `Events` | events, onsets or notes: [{start, end, label, confidence}] |
| `Tags` | tags: [{label, score}] |
| `Key` | key: label or null, confidence, tuning_cents, segments: [{start, end, key, confidence}] |
| `Caption` | caption: text, confidence |
| `Embedding` | embedding: [[number, …], …], n_dimensions, rate: [n, d] a second, start |
| `Analysis` | annotations: {task: object}, duration |

Beside them stand ``file``, the recording, and ``model``, the name of what made the value. What is
not known is null. Numbers are written in full: they come back exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias, cast

import numpy as np

from mirkit.activations import Provenance
from mirkit.annotation import (
    Analysis,
    Annotation,
    Beats,
    Caption,
    Embedding,
    EventKind,
    Events,
    Key,
    SegmentKind,
    Segments,
    Tags,
    Tempo,
    TempoHypothesis,
    TempoMap,
)
from mirkit.errors import FormatError
from mirkit.frames import FrameGrid

SCHEMA = 1

Object: TypeAlias = dict[str, Any]


def dumps(value: Annotation | Analysis) -> str:
    """Return the object of `value` as text."""
    return json.dumps(to_object(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def loads(text: str, name: str) -> Annotation | Analysis:
    """Return the value that the text holds."""
    try:
        x = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        hint = " Read one line at a time: it holds an object a line." if len(lines) > 1 else ""
        if not error.msg.startswith("Extra data"):
            hint = ""
        raise FormatError(f"{name}, line {error.lineno}: no JSON: {error.msg}.{hint}") from None
    return from_object(x, name)


def to_object(value: Annotation | Analysis, file: str | None = None) -> Object:
    """Return `value` as an object of dicts, lists, numbers and texts.

    Parameters
    ----------
    value
        What to write.
    file
        The recording it is of; None goes by the track of an `Analysis`.
    """
    if isinstance(value, Analysis):
        name = value.track.name if value.track is not None and file is None else file
        tasks = {task: _body(x) for task, x in value.items()}
        return {"schema": SCHEMA, "file": name, "duration": value.duration, "annotations": tasks}
    return {"schema": SCHEMA, "file": file, **_body(value)}


def beats_object(beats: Beats, file: str | None = None) -> Object:
    """Return the object that the command line prints for the beats of a recording."""
    return to_object(beats, file)


def from_object(x: Any, name: str = "<object>") -> Annotation | Analysis:
    """Return the value that an object holds.

    Raises
    ------
    FormatError
        Where it holds none, or one that does not follow the schema.
    """
    if not isinstance(x, dict):
        raise FormatError(f"{name} holds {_kind(x)}; an annotation is an object")
    if x.get("schema", SCHEMA) != SCHEMA:
        raise FormatError(f"{name} has schema {x['schema']!r}; this version reads {SCHEMA}")
    if "error" in x:
        raise FormatError(f"{name} holds no annotation, but the error {x['error']!r}")
    reader = _Reader(name)
    if "annotations" not in x:
        return _from_body(reader, x)
    tasks = reader.member(x, "annotations", dict)
    annotations = {
        task: _from_body(_Reader(f"{name}: {task}"), body) for task, body in tasks.items()
    }
    return Analysis(annotations, duration=x.get("duration"))


def _body(value: Annotation) -> Object:
    model = None if value.provenance is None else value.provenance.model
    return {**_WRITERS[type(value)](value), "model": model}


def _from_body(reader: _Reader, x: Object) -> Annotation:
    for member, build in _READERS.items():
        if member in x:
            value = build(reader, x)
            model = x.get("model")
            return value if model is None else replace(value, provenance=Provenance(str(model)))
    raise reader.error(f"it has none of the members {', '.join(_READERS)}")


class _Reader:
    """Takes members out of objects, with errors that name them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def error(self, problem: str) -> FormatError:
        return FormatError(f"{self.name}: {problem}")

    def member(self, x: Any, key: str, kind: type, where: str = "") -> Any:
        if not isinstance(x, dict) or key not in x:
            raise self.error(f"{where or 'the object'} has no member {key!r}")
        if not isinstance(x[key], kind) or isinstance(x[key], bool):
            raise self.error(f"{where}{'.' if where else ''}{key} is {_kind(x[key])}")
        return x[key]

    def column(self, x: Object, items: str, key: str, kind: Any = (int, float)) -> list[Any]:
        rows = self.member(x, items, list)
        return [self.member(row, key, kind, f"{items}[{i}]") for i, row in enumerate(rows)]

    def optional(self, x: Object, items: str, key: str) -> list[Any] | None:
        """Return a column of numbers, or None where all are null or absent."""
        rows = self.member(x, items, list)
        values = [row.get(key) if isinstance(row, dict) else None for row in rows]
        return None if all(v is None for v in values) else self.column(x, items, key)


def _listed(values: Any, n: int) -> list[Any]:
    return [None] * n if values is None else values.tolist()


def _rows(**columns: Iterable[Any]) -> list[Object]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _beats(x: Beats) -> Object:
    positions = [position or None for position in _listed(x.positions, len(x))]
    confidence = _listed(x.confidence, len(x))
    rows = _rows(time=x.times.tolist(), position=positions, confidence=confidence)
    return {"beats": rows, **_tempo(x.tempo)}


def _tempo(x: Tempo) -> Object:
    levels = [{"bpm": bpm, "score": score} for bpm, score in x.hypotheses]
    return {"tempo": {"bpm": x.bpm, "confidence": x.confidence, "hypotheses": levels}}


def _tempo_map(x: TempoMap) -> Object:
    meters = _listed(x.meters, len(x.times))
    return {"tempo_map": _rows(time=x.times.tolist(), bpm=x.bpms.tolist(), meter=meters)}


def _spans(x: Segments | Events) -> Object:
    starts, ends = x.intervals.T.tolist()
    confidence = _listed(x.confidence, len(x))
    return {f"{x.kind}s": _rows(start=starts, end=ends, label=x.labels, confidence=confidence)}


def _key(x: Key) -> Object:
    local = x.segments
    rows = None
    if local is not None:
        starts, ends = local.intervals.T.tolist()
        sure = _listed(local.confidence, len(local))
        rows = _rows(start=starts, end=ends, key=local.labels, confidence=sure)
    return {
        "key": x.label,
        "confidence": x.confidence,
        "tuning_cents": x.tuning_cents,
        "segments": rows,
    }


def _embedding(x: Embedding) -> Object:
    clock: Object = {"rate": None, "start": None}
    if x.grid is not None:
        rate = x.grid.rate
        clock = {"rate": [rate.numerator, rate.denominator], "start": x.grid.start}
    return {"embedding": x.values.tolist(), "n_dimensions": x.values.shape[1], **clock}


_WRITERS: dict[type, Callable[[Any], Object]] = {
    Beats: _beats,
    Tempo: _tempo,
    TempoMap: _tempo_map,
    Segments: _spans,
    Events: _spans,
    Tags: lambda x: {"tags": [{"label": label, "score": score} for label, score in x]},
    Key: _key,
    Caption: lambda x: {"caption": x.text, "confidence": x.confidence},
    Embedding: _embedding,
}


def _read_beats(reader: _Reader, x: Object) -> Beats:
    times = reader.column(x, "beats", "time")
    positions = [row.get("position") or 0 for row in x["beats"]]
    for position in positions:
        if not isinstance(position, int):
            raise reader.error(f"a position is {position!r}; it is a whole number or null")
    beats = Beats(
        np.array(times, dtype=np.float64),
        np.array(positions) if any(positions) else None,
        cast(Any, reader.optional(x, "beats", "confidence")),
    )
    if x.get("tempo") is None:
        return beats
    tempo = _read_tempo(reader, x)
    scores = [score for bpm, score in tempo.hypotheses if bpm == tempo.bpm]
    if not scores:
        return beats
    level = TempoHypothesis(
        cast(float, tempo.bpm), scores[0], beats.times, beats.positions, beats.confidence,
        tempo.confidence,
    )  # fmt: skip
    return replace(beats, hypotheses=(level,), level=0)


def _read_tempo(reader: _Reader, x: Object) -> Tempo:
    tempo = reader.member(x, "tempo", dict)
    bpms = reader.column(tempo, "hypotheses", "bpm")
    scores = reader.column(tempo, "hypotheses", "score")
    return Tempo(tempo.get("bpm"), tempo.get("confidence"), tuple(zip(bpms, scores, strict=True)))


def _read_tempo_map(reader: _Reader, x: Object) -> TempoMap:
    return TempoMap(
        np.array(reader.column(x, "tempo_map", "time"), dtype=np.float64),
        np.array(reader.column(x, "tempo_map", "bpm"), dtype=np.float64),
        cast(Any, reader.optional(x, "tempo_map", "meter")),
    )


def _read_spans(kind: str) -> Callable[[_Reader, Object], Annotation]:
    def build(reader: _Reader, x: Object) -> Annotation:
        items = f"{kind}s"
        intervals = np.array([reader.column(x, items, "start"), reader.column(x, items, "end")]).T
        labels = tuple(reader.column(x, items, "label", str))
        confidence: Any = reader.optional(x, items, "confidence")
        if kind in ("event", "onset", "note"):
            return Events(intervals, labels, confidence, kind=cast(EventKind, kind))
        return Segments(intervals, labels, confidence, kind=cast(SegmentKind, kind))

    return build


def _read_tags(reader: _Reader, x: Object) -> Tags:
    labels = reader.column(x, "tags", "label", str)
    return Tags(tuple(labels), np.array(reader.column(x, "tags", "score"), dtype=np.float64))


def _read_key(reader: _Reader, x: Object) -> Key:
    local = None
    if x.get("segments") is not None:
        spans = [reader.column(x, "segments", "start"), reader.column(x, "segments", "end")]
        labels = tuple(reader.column(x, "segments", "key", str))
        sure: Any = reader.optional(x, "segments", "confidence")
        local = Segments(np.array(spans).T, labels, sure, kind="key")
    return Key(x["key"], x.get("confidence"), None, local, x.get("tuning_cents"))


def _read_embedding(reader: _Reader, x: Object) -> Embedding:
    rate = x.get("rate")
    grid = None if rate is None else FrameGrid(Fraction(*rate), float(x.get("start") or 0.0))
    rows = np.array(reader.member(x, "embedding", list), dtype=np.float32)
    return Embedding(rows.reshape(len(rows), x.get("n_dimensions", -1)), grid)


_READERS: dict[str, Callable[[_Reader, Object], Annotation]] = {
    "beats": _read_beats,
    "tempo": _read_tempo,
    "tempo_map": _read_tempo_map,
    "key": _read_key,  # before segments, which it has too
    **{
        f"{kind}s": _read_spans(kind)
        for kind in ("chord", "key", "section", "segment", "event", "onset", "note")
    },
    "tags": _read_tags,
    "caption": lambda reader, x: Caption(reader.member(x, "caption", str), x.get("confidence")),
    "embedding": _read_embedding,
}


def _kind(x: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null", bool: "a truth"}
    return names.get(type(x), "a number")
