"""CRC-32C (Castagnoli), the checksum in TensorFlow's tables and tensors.

References
----------
RFC 3720, appendix B.4. TensorFlow's ``crc32c.h`` for the mask.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_POLYNOMIAL = 0x82F63B78  # bits reversed
_MASK = 0xA282EAD8


def crc32c(content: bytes) -> int:
    """Return the checksum of `content`.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def unmask(crc: int) -> int:
    """Return the checksum that TensorFlow stores rotated and with an offset."""
    rotated = (crc - _MASK) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ np.uint32(_POLYNOMIAL), values >> 1)
    return tuple(values.tolist())
