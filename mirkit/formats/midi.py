"""``.mid``: beats as the tempo map of a standard MIDI file, with a click on each beat.

Type 1, 960 ticks a quarter. One quarter a beat: each beat sets the tempo that reaches the next.
The quarters before the first beat carry its offset, so a sequencer that plays the file beside the
recording plays in time; what rounding the tempo to whole microseconds leaves over is carried to
the next beat, so no error grows. Bars are time signatures, put where their length changes. Clicks
are notes on channel 10: a high wood block on downbeats, a low one on the others.

Read back, the clicks are the beats, to 10 µs. Positions count from each accented click; those
before the first one count back from it. A file without clicks is a `TempoMap`.

A `TempoMap` is written to the nearest 1/960 of a quarter, with a text event that holds each entry
in full, from which it is read back exactly. `Segments` are markers, and chords sound: see
`mirkit.formats.midi_segments`. Notes among `Events` are a track that is called "notes": see
`mirkit.formats.midi_notes`; `notes` finds those of any other file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Beats, Events, Segments, TempoMap
from mirkit.errors import FormatError, ParameterError
from mirkit.formats import midi_notes, midi_segments

TICKS = 960
"""Ticks a quarter."""

_SLOWEST = 0xFFFFFF  # microseconds a quarter that fit into a tempo event
_CHANNEL = 9  # counted from 0: percussion
_DOWNBEAT, _BEAT = 76, 77  # high and low wood block
_LOUD, _SOFT = 127, 90
_CLICK_TICKS = TICKS // 8
_CLICKS = "clicks"
_ENTRY = "mirkit tempo "


def dumps(value: Beats | TempoMap | Segments | Events) -> bytes:
    """Return the MIDI file of beats, of a tempo map, of segments or of notes."""
    if isinstance(value, Segments):
        return _file([[_At(*event) for event in midi_segments.events(value, TICKS)]])
    if isinstance(value, Events):
        return _file([[_At(*event) for event in midi_notes.events(value, TICKS)]])
    tracks = _beat_tracks(value) if isinstance(value, Beats) else [_map_track(value)]
    return _file(tracks)


def loads(data: bytes, name: str) -> Beats | TempoMap | Segments | Events:
    """Return the beats of a file that has clicks, its segments, its notes, or its tempo map.

    Notes are those of a track that is called so; `notes` finds them in any track.
    """
    file = _parsed(data, name)
    segments = midi_segments.read(file, name)
    if segments is not None:
        return segments
    tempos = _tempos(file)
    clicks = [track for track in file.tracks if track.name == _CLICKS]
    if clicks:
        return _read_beats(clicks[0], file, tempos)
    notes = [track for track in file.tracks if track.name == midi_notes.TRACK]
    return _read_notes(notes, tempos) if notes else _read_map(file, tempos)


def tempo_map(data: bytes, name: str = "<midi>") -> TempoMap:
    """Return the tempo map of any MIDI file, one with clicks too."""
    file = _parsed(data, name)
    return _read_map(file, _tempos(file))


def notes(data: bytes, name: str = "<midi>", *, drums: bool = False) -> Events:
    """Return the notes of all tracks of any MIDI file.

    Parameters
    ----------
    data
        Content of the file.
    name
        Its name, for messages.
    drums
        Whether the channel of percussion counts, whose note numbers are no pitches.
    """
    file = _parsed(data, name)
    return _read_notes(file.tracks, _tempos(file), drums)


@dataclass(frozen=True, slots=True)
class _At:
    """An event at a tick."""

    tick: int
    message: Any


def _beat_tracks(beats: Beats) -> list[list[_At]]:
    """Return the track of tempi and bars, and the track of clicks."""
    from mido import Message, MetaMessage

    ticks, tempos = _grid(beats.times)
    conductor = [_At(tick, MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempos]
    positions = beats.positions
    downbeats = np.zeros(len(ticks), bool) if positions is None else positions == 1
    for tick, n_beats in _bars(ticks, positions):
        bar = MetaMessage("time_signature", numerator=n_beats, denominator=4)
        conductor.append(_At(tick, bar))
    clicks = [_At(0, MetaMessage("track_name", name=_CLICKS))]
    for tick, accent in zip(ticks, downbeats, strict=True):
        note, velocity = (_DOWNBEAT, _LOUD) if accent else (_BEAT, _SOFT)
        on = Message("note_on", channel=_CHANNEL, note=note, velocity=velocity)
        off = Message("note_off", channel=_CHANNEL, note=note)
        clicks += [_At(tick, on), _At(tick + _CLICK_TICKS, off)]
    return [conductor, clicks]


def _grid(times: NDArray[np.float64]) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the tick of each beat, and the (tick, tempo [µs a quarter]) of each quarter."""
    targets = [round(time * 1e6) for time in times]  # whole µs, so nothing is left over
    ticks: list[int] = []
    tempos: list[tuple[int, int]] = []
    tick = now = 0
    for i, target in enumerate(targets):
        gap = target - now
        usual = targets[1] - targets[0] if i == 0 and len(targets) > 1 else gap
        least = 1 if i else min(1, gap)
        n_quarters = max(least, -(-gap // _SLOWEST), round(gap / max(usual, 1)))
        for quarter in range(n_quarters):
            end = now + (target - now) // (n_quarters - quarter)
            tempos.append((tick, max(1, end - now)))
            tick, now = tick + TICKS, end
        ticks.append(tick)
    return ticks, tempos


def _bars(ticks: list[int], positions: NDArray[np.int64] | None) -> Iterator[tuple[int, int]]:
    """Yield the tick and the beats of each bar that differs from the one before it.

    The first begins at tick 0 and is that of the beats before the first downbeat; another begins
    at that downbeat, wherever the quarters before it began.
    """
    starts = [] if positions is None else [int(i) for i in np.flatnonzero(positions == 1)]
    if positions is None or not starts:
        return
    lengths = [end - start for start, end in pairwise([*starts, len(ticks)])]
    if len(lengths) > 1:
        lengths[-1] = max(lengths[-2:])  # the last bar may be cut
    length = int(positions[starts[0] - 1]) if starts[0] else lengths[0]
    yield 0, min(length, 255)
    previous = None if ticks[starts[0]] else length
    for start, length in zip(starts, lengths, strict=True):
        if length != previous:
            yield ticks[start], min(length, 255)
        previous = length


def _map_track(x: TempoMap) -> list[_At]:
    """Return the one track of a tempo map."""
    from mido import MetaMessage

    track, tick, now = [], 0, 0.0  # the tick, and when it sounds [s]
    meters = [None] * len(x.times) if x.meters is None else x.meters.tolist()
    entries = list(zip(x.times.tolist(), x.bpms.tolist(), meters, strict=True))
    for i, (time, bpm, meter) in enumerate(entries):
        tempo = _tempo_of(entries[max(i - 1, 0)][1])
        n_ticks = round((time - now) * 1e6 * TICKS / tempo)
        tick, now = tick + n_ticks, now + n_ticks * tempo / TICKS / 1e6
        if i == 0 and tick:
            track.append(_At(0, MetaMessage("set_tempo", tempo=tempo)))
        track.append(_At(tick, MetaMessage("set_tempo", tempo=_tempo_of(bpm))))
        if meter:
            bar = MetaMessage("time_signature", numerator=min(meter, 255), denominator=4)
            track.append(_At(tick, bar))
        text = _ENTRY + json.dumps([time, bpm, meter])
        track.append(_At(tick, MetaMessage("text", text=text)))
    return track


def _tempo_of(bpm: float) -> int:
    tempo = round(60e6 / bpm)
    if not 1 <= tempo <= _SLOWEST:
        raise ParameterError(f"{bpm:g} bpm does not fit into MIDI, which holds 3.6 bpm and more")
    return tempo


def _file(tracks: list[list[_At]]) -> bytes:
    """Return a type-1 file of tracks, whose events carry the ticks since the one before."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    for events in tracks:
        track, now = mido.MidiTrack(), 0
        for event in sorted(events, key=lambda event: event.tick):
            track.append(event.message.copy(time=event.tick - now))
            now = event.tick
        track.append(mido.MetaMessage("end_of_track"))
        file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _parsed(data: bytes, name: str) -> Any:
    import mido

    if not data.startswith(b"MThd"):
        raise FormatError(f"{name} is no MIDI file: it does not begin with MThd")
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise FormatError(f"{name} is a damaged MIDI file: {error!r}") from None
    if file.type == 2 or file.ticks_per_beat <= 0:
        raise FormatError(f"{name} is a MIDI file of independent songs or of film frames")
    return file


@dataclass(frozen=True, slots=True)
class _Tempos:
    """When ticks sound: where each tempo begins, and how fast it is."""

    ticks: NDArray[np.int64]
    seconds: NDArray[np.float64]
    tempos: NDArray[np.int64]  # microseconds a quarter
    ticks_per_beat: int

    def seconds_at(self, tick: int) -> float:
        i = int(np.searchsorted(self.ticks, tick, side="right")) - 1
        since = (tick - int(self.ticks[i])) * int(self.tempos[i]) / self.ticks_per_beat / 1e6
        return float(self.seconds[i]) + since


def _tempos(file: Any) -> _Tempos:
    """Return the tempi of all tracks; 120 bpm hold before the first."""
    changes = {0: 500_000}
    for track in file.tracks:
        for tick, message in _absolute(track):
            if message.type == "set_tempo":
                changes[tick] = message.tempo
    ticks = sorted(changes)
    seconds = [0.0]
    for before, tick in pairwise(ticks):
        seconds.append(seconds[-1] + (tick - before) * changes[before] / file.ticks_per_beat / 1e6)
    tempos = np.array([changes[tick] for tick in ticks])
    return _Tempos(np.array(ticks), np.array(seconds), tempos, file.ticks_per_beat)


def _absolute(track: Any) -> Iterator[tuple[int, Any]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _read_beats(track: Any, file: Any, tempos: _Tempos) -> Beats:
    notes = [(t, m) for t, m in _absolute(track) if m.type == "note_on" and m.velocity]
    times = np.array([tempos.seconds_at(tick) for tick, _ in notes])
    accents = np.array([message.note == _DOWNBEAT for _, message in notes], dtype=bool)
    if not accents.any():
        return Beats(times)
    first_bar = [
        message.numerator
        for other in file.tracks
        for _, message in _absolute(other)
        if message.type == "time_signature"
    ]
    return Beats(times, _positions(accents, first_bar[0] if first_bar else 0))


def _read_notes(tracks: list[Any], tempos: _Tempos, drums: bool = False) -> Events:
    rows = [row for track in tracks for row in midi_notes.rows_of(track, drums)]
    return midi_notes.notes_of(
        [
            (tempos.seconds_at(start), tempos.seconds_at(end), note, velocity)
            for start, end, note, velocity in rows
        ]
    )


def _positions(accents: NDArray[np.bool_], n_beats: int) -> NDArray[np.int64]:
    """Count from each accent on; before the first, back from it in bars of `n_beats`."""
    starts = np.flatnonzero(accents)
    index = np.arange(len(accents))
    last = np.maximum.accumulate(np.where(accents, index, -1))
    before = (index - starts[0]) % max(n_beats, int(starts[0]), 1)
    return np.where(last >= 0, index - last, before) + 1


def _read_map(file: Any, tempos: _Tempos) -> TempoMap:
    entries = [
        json.loads(message.text.removeprefix(_ENTRY))
        for track in file.tracks
        for message in track
        if message.type == "text" and message.text.startswith(_ENTRY)
    ]
    if entries:
        times, bpms, beats = zip(*entries, strict=True)
        known = None if None in beats else np.array(beats, dtype=np.int64)
        return TempoMap(np.array(times), np.array(bpms), known)
    bars = sorted(
        (tick, message.numerator)
        for track in file.tracks
        for tick, message in _absolute(track)
        if message.type == "time_signature"
    )
    kept = np.append(True, np.diff(tempos.seconds) > 0)  # of no length: overruled at once
    meters = [([4] + [n for at, n in bars if at <= tick])[-1] for tick in tempos.ticks]
    return TempoMap(
        tempos.seconds[kept],
        60e6 / tempos.tempos[kept],
        np.array(meters, dtype=np.int64)[kept] if bars else None,
    )
