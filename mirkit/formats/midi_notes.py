"""Notes as a track of a standard MIDI file, that sequencers play and edit; notes of any such file.

Ticks lie at 120 bpm, half a millisecond apart. A pitch is rounded to its semitone. Notes whose
velocity is not known are written with the standard's default, 64, and a track of nothing else is
read as one without velocities. A note that begins while another of its pitch sounds goes to
another channel, so that each end belongs to one beginning; no note is on the channel of drums.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mirkit.annotation import Events
from mirkit.errors import ParameterError
from mirkit.formats.midi_segments import MICROSECONDS, Event

TRACK = "notes"
"""The name of the track, by which it is known again."""

DEFAULT_VELOCITY = 64
DRUMS = 9
"""The channel of percussion, counted from 0."""

CHANNELS = tuple(channel for channel in range(16) if channel != DRUMS)

Row = tuple[int, int, int, int]
"""A note of a MIDI file: ticks of its start and its end, note number, velocity."""


def events(notes: Events, ticks_per_quarter: int) -> list[Event]:
    """Return the events of a track.

    Raises
    ------
    ParameterError
        Where these are no notes, have no pitches, or more than 15 of one pitch sound at once.
    """
    from mido import Message, MetaMessage

    found: list[Event] = [
        (0, MetaMessage("track_name", name=TRACK)),
        (0, MetaMessage("set_tempo", tempo=MICROSECONDS)),
    ]
    rows = _rows(notes, ticks_per_quarter)
    for (first, last, note, velocity), channel in zip(rows, _channels(rows), strict=True):
        on = Message("note_on", channel=channel, note=note, velocity=velocity)
        found += [(first, on), (last, Message("note_off", channel=channel, note=note))]
    return sorted(found, key=lambda event: event[0])  # stable: an end stays before a later start


def rows_of(track: Any, drums: bool = False) -> list[Row]:
    """Return the notes of a track of a MIDI file, in order of their starts.

    A note that is struck again while it sounds ends there; one that never ends is left out.

    Parameters
    ----------
    track
        Messages, as mido reads them.
    drums
        Whether the channel of percussion counts, whose note numbers are no pitches.
    """
    sounding: dict[tuple[int, int], tuple[int, int]] = {}
    found: list[Row] = []
    for tick, message in _strokes(track):
        key = (message.channel, message.note)
        if key in sounding and (drums or message.channel != DRUMS):
            start, velocity = sounding[key]
            found.append((start, tick, message.note, velocity))
        sounding.pop(key, None)
        if message.type == "note_on" and message.velocity:
            sounding[key] = (tick, message.velocity)
    return sorted(found)


def notes_of(rows: list[tuple[float, float, int, int]]) -> Events:
    """Return notes (start [s], end [s], note number, velocity) as an annotation."""
    if not rows:
        return Events(np.empty((0, 2)), (), kind="note")
    starts, ends, numbers, velocities = zip(*sorted(rows), strict=True)
    known = set(velocities) != {DEFAULT_VELOCITY}
    return Events(
        np.array([starts, ends]).T,
        tuple(map(str, numbers)),
        kind="note",
        velocities=np.array(velocities) if known else None,
    )


def _rows(notes: Events, ticks_per_quarter: int) -> list[Row]:
    if notes.kind != "note" or notes.pitches is None:
        raise ParameterError(
            f"these {notes.kind}s have no pitches, and MIDI needs them; give Events of kind 'note' "
            "with pitches, or use .jams"
        )
    ticks = np.rint(notes.intervals * 1e6 * ticks_per_quarter / MICROSECONDS).astype(np.int64)
    ticks[:, 1] = np.maximum(ticks[:, 1], ticks[:, 0] + 1)
    numbers = np.clip(np.rint(notes.pitches), 0, 127).astype(np.int64)
    velocities = np.full(len(notes), DEFAULT_VELOCITY)
    if notes.velocities is not None:
        velocities = notes.velocities
    columns = (ticks[:, 0], ticks[:, 1], numbers, velocities)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _channels(rows: list[Row]) -> Iterator[int]:
    """Yield the first channel for each note on which its pitch is silent."""
    until: dict[tuple[int, int], int] = {}
    for first, last, note, _ in rows:
        free = (channel for channel in CHANNELS if until.get((channel, note), 0) <= first)
        channel = next(free, None)
        if channel is None:
            raise ParameterError(
                f"more than {len(CHANNELS)} notes of pitch {note} sound at once; MIDI has no "
                "channels for them"
            )
        until[channel, note] = last
        yield channel


def _strokes(track: Any) -> Iterator[tuple[int, Any]]:
    """Yield the tick and the message of each beginning and end of a note."""
    tick = 0
    for message in track:
        tick += message.time
        if message.type in ("note_on", "note_off"):
            yield tick, message
