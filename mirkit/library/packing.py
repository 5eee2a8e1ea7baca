"""Annotations as bytes, and back without loss: fields as JSON, arrays as they are, compressed.

Layout: ``M``, version 1, ``z`` (zlib) or ``r`` (raw), then the length of the JSON (4 bytes, little
endian), the JSON, and the arrays one after the other. The bytes of an array are sorted by place,
all first bytes first, which compresses better; arrays are little endian.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import annotation
from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.batch import Failure
from mirkit.errors import FormatError, ParameterError
from mirkit.frames import FrameGrid
from mirkit.sound.loudness import Loudness

_MAGIC = b"M\x01"
_LENGTH = struct.Struct("<I")
_KINDS = "biufc"

KNOWN: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        annotation.Beats,
        annotation.Tempo,
        annotation.TempoHypothesis,
        annotation.TempoMap,
        annotation.Segments,
        annotation.Events,
        annotation.Tags,
        annotation.Key,
        annotation.Caption,
        annotation.Embedding,
        Activations,
        Features,
        Head,
        Provenance,
        FrameGrid,
        Loudness,
        Failure,
    )
}
"""The classes that can be packed, by name."""


def pack(value: Any) -> bytes:
    """Return a value as bytes.

    Examples
    --------
    >>> from mirkit.annotation import Beats
    >>> beats = Beats([0.5, 1.0], positions=[1, 2])
    >>> unpack(pack(beats)) == beats
    True
    """
    arrays: list[NDArray[Any]] = []
    text = json.dumps(_write(value, arrays), separators=(",", ":")).encode("ascii")
    body = b"".join([_LENGTH.pack(len(text)), text, *map(_bytes_of, arrays)])
    small = zlib.compress(body, 6)
    return _MAGIC + (b"z" + small if len(small) < len(body) else b"r" + body)


def unpack(data: bytes) -> Any:
    """Return the value that bytes hold.

    Raises
    ------
    FormatError
        Where they hold none, or are damaged.
    """
    if data[:2] != _MAGIC or data[2:3] not in (b"z", b"r"):
        raise FormatError(f"{len(data)} bytes hold no value of a library: {bytes(data[:4])!r}")
    try:
        body = zlib.decompress(data[3:]) if data[2:3] == b"z" else data[3:]
        (n,) = _LENGTH.unpack_from(body)
        found = json.loads(body[_LENGTH.size : _LENGTH.size + n])
        return _read(found, _Arrays(body, _LENGTH.size + n))
    except (zlib.error, struct.error, json.JSONDecodeError, IndexError) as error:
        raise FormatError(f"a value of a library is damaged: {error}") from None


def _write(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Return what JSON holds of a value; its arrays are appended to `arrays`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return _write(value.item(), arrays)
    if isinstance(value, np.ndarray):
        return _write_array(value, arrays)
    if isinstance(value, Fraction):
        return {"q": [value.numerator, value.denominator]}
    if is_dataclass(value) and type(value).__name__ in KNOWN:
        held = {x.name: _write(getattr(value, x.name), arrays) for x in fields(value) if x.init}
        return {"v": type(value).__name__, "f": held}
    if isinstance(value, tuple | list):
        return [_write(each, arrays) for each in value]
    if isinstance(value, Mapping):
        return {"m": [[str(name), _write(each, arrays)] for name, each in value.items()]}
    raise ParameterError(f"{type(value).__name__} cannot be stored; there are {', '.join(KNOWN)}")


def _write_array(value: NDArray[Any], arrays: list[NDArray[Any]]) -> Any:
    if value.dtype.kind not in _KINDS:
        raise ParameterError(f"an array of {value.dtype} cannot be stored; it holds no numbers")
    array = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    arrays.append(array)
    return {"a": [array.dtype.str, *value.shape]}


def _bytes_of(array: NDArray[Any]) -> bytes:
    """Return the bytes of an array, all first bytes first."""
    return array.reshape(-1).view(np.uint8).reshape(-1, array.itemsize).T.tobytes()


class _Arrays:
    """The arrays of a body, taken one after the other."""

    def __init__(self, body: bytes, start: int) -> None:
        self.body, self.at = body, start

    def take(self, dtype: str, *shape: int) -> NDArray[Any]:
        kind = np.dtype(dtype)
        n = prod(shape) * kind.itemsize
        data = self.body[self.at : self.at + n]
        if len(data) < n:
            raise FormatError("a value of a library is damaged: it ends within an array")
        self.at += n
        places = np.frombuffer(data, np.uint8).reshape(kind.itemsize, -1)
        array = np.ascontiguousarray(places.T).view(kind).reshape(shape)
        array = array.astype(kind.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array


def _read(found: Any, arrays: _Arrays) -> Any:
    if isinstance(found, list):
        return tuple(_read(each, arrays) for each in found)
    if not isinstance(found, dict):
        return found
    if "a" in found:
        return arrays.take(*found["a"])
    if "q" in found:
        return Fraction(*found["q"])
    if "m" in found:
        return {name: _read(each, arrays) for name, each in found["m"]}
    if found["v"] not in KNOWN:
        raise FormatError(f"a value of a library is a {found['v']}, which this version lacks")
    held = {name: _read(each, arrays) for name, each in found["f"].items()}
    return KNOWN[found["v"]](**held)
