"""Read recordings: `blocks` streams samples, `read` is all its blocks in one.

The clock: sample k of what is read lies at k / sample_rate seconds, whatever the rate. Second 0 is
the first sample of a lossless file. Of a lossy file it is the first sample that its encoder was
given, where the file says how long the encoder's delay is: an MP3 with a LAME tag, an M4A with an
edit list, every Opus and Vorbis file. Where it does not say (an MP3 without that tag, raw AAC),
it is the first sample that decodes, and times are late by the delay, 25 ms for LAME's MP3.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from math import gcd, isfinite
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.audio import mixing
from mirkit.audio.codecs import open_decoder
from mirkit.audio.codecs.decoder import Decoder
from mirkit.audio.sources import AUDIO_SUFFIXES, Source, content_hash, find_audio, track
from mirkit.audio.values import Audio, check_finite, energy
from mirkit.errors import AudioError, ParameterError

__all__ = [
    "AUDIO_SUFFIXES",
    "Blocks",
    "Source",
    "blocks",
    "check_part",
    "content_hash",
    "find_audio",
    "read",
    "track",
]

HIGHEST_RATE = 10_000_000
"""Sample rate up to which recordings are resampled [Hz]."""

_RESAMPLER_REACH = 0.1  # the resampler's filter looks less far to both sides [s]


class Blocks(Iterator[NDArray[np.float32]]):
    """The blocks of a recording, each of shape ``(n_channels, n_samples)``, float32.

    An iterator to go through once, and a context manager; made by `blocks`. All blocks are of one
    length but the last, which is shorter.

    Attributes
    ----------
    name
        The recording, for messages.
    sample_rate
        Of the blocks [Hz].
    n_channels
        Of the blocks.
    duration
        Of all blocks together [s], or None where the recording does not say before its end.
    metadata
        What the file says of itself, such as ``title`` and ``artist``.
    """

    def __init__(self, decoder: Decoder, cut: _Cut, mono: bool, block_length: int) -> None:
        self.name = decoder.name
        self.sample_rate = cut.sample_rate
        self.n_channels = 1 if mono else decoder.n_channels
        self.metadata: Mapping[str, str] = decoder.metadata
        self.duration = cut.length_of(decoder)
        self._decoder = decoder
        self._arrays = _stream(decoder, cut, mono, block_length)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> NDArray[np.float32]:
        return next(self._arrays)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and end its decoder; there are no blocks after."""
        self._arrays.close()
        self._decoder.close()


def blocks(
    x: Source,
    sample_rate: int | None = None,
    mono: bool = True,
    block_seconds: float = 10.0,
    offset: float = 0.0,
    duration: float | None = None,
) -> Blocks:
    """Stream a recording as blocks of samples.

    A few blocks are in memory at a time, however long the recording is. The blocks, joined, are
    what `read` returns, and their samples do not depend on `block_seconds`.

    Parameters
    ----------
    x
        Path, binary file object, the content of a file as bytes, ``"-"`` for standard input,
        ``(samples, sample_rate)``, `Audio` or `Track`.
    sample_rate
        Rate to resample to [Hz]; None keeps the recording's own.
    mono
        Whether to give one channel: the mean of all, or the loudest where they cancel each
        other (`mirkit.audio.mixing`), with an `AudioWarning`.
    block_seconds
        Length of a block [s].
    offset
        Where to start [s].
    duration
        How much to give at most [s]; None goes to the end.

    Returns
    -------
    Blocks
        Iterator of arrays ``(n_channels, n_samples)``; a context manager.

    Raises
    ------
    AudioError
        At once where the recording is missing, empty or no recording. Later, from the iterator,
        where it is damaged, cut short, or holds samples that are not finite.

    Examples
    --------
    >>> with blocks(([0.1] * 8000, 8000), block_seconds=0.4) as stream:
    ...     [block.shape for block in stream]
    [(1, 3200), (1, 3200), (1, 1600)]
    """
    checks.positive("block_seconds", block_seconds)
    cut = _Cut.checked(sample_rate, offset, duration)
    decoder = open_decoder(track(x))
    cut = cut.at_rate(sample_rate or decoder.sample_rate)
    block_length = max(1, round(block_seconds * cut.sample_rate))
    return Blocks(decoder, cut, mono, block_length)


