"""Files of DJ software, editors and annotation formats of one track, as a download."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.annotation import Analysis
from mirkit.errors import AudioError, ParameterError, UnknownName
from mirkit.formats import FORMATS
from mirkit.formats.dj import DJ_FORMATS, DJ_STORES, Collection, file_tags, store_collection
from mirkit.formats.dj.tracks import track_of

TAGGED = tuple(name for name, row in DJ_STORES.items() if not row.file)
"""Formats that live in the recording: the download is a copy of it with tags."""

NAMES = (*DJ_FORMATS, *TAGGED, *FORMATS)
"""The formats that can be asked for."""

TYPES = {
    ".json": "application/json", ".jams": "application/json", ".mid": "audio/midi",
    ".xml": "application/xml", ".nml": "application/xml", ".csv": "text/csv",
    ".svl": "application/xml", ".m3u8": "audio/x-mpegurl",
}  # fmt: skip
"""Media types by suffix; others are plain bytes."""


@dataclass(frozen=True)
class Download:
    """A file to be sent."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """Its media type."""
        return TYPES.get(Path(self.name).suffix.lower(), "application/octet-stream")


def export(analysis: Analysis, source: Path, format: str, location: str | None = None) -> Download:
    """Return the file of a track in a format.

    Parameters
    ----------
    analysis
        What is known of it, with its track.
    source
        Its recording.
    format
        One of `NAMES`.
    location
        Where the recording lies for the program that reads the file; that of the track where None.

    Raises
    ------
    UnknownName
        Where there is no such format.
    ParameterError
        Where the format holds nothing that is known of the track.
    """
    assert analysis.track is not None
    place = Path(location) if location else Path(analysis.track.name)
    if format in DJ_FORMATS:
        row = DJ_FORMATS[format]
        return Download(row.file, row.dumps(_collection(analysis, source, place)))
    if format in TAGGED:
        return _tagged(analysis, source, place.name, format)
    if format not in FORMATS:
        raise UnknownName("format", format, list(NAMES))
    suffix = FORMATS[format].suffixes[0]
    content = FORMATS[format].dumps(_held(analysis, format))
    data = content.encode() if isinstance(content, str) else content
    return Download(f"{place.stem}{suffix}", data)


def _held(analysis: Analysis, format: str) -> Any:
    """Return the analysis where the format holds one, else the first annotation that it holds."""
    kinds = FORMATS[format].values
    if isinstance(analysis, kinds):
        return analysis
    held = next((value for value in analysis.values() if isinstance(value, kinds)), None)
    if held is None:
        raise ParameterError(f"format is {format}, which holds nothing that this track has")
    return held


def _collection(analysis: Analysis, source: Path, place: Path) -> Collection:
    try:
        known = file_tags.known(source)
    except (AudioError, OSError):
        known = None
    made, _ = track_of(place, analysis, known=known)
    return Collection((made,))


def _tagged(analysis: Analysis, source: Path, name: str, format: str) -> Download:
    """Return a copy of the recording with the tags of a program."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / name
        shutil.copyfile(source, copy)
        left = store_collection(_collection(analysis, source, copy), format)
        if left:
            raise ParameterError(f"{name} is left alone: {next(iter(left.values()))}")
        return Download(name, copy.read_bytes())
