"""Segments as a track of a standard MIDI file: markers, and for chords notes that sound them.

Ticks lie at 120 bpm, a thousandth of a second apart or nearer. Each segment is a marker with its
label, and a text event that holds it in full, from which it is read back exactly. A chord sounds
its tones in close position around middle C, so that neighbors lead on smoothly, over its bass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast, get_args

import numpy as np

from mirkit.annotation import SegmentKind, Segments
from mirkit.errors import FormatError
from mirkit.vocab import Chord, parse_chord

LOWEST_BASS = 36  # C2
LOWEST_TONE = 55  # G3
VELOCITY = 80
MICROSECONDS = 500_000  # a quarter

_ENTRY = "mirkit segment "

Event = tuple[int, Any]
"""A tick and a message."""


def events(segments: Segments, ticks_per_quarter: int) -> list[Event]:
    """Return the events of a track."""
    from mido import MetaMessage

    found: list[Event] = [
        (0, MetaMessage("track_name", name=f"{segments.kind}s")),
        (0, MetaMessage("set_tempo", tempo=MICROSECONDS)),
    ]
    for (start, end), label in zip(segments.intervals.tolist(), segments.labels, strict=True):
        first, last = (round(x * 1e6 * ticks_per_quarter / MICROSECONDS) for x in (start, end))
        text = _ENTRY + json.dumps([segments.kind, start, end, label])
        marker = label.encode("latin-1", "replace").decode("latin-1")
        found.append((first, MetaMessage("marker", text=marker)))
        found.append((first, MetaMessage("text", text=text)))
        if segments.kind == "chord" and last > first:
            found += _notes(parse_chord(label), first, last)
    return sorted(found, key=lambda event: event[0])


def read(file: Any, name: str) -> Segments | None:
    """Return the segments of a MIDI file that was written so, or None."""
    entries = list(_entries(file, name))
    if not entries:
        return None
    kinds, starts, ends, labels = zip(*entries, strict=True)
    kind = cast(SegmentKind, kinds[0])
    if set(kinds) != {kind} or kind not in get_args(SegmentKind):
        raise FormatError(f"{name} holds segments of the kinds {', '.join(sorted(set(kinds)))}")
    return Segments(np.array([starts, ends]).T, labels, kind=kind)


def voicing(chord: Chord) -> list[int]:
    """Return the notes that sound a chord, as MIDI numbers, the bass first; none for N and X.

    Examples
    --------
    >>> voicing(parse_chord("C:maj/3"))
    [40, 55, 60, 64]
    """
    if chord.root is None or chord.bass_step is None:
        return []
    bass = LOWEST_BASS + (chord.root + chord.bass_step) % 12
    tones = [LOWEST_TONE + (pitch - LOWEST_TONE) % 12 for pitch in chord.pitch_classes]
    return [bass, *sorted(tones)]


def _notes(chord: Chord, first: int, last: int) -> Iterator[Event]:
    from mido import Message

    for note in voicing(chord):
        yield last, Message("note_off", note=note)
        yield first, Message("note_on", note=note, velocity=VELOCITY)


def _entries(file: Any, name: str) -> Iterator[tuple[str, float, float, str]]:
    for track in file.tracks:
        for message in track:
            if message.type == "text" and message.text.startswith(_ENTRY):
                try:
                    kind, start, end, label = json.loads(message.text.removeprefix(_ENTRY))
                    yield str(kind), float(start), float(end), str(label)
                except (ValueError, TypeError) as error:
                    raise FormatError(f"{name}: a segment is damaged: {error}") from None
