"""Protocol of the plug-in library and its worker; ``mirkit.c`` describes the bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import BinaryIO

from mirkit.errors import FormatError

PROTOCOL = 2
_HEAD = struct.Struct("=cI")
_HELLO = struct.Struct("=IIdd")
_FEATURE = struct.Struct("=IddI")
_COUNT = struct.Struct("=I")


@dataclass(frozen=True)
class Hello:
    """First message of the library.

    Parameters
    ----------
    plugin
        Identifier of the plug-in.
    sample_rate
        Of the audio that follows [Hz].
    parameter
        The value of its parameter; 0 where it has none.
    n_channels
        Of the audio, which is interleaved.
    """

    plugin: str
    sample_rate: float
    parameter: float = 0.0
    n_channels: int = 1


@dataclass(frozen=True)
class Feature:
    """Something found, as Vamp has it.

    Parameters
    ----------
    output
        Number of the output that it belongs to.
    time
        Where it begins, from the start of the audio [s].
    values
        Its numbers.
    label
        Its text.
    duration
        How long it lasts [s], or None for a point in time.
    """

    output: int
    time: float
    values: tuple[float, ...] = ()
    label: str = ""
    duration: float | None = None


def read_message(stream: BinaryIO) -> tuple[str, bytes] | None:
    """Return type and content of the next message, or None where the other side has gone."""
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    kind, length = _HEAD.unpack(head)
    content = _exactly(stream, length)
    return None if content is None else (kind.decode("latin-1"), content)


def write_message(stream: BinaryIO, kind: str, content: bytes = b"") -> None:
    """Send one message."""
    stream.write(_HEAD.pack(kind.encode("latin-1"), len(content)) + content)
    stream.flush()


def parse_hello(content: bytes) -> Hello:
    """Return what a message of type H says.

    Raises
    ------
    FormatError
        Where the library speaks another version of the protocol.
    """
    version = _COUNT.unpack_from(content)[0] if len(content) >= _COUNT.size else None
    if version != PROTOCOL or len(content) < _HELLO.size:
        raise FormatError(
            f"the plug-in library speaks protocol {version}, this mirkit {PROTOCOL}; run "
            "`mirkit vamp install` to compile it anew"
        )
    _, n_channels, sample_rate, parameter = _HELLO.unpack_from(content)
    return Hello(content[_HELLO.size :].decode(), sample_rate, parameter, n_channels)


def pack_hello(hello: Hello) -> bytes:
    """Return the content of a message of type H, as the library makes it."""
    head = _HELLO.pack(PROTOCOL, hello.n_channels, hello.sample_rate, hello.parameter)
    return head + hello.plugin.encode()


def pack_features(features: Sequence[Feature]) -> bytes:
    """Return the content of a message of type O."""
    return _COUNT.pack(len(features)) + b"".join(map(_pack, features))


def unpack_features(content: bytes) -> list[Feature]:
    """Return the features in a message of type O, as the library reads them."""
    (n,), at = _COUNT.unpack_from(content), _COUNT.size
    features = []
    for _ in range(n):
        output, time, duration, n_values = _FEATURE.unpack_from(content, at)
        at += _FEATURE.size
        values = struct.unpack_from(f"={n_values}f", content, at)
        at += 4 * n_values
        (n_label,) = _COUNT.unpack_from(content, at)
        at += _COUNT.size
        label = content[at : at + n_label].decode()
        at += n_label
        lasting = None if duration != duration else duration
        features.append(Feature(output, time, values, label, lasting))
    return features


def _pack(feature: Feature) -> bytes:
    label = feature.label.encode()
    duration = nan if feature.duration is None else feature.duration
    n_values = len(feature.values)
    return (
        _FEATURE.pack(feature.output, feature.time, duration, n_values)
        + struct.pack(f"={n_values}f", *feature.values)
        + _COUNT.pack(len(label))
        + label
    )


def _exactly(stream: BinaryIO, n: int) -> bytes | None:
    content = stream.read(n)
    return content if len(content) == n else None
