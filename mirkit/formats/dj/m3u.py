"""``.m3u8`` playlists in UTF-8: length, artist, title and path of each track, and no grid."""

from __future__ import annotations

import re

from mirkit.errors import FormatError
from mirkit.formats.dj.model import Collection, DJTrack, Playlist

_INFO = re.compile(r"#EXTINF:\s*(-?\d+(?:\.\d*)?)[^,]*,(.*)")
_LINE_BREAKS = re.compile(r"[\r\n]+")


def dumps(collection: Collection) -> bytes:
    """Return the list of a collection: of its first playlist, or of all tracks where it has none.

    Tracks that are in a playlist, but not in the collection, have a path only.
    """
    places = [track.location for track in collection.tracks]
    lines = ["#EXTM3U"]
    if collection.playlists:
        places = list(collection.playlists[0].locations)
        lines.append(f"#PLAYLIST:{_one_line(collection.playlists[0].name)}")
    for place in places:
        track = collection.track(place)
        if track is not None:
            seconds = -1 if track.duration is None else round(track.duration)
            name = " - ".join(part for part in (track.artist, track.title) if part)
            lines.append(f"#EXTINF:{seconds},{_one_line(name)}")
        lines.append(_one_line(place))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def loads(data: bytes, name: str) -> Collection:
    """Return the playlist of a file, with what it says of the tracks."""
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    tracks: dict[str, DJTrack] = {}
    places: list[str] = []
    title, info = "", None
    for line in _LINE_BREAKS.split(text):
        if line.startswith("#PLAYLIST:"):
            title = line.removeprefix("#PLAYLIST:")
        elif match := _INFO.match(line):
            info = match
        elif line.strip() and not line.startswith("#"):
            if "\0" in line:
                raise FormatError(f"{name} is no playlist: it holds binary data")
            track = _track(line, info)
            tracks.setdefault(track.location, track)
            places.append(track.location)
            info = None
    return Collection(tuple(tracks.values()), (Playlist(title, tuple(places)),))


def _track(place: str, info: re.Match[str] | None) -> DJTrack:
    if info is None:
        return DJTrack(place)
    artist, dash, title = info[2].partition(" - ")
    seconds = float(info[1])
    return DJTrack(
        place,
        title if dash else artist,
        artist if dash else "",
        duration=seconds if seconds > 0 else None,
    )


def _one_line(text: str) -> str:
    return _LINE_BREAKS.sub(" ", text)
