"""``.svl``: layers of Sonic Visualiser, which opens them over the recording.

Beats are a layer of time instants, labeled with the position in the bar; segments and events are
a layer of regions. Times are frames of 44.1 kHz, so they are kept to 12 µs.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from mirkit.annotation import Beats, Events, Segments
from mirkit.errors import FormatError
from mirkit.formats.audacity import beat_labels, beats_of, segments_of

RATE = 44100
"""Frames a second."""


def dumps(value: Beats | Segments | Events) -> str:
    """Return the layer."""
    regions = not isinstance(value, Beats)
    root = ET.Element("sv")
    data = ET.SubElement(root, "data")
    points = _instants(value) if isinstance(value, Beats) else _regions(value)
    frames = [int(point["frame"]) for point in points]
    model = ET.SubElement(data, "model", id="1", name="", sampleRate=str(RATE))
    model.set("start", str(min(frames, default=0)))
    model.set("end", str(max(frames, default=0) + 1))
    model.set("type", "sparse")
    model.set("dimensions", "3" if regions else "1")
    model.set("resolution", "1")
    model.set("notifyOnAdd", "true")
    model.set("dataset", "0")
    if regions:
        model.set("subtype", "region")
    dataset = ET.SubElement(data, "dataset", id="0", dimensions="3" if regions else "1")
    for point in points:
        ET.SubElement(dataset, "point", point)
    display = ET.SubElement(root, "display")
    kind, name = ("regions", "Segments") if regions else ("timeinstants", "Beats")
    layer = ET.SubElement(display, "layer", id="2", type=kind, name=name, model="1")
    layer.set("colourName", "Purple")
    layer.set("colour", "#c832ff")
    ET.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n'
    return f"{head}{ET.tostring(root, encoding='unicode')}\n"


def loads(text: str, name: str) -> Beats | Segments:
    """Return the beats of a layer of instants, or the segments of one of regions."""
    try:
        root = ET.fromstring(text.encode())
    except (ET.ParseError, ValueError) as error:
        raise FormatError(
            f"{name} is no whole layer: {error}. Is it a session (.sv)? Export the layer."
        ) from None
    model, dataset = root.find("data/model"), root.find("data/dataset")
    if model is None or dataset is None:
        raise FormatError(f"{name} holds no layer with points (model and dataset)")
    try:
        rate = float(model.get("sampleRate", RATE))
        rows = [
            (float(x.get("frame", "")) / rate, float(x.get("duration", "0")) / rate, x.get("label"))
            for x in dataset.findall("point")
        ]
    except (ValueError, ZeroDivisionError):
        raise FormatError(f"{name} holds a point without a frame, or no sample rate") from None
    rows.sort(key=lambda row: row[0])
    if model.get("dimensions") == "1":
        return beats_of([time for time, _, _ in rows], [label or "" for _, _, label in rows])
    return segments_of([(time, time + length, label or "") for time, length, label in rows])


def _instants(beats: Beats) -> list[dict[str, str]]:
    labels = beat_labels(beats)
    return [
        {"frame": str(round(time * RATE)), "label": label}
        for time, label in zip(beats.times, labels, strict=True)
    ]


def _regions(segments: Segments | Events) -> list[dict[str, str]]:
    """Return a point for each segment, whose height tells its label apart from others."""
    heights = {label: str(i) for i, label in enumerate(dict.fromkeys(segments.labels))}
    return [
        {
            "frame": str(round(start * RATE)),
            "value": heights[label],
            "duration": str(round(end * RATE) - round(start * RATE)),
            "label": label or "",
        }
        for (start, end), label in zip(segments.intervals, segments.labels, strict=True)
    ]
