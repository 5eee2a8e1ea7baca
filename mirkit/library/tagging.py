"""Writing tempo, key and ReplayGain into the tags of recordings, with an undo log.

Off unless asked for. A copy of the file is tagged, its samples are compared with those of the
original by hash, and only then it takes the place of the original. The library remembers the tags
as they were, so that `undo` brings them back; and what the file is now, so that it is not analyzed
again.

| | tempo | key | ReplayGain 2 |
|---|---|---|---|
| MP3, AIFF, WAV (ID3) | ``TBPM`` | ``TKEY`` | ``TXXX:replaygain_track_gain``, ``…_peak`` |
| FLAC, Ogg, Opus | ``BPM`` | ``INITIALKEY`` | ``REPLAYGAIN_TRACK_GAIN``, ``…_PEAK`` |
| MP4 | ``tmpo`` | ``initialkey`` | the same of ReplayGain |

MP4 keeps key and ReplayGain under ``----:com.apple.iTunes:``.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mirkit.audio import reading
from mirkit.audio.sources import content_hash, track
from mirkit.errors import MirkitError, WriteError
from mirkit.formats.atomic import edited_copy
from mirkit.formats.dj import file_tags
from mirkit.library.database import to_sql
from mirkit.library.rows import TrackRow

if TYPE_CHECKING:
    from mirkit.library.core import Library

GAIN, PEAK = "replaygain_track_gain", "replaygain_track_peak"


@dataclass
class TagReport:
    """The end of writing tags: how many files changed, and why others did not.

    Parameters
    ----------
    n_done
        Files that changed.
    failed
        Why others did not, by path.
    """

    n_done: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def write_tags(
    library: Library, rows: Iterable[TrackRow], *, notation: str = "tag", gain: bool = True
) -> TagReport:
    """Write tempo, key and ReplayGain of tracks into all their files.

    Parameters
    ----------
    library
        The library.
    rows
        The tracks; what is not known of them is not written.
    notation
        Spelling of keys, see `mirkit.formats.dj.keys`.
    gain
        Whether to write ReplayGain.

    Raises
    ------
    MissingExtra
        Where mutagen is not installed.
    """
    file_tags.check_installed()
    report = TagReport()
    for row in rows:
        texts = {} if not gain else replaygain(library.get(row.id, "loudness"))
        for path in library.places(row.id):
            _attempt(report, path, lambda p, r=row, t=texts: _tag(library, r, p, notation, t))
    return report


def undo(library: Library, limit: int | None = None) -> TagReport:
    """Bring back the tags that files had before they were written, the newest first.

    Files that were changed since by another program are left alone.

    Parameters
    ----------
    library
        The library.
    limit
        How many files, or None for all.
    """
    report = TagReport()
    rows = library.database.rows(
        "select id, path, before, after from edits where not undone order by id desc limit ?",
        (-1 if limit is None else limit,),
    )
    for row in rows:
        _attempt(report, str(row["path"]), lambda p, r=row: _restore(library, r, p))
    return report


def replaygain(loudness: Any) -> dict[str, str]:
    """Return the tags of ReplayGain 2 for a `Loudness`; none where it is silent or not known."""
    if loudness is None or loudness.gain is None:
        return {}
    return {GAIN: f"{loudness.gain:.2f} dB", PEAK: f"{loudness.peak:.6f}"}


def _attempt(report: TagReport, path: str, change: Any) -> None:
    try:
        change(path)
        report.n_done += 1
    except (MirkitError, OSError) as error:
        report.failed[path] = str(error)


def _tag(
    library: Library, row: TrackRow, path: str, notation: str, texts: Mapping[str, str]
) -> None:
    before = tags_of(path)
    with edited_copy(path) as copy:
        file_tags.write(copy, bpm=row.bpm, key=row.key, notation=notation)
        _set_texts(copy, texts)
        _check_same(Path(path), copy)
    _log(library, row.id, path, before)


def _restore(library: Library, row: sqlite3.Row, path: str) -> None:
    if content_hash(track(path)) != row["after"].decode():
        raise WriteError(f"{path} was changed since its tags were written; it is left as it is")
    number = library.track(path).id
    with edited_copy(path) as copy:
        _put_back(copy, json.loads(row["before"]))
        _check_same(Path(path), copy)
    _forget(library, number, path, int(row["id"]))


def tags_of(path: str | Path) -> dict[str, Any]:
    """Return what a file holds of the tags that are written; None for those that it lacks."""
    file = _open(path)
    return {name: _get(file, name) for name in _names(file)}


def _names(file: Any) -> list[str]:
    container = file_tags.container_of(file)
    plain = [file_tags.NAMES[name][container] for name in ("bpm", "key")]
    extra = {"id3": "TXXX:{}", "vorbis": "{}", "mp4": "----:com.apple.iTunes:{}"}[container]
    return plain + [extra.format(name) for name in (GAIN, PEAK)]


def _open(path: str | Path) -> Any:
    file = file_tags.open_tags(Path(path), str(path))
    if file.tags is None:
        file.add_tags()
    return file


def _get(file: Any, name: str) -> list[str] | None:
    """Return the texts of a tag, or None where it is not there."""
    value = file.tags.get(name)
    if value is None:
        return None
    held = getattr(value, "text", value)
    return [x.decode() if isinstance(x, bytes) else str(x) for x in held]


def _put_back(path: Path, before: Mapping[str, list[str] | None]) -> None:
    file = _open(path)
    container = file_tags.container_of(file)
    for name, texts in before.items():
        if texts is None:
            if name in file.tags:
                del file.tags[name]
        else:
            _set(file.tags, container, name, texts[0])
    file_tags.save_tags(file)


def _set_texts(path: Path, texts: Mapping[str, str]) -> None:
    if not texts:
        return
    file = _open(path)
    container = file_tags.container_of(file)
    for name, full in zip((GAIN, PEAK), _names(file)[2:], strict=True):
        _set(file.tags, container, full, texts[name])
    file_tags.save_tags(file)


def _set(tags: Any, container: Any, name: str, text: str) -> None:
    """Set a tag, a TXXX frame of ID3 too."""
    if name.startswith("TXXX:"):
        from mutagen import id3

        frame: Any = id3.TXXX
        tags.setall(name, [frame(id3.Encoding.LATIN1, name.removeprefix("TXXX:"), [text])])
    else:
        file_tags.SETTERS[container](tags, name, text)


def _check_same(path: Path, copy: Path) -> None:
    """Raise where a copy does not hold the samples of the original."""
    if samples_hash(path) != samples_hash(copy):
        raise WriteError(f"{path}: its copy with new tags sounds otherwise; the file is left as is")


def samples_hash(path: Path) -> str:
    """Return the sha256 of rate and samples of a recording."""
    with reading.blocks(path, mono=False) as blocks:
        digest = hashlib.sha256(f"{blocks.sample_rate} {blocks.n_channels}".encode())
        for block in blocks:
            digest.update(np.ascontiguousarray(block.T, "<f4").tobytes())
    return digest.hexdigest()


def _log(library: Library, number: int, path: str, before: dict[str, Any]) -> None:
    digest = _take_over(library, number, path)
    with library.database.write() as db:
        db.execute(
            "insert into edits (path, made, kind, before, after) values (?, ?, 'tags', ?, ?)",
            (to_sql(path), time.time(), json.dumps(before).encode(), digest.encode()),
        )


def _forget(library: Library, number: int, path: str, edit: int) -> None:
    _take_over(library, number, path)
    with library.database.write() as db:
        db.execute("update edits set undone = 1 where id = ?", (edit,))


def _take_over(library: Library, number: int, path: str) -> str:
    """Let the library know what a file is now, so that it is the same track; return its hash.

    A copy elsewhere that was not changed keeps its own hash until the next scan.
    """
    digest = content_hash(track(path))
    known = Path(path).stat()
    with library.database.write() as db:
        db.execute(
            "update files set size = ?, mtime_ns = ? where path = ?",
            (known.st_size, known.st_mtime_ns, to_sql(path)),
        )
        db.execute("update or ignore tracks set content_hash = ? where id = ?", (digest, number))
    return digest
