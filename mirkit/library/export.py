"""From a library to the files of DJ programs: tracks with grid, key and cues, and playlists."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mirkit.formats.dj import (
    DJ_FORMATS,
    Collection,
    DJTrack,
    Playlist,
    dj_format,
    save_collection,
)
from mirkit.formats.dj.tracks import track_of
from mirkit.library.rows import TrackRow

if TYPE_CHECKING:
    from mirkit.library.core import Library


def dj_track(library: Library, row: TrackRow) -> DJTrack:
    """Return a track of a library as DJ programs know it.

    What the library does not know, tags of the file and rates, is left out: the programs read that
    themselves.
    """
    made, _ = track_of(str(row.path), library.analysis(row.id), duration=row.duration)
    return replace(made, title=row.title, artist=row.artist, album=row.album, genre=row.genre)


def collection(library: Library, rows: Sequence[TrackRow], name: str | None = None) -> Collection:
    """Return tracks as a collection, as a playlist too where it has a name."""
    tracks = {row.path: dj_track(library, row) for row in rows if row.path is not None}
    places = tuple(str(path) for path in tracks)
    return Collection(tuple(tracks.values()), () if name is None else (Playlist(name, places),))


def save_playlist(
    library: Library,
    rows: Sequence[TrackRow],
    path: str | os.PathLike[str],
    format: str = "m3u",
    name: str = "mirkit",
) -> None:
    """Write tracks as a playlist into the file of a DJ program, which is merged into.

    Parameters
    ----------
    library
        The library.
    rows
        The tracks, in order.
    path
        The file.
    format
        A row of `mirkit.formats.dj.DJ_FORMATS`.
    name
        Name of the playlist.

    Raises
    ------
    UnknownName
        Where there is no such format.
    """
    dj_format(format)
    save_collection(collection(library, rows, name), path, format)


FORMATS = tuple(DJ_FORMATS)
"""Names of the formats that hold playlists."""
