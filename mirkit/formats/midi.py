"""``.mid``: beats as the tempo map of a standard MIDI file, with a click on each beat.

Type 1, 960 ticks a quarter. A beat is the note that its denominator says, a quarter where none is
known: each beat sets the tempo that reaches the next. The notes before the first beat carry its
offset, so a sequencer that plays the file beside the recording plays in time; what rounding the
tempo to whole microseconds leaves over is carried to the next beat, so no error grows. Bars are
time signatures, put where they change. Clicks are notes on channel 10: a high wood block on
downbeats, a low one on the others.

Read back, the clicks are the beats, to 10 µs. Positions count from each accented click; those
before the first one count back from it. A file without clicks is a `TempoMap`, with an entry
wherever tempo or time signature change; its tempi count the denominators, as a quarter of 120 bpm
is an eighth of 240. Chunks that are no tracks are skipped.

A `TempoMap` is written to the nearest 1/960 of a quarter, with a text event that holds each entry
in full, from which it is read back exactly. `Segments` are markers, and chords sound: see
`mirkit.formats.midi_segments`. Notes among `Events` are a track that is called "notes": see
`mirkit.formats.midi_notes`; `notes` finds those of any other file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.annotation import Beats, Events, Segments, TempoMap
from mirkit.arrays import Bools, Ints
from mirkit.errors import FormatError, ParameterError
from mirkit.formats import midi_notes, midi_segments
from mirkit.vocab.meters import DENOMINATORS, QUARTER

TICKS = 960
"""Ticks a quarter."""

_SLOWEST = 0xFFFFFF  # microseconds a quarter that fit into a tempo event
_CHANNEL = 9  # counted from 0: percussion
_DOWNBEAT, _BEAT = 76, 77  # high and low wood block
_LOUD, _SOFT = 127, 90
_CLICK_TICKS = TICKS // 8
_CLICKS = "clicks"
_ENTRY = "mirkit tempo "
_MOST_BEATS = 255  # in a bar
_CHUNK_HEAD = 8  # bytes: name and length


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
    file = _parse(data, name)
    segments = midi_segments.read(file, name)
    if segments is not None:
        return segments
    tempos = _tempos(file)
    clicks = [track for track in file.tracks if track.name == _CLICKS]
    if clicks:
        return _read_beats(clicks[0], file, tempos)
    notes = [track for track in file.tracks if track.name == midi_notes.TRACK]
    return _read_notes(notes, tempos) if notes else _read_map(file, tempos, name)


def tempo_map(data: bytes, name: str = "<midi>") -> TempoMap:
    """Return the tempo map of any MIDI file, one with clicks too."""
    file = _parse(data, name)
    return _read_map(file, _tempos(file), name)


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
    file = _parse(data, name)
    return _read_notes(file.tracks, _tempos(file), drums)


@dataclass(frozen=True, slots=True)
class _At:
    """An event at a tick."""

    tick: int
    message: Any


def _beat_tracks(beats: Beats) -> list[list[_At]]:
    """Return the track of tempi and bars, and the track of clicks."""
    from mido import Message, MetaMessage

    ticks, tempos = _grid(beats)
    conductor = [_At(tick, MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempos]
    positions = beats.positions
    downbeats = np.zeros(len(ticks), bool) if positions is None else positions == 1
    for tick, n_beats, denominator in _bars(ticks, beats):
        bar = MetaMessage("time_signature", numerator=n_beats, denominator=denominator)
        conductor.append(_At(tick, bar))
    clicks = [_At(0, MetaMessage("track_name", name=_CLICKS))]
    for tick, accent in zip(ticks, downbeats, strict=True):
        note, velocity = (_DOWNBEAT, _LOUD) if accent else (_BEAT, _SOFT)
        on = Message("note_on", channel=_CHANNEL, note=note, velocity=velocity)
        off = Message("note_off", channel=_CHANNEL, note=note)
        clicks += [_At(tick, on), _At(tick + _CLICK_TICKS, off)]
    return [conductor, clicks]


def _denominators(beats: Beats) -> list[int]:
    known = beats.denominators
    return [QUARTER] * len(beats) if known is None else known.tolist()


def _grid(beats: Beats) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the tick of each beat, and the (tick, tempo [µs a quarter]) of each note before it."""
    times = (1e6 * beats.times).tolist()
    steps = [4 * TICKS // denominator for denominator in _denominators(beats)]
    ticks: list[int] = []
    tempos: list[tuple[int, int]] = []
    tick, now = 0, 0.0
    for i, target in enumerate(times):
        step = steps[max(i - 1, 0)]  # from one beat to the next
        gap = target - now
        usual = times[1] - times[0] if i == 0 and len(times) > 1 else gap
        longest = _SLOWEST * step / TICKS
        least = 1 if i or round(gap) else 0
        n_notes = max(least, ceil(gap / longest), round(gap / max(usual, 1.0)))
        for note in range(n_notes):
            tempo = max(1, round((target - now) / (n_notes - note) * TICKS / step))
            tempos.append((tick, tempo))
            tick, now = tick + step, now + tempo * step / TICKS
        ticks.append(tick)
    return ticks, tempos


def _bars(ticks: Sequence[int], beats: Beats) -> Iterator[tuple[int, int, int]]:
    """Yield tick, beats and denominator of each bar that differs from the one before it.

    The first begins at tick 0 and is that of the beats before the first downbeat; another begins
    at that downbeat, wherever the notes before it began.
    """
    if not len(beats.downbeats):
        return
    assert beats.positions is not None
    assert beats.meters is not None
    starts = np.flatnonzero(beats.positions == 1).tolist()
    lengths = np.minimum(beats.meters, _MOST_BEATS).tolist()
    bars = list(zip(lengths, _denominators(beats), strict=True))
    yield 0, *bars[0]
    previous = None if ticks[starts[0]] else bars[0]
    for start in starts:
        if bars[start] != previous:
            yield ticks[start], *bars[start]
        previous = bars[start]


def _map_track(x: TempoMap) -> list[_At]:
    """Return the one track of a tempo map."""
    from mido import MetaMessage

    track, tick, now = [], 0, 0.0  # the tick, and when it sounds [s]
    n = len(x.times)
    meters = [None] * n if x.meters is None else x.meters.tolist()
    notes = [QUARTER] * n if x.denominators is None else x.denominators.tolist()
    entries = list(zip(x.times.tolist(), x.bpms.tolist(), meters, notes, strict=True))
    for i, (time, bpm, meter, denominator) in enumerate(entries):
        tempo = _tempo_of(*entries[max(i - 1, 0)])
        n_ticks = max(0, round((time - now) * 1e6 * TICKS / tempo))  # rounding never goes back
        tick, now = tick + n_ticks, now + n_ticks * tempo / TICKS / 1e6
        if i == 0 and tick:
            track.append(_At(0, MetaMessage("set_tempo", tempo=tempo)))
        track.append(_At(tick, MetaMessage("set_tempo", tempo=_tempo_of(*entries[i]))))
        if meter:
            bar = MetaMessage("time_signature", numerator=min(meter, _MOST_BEATS),
                              denominator=denominator)  # fmt: skip
            track.append(_At(tick, bar))
        text = _ENTRY + json.dumps([time, bpm, meter, denominator])
        track.append(_At(tick, MetaMessage("text", text=text)))
    return track


def _tempo_of(time: float, bpm: float, meter: int | None, denominator: int) -> int:
    """Return the tempo [µs a quarter] of an entry."""
    tempo = round(60e6 / bpm * denominator / QUARTER)
    if not 1 <= tempo <= _SLOWEST:
        raise ParameterError(
            f"{bpm:g} bpm does not fit into MIDI, which holds 3.6 quarters a minute and more; a "
            f"beat is 1/{denominator} here"
        )
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


def _parse(data: bytes, name: str) -> Any:
    import mido

    if not data.startswith(b"MThd"):
        raise FormatError(f"{name} is no MIDI file: it does not begin with MThd")
    try:
        file = mido.MidiFile(file=io.BytesIO(_tracks_only(data, name)))
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise FormatError(f"{name} is a damaged MIDI file: {error!r}") from None
    _check_tempos(file, name)
    if file.type == 2 or file.ticks_per_beat <= 0:
        raise FormatError(f"{name} is a MIDI file of independent songs or of film frames")
    return file


def _tracks_only(data: bytes, name: str) -> bytes:
    """Return a MIDI file without the chunks that are neither its header nor tracks.

    Programs put their own chunks between, and other programs skip them, as the standard wants.
    """
    kept, at, n_tracks = [], 0, 0
    while at + _CHUNK_HEAD <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + _CHUNK_HEAD], "big")
        end = at + _CHUNK_HEAD + length
        if kind in (b"MThd", b"MTrk"):
            kept.append(data[at:end])
            n_tracks += kind == b"MTrk"
        at = end
    announced = int.from_bytes(data[10:12], "big")
    if n_tracks < announced:
        raise FormatError(
            f"{name} is a damaged MIDI file: it announces {announced} tracks and holds {n_tracks}"
        )
    return b"".join(kept)


