"""Decoders: each turns one kind of recording into chunks of samples, whatever its name says.

A read goes down through these files, and none looks back up::

    open_decoder
      ogg.starts          several recordings in one file? then each by itself
      sndfile             libsndfile, after a look at what the bytes announce:
        flac, ogg, containers, mp3   where the sound is, and how much of it
        content                      their answer, and views with a mended header
      ffmpeg              all that the library does not understand
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import BinaryIO

from mirkit.arrays import Floats32
from mirkit.audio.codecs import ogg
from mirkit.audio.codecs.content import NotUnderstood
from mirkit.audio.codecs.decoder import Decoder, chunk_length
from mirkit.audio.codecs.ffmpeg import FfmpegDecoder
from mirkit.audio.codecs.sndfile import SoundFileDecoder
from mirkit.audio.sources import open_file
from mirkit.audio.values import Audio, Track
from mirkit.errors import AudioError

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 1_000_000
"""What a recording may claim [Hz]; a claim outside comes from a damaged header."""


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
    owned = isinstance(source, Path)
    file = open_file(source) if isinstance(source, Path) else source
    try:
        return _decoder_of(file, recording.name, owned)
    except AudioError:
        if owned:
            file.close()
        raise


def _decoder_of(file: BinaryIO, name: str, owned: bool) -> Decoder:
    """Return the decoder of a file, which closes it where it is `owned`."""
    starts = ogg.starts(file)
    if len(starts) > 1:
        return ogg.ChainDecoder(file, name, owned, starts, _one)
    return _one(file, name, owned)


def _one(file: BinaryIO, name: str, owned: bool) -> Decoder:
    """Return the decoder of a file that holds one recording."""
    try:
        return SoundFileDecoder(file, name, owned)
    except NotUnderstood as refusal:
        return FfmpegDecoder(file, name, refusal, owned)


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
        size = chunk_length(self.n_channels)
        for start in range(first, self._samples.shape[1], size):
            yield self._samples[:, start : start + size].T

    def close(self) -> None:
        """Do nothing."""
