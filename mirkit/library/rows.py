"""The rows that a library returns: tracks, files, failures, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from sqlite3 import Row
from typing import Any

from mirkit.vocab import KEYS
from mirkit.vocab.keys import write_key


@dataclass(frozen=True)
class TrackRow:
    """A track of a library: a content, where it lies, and the numbers that it is found by.

    Parameters
    ----------
    id
        Its number in the library, which stays.
    path
        Where it lies; one of several places where it was copied, and None where it is gone.
    content_hash
        sha256 of the file, as hex.
    audio_hash
        sha256 of the samples, which stays when tags are written; None before the analysis.
    duration
        Length [s], or None.
    title, artist, album, genre
        What the file says; the title is the file name where it says nothing.
    bpm
        Tempo [bpm], or None.
    bpm_confidence, beat_confidence, key_confidence
        In [0, 1], or None.
    meter
        Beats in a bar, or None.
    key
        Such as ``"A minor"``, or None.
    energy
        In [0, 1], see `mirkit.sound.loudness`, or None.
    loudness, loudness_range, true_peak
        Of EBU R128 [LUFS], [LU], [dBTP], or None.
    status
        ``"new"``, ``"done"``, or ``"failed"`` where a task failed.
    """

    id: int
    path: str | None
    content_hash: str
    audio_hash: str | None
    duration: float | None
    title: str
    artist: str
    album: str
    genre: str
    bpm: float | None
    bpm_confidence: float | None
    beat_confidence: float | None
    meter: int | None
    key: str | None
    key_confidence: float | None
    energy: float | None
    loudness: float | None
    loudness_range: float | None
    true_peak: float | None
    status: str

    @property
    def camelot(self) -> str | None:
        """The key as DJs number it, such as ``"8A"``."""
        return None if self.key is None else write_key(self.key, "camelot")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, and `camelot`, for JSON and tables."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        if isinstance(held["path"], str):  # JSON holds no half of a surrogate pair
            held["path"] = (
                held["path"].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            )
        return held | {"camelot": self.camelot}


COLUMNS = ", ".join(
    "(select path from files where track = tracks.id order by state, id limit 1) as path"
    if each.name == "path"
    else f"tracks.{each.name}"
    for each in fields(TrackRow)
)
"""What a query selects for `track_row`; a file that is here comes before one that is gone."""


def track_row(row: Row) -> TrackRow:
    """Return the track of a row of `COLUMNS`."""
    from mirkit.library.database import from_sql

    held = {each.name: row[each.name] for each in fields(TrackRow)}
    held["path"] = None if held["path"] is None else from_sql(held["path"])
    held["key"] = None if held["key"] is None else KEYS[held["key"]]
    return TrackRow(**held)


@dataclass(frozen=True)
class FailureRow:
    """Task that failed, and the reason.

    Parameters
    ----------
    path
        The file.
    task
        Name of the task; None where the file could not even be read.
    type
        Name of the error.
    message
        What it says.
    track
        Number of the track, or None.
    """

    path: str
    task: str | None
    type: str
    message: str
    track: int | None = None


@dataclass(frozen=True)
class Status:
    """Counts of a library.

    Parameters
    ----------
    n_tracks
        Contents.
    n_files
        Paths that are there.
    tracks
        Counts of tracks by status.
    files
        Counts of files by state: ``"here"``, ``"missing"``, ``"unreadable"``.
    results
        Counts of results by task: those that were made, those that failed.
    n_bytes
        Size of the database.
    """

    n_tracks: int
    n_files: int
    tracks: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    n_bytes: int = 0
