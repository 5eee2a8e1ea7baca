"""The process behind the Vamp plug-ins: ``python -m mirkit.hosts.vamp.worker``.

Its standard input and output are the socket to the plug-in library. It lives as long as the plug-in
does, and answers every recording with features or with one error. Nothing heavy is imported before
it has said that it is ready.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from mirkit.errors import FormatError, MirkitError
from mirkit.hosts.vamp.protocol import (
    Hello,
    pack_features,
    parse_hello,
    read_message,
    write_message,
)


def main() -> None:
    """Serve the library at the other end of standard input and output."""
    hears, says = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # whatever a library prints must not end up among the messages
    with os.fdopen(hears, "rb") as reader, os.fdopen(says, "wb") as writer:
        try:
            serve(reader, writer)
        except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
            os._exit(0)  # the host has gone; what is buffered has no reader


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer messages until the other side ends."""
    hello: Hello | None = None
    audio = bytearray()
    while (message := read_message(reader)) is not None:
        kind, content = message
        if kind == "A":
            audio += content
        elif kind == "Z":
            audio.clear()
        elif kind == "F":
            write_message(writer, *_answer(hello, audio))
            audio.clear()
        elif kind == "H":
            hello = _greet(writer, content)
        else:
            write_message(writer, "E", f"a message of type {kind!r} is not known".encode())


def _greet(writer: BinaryIO, content: bytes) -> Hello | None:
    try:
        hello = parse_hello(content)
    except FormatError as error:
        write_message(writer, "E", str(error).encode())
        return None
    write_message(writer, "R")
    return hello


def _answer(hello: Hello | None, audio: bytearray) -> tuple[str, bytes]:
    if hello is None:
        return "E", b"audio came before any hello"
    try:
        import numpy as np

        from mirkit.hosts.vamp.outputs import features_of

        samples = np.frombuffer(bytes(audio), np.float32).reshape(-1, hello.n_channels).T
        return "O", pack_features(features_of(hello, samples))
    except MirkitError as error:
        return "E", str(error).encode()
    except Exception as error:  # noqa: BLE001 -- the border: the host must hear of it whatever it is
        import traceback

        traceback.print_exc(file=sys.stderr)
        return "E", f"{type(error).__name__}: {error} (a fault of mirkit's)".encode()


if __name__ == "__main__":
    main()
