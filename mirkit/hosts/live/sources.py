"""Sources of live music: a file, a pipe of raw samples, a sound card."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.audio import mixing
from mirkit.errors import AudioError, MissingExtra, ParameterError
from mirkit.hosts.live.clocks import Clock

BLOCK_SECONDS = 0.02
"""Length of a block: a frame of the network."""

ENCODINGS = {"s16": ("<i2", 32768.0), "s32": ("<i4", 2147483648.0), "f32": ("<f4", 1.0)}
"""How raw samples are written, little-endian: their type, and what full scale is."""


Arrival: TypeAlias = tuple[NDArray[np.float32], float | None]
"""Samples, and when they were there on the machine's clock [s], or None for when they are taken."""


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of music.

    Parameters
    ----------
    samples
        Mono, at the rate that was asked for, ``(n_samples,)``.
    end
        Where it ends in the music [s]; a resampler may hold back a little before that.
    arrived
        When it was there, on the machine's clock [s], or None for when it is taken.
    """

    samples: NDArray[np.float32]
    end: float
    arrived: float | None = None


def file_blocks(path: str, sample_rate: int) -> Iterator[Block]:
    """Yield the blocks of a recording, as fast as they are read."""
    from mirkit.audio.reading import blocks

    n = 0
    with blocks(path, sample_rate=sample_rate, mono=True, block_seconds=BLOCK_SECONDS) as stream:
        for samples in stream:
            n += samples.shape[1]
            yield Block(samples[0], n / sample_rate)


def pace(
    blocks: Iterable[Block], clock: Clock, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Block]:
    """Yield each block when a sound card would: when its last sample has sounded."""
    start = clock.now()
    for block in blocks:
        wait = start + block.end - clock.now()
        if wait > 0:
            sleep(wait)
        yield block


def raw_blocks(
    stream: BinaryIO, sample_rate: int, own_rate: int, n_channels: int = 2, encoding: str = "s16"
) -> Iterator[Block]:
    """Yield what comes through a pipe of raw samples, channels interleaved.

    Parameters
    ----------
    stream
        The pipe.
    sample_rate
        Rate of the blocks [Hz].
    own_rate
        Rate of the pipe [Hz].
    n_channels
        Channels in the pipe, which are mixed as those of files are (`mirkit.audio.mixing`).
    encoding
        One of `ENCODINGS`.

    Raises
    ------
    ParameterError
        Where a number is not positive, or the encoding is not known.
    """
    checks.positive("own_rate", own_rate)
    checks.positive("n_channels", n_channels)
    if encoding not in ENCODINGS:
        raise ParameterError(f"encoding is {encoding!r}; it is one of {', '.join(ENCODINGS)}")
    dtype, scale = ENCODINGS[encoding]
    raw = _raw(stream, own_rate, n_channels, np.dtype(dtype), scale)
    return _resample(_mix(raw, own_rate, "the pipe"), own_rate, sample_rate)


def _raw(
    stream: BinaryIO, own_rate: int, n_channels: int, dtype: np.dtype[Any], scale: float
) -> Iterator[Arrival]:
    """Yield samples ``(n_channels, n_samples)``."""
    n_frame = n_channels * dtype.itemsize
    n_block = max(1, round(BLOCK_SECONDS * own_rate)) * n_frame
    # what is there already is taken at once, if less than a block: a pipe is no file
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    rest = b""
    while chunk := read(n_block - len(rest)):
        rest += chunk
        whole = len(rest) - len(rest) % n_frame
        values = np.frombuffer(rest[:whole], dtype).reshape(-1, n_channels)
        rest = rest[whole:]
        if len(values):
            yield (values.T / scale).astype(np.float32), None


def _mix(arrivals: Iterable[Arrival], sample_rate: int, name: str) -> Iterator[Arrival]:
    """Yield one channel, ``(n_samples,)``, each part with the arrival of the last block in it."""
    arrived: float | None = None

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal arrived
        for arrival in arrivals:
            arrived = arrival[1]
            yield arrival[0]

    for part in mixing.mono(blocks(), sample_rate, name):
        if part.shape[1]:
            yield part[0], arrived


def microphone(device: str | int | None, sample_rate: int, clock: Clock) -> Iterator[Block]:
    """Yield what a sound card hears, until the caller closes the iterator.

    Raises
    ------
    MissingExtra
        Where sounddevice or PortAudio is absent.
    AudioError
        Where there is no such device, or it fails.
    """
    try:
        import sounddevice
    except (ImportError, OSError):  # OSError: the package is there, PortAudio is not
        raise MissingExtra(
            "sounddevice with PortAudio", "pip install 'mirkit[live]'", "a sound card"
        ) from None
    arrived: queue.Queue[Arrival] = queue.Queue()

    def callback(samples: NDArray[np.float32], *_: Any) -> None:
        arrived.put((samples.T.copy(), clock.now()))

    try:
        own_rate = round(sounddevice.query_devices(device, "input")["default_samplerate"])
        with sounddevice.InputStream(
            own_rate, round(BLOCK_SECONDS * own_rate), device, dtype="float32", latency="low",
            callback=callback,
        ):  # fmt: skip
            mono = _mix(iter(arrived.get, None), own_rate, "the sound card")
            yield from _resample(mono, own_rate, sample_rate)
    except (sounddevice.PortAudioError, ValueError) as error:
        known = str(sounddevice.query_devices()) or "none"
        raise AudioError(f"sound card {device!r}: {error}. Devices here: {known}") from None


def _resample(blocks: Iterable[Arrival], own_rate: int, sample_rate: int) -> Iterator[Block]:
    """Yield blocks at `sample_rate`; their ends are those of what came in."""
    import soxr

    stream = soxr.ResampleStream(own_rate, sample_rate, 1, dtype="float32")
    n = 0
    for samples, arrived in blocks:
        n += len(samples)
        heard = samples if own_rate == sample_rate else stream.resample_chunk(samples)
        yield Block(heard, n / own_rate, arrived)
    if own_rate != sample_rate:
        yield Block(stream.resample_chunk(np.empty(0, np.float32), last=True), n / own_rate)
