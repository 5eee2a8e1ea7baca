"""The colors of the plots: hues along the circle of fifths, and soft hues for names."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

from mirkit.vocab import parse_chord, pitch_class

Color = tuple[float, float, float]

INK = "#23262f"
"""Text and lines that matter."""

MUTED = "#8b90a0"
"""Text and lines that do not."""

WAVE, CORE = "#a9b8d4", "#5b7db8"
"""The peaks of a waveform, and the RMS level within."""

ACCENT = "#d1495b"
"""Downbeats, the tempo path, what is pointed at."""

NOTHING: Color = (0.92, 0.925, 0.94)
"""Stretches without a chord, a key or a name."""

SOFT = ("#8fb8de", "#f2b880", "#a6cfa1", "#d9a5c7", "#b7b1e0", "#e8d28a", "#9ed3ce", "#e0a69b")
"""Colors of names, in the order in which names appear."""

LINES = ("#2f6db5", "#d1495b", "#3f8f5c", "#8e5fa8", "#c77f1f", "#4a9a9a")
"""Colors of curves."""


def hue_of(pitch_class: int) -> float:
    """Return the hue of a pitch class in [0, 1): neighbors on the circle of fifths are alike.

    Examples
    --------
    >>> [round(12 * hue_of(p)) for p in (0, 7, 2)]
    [0, 1, 2]
    """
    return (7 * pitch_class % 12) / 12


def color_of_pitch(pitch_class: int, minor: bool = False) -> Color:
    """Return the color of a root; minor is a darker shade of its relative major."""
    hue = hue_of(pitch_class + 3 if minor else pitch_class)
    return colorsys.hls_to_rgb(hue, 0.7 if minor else 0.81, 0.45 if minor else 0.55)


def color_of_chord(label: str) -> Color:
    """Return the color of a chord label."""
    chord = parse_chord(label)
    if chord.root is None:
        return NOTHING
    return color_of_pitch(chord.root, minor=3 in chord.steps and 4 not in chord.steps)


def color_of_key(label: str) -> Color:
    """Return the color of a key label, which is that of the chord on its tonic."""
    tonic, _, mode = label.partition(" ")
    return color_of_pitch(pitch_class(tonic), minor=mode != "major") if mode else NOTHING


def colors_of_names(names: Iterable[str | None]) -> dict[str | None, str]:
    """Return a color for each name, in order of appearance.

    Examples
    --------
    >>> list(colors_of_names(["A", "B", "A"]))
    ['A', 'B']
    """
    known = list(dict.fromkeys(names))
    return {name: SOFT[i % len(SOFT)] for i, name in enumerate(known)}
