"""``.json``: one object, the same that the command line prints.

A member for each annotation, under the name of its task:

| member | value |
|---|---|
| beats | [{time, position, confidence}]; denominator where some are no quarters; and tempo |
| tempo | {bpm, confidence, hypotheses: [{bpm, score}], meter, meter_confidence} |
| tempo_map | [{time, bpm, meter}]; denominator where some are no quarters |
| chords, keys, sections, segments | [{start, end, label, confidence}] |
| events, onsets | [{start, end, label, confidence}] |
| notes | [{start, end, label, confidence, pitch, velocity}] |
| tags, zero_shot | [{label, score}] |
| key | {label, confidence, tuning_cents, segments: [{start, end, label, confidence}]} |
| caption | {text, confidence} |
| embed | {values: [[number, …], …], n_dimensions, rate: [n, d] per second, start} |
| others | {name: object}: annotations under names of one's own |

Beside them stand ``schema``, ``file`` (the recording), ``models`` (the name of the model of each
member) and, of an `Analysis`, ``duration`` [s], ``metadata`` and ``content_hash``. Unknown values
are null. Numbers are written in full: they come back exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args

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
from mirkit.audio import Track
from mirkit.errors import FormatError
from mirkit.frames import FrameGrid
from mirkit.tasks import SCHEMA, TASKS

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
        The annotation, or several of one track.
    file
        The recording it is of; None goes by the track of an `Analysis`.
    """
    if not isinstance(value, Analysis):
        name = _member(value)
        return {"schema": SCHEMA, "file": file, **_write(value), "models": {name: _model(value)}}
    found: Object = {"schema": SCHEMA, "file": file, "duration": value.duration}
    if value.track is not None:
        found["file"] = value.track.name if file is None else file
        found["metadata"] = dict(value.track.metadata)
        found["content_hash"] = value.track.content_hash
    usual = {task: x for task, x in value.items() if _is_usual(task, x, value)}
    for x in usual.values():
        found |= _write(x)
    others = {name: to_object(x) for name, x in value.items() if name not in usual}
    found["models"] = {name: _model(x) for name, x in usual.items()}
    return found | ({"others": others} if others else {})


