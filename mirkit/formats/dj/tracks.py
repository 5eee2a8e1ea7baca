"""From an analysis to the track of a DJ, and back."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np

from mirkit.annotation import Analysis, Annotation, Beats, Events, Key, Segments
from mirkit.decoding.gridfit import GridFit, fit_grid
from mirkit.errors import ParameterError
from mirkit.formats.dj.model import Cue, DJTrack

N_HOT = 8
"""Sections that become hot cues; the others have no button."""


def track_of(
    location: str | os.PathLike[str],
    analysis: Analysis | Annotation,
    *,
    known: DJTrack | None = None,
    duration: float | None = None,
    tolerance: float = 0.010,
) -> tuple[DJTrack, GridFit | None]:
    """Return the track of a recording, and how well its grid fits the beats.

    Parameters
    ----------
    location
        Of the recording; it is made a whole path.
    analysis
        Its beats, and perhaps its key, and sections, whose starts become cues.
    known
        What else is known, such as what its tags say; its grid, key and cues give way.
    duration
        Length of the recording [s], or None to take that of `known` or `analysis`.
    tolerance
        How far a beat may lie from the grid [s]; see `fit_grid`.

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
        fit = fit_grid(beats, tolerance, end=duration)
        track = replace(track, grid=fit.grid, bpm=None)
    key = next((x.label for x in parts.values() if isinstance(x, Key)), None)
    cues = tuple(_cues(parts))
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


def _cues(parts: Analysis) -> list[Cue]:
    """Return a cue at the start of each section."""
    for x in parts.values():
        if isinstance(x, Segments) and x.kind == "section":
            rows = enumerate(zip(x.intervals[:, 0].tolist(), x.labels, strict=True))
            return [_cue(i, time, label) for i, (time, label) in rows]
    return []


def _cue(i: int, time: float, name: str) -> Cue:
    if i < N_HOT:
        return Cue(time, number=i, name=name)
    return Cue(time, kind="memory", name=name)


def _events(cues: tuple[Cue, ...]) -> Events:
    ordered = sorted(cues, key=lambda cue: cue.time)
    spans: Any = [(cue.time, cue.time if cue.end is None else cue.end) for cue in ordered]
    labels = tuple(cue.name or f"{cue.kind} cue" for cue in ordered)
    return Events(np.array(spans), labels)
