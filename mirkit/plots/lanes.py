"""Lanes: the annotations of a recording as strips over time, one below the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mirkit.annotation import Annotation, Beats, Events, Key, Segments
from mirkit.arrays import Floats
from mirkit.plots.palette import (
    ACCENT,
    CORE,
    INK,
    MUTED,
    NOTHING,
    color_of_chord,
    color_of_key,
    colors_of_names,
)
from mirkit.vocab.keys import NO_KEY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRIP = 0.34
"""Height of a lane of segments [inches]."""

CHARACTER = 0.072
"""Width of a letter in a lane [inches]."""

MOST_ROWS = 12
"""Labels of events that have a row of their own."""


@dataclass(frozen=True)
class Lane:
    """A strip of a picture.

    Parameters
    ----------
    name
        What stands left of it.
    height
        Its height [inches].
    draw
        Draws it, given its axes and the width of a second [inches].
    """

    name: str
    height: float
    draw: Callable[[Axes, float], None]


def lanes_of(annotations: Mapping[str, Annotation]) -> list[Lane]:
    """Return the lanes of annotations; what has no place in time has none."""
    found = (_lane(name, x) for name, x in annotations.items())
    return [lane for lane in found if lane is not None]


def _lane(name: str, x: Annotation) -> Lane | None:
    if isinstance(x, Beats):
        return Lane(name, STRIP, lambda ax, inches: draw_beats(ax, x, inches))
    if isinstance(x, Key):
        local = x.segments if x.segments is not None else _whole(x)
        return Lane(name, STRIP, lambda ax, inches: draw_segments(ax, local, inches))
    if isinstance(x, Segments):
        return Lane(name, STRIP, lambda ax, inches: draw_segments(ax, x, inches))
    if isinstance(x, Events) and x.kind == "note" and x.pitches is not None:
        pitches = x.pitches
        return Lane(name, 1.6, lambda ax, inches: draw_notes(ax, x, pitches))
    if isinstance(x, Events):
        rows = rows_of(x)
        height = 0.14 + 0.2 * max(1, len(rows))
        return Lane(name, height, lambda ax, inches: draw_events(ax, x, rows))
    return None


def _whole(key: Key) -> Segments:
    """Return one segment that ends with the picture."""
    return Segments(np.array([[0.0, 1e6]]), (key.label or NO_KEY,), kind="key")


def draw_beats(ax: Axes, beats: Beats, inches: float) -> None:
    """Draw a tick per beat, a longer one and the number of the bar per downbeat.

    Where beats lie too close to tell, bars are drawn alone, and where these do, every second of
    them is numbered, every fourth, and so on.
    """
    downbeats = beats.downbeats
    step = float(np.median(np.diff(beats.times))) if len(beats) > 1 else 1.0
    if step * inches > 0.03 or not len(downbeats):
        ax.vlines(beats.times, 0, 0.45, color=MUTED, lw=0.9, label="beats")
    ax.vlines(downbeats, 0, 1, color=ACCENT, lw=1.3, label="downbeats")
    bar = float(np.median(np.diff(downbeats))) if len(downbeats) > 1 else 1.0
    every = next(n for n in (1, 2, 4, 8, 16, 32, 64, 1 << 30) if n * bar * inches > 0.34)
    for i in range(0, len(downbeats), every):
        ax.text(
            downbeats[i] + 0.04 / inches, 0.98, str(i + 1), fontsize=7, color=INK, va="top",
            clip_on=True,
        )  # fmt: skip
    ax.set(ylim=(0, 1), yticks=[])


def draw_segments(ax: Axes, segments: Segments, inches: float) -> None:
    """Draw a colored stretch per segment, with its label where there is room for it."""
    from matplotlib.collections import PolyCollection

    colors = _colors(segments)
    boxes = [[(a, 0.06), (b, 0.06), (b, 0.94), (a, 0.94)] for a, b in segments.intervals]
    ax.add_collection(
        PolyCollection(boxes, facecolors=colors, edgecolors="white", linewidths=0.6), autolim=False
    )
    low, high = ax.get_xlim()
    for (start, end), label in zip(segments.intervals, segments.labels, strict=True):
        text = shown_label(label, segments.kind)
        left, right = max(start, low), min(end, high)
        if text and (right - left) * inches > CHARACTER * len(text) + 0.06:
            ax.text(
                (left + right) / 2, 0.47, text, ha="center", va="center", fontsize=8, color=INK,
                clip_on=True,
            )  # fmt: skip
    ax.set(ylim=(0, 1), yticks=[])


def shown_label(label: str, kind: str) -> str:
    """Return a label as it is drawn: chords as musicians write them, nothing for none.

    Examples
    --------
    >>> [shown_label(x, "chord") for x in ("C:maj", "A:min7", "G:7", "D:sus4/5", "N")]
    ['C', 'Am7', 'G7', 'Dsus4/5', '']
    """
    if kind != "chord":
        return "" if kind == "key" and label == NO_KEY else label
    if label in ("N", "X"):
        return ""
    root, _, rest = label.partition(":")
    quality, slash, bass = rest.partition("/")
    short = "m" + quality[3:] if quality.startswith("min") else quality
    return f"{root}{'' if short == 'maj' else short}{slash}{bass}"


def _colors(segments: Segments) -> list[Any]:
    if segments.kind == "chord":
        return [color_of_chord(label) for label in segments.labels]
    if segments.kind == "key":
        return [color_of_key(label) for label in segments.labels]
    colors = colors_of_names(segments.labels)
    return [colors[label] if label else NOTHING for label in segments.labels]


def rows_of(events: Events) -> tuple[str | None, ...]:
    """Return the labels that have a row: the most frequent, the most frequent first."""
    return tuple(label for label, _ in Counter(events.labels).most_common(MOST_ROWS))


def draw_events(ax: Axes, events: Events, rows: tuple[str | None, ...]) -> None:
    """Draw a row of bars per label, paler where the confidence is low."""
    colors = colors_of_names(rows)
    sure = np.ones(len(events)) if events.confidence is None else events.confidence
    for row, label in enumerate(rows):
        chosen = np.array([x == label for x in events.labels])
        spans = events.intervals[chosen]
        ax.hlines(
            np.full(len(spans), row), spans[:, 0], spans[:, 1], color=colors[label], lw=9,
            alpha=(0.3 + 0.7 * sure[chosen]).tolist(),
        )  # fmt: skip
        ax.vlines(spans[:, 0], row - 0.4, row + 0.4, color=INK, lw=0.8)
    ax.set_yticks(range(len(rows)), [label or "" for label in rows], fontsize=7)
    ax.set_ylim(max(0, len(rows) - 1) + 0.6, -0.6)


def draw_notes(ax: Axes, notes: Events, pitches: Floats) -> None:
    """Draw a piano roll."""
    sure = np.ones(len(notes)) if notes.confidence is None else notes.confidence
    ax.hlines(
        pitches, notes.intervals[:, 0], notes.intervals[:, 1], color=CORE, lw=2.4,
        alpha=(0.35 + 0.65 * sure).tolist(),
    )  # fmt: skip
    octaves = [12 * k for k in range(11) if _is_near(12 * k, pitches)]
    ax.set_yticks(octaves, [f"C{p // 12 - 1}" for p in octaves], fontsize=7)
    ax.grid(axis="y", alpha=0.3)


def _is_near(pitch: float, pitches: Floats) -> bool:
    return bool(len(pitches)) and pitches.min() - 6 <= pitch <= pitches.max() + 6
