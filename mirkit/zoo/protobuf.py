"""The wire format of protocol buffers: fields written one after the other, and read again.

A message is a sequence of fields, each a key (number and wire type) and a value: a varint, eight
or four bytes, or a length and so many bytes, which are a text, an array or another message.

References
----------
Protocol Buffers documentation: Encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import overload

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
_WIDTHS = {EIGHT: 8, FOUR: 4}


class Damaged(ValueError):
    """Bytes that no writer of protocol buffers makes."""


def varint(value: int) -> bytes:
    """Return a whole number, seven bits a byte, low ones first; negative ones as 64 bits.

    Examples
    --------
    >>> varint(300).hex()
    'ac02'
    """
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def integer(field: int, value: int) -> bytes:
    """Return a field that holds a whole number."""
    return varint(field << 3 | VARINT) + varint(value)


def single(field: int, value: float) -> bytes:
    """Return a field that holds a number in single precision."""
    return varint(field << 3 | FOUR) + struct.pack("<f", value)


def blob(field: int, content: bytes | str) -> bytes:
    """Return a field that holds bytes, a text or a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def blobs(field: int, contents: Iterable[bytes | str]) -> bytes:
    """Return a repeated field of bytes, texts or messages."""
    return b"".join(blob(field, content) for content in contents)


def integers(field: int, values: Iterable[int]) -> bytes:
    """Return a repeated field of whole numbers, each with its own key."""
    return b"".join(integer(field, value) for value in values)


def read_varint(content: bytes | memoryview, place: int) -> tuple[int, int]:
    """Return the varint at a place, and where the next thing begins.

    Raises
    ------
    Damaged
        Where it does not end, or is longer than 64 bits.

    Examples
    --------
    >>> read_varint(bytes.fromhex("ac02"), 0)
    (300, 2)
    """
    value = 0
    for shift in range(0, 70, 7):
        if not 0 <= place < len(content):
            raise Damaged("a number runs past the end")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise Damaged("a number is longer than 64 bits")


@overload
def fields(content: bytes) -> Iterator[tuple[int, int | bytes]]: ...
@overload
def fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]: ...


def fields(content: bytes | memoryview) -> Iterator[tuple[int, int | bytes | memoryview]]:
    """Yield the number and the value of each field of a message, in their order.

    Values of four and eight bytes are whole numbers here. Those of a memory view are views too.

    Raises
    ------
    Damaged
        Where the message is cut, or a wire type is unknown.
    """
    place = 0
    while place < len(content):
        key, place = read_varint(content, place)
        wire = key & 7
        if wire == VARINT:
            value, place = read_varint(content, place)
            yield key >> 3, value
            continue
        width = _WIDTHS.get(wire)
        if wire == BYTES:
            width, place = read_varint(content, place)
        if width is None or place + width > len(content):
            raise Damaged(f"field {key >> 3} of wire type {wire} runs past the end")
        part = content[place : place + width]
        yield key >> 3, part if wire == BYTES else int.from_bytes(part, "little")
        place += width
