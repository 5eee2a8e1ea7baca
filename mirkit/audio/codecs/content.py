"""Content that a decoder is given, and the error where it breaks off."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO, cast

from mirkit.errors import AudioError

_LEAST_ADVICE = 0.002  # no shorter part is worth a hint [s]


@dataclass(frozen=True)
class Content:
    """Input of the sound library, and the share of the announced length that is there.

    Parameters
    ----------
    stream
        The file, or a view of it with a mended header.
    share
        The announced length of the audio over the length that is there; 1 where it is whole.
    n_announced
        Samples that the recording announces, or None where the library reads that by itself.
    n_sound
        Samples that come before damage, or None where no damage is known.
    seekable
        Whether the library finds a sample by its number.
    """

    stream: BinaryIO
    share: float = 1.0
    n_announced: int | None = None
    n_sound: int | None = None
    seekable: bool = True


class NotUnderstood(Exception):
    """The sound library does not decode this recording right; ffmpeg may.

    Parameters
    ----------
    reason
        Why, for messages.
    n_announced, n_sound
        As in `Content`.
    """

    def __init__(
        self, reason: str, n_announced: int | None = None, n_sound: int | None = None
    ) -> None:
        super().__init__(reason)
        self.n_announced, self.n_sound = n_announced, n_sound


def damaged_error(name: str, announced: float | None, end: float, reason: str) -> AudioError:
    """Return the error for a recording that decodes only up to `end` [s] of what it announces."""
    promise = "" if announced is None else f"it announces {announced:.3f} s, but "
    advice = f". To use what is there, pass duration={end - 0.001:.3f}"
    return AudioError(
        f"{name} is damaged or cut short: {promise}after {end:.3f} s {reason}"
        f"{advice if end > _LEAST_ADVICE else ''}"
    )


def splice(head: bytes, file: BinaryIO, start: int, end: int | None = None) -> BinaryIO:
    """Return a read-only view: `head`, and behind it `file` from byte `start` to `end`."""
    return cast(BinaryIO, io.BufferedReader(_Spliced(head, file, start, end)))


class _Spliced(io.RawIOBase):
    def __init__(self, head: bytes, file: BinaryIO, start: int, end: int | None) -> None:
        self._head, self._file, self._start = head, file, start
        end = file.seek(0, io.SEEK_END) if end is None else end
        self._size = len(head) + max(0, end - start)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        n_wanted = min(len(buffer), max(0, self._size - self._at))
        if self._at < len(self._head):
            data = self._head[self._at : self._at + n_wanted]
        else:
            self._file.seek(self._start + self._at - len(self._head))
            data = self._file.read(n_wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