def from_object(x: Any, name: str = "<object>") -> Annotation | Analysis:
    """Return the value that an object holds: an `Analysis` where it has a ``duration``.

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
    if "duration" in x:
        return _read_analysis(reader, x)
    models = x.get("models") or {}
    for member in models or _READERS:
        if member in x and member in _READERS:
            return _read_member(reader, x, member)
    raise reader.error(f"it has none of the members {', '.join(_READERS)}")


def _read_analysis(reader: _Reader, x: Object) -> Analysis:
    named = x["models"] if "models" in x else [each for each in _READERS if each in x]
    annotations = {}
    for member in named:
        if member not in _READERS or member not in x:
            raise reader.error(f"it names {member!r} among its models, but has no such annotation")
        annotations[member] = _read_member(reader, x, member)
    for name, body in (x.get("others") or {}).items():
        annotations[name] = cast(Annotation, from_object(body, f"{reader.name}: {name}"))
    track = None
    if x.get("file") is not None:
        metadata = {str(key): str(each) for key, each in (x.get("metadata") or {}).items()}
        track = Track(Path(x["file"]), metadata, x.get("content_hash"))
    return Analysis(annotations, track, x["duration"])


def _read_member(reader: _Reader, x: Object, member: str) -> Annotation:
    value = _READERS[member](reader, x)
    model = (x.get("models") or {}).get(member)
    return value if model is None else replace(value, provenance=Provenance(str(model)))


def _write(value: Annotation) -> Object:
    return _WRITERS[type(value)](value)


def _model(value: Annotation) -> str | None:
    return None if value.provenance is None else value.provenance.model


def _member(value: Annotation) -> str:
    """Return the name of the member that holds an annotation."""
    return next(iter(_write(value)))


def _is_usual(task: str, x: Annotation, all_: Analysis) -> bool:
    """Return whether an annotation stands under the name of its task, and reads back from there."""
    if isinstance(x, Beats) and "tempo" in all_ and all_["tempo"] != x.tempo:
        return False
    return task == _member(x)


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


def _list(values: Any, n: int) -> list[Any]:
    return [None] * n if values is None else values.tolist()


def _rows(**columns: Iterable[Any]) -> list[Object]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _beats(x: Beats) -> Object:
    positions = [position or None for position in _list(x.positions, len(x))]
    confidence = _list(x.confidence, len(x))
    rows = _rows(time=x.times.tolist(), position=positions, confidence=confidence)
    return {"beats": _with_denominators(rows, x.denominators), **_tempo(x.tempo)}


def _tempo(x: Tempo) -> Object:
    levels = [{"bpm": bpm, "score": score} for bpm, score in x.hypotheses]
    meter = {"meter": x.meter, "meter_confidence": x.meter_confidence}
    return {"tempo": {"bpm": x.bpm, "confidence": x.confidence, "hypotheses": levels, **meter}}


def _tempo_map(x: TempoMap) -> Object:
    meters = _list(x.meters, len(x.times))
    rows = _rows(time=x.times.tolist(), bpm=x.bpms.tolist(), meter=meters)
    return {"tempo_map": _with_denominators(rows, x.denominators)}


def _with_denominators(rows: list[Object], denominators: Any) -> list[Object]:
    """Return rows with the note that each beat is written as, where some are no quarters."""
    if denominators is None:
        return rows
    pairs = zip(rows, denominators.tolist(), strict=True)
    return [{**row, "denominator": note} for row, note in pairs]


def _spans(x: Segments | Events) -> Object:
    return {f"{x.kind}s": _span_rows(x)}


def _span_rows(x: Segments | Events) -> list[Object]:
    starts, ends = x.intervals.T.tolist()
    columns = {"start": starts, "end": ends, "label": x.labels}
    columns["confidence"] = _list(x.confidence, len(x))
    if isinstance(x, Events) and x.kind == "note":
        columns["pitch"] = _list(x.pitches, len(x))
        columns["velocity"] = _list(x.velocities, len(x))
    return _rows(**columns)


def _key(x: Key) -> Object:
    local = None if x.segments is None else _span_rows(x.segments)
    return {
        "key": {
            "label": x.label,
            "confidence": x.confidence,
            "tuning_cents": x.tuning_cents,
            "segments": local,
        }
    }


def _embedding(x: Embedding) -> Object:
    clock: Object = {"rate": None, "start": None}
    if x.grid is not None:
        rate = x.grid.rate
        clock = {"rate": [rate.numerator, rate.denominator], "start": x.grid.start}
    rows = {"values": x.values.tolist(), "n_dimensions": x.values.shape[1]}
    return {"embed": {**rows, **clock}}


_WRITERS: dict[type, Callable[[Any], Object]] = {
    Beats: _beats,
    Tempo: _tempo,
    TempoMap: _tempo_map,
    Segments: _spans,
    Events: _spans,
    Tags: lambda x: {x.kind: [{"label": label, "score": score} for label, score in x]},
    Key: _key,
    Caption: lambda x: {"caption": {"text": x.text, "confidence": x.confidence}},
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
        denominators=cast(Any, reader.optional(x, "beats", "denominator")),
    )
    if x.get("tempo") is None:
        return beats
    tempo = _read_tempo(reader, x)
    scores = [score for bpm, score in tempo.hypotheses if bpm == tempo.bpm]
    if not scores:
        return beats
    level = TempoHypothesis(
        cast(float, tempo.bpm), scores[0], beats.times, beats.positions, beats.confidence,
        tempo.confidence, tempo.meter_confidence,
    )  # fmt: skip
    return replace(beats, hypotheses=(level,), level=0)


def _read_tempo(reader: _Reader, x: Object) -> Tempo:
    tempo = reader.member(x, "tempo", dict)
    bpms = reader.column(tempo, "hypotheses", "bpm")
    scores = reader.column(tempo, "hypotheses", "score")
    return Tempo(
        tempo.get("bpm"),
        tempo.get("confidence"),
        tuple(zip(bpms, scores, strict=True)),
        meter=tempo.get("meter"),
        meter_confidence=tempo.get("meter_confidence"),
    )


def _read_tempo_map(reader: _Reader, x: Object) -> TempoMap:
    return TempoMap(
        np.array(reader.column(x, "tempo_map", "time"), dtype=np.float64),
        np.array(reader.column(x, "tempo_map", "bpm"), dtype=np.float64),
        cast(Any, reader.optional(x, "tempo_map", "meter")),
        denominators=cast(Any, reader.optional(x, "tempo_map", "denominator")),
    )


def _read_spans(kind: str) -> Callable[[_Reader, Object], Annotation]:
    def build(reader: _Reader, x: Object) -> Annotation:
        items = f"{kind}s"
        if kind not in get_args(EventKind):
            return Segments(*_columns(reader, x, items), kind=cast(SegmentKind, kind))
        known: Any = [reader.optional(x, items, key) for key in ("pitch", "velocity")]
        return Events(*_columns(reader, x, items), cast(EventKind, kind), None, *known)

    return build


def _columns(reader: _Reader, x: Object, items: str) -> tuple[Any, tuple[str, ...], Any]:
    """Return the intervals, the labels and the confidence of rows."""
    spans = np.array([reader.column(x, items, "start"), reader.column(x, items, "end")]).T
    labels = tuple(reader.column(x, items, "label", str))
    return spans, labels, reader.optional(x, items, "confidence")


def _read_tags(kind: str) -> Callable[[_Reader, Object], Tags]:
    def read(reader: _Reader, x: Object) -> Tags:
        labels = reader.column(x, kind, "label", str)
        scores = np.array(reader.column(x, kind, "score"), dtype=np.float64)
        return Tags(tuple(labels), scores, kind=kind)

    return read


def _read_key(reader: _Reader, x: Object) -> Key:
    key = reader.member(x, "key", dict)
    local = None
    if key.get("segments") is not None:
        local = Segments(*_columns(reader, key, "segments"), kind="key")
    return Key(key.get("label"), key.get("confidence"), None, local, key.get("tuning_cents"))


def _read_caption(reader: _Reader, x: Object) -> Caption:
    caption = reader.member(x, "caption", dict)
    return Caption(reader.member(caption, "text", str, "caption"), caption.get("confidence"))


def _read_embedding(reader: _Reader, x: Object) -> Embedding:
    body = reader.member(x, "embed", dict)
    rate = body.get("rate")
    grid = None if rate is None else FrameGrid(Fraction(*rate), float(body.get("start") or 0.0))
    rows = np.array(reader.member(body, "values", list, "embed"), dtype=np.float32)
    return Embedding(rows.reshape(len(rows), body.get("n_dimensions", -1)), grid)


_TAG_TASKS = [row.name for row in TASKS.values() if row.value == "Tags"]

_READERS: dict[str, Callable[[_Reader, Object], Annotation]] = {
    "beats": _read_beats,
    "tempo": _read_tempo,
    "tempo_map": _read_tempo_map,
    "key": _read_key,
    **{f"{kind}s": _read_spans(kind) for kind in (*get_args(SegmentKind), *get_args(EventKind))},
    **{kind: _read_tags(kind) for kind in _TAG_TASKS},
    "caption": _read_caption,
    "embed": _read_embedding,
}


def _kind(x: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null", bool: "a truth"}
    return names.get(type(x), "a number")
