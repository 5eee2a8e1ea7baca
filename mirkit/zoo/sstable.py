"""Sorted string tables (LevelDB's format): keys and values in blocks that share prefixes.

A table ends with a footer that says where the index block lies; the index names the data blocks.
Each block is a run of entries, the places where prefixes begin anew, and a checksum behind it.

References
----------
LevelDB documentation: ``table_format.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

from mirkit.zoo.crc32c import crc32c, unmask
from mirkit.zoo.protobuf import Damaged, read_varint

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER = 48
_TRAILER = 5  # one byte says how a block is compressed, four hold its checksum


def read_sstable(content: bytes) -> dict[bytes, bytes]:
    """Return the values in a table by their keys, in the order of these.

    Raises
    ------
    Damaged
        Where the table is cut, a checksum is wrong, or a block is compressed.
    """
    if len(content) < FOOTER or content[-8:] != MAGIC:
        raise Damaged("it does not end as a table does")
    footer = content[-FOOTER:]
    _, place = _handle(footer, 0)  # of the metaindex, which has nothing for us
    index, _ = _handle(footer, place)
    found: dict[bytes, bytes] = {}
    for _, handle in _entries(_block(content, *index)):
        found.update(_entries(_block(content, *_handle(handle, 0)[0])))
    return found


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Return where a block begins and how long it is, and where the next thing stands."""
    offset, place = read_varint(content, place)
    size, place = read_varint(content, place)
    return (offset, size), place


def _block(content: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _TRAILER > len(content):
        raise Damaged(f"a block of {size} bytes at byte {offset} runs past the end")
    if content[end]:
        raise Damaged(f"the block at byte {offset} is compressed, which no checkpoint's index is")
    stored = int.from_bytes(content[end + 1 : end + _TRAILER], "little")
    if crc32c(content[offset : end + 1]) != unmask(stored):
        raise Damaged(f"the checksum of the block at byte {offset} is wrong")
    return content[offset:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and the values in a block."""
    n_restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (n_restarts + 1)
    if end < 0:
        raise Damaged(f"a block of {len(block)} bytes has {n_restarts} restarts")
    key, place = b"", 0
    while place < end:
        shared, place = read_varint(block, place)
        fresh, place = read_varint(block, place)
        size, place = read_varint(block, place)
        if shared > len(key) or place + fresh + size > end:
            raise Damaged("an entry runs past its block")
        key = key[:shared] + block[place : place + fresh]
        place += fresh + size
        yield key, block[place - size : place]
