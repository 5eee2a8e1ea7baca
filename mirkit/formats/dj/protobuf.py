"""The few bytes of protocol buffers that Mixxx keeps its beats and keys in.

A message is a row of fields: a number with the kind of value, then the value. Whole numbers have
seven bits a byte, the lowest first; texts and messages have their length before them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

from mirkit.errors import FormatError

Value: TypeAlias = int | float | bytes

_VARINT, _DOUBLE, _BYTES, _SINGLE = 0, 1, 2, 5
_SIZES = {_DOUBLE: ("<d", 8), _SINGLE: ("<f", 4)}
_MASK = (1 << 64) - 1


def varint(value: int) -> bytes:
    """Return a whole number; one below 0 as its complement of 64 bits.

    Examples
    --------
    >>> varint(11025).hex(), len(varint(-1))
    ('9156', 10)
    """
    value &= _MASK
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: Value | str) -> bytes:
    """Return a field: whole number, double, or text and message.

    Examples
    --------
    >>> field(1, 127.0).hex(), field(1, 300).hex(), field(2, b"ab").hex()
    ('090000000000c05f40', '08ac02', '12026162')
    """
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | _DOUBLE) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | _BYTES) + varint(len(data)) + data


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of each field of a message.

    Raises
    ------
    FormatError
        Where the message is cut off or holds what protocol buffers do not.
    """
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value: Value
            value, at = _read_varint(data, at)
        elif kind == _BYTES:
            size, at = _read_varint(data, at)
            value, at = _cut(data, at, size)
        elif kind in _SIZES:
            form, size = _SIZES[kind]
            raw, at = _cut(data, at, size)
            value = float(struct.unpack(form, raw)[0])
        else:
            raise FormatError(f"a message has a field of kind {kind}, which there is not")
        yield key >> 3, value


def to_signed(value: int, bits: int = 32) -> int:
    """Return a whole number that may be below 0, from its complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value & _MASK, at
    raise FormatError("a message ends within a number")


def _cut(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise FormatError(f"a message ends {at + size - len(data)} bytes before its value does")
    return data[at : at + size], at + size
