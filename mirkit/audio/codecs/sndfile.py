"""libsndfile: WAV, AIFF, FLAC, Ogg Vorbis, Ogg Opus, MP3, CAF, W64, AU and others."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Generator, Mapping
from typing import Any, BinaryIO

from mirkit.arrays import Floats32
from mirkit.audio.codecs import containers, flac, mp3, ogg
from mirkit.audio.codecs.content import Content, NotUnderstood, damaged_error
from mirkit.audio.codecs.decoder import chunk_length
from mirkit.audio.codecs.kinds import skip_tags
from mirkit.errors import AudioError

_ENDLESS = 2**60  # the library's length of what does not tell it [samples]
_MPEG_SLACK = 2 * 1152  # MP3 headers count frames, and some encoders miscount by one or two


class SoundFileDecoder:
    """A file that libsndfile reads.

    Its content is looked at first: see `mirkit.audio.codecs.content`. No more samples are asked
    for than are there, because the library makes up what it lacks.

    Raises
    ------
    NotUnderstood
        Where the library does not know the file, or would decode it wrong.
    """

    def __init__(self, file: BinaryIO, name: str, owned: bool) -> None:
        content = _look(file)
        self.name = name
        self._file, self._owned = file, owned
        self._sound = _open(content)
        self.metadata: Mapping[str, str] = _texts(self._sound.copy_metadata())
        self.sample_rate = int(self._sound.samplerate)
        self.n_channels = int(self._sound.channels)
        is_mpeg = str(self._sound.subtype).startswith("MPEG")
        self._slack = _MPEG_SLACK if is_mpeg else 0
        self._seekable = content.seekable and not is_mpeg  # seeks in MP3 are not exact
        n_frames = self._n_frames(content)
        self.n_samples: int | None = content.n_announced or math.ceil(n_frames * content.share)
        self._is_cut = content.n_sound is not None
        n_sound = n_frames if content.n_sound is None else content.n_sound
        self._end = min(n_frames, self.n_samples, n_sound)

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on."""
        position = self._seek(first)
        size = chunk_length(self.n_channels)
        while position < self._end:
            chunk = self._read(position, min(size, self._end - position))
            if not len(chunk):
                break
            position += len(chunk)
            yield chunk[max(0, first - position + len(chunk)) :]
        if self._is_cut or position < (self.n_samples or 0) - self._slack:
            raise self._damaged_error(position, "no more samples could be decoded")

    def close(self) -> None:
        """Close the file, unless it is the caller's."""
        self._sound.close()
        if self._owned:
            self._file.close()

    def _n_frames(self, content: Content) -> int:
        """Return how many samples the library finds."""
        n_frames = int(self._sound.frames)
        is_open = n_frames > _ENDLESS and content.n_announced is None
        try:
            ogg.check_start(self._sound.extra_info)
            if is_open:  # the library then loses the end
                raise NotUnderstood("the header does not tell the length")
        except NotUnderstood:
            self._sound.close()
            raise
        return n_frames

    def _seek(self, first: int) -> int:
        """Go to sample `first`, or before it; return where that is."""
        if not (first and self._seekable):
            return 0
        try:
            return int(self._sound.seek(min(first, self._end)))
        except _errors() as error:
            raise self._damaged_error(0, f"sample {first} cannot be reached: {error}") from None

    def _read(self, position: int, n_samples: int) -> Floats32:
        try:
            chunk: Floats32 = self._sound.read(n_samples, dtype="float32", always_2d=True)
        except _errors() as error:
            raise self._damaged_error(position, str(error)) from None
        return chunk

    def _damaged_error(self, position: int, reason: str) -> AudioError:
        announced = None if self.n_samples is None else self.n_samples / self.sample_rate
        return damaged_error(self.name, announced, position / self.sample_rate, reason)


def _look(file: BinaryIO) -> Content:
    """Return what the bytes of a file say, by the kind that they are of."""
    start = skip_tags(file)
    file.seek(start)
    magic = file.read(4)
    if magic == b"fLaC":
        return flac.look(file, start)
    if magic == b"OggS":
        return ogg.look(file)
    return containers.look(file) or mp3.look(file) or Content(file)


def _open(content: Content) -> Any:
    import soundfile

    class Sequential(soundfile.SoundFile):  # type: ignore[misc]
        """A sound file that is read from where it stands.

        `soundfile` seeks after each piece that it reads, where it thinks it can: which takes time,
        and makes the library of FLAC give stale buffers where frames are not numbered from 0.
        """

        def seekable(self) -> bool:
            return False

    try:
        return Sequential(_handle(content.stream), closefd=False)
    except _errors() as error:
        reason = getattr(error, "error_string", str(error))
        raise NotUnderstood(reason, content.n_announced, content.n_sound) from None


def _errors() -> tuple[type[Exception], ...]:
    import soundfile

    return (soundfile.SoundFileError, RuntimeError, OSError, ValueError)


def _handle(file: BinaryIO) -> int | BinaryIO:
    """Return the descriptor of a real file, from which C reads faster, or the file object."""
    file.seek(0)
    if not (isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)):
        return file
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in metadata.items() if value}
