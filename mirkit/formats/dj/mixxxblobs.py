"""Beats and keys as Mixxx keeps them in its database: protocol buffers, in frames of the recording.

A grid of one tempo is a BeatGrid, which goes on in both directions; any other is a BeatMap, with
each beat. A frame is one sample of all channels. Mixxx keeps no bars.
"""

from __future__ import annotations

import numpy as np

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, ParameterError
from mirkit.formats.dj.anchors import grid_of_markers
from mirkit.formats.dj.keys import key_of_number, spell_key
from mirkit.formats.dj.protobuf import Value, field, fields, to_signed
from mirkit.formats.dj.runs import grid_of_runs

GRID, MAP, KEYS = "BeatGrid-2.0", "BeatMap-1.0", "KeyMap-1.0"

_ANALYZER = 0
_NEAR = 1e-4  # [s] how far a beat of a map may lie from the tempi that it is read as


def beats_blob(grid: BeatGrid, sample_rate: int, lead: float = 0.0) -> tuple[str, bytes]:
    """Return the version and the bytes of a grid whose times are later by `lead` for Mixxx [s].

    A first beat in frame 0 stands for a grid without a place, so such a grid begins a beat later;
    it goes on to the start anyway.

    Examples
    --------
    >>> version, data = beats_blob(BeatGrid([0.25], [127.0], 60.0), 44100)
    >>> version, data.hex()
    ('BeatGrid-2.0', '0a09090000000000c05f401203089156')
    """
    if grid.constant:
        first = round((grid.times[0] + lead) * sample_rate)
        if first <= 0:
            first = round((grid.times[0] + lead + grid.periods[0]) * sample_rate)
        tempo = field(1, field(1, float(grid.bpms[0])))
        return GRID, tempo + field(2, field(1, int(first)))
    times = grid.extend(grid.end).beats().times + lead
    frames = np.round(times * sample_rate).astype(int)
    return MAP, b"".join(field(1, field(1, int(frame))) for frame in frames if frame >= 0)


def read_beats(
    version: str, data: bytes, sample_rate: int, end: float | None = None, lead: float = 0.0
) -> BeatGrid | None:
    """Return the grid in a blob, or None where it has none, or is of another version.

    Parameters
    ----------
    version
        What the database calls it.
    data
        The blob.
    sample_rate
        Of the recording [Hz].
    end
        Where the track ends [s]; None for the last beat.
    lead
        How much later times are for Mixxx [s].

    Raises
    ------
    FormatError
        Where the blob is cut off.
    """
    if version == GRID:
        return _read_grid(data, sample_rate, end, lead)
    if version == MAP:
        return _read_map(data, sample_rate, end, lead)
    return None


def _read_grid(data: bytes, sample_rate: int, end: float | None, lead: float) -> BeatGrid | None:
    values = dict(fields(data))
    bpm = dict(fields(_message(values.get(1)))).get(1, 0.0)
    frame = to_signed(_number(dict(fields(_message(values.get(2)))).get(1, 0)))
    if not isinstance(bpm, float) or not 0 < bpm < float("inf"):
        return None
    grid = grid_of_markers([(frame / sample_rate - lead, bpm)], end)
    return None if grid is None else grid.extend()  # a beat at 0 too, which no frame can say


def _read_map(data: bytes, sample_rate: int, end: float | None, lead: float) -> BeatGrid | None:
    beats = [dict(fields(_message(value))) for number, value in fields(data) if number == 1]
    frames = {to_signed(_number(beat.get(1, 0))) for beat in beats if beat.get(2, 1)}
    times = [frame / sample_rate - lead for frame in sorted(frames)]
    return grid_of_runs(times, range(len(times)), end, _NEAR) if times else None


def key_blob(key: str) -> bytes:
    """Return the KeyMap of a track in one key."""
    number = int(spell_key(key, "mixxx"))
    change = field(3, field(1, 0) + field(2, number))
    return field(1, number) + field(2, spell_key(key)) + change + field(4, _ANALYZER)


def read_key(version: str, data: bytes) -> str | None:
    """Return the main key in a KeyMap, or None where it has none, or is of another version."""
    if version != KEYS:
        return None
    try:
        return key_of_number(_number(dict(fields(data)).get(1, 0)), "mixxx")
    except ParameterError:
        return None


def _message(value: Value | None) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, bytes):
        raise FormatError(f"a blob of Mixxx has {value} where a message belongs")
    return value


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise FormatError(f"a blob of Mixxx has {value!r} where a whole number belongs")
    return value