def _check_tempos(file: Any, name: str) -> None:
    for track in file.tracks:
        for tick, message in _absolute(track):
            if message.type == "set_tempo" and not message.tempo:
                raise FormatError(
                    f"{name} is a damaged MIDI file: the tempo at tick {tick} is 0 µs a quarter"
                )


@dataclass(frozen=True, slots=True)
class _Tempos:
    """Times of ticks: where each tempo begins, and how fast it is."""

    ticks: Ints
    seconds: NDArray[np.float64]
    tempos: Ints  # microseconds a quarter
    ticks_per_beat: int

    def _entry_at(self, tick: int) -> int:
        return int(np.searchsorted(self.ticks, tick, side="right")) - 1

    def tempo_at(self, tick: int) -> int:
        return int(self.tempos[self._entry_at(tick)])

    def seconds_at(self, tick: int) -> float:
        i = self._entry_at(tick)
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
    bars = _signatures(file)
    first_bar = next(iter(bars.values()), (0, QUARTER))[0]
    written = np.array([_at_tick(bars, tick)[1] for tick, _ in notes])
    return Beats(times, _positions(accents, first_bar), denominators=written)


def _signatures(file: Any) -> dict[int, tuple[int, int]]:
    """Return the time signatures of all tracks by tick, in order; damaged ones are left out."""
    found = {
        tick: (message.numerator, message.denominator)
        for track in file.tracks
        for tick, message in _absolute(track)
        if message.type == "time_signature"
        and message.numerator
        and message.denominator in DENOMINATORS
    }
    return dict(sorted(found.items()))


