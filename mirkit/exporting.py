"""Export to DJ software from Python: recordings or analyses into a program's file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import Any

from mirkit import checks
from mirkit.analysis import analyze
from mirkit.annotation import Analysis
from mirkit.audio.sources import track
from mirkit.errors import AudioError, ParameterError
from mirkit.formats.dj import (
    DJ_FORMATS,
    DJ_STORES,
    Collection,
    DJTrack,
    Loss,
    check_collection,
    check_store,
    file_tags,
    losses,
    save_collection,
    store_collection,
)
from mirkit.formats.dj.tracks import track_of

GRID, KEY, CUES = ("beats",), ("key",), ("sections",)
"""The tasks behind grid, key and cue points, which stand where sections begin."""


def export(
    tracks: Any,
    format: str,
    path: str | os.PathLike[str] | None = None,
    *,
    key: bool = True,
    cues: bool = False,
    tolerance: float = 0.010,
    one_tempo: bool = False,
    merge: bool = True,
    notation: str = "tag",
) -> tuple[Loss, ...]:
    """Write grids, keys and cue points of recordings into the file of a DJ program.

    Parameters
    ----------
    tracks
        A path, an `Analysis` with its track, or several of these. Recordings are analyzed, an
        `Analysis` is taken as it is, corrected by hand perhaps.
    format
        A row of `mirkit.formats.dj.DJ_FORMATS` or `DJ_STORES`: ``"rekordbox"``, ``"traktor"``,
        ``"virtualdj"``, ``"serato"``, ``"mixxx"``, ``"engine"``, …
    path
        The program's file, or a folder for a file of its usual name; None for formats that live in
        the recordings.
    key
        Whether to find the key of recordings.
    cues
        Whether to find sections, whose starts become cue points.
    tolerance
        How far a beat may lie from the grid [s].
    one_tempo
        Whether each grid has one tempo, that of most beats, whatever the others do.
    merge
        Whether to merge into a file that is there; a copy of it is kept as ``.bak``.
    notation
        Spelling of keys, for formats that leave it to the DJ: see ``mirkit export --help``.

    Returns
    -------
    tuple of Loss
        For each track, how far the worst beat lies from its place, and the fields that the format
        does not hold.

    Raises
    ------
    AudioError
        Where a recording is missing or damaged.
    ParameterError, UnknownName
        Where there is no such format, or no path for one that needs it.
    FormatError
        Where the file that is there is of another kind.

    Examples
    --------
    >>> import tempfile
    >>> from mirkit.annotation import Beats
    >>> from mirkit.audio import Track
    >>> song = Analysis({"beats": Beats([0.5, 1.0, 1.5])}, Track(Path("song.mp3")), 2.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (loss,) = export(song, "rekordbox", folder)
    >>> loss.deviation < 0.001
    True
    """
    checks.member("format", format, (*DJ_FORMATS, *DJ_STORES))
    checks.positive("tolerance", tolerance)
    checks.instance("path", path, (str, os.PathLike, NoneType), "the path of a file, or None")
    target = _check(format, path, merge=merge)
    tasks = (*GRID, *(KEY if key else ()), *(CUES if cues else ()))
    collection = Collection(tuple(_track(x, tasks, tolerance, one_tempo) for x in _list(tracks)))
    if format in DJ_STORES:
        store_collection(collection, format, target)
    else:
        assert target is not None
        save_collection(collection, target, format, merge=merge, notation=notation)
    return tuple(losses(collection, format))


def _check(format: str, path: str | os.PathLike[str] | None, *, merge: bool) -> Path | None:
    """Return the file to write; raise before the work where it could not be written."""
    target = None if path is None else Path(path)
    row = DJ_STORES.get(format) or DJ_FORMATS.get(format)
    if target is not None and row is not None and row.file and target.is_dir():
        target /= row.file
    if format in DJ_STORES:
        check_store(format, target)
    elif target is None:
        raise ParameterError(f"path is None; {format} has a file of its own")
    else:
        check_collection(target, format, merge=merge)
    return target


def _list(tracks: Any) -> Iterable[Any]:
    return tracks if isinstance(tracks, list | tuple) else [tracks]


def _track(x: Any, tasks: tuple[str, ...], tolerance: float, one_tempo: bool) -> DJTrack:
    """Return the track of a recording, or of an analysis."""
    found = x if isinstance(x, Analysis) else analyze(track(x), tasks=tasks)
    source = None if found.track is None else found.track.source
    if not isinstance(source, Path):
        raise ParameterError("a DJ program knows recordings by their paths, and this has none")
    try:
        known = file_tags.known(source)
    except (AudioError, OSError):  # an analysis may be of a file that is elsewhere
        known = None
    made, _ = track_of(source, found, known=known, tolerance=tolerance, one_tempo=one_tempo)
    return made
