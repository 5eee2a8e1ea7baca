"""Open Sound Control 1.0: messages of integers, floats and text, as bytes.

References
----------
M. Wright: The Open Sound Control 1.0 specification. 2002.
"""

from __future__ import annotations

import struct

from mirkit.errors import ParameterError

Argument = int | float | str


def message(address: str, *arguments: Argument) -> bytes:
    r"""Return a message: address, types and arguments, each filled up to four bytes.

    Raises
    ------
    ParameterError
        Where the address does not start with a slash, or an argument is of no type OSC has here.

    Examples
    --------
    >>> message("/mirkit/bpm", 120.0)
    b'/mirkit/bpm\x00,f\x00\x00B\xf0\x00\x00'
    """
    if not address.startswith("/"):
        raise ParameterError(f"OSC address {address!r} does not start with a slash")
    types = "".join(_type(argument) for argument in arguments)
    return _text(address) + _text("," + types) + b"".join(map(_bytes, arguments))


def _type(argument: Argument) -> str:
    for kind, letter in ((int, "i"), (float, "f"), (str, "s")):
        if type(argument) is kind:
            return letter
    raise ParameterError(f"{argument!r} is {type(argument).__name__}; OSC takes int, float or str")


def _bytes(argument: Argument) -> bytes:
    if isinstance(argument, str):
        return _text(argument)
    return struct.pack(">i" if isinstance(argument, int) else ">f", argument)


def _text(text: str) -> bytes:
    """Return text ended by one to four zeros."""
    raw = text.encode()
    return raw + bytes(4 - len(raw) % 4)
