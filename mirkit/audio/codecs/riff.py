"""How much audio a WAV or AIFF file announces, against how much it holds.

The sound library shortens a cut file without a word; its header still tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_UNKNOWN = (
    0x7FFF0000  # writers to a pipe put 0 or a number near 2^31 or 2^32 where they cannot know
)
_MAX_CHUNKS = 1000


def announced_share(file: BinaryIO) -> float:
    """Return the announced length of the audio over the length that is there; 1 where whole.

    1 too for other formats, and where the writer left the length open.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        wanted, order = b"data", "little"
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        wanted, order = b"SSND", "big"
    else:
        return 1.0
    size = file.seek(0, 2)
    for name, start, length in _chunks(file, size, order == "big"):
        if name == wanted:
            there = size - start
            return length / there if there < length < _UNKNOWN and there > 0 else 1.0
    return 1.0


def _chunks(file: BinaryIO, size: int, big_endian: bool) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length [bytes] of each chunk; chunks begin at even places."""
    start = 12
    for _ in range(_MAX_CHUNKS):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "big" if big_endian else "little")
        yield head[:4], start + 8, length
        start += 8 + length + length % 2
        if start >= size:
            return
