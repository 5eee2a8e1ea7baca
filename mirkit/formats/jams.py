"""``.jams``: the JSON annotation format of music research, with what made each annotation.

| value | namespace | |
|---|---|---|
| `Beats` | beat | value = position in the bar, or null; hypotheses in the sandbox |
| `Tempo` | tempo | one observation for each hypothesis, whose score is its confidence |
| `TempoMap` | tempo | one observation for each entry; meters and denominators in the sandbox |
| `Segments` | chord, key_mode, segment_open | by kind; sections and segments are segment_open |
| `Events` | tag_open, onset, note_midi | by kind; velocities in the sandbox; note_hz is read too |
| `Tags` | tag_open | over the whole recording; confidence = score |
| `Key` | key_mode | ``A:minor``; N where there is none; the local keys where known |
| `Caption` | blob | |
| `Embedding` | vector | |

The sandbox of each annotation, under ``mirkit``, holds what its namespace has no place for, so
values come back exactly. Files of other programs are read too: each annotation in one of these
namespaces becomes the value it looks like, others are left out. One that is damaged is left out
too, with a warning. Overlaps of segments up to 1 ms are rounding, and go; beats with fractions are
bar and beat (``1.1 1.2 1.3 2.1``); a null value is an event without a label. A file with one value
in it gives that value, and one with several an `Analysis`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mirkit.activations import Provenance
from mirkit.annotation import Analysis, Annotation, Events, Key, Segments
from mirkit.audio import Track
from mirkit.errors import FormatError, FormatWarning, ParameterError
from mirkit.formats.jams_reading import READERS, guess_type
from mirkit.formats.jams_writing import WRITERS
from mirkit.vocab.keys import NO_KEY, is_scored

_DAMAGE = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
"""What an annotation raises that does not follow its namespace."""

_POINTS = ("beat", "beat_position", "onset")
"""Namespaces of points, whose durations some programs leave null."""


def dumps(value: Annotation | Analysis) -> str:
    """Return the JAMS text of an annotation, or of all annotations of a track."""
    jam = to_jams(value)
    return str(jam.dumps(ensure_ascii=False, indent=1)) + "\n"


def loads(text: str, name: str) -> Annotation | Analysis:
    """Return the value of a JAMS text."""
    import jams

    try:
        x = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"{name}, line {error.lineno}: no JSON: {error.msg}") from None
    if not isinstance(x, dict) or not isinstance(x.get("annotations"), list):
        raise FormatError(f"{name} is JSON but no JAMS: it has no 'annotations'. Is it .json?")
    return from_jams(_jam(jams, x, name), name)


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
    """Return the value that a ``jams.JAMS`` holds, or the `Analysis` of several.

    An annotation that cannot be read is left out, with a warning that names it.

    Raises
    ------
    FormatError
        Where none can be read.
    """
    annotations: dict[str, Annotation] = {}
    failed = []
    for annotation in jam.annotations:
        try:
            value = _from_annotation(annotation)
        except _DAMAGE as error:
            failed.append(f"{name}: {annotation.namespace}: {_said(error)}")
            continue
        if value is not None:
            own = _sandbox(annotation).get("task")
            task = own or _task_of(value)
            annotations[task if task not in annotations else _numbered(task, annotations)] = value
            _warn_of_modes(value, f"{name}: {annotation.namespace}")
    if failed and not annotations:
        raise FormatError(failed[0])
    for message in failed:
        warnings.warn(
            f"{message}. It is left out, and the rest is read", FormatWarning, stacklevel=2
        )
    return _whole(jam, annotations, len(annotations) + len(failed), name)


def _whole(
    jam: Any, annotations: dict[str, Annotation], n: int, name: str
) -> Annotation | Analysis:
    """Return the annotations of a file that held `n`."""
    ours = _sandbox(jam)
    if not annotations and not ours:
        found = ", ".join(sorted({x.namespace for x in jam.annotations})) or "none"
        raise FormatError(f"{name} holds no annotation that mirkit knows; its namespaces: {found}")
    if not ours.get("analysis", n != 1):
        return next(iter(annotations.values()))
    duration = ours["duration"] if ours else jam.file_metadata.duration
    return Analysis(annotations, _from_track_object(ours.get("track")), duration)


def _warn_of_modes(value: Annotation, place: str) -> None:
    labels: tuple[str, ...] = ()
    if isinstance(value, Segments) and value.kind == "key":
        labels = value.labels
    elif isinstance(value, Key) and value.label is not None:
        labels = (value.label,)
    for label in dict.fromkeys(labels):
        if label != NO_KEY and not is_scored(label):
            warnings.warn(
                f"{place}: {label} is kept as a label; measures know major and minor keys only",
                FormatWarning,
                stacklevel=3,
            )


def _jam(jams: Any, x: Mapping[str, Any], name: str) -> Any:
    """Return the ``jams.JAMS`` of a JSON object, without the annotations that are damaged."""
    jam = jams.JAMS(annotations=list(_annotations(jams, x["annotations"], name)))
    for part in ("file_metadata", "sandbox"):
        try:
            kind = type(getattr(jam, part))
            setattr(jam, part, kind(**(x.get(part) or {})))
        except _DAMAGE as error:
            warnings.warn(
                f"{name}: its {part} is left out: {_said(error)}", FormatWarning, stacklevel=4
            )
    return jam


def _annotations(jams: Any, found: list[Any], name: str) -> Iterator[Any]:
    errors = []
    for i, x in enumerate(found):
        try:
            yield jams.Annotation(**{**x, "data": _observations(x)})
        except (*_DAMAGE, jams.JamsError) as error:
            errors.append(f"{name}: annotation {i}: {_said(error)}")
    if errors and len(errors) == len(found):
        raise FormatError(errors[0])
    for message in errors:
        warnings.warn(
            f"{message}. It is left out, and the rest is read", FormatWarning, stacklevel=5
        )


def _observations(x: Mapping[str, Any]) -> Any:
    """Return the data of an annotation; points without a duration have none."""
    data = x["data"]
    if x["namespace"] not in _POINTS or not isinstance(data, list):
        return data
    return [{**row, "duration": row.get("duration") or 0.0} for row in data]


def _said(error: Exception) -> str:
    """Return what an error says; a missing member by its name."""
    return f"it has no {error}" if isinstance(error, KeyError) else str(error) or repr(error)


def _describe(jam: Any, analysis: Analysis) -> None:
    """Fill in what JAMS says of the recording; without a duration, where the last event ends."""
    known = {} if analysis.track is None else analysis.track.metadata
    jam.file_metadata.title = known.get("title", "")
    jam.file_metadata.artist = known.get("artist", "")
    jam.file_metadata.release = known.get("album", "")
    ends = [row.time + row.duration for x in jam.annotations for row in x.data]
    jam.file_metadata.duration = analysis.duration or max(ends, default=0.0)


def _to_annotation(jams: Any, task: str, x: Annotation, duration: float) -> Any:
    namespace, rows, extra = WRITERS[type(x)](x, duration)
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
    kind = extra.get("type") or guess_type(annotation.namespace, rows)
    if kind is None:
        return None
    value = READERS[kind](rows, extra, annotation.namespace)
    if "provenance" in extra:
        return replace(value, provenance=Provenance(**extra["provenance"]))
    tools = annotation.annotation_metadata.annotation_tools
    return replace(value, provenance=Provenance(str(tools))) if tools and not extra else value


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
