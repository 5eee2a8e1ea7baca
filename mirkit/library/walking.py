"""Walk the folders of a library in order of name, following each link once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mirkit.audio.sources import AUDIO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was seen.

    Parameters
    ----------
    path
        Its whole path; links in it stay.
    size
        [bytes].
    mtime_ns
        When it was last changed [ns].
    reason
        Why it cannot be read, or None.
    """

    path: str
    size: int
    mtime_ns: int
    reason: str | None = None


def walk(roots: Sequence[str]) -> Iterator[Seen]:
    """Yield the recordings below folders, and files that are named, each path once.

    Hidden names are skipped. A folder that links lead to again is walked once, so that links that
    go round end.
    """
    folders: set[tuple[int, int]] = set()
    paths: set[str] = set()
    for root in roots:
        found = _below(root, folders) if Path(root).is_dir() else _named(root)
        for seen in found:
            if seen.path not in paths:
                paths.add(seen.path)
                yield seen


def _named(path: str) -> Iterator[Seen]:
    if (seen := _seen(path)) is not None:
        yield seen


def _below(root: str, folders: set[tuple[int, int]]) -> Iterator[Seen]:
    for folder, inner, names in os.walk(root, followlinks=True):
        if not _is_new(folder, folders):
            inner.clear()
            continue
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  # a million times
            if suffix in AUDIO_SUFFIXES and not name.startswith("."):
                yield from _named(os.path.join(folder, name))  # noqa: PTH118


def _is_new(folder: str, folders: set[tuple[int, int]]) -> bool:
    try:
        known = os.stat(folder)  # noqa: PTH116
    except OSError:
        return False
    place = (known.st_dev, known.st_ino)
    if place in folders:
        return False
    folders.add(place)
    return True


def _seen(path: str) -> Seen | None:
    """Return what is at a path; None where there is nothing, as at the end of a dangling link."""
    try:
        known = os.stat(path)  # noqa: PTH116
    except PermissionError as error:
        return Seen(path, 0, 0, f"{path} may not be read: {error.strerror}")
    except OSError:
        return None
    if not stat.S_ISREG(known.st_mode):
        return Seen(path, 0, 0, f"{path} is no file but a pipe, a socket or a device")
    return Seen(path, known.st_size, known.st_mtime_ns)
