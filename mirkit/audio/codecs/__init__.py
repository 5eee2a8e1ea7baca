"""Decoders: each turns one kind of recording into chunks of samples, whatever its name says.

Chunks are float32 of shape ``(n, n_channels)``, as sound files interleave them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from mirkit.arrays import Floats32
from mirkit.audio.codecs import ffmpeg, mp3, riff
from mirkit.audio.sources import damaged, open_file
from mirkit.audio.values import Audio, Track
from mirkit.errors import AudioError

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 1_000_000
"""What a recording may claim [Hz]; a claim outside comes from a damaged header."""

_CHUNK_SAMPLES = 2**17  # of all channels together: 512 KiB stay in the processor's cache
_ENDLESS = 2**60  # the library's length of what does not tell it [samples]
_MP3_SLACK = 2 * 1152  # MP3 headers count frames, and some encoders miscount by one or two


class Decoder(Protocol):
    """What reads a recording: its clock, its length where known, and its chunks."""

    name: str
    sample_rate: int
    n_channels: int
    n_samples: int | None
    metadata: Mapping[str, str]

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on; raise `AudioError` where the recording is damaged."""
        ...

    def close(self) -> None:
        """Let go of files and processes."""
        ...


def open_decoder(recording: Track) -> Decoder:
    """Return the decoder that understands the content of a recording.

    The sound library is asked first, then the program ffmpeg.

    Raises
    ------
    AudioError
        Where neither understands it, or its header is damaged.
    """
    decoder = _decoder(recording)
    try:
        if not MIN_SAMPLE_RATE <= decoder.sample_rate <= MAX_SAMPLE_RATE:
            raise AudioError(
                f"{decoder.name} claims {decoder.sample_rate} samples a second; recordings have "
                f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}. Is its header damaged?"
            )
        if decoder.n_samples == 0:
            raise AudioError(f"{decoder.name} holds no samples")
    except AudioError:
        decoder.close()
        raise
    return decoder


def _decoder(recording: Track) -> Decoder:
    source = recording.source
    if isinstance(source, Audio):
        return SamplesDecoder(source, recording.name)
    file = open_file(source) if isinstance(source, Path) else source
    owned = isinstance(source, Path)
    try:
        return SoundFileDecoder(file, recording.name, owned)
    except _NotUnderstood as error:
        try:
            return ffmpeg.FfmpegDecoder(file, recording.name, str(error), owned)
        except AudioError:
            if owned:
                file.close()
            raise
    except AudioError:
        if owned:
            file.close()
        raise


class SamplesDecoder:
    """Samples that are in memory already."""

    def __init__(self, audio: Audio, name: str) -> None:
        self.name = name
        self.sample_rate = audio.sample_rate
        self.n_channels = audio.n_channels
        self.n_samples: int | None = audio.n_samples
        self.metadata: Mapping[str, str] = {}
        self._samples = audio.samples

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on."""
        size = _chunk_length(self.n_channels)
        for start in range(first, self._samples.shape[1], size):
            yield self._samples[:, start : start + size].T

    def close(self) -> None:
        """Do nothing."""


class SoundFileDecoder:
    """A file that libsndfile reads: WAV, AIFF, FLAC, Ogg Vorbis, Ogg Opus, MP3 and others."""

    def __init__(self, file: BinaryIO, name: str, owned: bool) -> None:
        import soundfile

        self.name = name
        self._errors = (soundfile.SoundFileError, RuntimeError, OSError, ValueError)
        self._file, self._owned = file, owned
        stream: BinaryIO | None = file
        self._seekable = not mp3.is_mpeg(file)
        if not self._seekable:
            stream = mp3.countable(file)
        share = riff.announced_share(file)
        if stream is None:
            raise _NotUnderstood("MPEG frames that do not follow each other")
        self._sound = self._open(_handle(stream))
        self._seekable = self._sound.format != "MP3"
        self._slack = 0 if self._seekable else _MP3_SLACK
        self.metadata: Mapping[str, str] = _texts(self._sound.copy_metadata())
        self.sample_rate = int(self._sound.samplerate)
        self.n_channels = int(self._sound.channels)
        self.n_samples: int | None = round(int(self._sound.frames) * share)
        if self.n_samples > _ENDLESS:  # the library then loses the end
            self._sound.close()
            raise _NotUnderstood("the header does not tell the length")

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on."""
        position = self._seek(first)
        size = _chunk_length(self.n_channels)
        while True:
            try:
                chunk: Floats32 = self._sound.read(size, dtype="float32", always_2d=True)
            except self._errors as error:
                raise self._damaged(position, str(error)) from None
            if not len(chunk):
                break
            position += len(chunk)
            yield chunk[max(0, first - position + len(chunk)) :]
        if position < (self.n_samples or 0) - self._slack:
            raise self._damaged(position, "no more samples could be decoded")

    def close(self) -> None:
        """Close the file, unless it is the caller's."""
        self._sound.close()
        if self._owned:
            self._file.close()

    def _open(self, handle: Any) -> Any:
        import soundfile

        try:
            return soundfile.SoundFile(handle, closefd=False)
        except self._errors as error:
            raise _NotUnderstood(getattr(error, "error_string", str(error))) from None

    def _seek(self, first: int) -> int:
        """Go to sample `first`, or before it; return where that is."""
        if not (first and self._seekable):
            return 0  # seeks in MP3 are not exact to the sample: decode and drop instead
        try:
            return int(self._sound.seek(min(first, int(self._sound.frames))))
        except self._errors as error:
            raise self._damaged(0, f"sample {first} cannot be reached: {error}") from None

    def _damaged(self, position: int, reason: str) -> AudioError:
        announced = None if self.n_samples is None else self.n_samples / self.sample_rate
        return damaged(self.name, announced, position / self.sample_rate, reason)


class _NotUnderstood(Exception):
    """The library does not know this kind of file; another decoder may."""


def _handle(file: BinaryIO) -> int | BinaryIO:
    """Return the descriptor of a real file, from which C reads faster, or the file object."""
    file.seek(0)
    if not (isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)):
        return file
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in metadata.items() if value}


def _chunk_length(n_channels: int) -> int:
    return max(1, _CHUNK_SAMPLES // max(1, n_channels))
