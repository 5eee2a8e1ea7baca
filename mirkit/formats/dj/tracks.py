"""From an analysis to the track of a DJ, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mirkit.annotation import Analysis, Annotation, Beats, Events, Key, Segments
from mirkit.decoding.grid import BeatGrid
from mirkit.decoding.gridfit import GridFit, fit_grid
from mirkit.errors import ParameterError
from mirkit.formats.dj.model import Cue, DJTrack
from mirkit.vocab.keys import is_scored

N_HOT = 8
"""Buttons; sections that are left over become cues without one."""

LOOPS = (4, 8)
"""Bars of the loops at a drop; they take the last buttons."""

_PLAIN_METER = 4
_SAME = 1e-3  # [s] two times that are one
_NEAR = 0.05  # [s] how far a section may begin from the beat of the grid that it begins on


def track_of(
    location: str | os.PathLike[str],
    analysis: Analysis | Annotation,
    *,
    known: DJTrack | None = None,
    duration: float | None = None,
    tolerance: float = 0.010,
    one_tempo: bool = False,
) -> tuple[DJTrack, GridFit | None]:
    """Return the track of a recording, and how well its grid fits the beats.

    Parameters
    ----------
    location
        Of the recording; it is made a whole path.
    analysis
        Its beats, and perhaps its key, and sections, whose starts become cues; where there is
        a drop among them, loops of `LOOPS` bars begin there.
    known
        What else is known, such as what its tags say; its grid, key and cues give way.
    duration
        Length of the recording [s], or None to take that of `known` or `analysis`.
    tolerance
        How far a beat may lie from the grid [s]; see `fit_grid`.
    one_tempo
        Whether the grid has one tempo, that of most beats, whatever the others do.

    Returns
    -------
    track, fit
        The fit is None where there are fewer than two beats: such a track has no grid.
    """
    parts = analysis if isinstance(analysis, Analysis) else Analysis({"": analysis})
    path = os.path.abspath(location)  # noqa: PTH100  # links stay: programs know files by them
    track = DJTrack(path) if known is None else replace(known, location=path)
    if duration is None:
        duration = track.duration if track.duration is not None else parts.duration
    track = replace(track, duration=duration)
    beats = next((x for x in parts.values() if isinstance(x, Beats)), None)
    fit = None
    if beats is not None and len(beats) > 1:
        fit = fit_grid(beats, tolerance, end=duration, one_tempo=one_tempo)
        track = replace(track, grid=fit.grid, bpm=None)
    key = next((x.label for x in parts.values() if isinstance(x, Key)), None)
    if key is not None and not is_scored(key):  # another mode, for which no program has a place
        key = None
    cues = tuple(_cues(parts, None if fit is None else fit.grid))
    return replace(track, key=key or track.key, cues=cues or track.cues), fit


def analysis_of(track: DJTrack) -> Analysis:
    """Return what a program knows of a track as annotations: beats, tempo map, key and cues.

    Raises
    ------
    ParameterError
        Where it knows none of them.
    """
    found: dict[str, Annotation] = {}
    if track.grid is not None:
        found["beats"] = track.grid.beats()
        found["tempo_map"] = track.grid.tempo_map()
    if track.key is not None:
        found["key"] = Key(track.key)
    if track.cues:
        found["cues"] = _events(track.cues)
    if not found:
        raise ParameterError(f"nothing is known of {track.location}: no grid, key or cue")
    return Analysis(found, duration=track.duration)


def _cues(parts: Analysis, grid: BeatGrid | None) -> list[Cue]:
    """Return a cue at the start of each section, and the loops at the drop, on the grid."""
    found = next(
        (x for x in parts.values() if isinstance(x, Segments) and x.kind == "section"), None
    )
    if found is None:
        return []
    drop = _drop(parts)
    loops = [] if drop is None or grid is None else list(_loops(drop, grid))
    first = N_HOT - len(loops)
    rows = enumerate(zip(found.intervals[:, 0].tolist(), found.labels, strict=True))
    names = [(i, time, _name(time, label, drop)) for i, (time, label) in rows]
    starts = [_cue(i, _on_grid(time, grid), name, first) for i, time, name in names]
    return starts + [
        Cue(start, end, number=i, name=f"Loop {bars}")
        for i, (start, end, bars) in enumerate(loops, first)
    ]


def _drop(parts: Analysis) -> float | None:
    """Return where the drop is [s], or None."""
    for x in parts.values():
        if isinstance(x, Events) and "drop" in x.labels:
            return float(x.intervals[x.labels.index("drop"), 0])
    return None


def _name(time: float, label: str, drop: float | None) -> str:
    return f"{label} (drop)" if drop is not None and abs(time - drop) < _SAME else label


def _on_grid(time: float, grid: BeatGrid | None) -> float:
    """Return the beat of the grid that a time means, or the time where it is none."""
    if grid is None:
        return time
    beats = grid.beats().times
    beat = float(beats[np.abs(beats - time).argmin()])
    return beat if abs(beat - time) < _NEAR else time


def _loops(drop: float, grid: BeatGrid) -> Iterator[tuple[float, float, int]]:
    """Yield start and end [s] and bars of each loop that one tempo lasts for."""
    start = _on_grid(drop, grid)
    at = max(0, int(np.searchsorted(grid.times, start + _SAME, side="right")) - 1)
    meter = _PLAIN_METER if grid.meters is None else int(grid.meters[at])
    until = grid.times[at + 1] if at + 1 < len(grid) else grid.end
    for bars in LOOPS:
        end = start + bars * meter * float(grid.periods[at])
        if end <= until + _SAME:
            yield start, end, bars


def _cue(i: int, time: float, name: str, n_hot: int) -> Cue:
    if i < n_hot:
        return Cue(time, number=i, name=name)
    return Cue(time, kind="memory", name=name)


def _events(cues: tuple[Cue, ...]) -> Events:
    ordered = sorted(cues, key=lambda cue: cue.time)
    spans: Any = [(cue.time, cue.time if cue.end is None else cue.end) for cue in ordered]
    labels = tuple(cue.name or f"{cue.kind} cue" for cue in ordered)
    return Events(np.array(spans), labels)
