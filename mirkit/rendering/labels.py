"""Chord labels that say what is heard: a chart may name what nobody plays.

A band rests, a drummer plays alone, a guitar leaves out the third. Labels made from a chart are
brought down to what the notes hold; what only a melody or a bass implies is unknown, ``X``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mirkit.arrays import Floats
from mirkit.rendering.harmony import QUALITIES
from mirkit.rendering.score import Part, Span, join_spans
from mirkit.vocab import pitch_class

NOTHING, UNKNOWN = "N", "X"

LONGEST_REST = 1.2
"""A rest of everything pitched that lasts longer has no chord [s]."""

CONSONANCES = {
    "7": (10, "maj"), "maj7": (11, "maj"), "min7": (10, "min"), "minmaj7": (11, "min"),
    "maj6": (9, "maj"), "min6": (9, "min"), "dim7": (9, "dim"), "hdim7": (10, "dim"),
    "9": (2, "7"), "maj9": (2, "maj7"), "min9": (2, "min7"), "13": (9, "7"),
    "sus4(b7)": (10, "sus4"), "aug(b7)": (10, "aug"),
}  # fmt: skip
"""The tone that makes each chord more than another, and that other [semitones above the root]."""


def reduce_chords(parts: Iterable[Part], spans: Iterable[Span], seconds: float) -> tuple[Span, ...]:
    """Return the chords from 0 to `seconds` as the notes bear them out, without gaps.

    Where nothing pitched sounds the label is ``N``. It is ``X`` where only single lines do, such
    as a bass alone, and where no chord is annotated. A seventh or sixth that nobody plays is left
    out; a triad of which only root and fifth sound is a power chord.

    Parameters
    ----------
    parts
        Who plays, times in seconds.
    spans
        (start, end, label) [s], in order; empty where chords are not known: then so is the result.
    seconds
        Length of the clip [s].
    """
    spans = tuple(spans)
    if not spans:
        return ()
    pitched = [part for part in parts if not part.is_drums and len(part.notes)]
    full = [span for start, end, label in _fill_gaps(spans, seconds) for span in
            _cut_rests((start, end, label), _find_rests(pitched, seconds))]  # fmt: skip
    return join_spans(
        (start, end, _reduce_label(label, pitched, start, end)) for start, end, label in full
    )


def drop_silent_keys(keys: Iterable[Span], chords: Iterable[Span]) -> tuple[Span, ...]:
    """Return the keys of a piece that something tonal bears out.

    Parameters
    ----------
    keys
        (start, end, label) [s].
    chords
        What `reduce_chords` gave; where it says nothing, the keys stay.

    Returns
    -------
    tuple
        The keys without those during which there is no chord, which a drummer alone has not,
        whatever the chart says.

    Examples
    --------
    >>> keys = [(0.0, 4.0, "C major"), (4.0, 8.0, "D major")]
    >>> drop_silent_keys(keys, [(0.0, 3.0, "C:maj"), (3.0, 8.0, "N")])
    ((0.0, 4.0, 'C major'),)
    """
    chords = tuple(chords)

    def sounds(start: float, end: float) -> bool:
        during = [label for begin, stop, label in chords if begin < end and stop > start]
        return not during or any(label != NOTHING for label in during)

    return tuple((start, end, label) for start, end, label in keys if sounds(start, end))


def _fill_gaps(spans: Iterable[Span], seconds: float) -> list[Span]:
    """Return the spans within the clip, and unknown ones where there are none."""
    found: list[Span] = []
    place = 0.0
    for start, end, label in spans:
        start, end = max(start, 0.0), min(end, seconds)
        if start > place:
            found.append((place, start, UNKNOWN))
        if end > start:
            found.append((start, end, label))
        place = max(place, end)
    return [*found, (place, seconds, UNKNOWN)] if place < seconds else found


def _find_rests(pitched: Iterable[Part], seconds: float) -> list[tuple[float, float]]:
    """Return when nothing pitched sounds for longer than `LONGEST_REST`."""
    notes = sorted((n[0], n[0] + n[1]) for part in pitched for n in part.notes.tolist())
    rests, sounding = [], 0.0
    for start, end in [*notes, (seconds, seconds)]:
        if start - sounding > LONGEST_REST or (start - sounding > 0.25 and sounding == 0.0):
            rests.append((sounding, min(start, seconds)))
        sounding = max(sounding, end)
    return rests


def _cut_rests(span: Span, rests: Iterable[tuple[float, float]]) -> list[Span]:
    """Return a span cut at rests, which have no chord."""
    start, end, label = span
    found: list[Span] = []
    for first, last in rests:
        if last <= start or first >= end:
            continue
        found += [(start, first, label)] if first > start else []
        found.append((max(first, start), min(last, end), NOTHING))
        start = min(last, end)
    return [*found, (start, end, label)] if end > start else found


def _reduce_label(label: str, pitched: Iterable[Part], start: float, end: float) -> str:
    """Return the label that the notes of a span bear out."""
    if label in (NOTHING, UNKNOWN):
        return label
    players = [part for part in pitched if part.role != "lead"]
    band = set().union(*(_classes(part.notes, start, end) for part in players))
    if len(band) < 2:
        return UNKNOWN
    name, _, quality = label.partition(":")
    quality, slash, bass = quality.partition("/")
    root = pitch_class(name)
    reduced = _reduce_quality(quality, {(tone - root) % 12 for tone in band})
    return f"{name}:{reduced}{slash}{bass}"


def _reduce_quality(quality: str, band: set[int]) -> str:
    """Return the quality without tones that are not among `band`, semitones above the root."""
    while quality in CONSONANCES and CONSONANCES[quality][0] not in band:
        quality = CONSONANCES[quality][1]
    third = QUALITIES[quality][1]
    if quality in ("maj", "min") and third not in band and 7 in band:
        return "5"
    return quality


def _classes(notes: Floats, start: float, end: float) -> set[int]:
    """Return the pitch classes of notes of which half, or that fill half the span, lie in it."""
    overlap = np.minimum(notes[:, 0] + notes[:, 1], end) - np.maximum(notes[:, 0], start)
    needed = 0.5 * np.minimum(notes[:, 1], end - start)
    return set((notes[(overlap > 0) & (overlap >= needed), 2].astype(int) % 12).tolist())