def read(
    x: Source,
    sample_rate: int | None = None,
    mono: bool = False,
    offset: float = 0.0,
    duration: float | None = None,
) -> Audio:
    """Read a recording, or a part of it.

    A part is the same samples, to 1e-5, that the whole holds there: the resampler sees what lies
    around it.

    Parameters
    ----------
    x
        What `blocks` takes.
    sample_rate
        Rate to resample to [Hz]; None keeps the recording's own.
    mono
        Whether to return one channel, as `blocks` gives it.
    offset
        Where to start [s].
    duration
        How much to read at most [s]; None reads to the end.

    Raises
    ------
    AudioError
        Where the recording is missing, empty, no recording, damaged or cut short.

    Examples
    --------
    >>> read(([0.0, 0.5, 0.5, 0.0], 8000), duration=2 / 8000).samples
    array([[0. , 0.5]], dtype=float32)
    """
    with blocks(x, sample_rate, mono, offset=offset, duration=duration) as stream:
        samples = np.concatenate(list(stream), axis=1)
        samples.flags.writeable = False  # ours alone: `Audio` need not copy it
        return Audio(samples, stream.sample_rate)


def check_part(offset: float, duration: float | None) -> None:
    """Raise `ParameterError` unless `offset` is a time from 0 on, and `duration` above it [s]."""
    if not (isfinite(checks.number("offset", offset)) and offset >= 0):
        raise ParameterError(f"offset is {offset}; it is a time from 0 on [s]")
    if duration is not None:
        checks.positive("duration", duration)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Part of a recording that is wanted, and its sample rate."""

    sample_rate: int
    offset: float
    duration: float | None

    @classmethod
    def checked(cls, sample_rate: int | None, offset: float, duration: float | None) -> _Cut:
        """Return the cut, or raise `ParameterError`; a rate of 0 is not known yet."""
        if sample_rate is not None:
            checks.positive("sample_rate", sample_rate)
            if sample_rate > HIGHEST_RATE or int(sample_rate) != sample_rate:
                raise ParameterError(
                    f"sample_rate is {sample_rate}; it is a whole number up to {HIGHEST_RATE} [Hz]"
                )
        check_part(offset, duration)
        return cls(0, offset, duration)

    def at_rate(self, sample_rate: int) -> _Cut:
        """Return the same cut at `sample_rate`."""
        return replace(self, sample_rate=int(sample_rate))

    @property
    def n_samples(self) -> int | None:
        """Largest number of samples to give."""
        return None if self.duration is None else max(1, round(self.duration * self.sample_rate))

    def start(self, decoder_rate: int) -> tuple[int, int]:
        """Return the first sample to decode, and how many resampled ones from there to drop.

        Decoding starts early enough that the filter of the resampler is full, and where a sample
        of the new rate falls on one of the old.
        """
        step = decoder_rate // gcd(decoder_rate, self.sample_rate)
        wanted = round(self.offset * self.sample_rate)
        early = wanted * decoder_rate / self.sample_rate - _RESAMPLER_REACH * decoder_rate
        if decoder_rate == self.sample_rate:
            return wanted, 0
        first = max(0, int(early // step) * step)
        return first, wanted - first * self.sample_rate // decoder_rate

    def n_decoded(self, decoder_rate: int) -> int:
        """Return how many samples from `start` on hold all that is to be given."""
        _, surplus = self.start(decoder_rate)
        return -(-(surplus + (self.n_samples or 0)) * decoder_rate // self.sample_rate)

    def length_of(self, decoder: Decoder) -> float | None:
        """Return how much of a recording the cut leaves [s], or None where it is not known."""
        if decoder.n_samples is None:
            return None
        rest = max(0.0, decoder.n_samples / decoder.sample_rate - self.offset)
        return rest if self.duration is None else min(rest, self.duration)


def _stream(
    decoder: Decoder, cut: _Cut, mono: bool, block_length: int
) -> Generator[NDArray[np.float32], None, None]:
    """Yield blocks: decode, check, mix, resample, cut, join."""
    rate = decoder.sample_rate
    mixes = mono and decoder.n_channels > 1
    first, surplus = cut.start(rate)
    begin = mixing.start_before(first, rate) if mixes else first
    empty = True
    with closing(decoder), closing(decoder.chunks(begin)) as decoded:
        chunks = _check(decoded, decoder.name, begin)
        if cut.duration is not None:
            chunks = _up_to_damage(chunks, first - begin + cut.n_decoded(rate))
        if mixes:
            chunks = _mix(chunks, rate, decoder.name)
        chunks = _part(chunks, first - begin, None)
        n_channels = 1 if mono else decoder.n_channels
        if cut.sample_rate != rate:
            chunks = _resample(chunks, rate, cut.sample_rate, n_channels)
        chunks = _part(chunks, surplus, cut.n_samples)
        for block in _join(chunks, n_channels, block_length):
            empty = False
            yield block
    if empty and cut.offset:
        raise AudioError(f"{decoder.name} ends before offset={cut.offset} s")
    if empty:
        raise AudioError(f"{decoder.name} holds no samples")


def _mix(chunks: Iterator[Floats32], sample_rate: int, name: str) -> Iterator[Floats32]:
    """Yield one channel of the chunks."""
    for samples in mixing.mono((chunk.T for chunk in chunks), sample_rate, name):
        yield samples.T


def _up_to_damage(chunks: Iterator[Floats32], n_wanted: int) -> Iterator[Floats32]:
    """Yield the chunks; where `n_wanted` samples are there, damage behind them ends them."""
    n_samples = 0
    try:
        for chunk in chunks:
            n_samples += len(chunk)
            yield chunk
    except AudioError:
        if n_samples < n_wanted:
            raise


def _check(chunks: Iterator[Floats32], name: str, first: int) -> Iterator[Floats32]:
    """Yield the chunks, or raise where a sample is not finite or beyond all reason."""
    for chunk in chunks:
        if not np.isfinite(energy(chunk)):
            check_finite(chunk.T, name, first)
            raise AudioError(
                f"{name}: samples from {first} on reach {np.abs(chunk).max():.3g}, where full "
                "scale is 1. Is this float file damaged?"
            )
        first += len(chunk)
        yield chunk


def _resample(
    chunks: Iterator[Floats32], old_rate: int, new_rate: int, n_channels: int
) -> Iterator[Floats32]:
    """Yield the chunks at another rate; sample 0 stays where it is, and is there at least."""
    import soxr

    stream = soxr.ResampleStream(old_rate, new_rate, n_channels, dtype="float32", quality="HQ")
    first, n_samples = np.empty((0, n_channels), np.float32), 0
    for chunk in chunks:
        first = first if len(first) else chunk[:1]
        resampled = stream.resample_chunk(np.ascontiguousarray(chunk))
        n_samples += len(resampled)
        yield resampled
    last = stream.resample_chunk(first[:0], last=True)
    yield last if n_samples or len(last) else first


def _part(chunks: Iterator[Floats32], surplus: int, n_samples: int | None) -> Iterator[Floats32]:
    """Drop `surplus` samples and yield the `n_samples` after them, or all."""
    for chunk in chunks:
        part = chunk[surplus:]
        surplus = max(0, surplus - len(chunk))
        if n_samples is not None:
            part = part[:n_samples]
            n_samples -= len(part)
        yield part
        if n_samples == 0:
            return


def _join(chunks: Iterator[Floats32], n_channels: int, length: int) -> Iterator[Floats32]:
    """Yield blocks ``(n_channels, length)``; the last may be shorter."""
    filled = 0
    for chunk in chunks:
        taken = 0
        while taken < len(chunk):
            if not filled:
                block = np.empty((n_channels, length), np.float32)
            part = chunk[taken : taken + length - filled]
            block[:, filled : filled + len(part)] = part.T
            filled, taken = filled + len(part), taken + len(part)
            if filled == length:
                yield block
                filled = 0
    if filled:
        yield block[:, :filled].copy()
