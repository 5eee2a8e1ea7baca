"""``.rpp``: a project of REAPER with the tempo map, and a marker on each beat.

Each tempo is a point of the tempo envelope that holds until the next. Beats set the tempo that
reaches the next, so that they fall on the grid; a time signature stands where bars change. Written
in full: times come back exactly. Open it and add the recording at 0 s, or copy the envelope into a
project of yours.

A project with markers named ``beat`` (and a position) is read as beats, another as its tempo map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mirkit.annotation import Beats, TempoMap
from mirkit.errors import FormatError
from mirkit.formats.text import Line, lines_of

_QUARTERS = 4 << 16  # the denominator of a time signature, in the upper half of its number
_SAME = 1e-6  # [bpm] what counts as one tempo
_MARKER = re.compile(r'MARKER \d+ (\S+) "?beat ?(\d*)"?( |$)')
_POINT = re.compile(r"PT (\S+) (\S+)( \S+)?( \d+)?")


def dumps(value: Beats | TempoMap) -> str:
    """Return the project."""
    points = list(_of_beats(value)) if isinstance(value, Beats) else list(_of_map(value))
    lines = ['<REAPER_PROJECT 0.1 "6.0/mirkit" 0']
    if points:
        lines.append(f"  TEMPO {points[0][1]!r} {points[0][2] or 4} 4")
    lines += ["  <TEMPOENVEX", "    ACT 1 -1", "    VIS 1 0 1", "    ARM 0", "    DEFSHAPE 1 -1 -1"]
    for time, bpm, meter in points:
        signature = f" {_QUARTERS | meter} 0 1" if meter else ""
        lines.append(f"    PT {time!r} {bpm!r} 1{signature}")
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
        return Beats(np.array(times), np.array(positions, np.int64) if any(positions) else None)
    return _read_map(lines)


def _of_map(x: TempoMap) -> Iterator[tuple[float, float, int]]:
    meters = [0] * len(x.times) if x.meters is None else x.meters.tolist()
    yield from zip(x.times.tolist(), x.bpms.tolist(), meters, strict=True)


def _of_beats(beats: Beats) -> Iterator[tuple[float, float, int]]:
    """Yield time, tempo and, where it changes, meter of each point; the first is at 0."""
    if len(beats) < 2:
        return
    times = beats.times.tolist()
    periods = np.diff(beats.times).tolist()
    meters = _meters(beats)
    tempo = 60 / periods[0]
    if times[0] > 0:
        n_beats = max(1, round(times[0] / periods[0]))
        tempo = 60 * n_beats / times[0]
        yield 0.0, tempo, 0
    for i, period in enumerate(periods):
        bpm = 60 / period
        if i in meters or abs(bpm - tempo) > _SAME or (i == 0 and times[0] == 0):
            yield times[i], bpm, meters.get(i, 0)
            tempo = bpm


def _meters(beats: Beats) -> dict[int, int]:
    """Return the beats in a bar at each downbeat where that number changes."""
    if beats.positions is None:
        return {}
    downbeats = np.flatnonzero(beats.positions == 1).tolist()
    changes: dict[int, int] = {}
    length = 0
    for start, end in pairwise(downbeats):
        if end - start != length:
            length = end - start
            changes[start] = length
    return changes


def _read_map(lines: list[Line]) -> TempoMap:
    times, bpms, meters = [], [], []
    meter = 0
    for line in lines:
        point = _POINT.match(line.text)
        if point is None:
            continue
        times.append(line.time_in(point[1]))
        bpms.append(line.number_in(point[2], "tempo"))
        if point[4] and int(point[4]) & 0xFFFF:
            meter = int(point[4]) & 0xFFFF
        meters.append(meter)
    known = np.array(meters, np.int64) if times and meters[0] else None
    return TempoMap(np.array(times), np.array(bpms), known)