def _at_tick(bars: dict[int, tuple[int, int]], tick: int) -> tuple[int, int]:
    """Return the time signature that holds at a tick: 4/4 before the first."""
    return next((bar for at, bar in reversed(bars.items()) if at <= tick), (4, QUARTER))


def _read_notes(tracks: list[Any], tempos: _Tempos, drums: bool = False) -> Events:
    rows = [row for track in tracks for row in midi_notes.rows_of(track, drums)]
    return midi_notes.notes_of(
        [
            (tempos.seconds_at(start), tempos.seconds_at(end), note, velocity)
            for start, end, note, velocity in rows
        ]
    )


def _positions(accents: Bools, n_beats: int) -> Ints:
    """Count from each accent on; before the first, back from it in bars of `n_beats`."""
    starts = np.flatnonzero(accents)
    index = np.arange(len(accents))
    last = np.maximum.accumulate(np.where(accents, index, -1))
    before = (index - starts[0]) % max(n_beats, int(starts[0]), 1)
    return np.where(last >= 0, index - last, before) + 1


def _read_map(file: Any, tempos: _Tempos, name: str) -> TempoMap:
    entries = list(_entries(file, name))
    if entries:
        return _map_of_entries(entries, name)
    bars = _signatures(file)
    ticks = sorted({*tempos.ticks.tolist(), *bars})
    seconds = np.array([tempos.seconds_at(tick) for tick in ticks])
    kept = np.append(np.diff(seconds) > 0, True)  # of no length: overruled at once
    meters, notes = np.array([_at_tick(bars, tick) for tick in ticks], dtype=np.int64).T
    bpms = 60e6 / np.array([tempos.tempo_at(tick) for tick in ticks]) * notes / QUARTER
    known = (meters[kept], notes[kept]) if bars else (None, None)
    return TempoMap(seconds[kept], bpms[kept], known[0], denominators=known[1])


def _entries(file: Any, name: str) -> Iterator[list[Any]]:
    for track in file.tracks:
        for message in track:
            if message.type == "text" and message.text.startswith(_ENTRY):
                try:
                    yield json.loads(message.text.removeprefix(_ENTRY))
                except ValueError as error:
                    raise FormatError(f"{name}: a tempo is damaged: {error}") from None


def _map_of_entries(entries: list[list[Any]], name: str) -> TempoMap:
    """Return the tempo map that our own text events hold in full."""
    try:
        rows = [(*entry, None)[:4] for entry in entries]  # older ones have no denominator
        times, bpms, *rest = zip(*rows, strict=True)
        meters, notes = (None if None in x else np.array(x, dtype=np.int64) for x in rest)
        notes = None if meters is None else notes
        return TempoMap(np.array(times), np.array(bpms), meters, denominators=notes)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{name}: an entry of the tempo map is damaged: {error}") from None
