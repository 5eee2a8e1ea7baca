"""``.rpp``: a project of REAPER with the tempo map, and a marker on each beat.

Each tempo is a point of the tempo envelope that holds until the next. Beats set the tempo that
reaches the next, so that they fall on the grid; a time signature stands where bars change. REAPER
counts quarters, so a beat that is an eighth has half its tempo there. Written in full: times come
back exactly. Open it and add the recording at 0 s, or copy the envelope into a project of yours.

A project with markers named ``beat`` (and a position) is read as beats, another as its tempo map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from mirkit.annotation import Beats, TempoMap
from mirkit.arrays import Ints
from mirkit.errors import FormatError
from mirkit.formats.text import Line, lines_of
from mirkit.vocab.meters import DENOMINATORS, QUARTER

_UPPER = 16  # bits of a time signature above which its denominator stands
_START = 1e-9  # [s] a beat nearer to the start needs no tempo to reach it
_SAME = 1e-6  # [bpm] what counts as one tempo
_MARKER = re.compile(r'MARKER \d+ (\S+) "?beat ?(\d*)"?( |$)')
_PROJECT = re.compile(r"TEMPO \S+ \d+ (\d+)")
_POINT = re.compile(r"PT (\S+) (\S+)( \S+)?( \d+)?")


def dumps(value: Beats | TempoMap) -> str:
    """Return the project."""
    points = list(_of_beats(value)) if isinstance(value, Beats) else list(_of_map(value))
    lines = ['<REAPER_PROJECT 0.1 "6.0/mirkit" 0']
    if points:
        _, bpm, meter, note = points[0]
        lines.append(f"  TEMPO {_quarters(bpm, note)!r} {meter or 4} {note}")
    lines += ["  <TEMPOENVEX", "    ACT 1 -1", "    VIS 1 0 1", "    ARM 0", "    DEFSHAPE 1 -1 -1"]
    for time, bpm, meter, note in points:
        signature = f" {note << _UPPER | meter} 0 1" if meter else ""
        lines.append(f"    PT {time!r} {_quarters(bpm, note)!r} 1{signature}")
    lines.append("  >")
    if isinstance(value, Beats):
        positions = [0] * len(value) if value.positions is None else value.positions.tolist()
        for i, (time, position) in enumerate(zip(value.times.tolist(), positions, strict=True), 1):
            name = f"beat {position}" if position else "beat"
            lines.append(f'  MARKER {i} {time!r} "{name}" 0')
    return "\n".join([*lines, ">"]) + "\n"


def loads(text: str, name: str) -> Beats | TempoMap:
    """Return the beats of a project that has markers of them, or else its tempo map."""
    lines = [Line(name, line.number, line.text.strip()) for line in lines_of(text, name)]
    if not lines or not lines[0].text.startswith("<REAPER_PROJECT"):
        raise FormatError(f"{name} is no REAPER project: it does not begin with <REAPER_PROJECT")
    marks = [(line, mark) for line in lines if (mark := _MARKER.match(line.text))]
    if marks or not any(map(_POINT.match, (line.text for line in lines))):
        times = [line.time_in(mark[1]) for line, mark in marks]
        positions = [int(mark[2] or 0) for _, mark in marks]
        known = np.array(positions, np.int64) if any(positions) else None
        return Beats(np.array(times), known, denominators=_notes_at(lines, times))
    return _read_map(lines)


Point: TypeAlias = tuple[float, float, int, int]
"""Time [s], tempo [bpm] of the beats, beats in a bar or 0, denominator."""


def _quarters(bpm: float, denominator: int) -> float:
    """Return a tempo in quarters a minute."""
    return bpm * QUARTER / denominator


def _of_map(x: TempoMap) -> Iterator[Point]:
    n = len(x.times)
    meters = [0] * n if x.meters is None else x.meters.tolist()
    notes = [QUARTER] * n if x.denominators is None else x.denominators.tolist()
    yield from zip(x.times.tolist(), x.bpms.tolist(), meters, notes, strict=True)


def _of_beats(beats: Beats) -> Iterator[Point]:
    """Yield time, tempo and, where it changes, meter of each point; the first is at 0."""
    if len(beats) < 2:
        return
    times = beats.times.tolist()
    periods = np.diff(beats.times).tolist()
    notes = [QUARTER] * len(beats) if beats.denominators is None else beats.denominators.tolist()
    meters = _meters(beats, notes)
    tempo = 60 / periods[0]
    if times[0] > _START:
        n_beats = max(1, round(times[0] / periods[0]))
        tempo = 60 * n_beats / times[0]
        yield 0.0, tempo, 0, notes[0]
    for i, period in enumerate(periods):
        bpm = 60 / period
        if i in meters or abs(bpm - tempo) > _SAME or (i == 0 and times[0] <= _START):
            yield times[i], bpm, meters.get(i, 0), notes[i]
            tempo = bpm
    if len(times) - 1 in meters:
        yield times[-1], tempo, meters[len(times) - 1], notes[-1]


def _meters(beats: Beats, notes: Sequence[int]) -> dict[int, int]:
    """Return the beats in a bar at each downbeat where the time signature changes."""
    if beats.positions is None or beats.meters is None:
        return {}
    changes: dict[int, int] = {}
    bar = (0, 0)
    for start in np.flatnonzero(beats.positions == 1).tolist():
        length = int(beats.meters[start])
        if (length, notes[start]) != bar:
            bar = length, notes[start]
            changes[start] = length
    return changes


def _signatures(lines: list[Line]) -> Iterator[tuple[float, float, int, int]]:
    """Yield time, tempo of quarters, beats in a bar (0: unknown) and denominator of each point."""
    first = next((found for line in lines if (found := _PROJECT.match(line.text))), None)
    meter, note = 0, int(first[1]) if first else QUARTER
    for line in lines:
        point = _POINT.match(line.text)
        if point is None:
            continue
        signature = int(point[4] or 0)
        if signature & 0xFFFF:
            meter, note = signature & 0xFFFF, signature >> _UPPER
        if note not in DENOMINATORS:
            raise line.error(f"the time signature {signature} has the denominator {note}")
        yield line.time_in(point[1]), line.number_in(point[2], "tempo"), meter, note


def _notes_at(lines: list[Line], times: list[float]) -> Ints:
    """Return the denominators of beats."""
    points = list(_signatures(lines))
    starts = [time for time, *_ in points]
    after = np.searchsorted(starts, times, side="right")
    return np.array([points[max(i - 1, 0)][3] if points else QUARTER for i in after], np.int64)


def _read_map(lines: list[Line]) -> TempoMap:
    times, quarters, meters, notes = zip(*_signatures(lines), strict=True)
    bpms = np.array(quarters) * np.array(notes) / QUARTER
    if not meters[0]:
        return TempoMap(np.array(times), bpms)
    return TempoMap(np.array(times), bpms, np.array(meters), denominators=np.array(notes))
