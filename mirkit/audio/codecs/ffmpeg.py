"""The program ffmpeg, for what the sound library does not read: M4A, AAC, WMA, video."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from mirkit.audio.codecs.content import NotUnderstood, damaged_error
from mirkit.audio.codecs.decoder import chunk_length
from mirkit.audio.codecs.kinds import kind
from mirkit.errors import AudioError

INSTALL = (
    "Install it: apt install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS), "
    "winget install ffmpeg (Windows), or conda install ffmpeg"
)

_MIN_PROBE_SCORE = 26  # ffprobe gives up to 25 to what only might be this format
_DURATION_SLACK = 0.1  # containers round durations, and count priming and padding [s]
_PROBE_TIMEOUT = 60  # [s]
_STDIN = "pipe:0" if os.name == "nt" else "file:/dev/stdin"  # by its name it can seek
_QUIET = ("-hide_banner", "-v", "error")
_FIRST_TRACK = ("-map", "0:a:0", "-f", "f32le")
_DEMUXERS = (
    "aac,ac3,adp,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,loas,matroska,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,shn,sox,spdif,tak,truehd,tta,voc,w64,wav,wv,xwma"
)  # no playlists, which open other files and the network, and no pictures
_LOCAL = ("-protocol_whitelist", "file,pipe,fd", "-format_whitelist", _DEMUXERS)
_ANNOUNCING = frozenset(
    ("aiff", "ape", "asf", "au", "caf", "flac", "mov", "mpc8", "tak", "tta", "w64", "wav", "wv")
)
"""Formats whose header tells the length; that of others ffprobe estimates from their size."""


class FfmpegDecoder:
    """The first sound track of a file, decoded by ffmpeg into a pipe; nothing is written to disk.

    Second 0 is the first sample that ffmpeg gives: it removes the priming that edit lists (M4A)
    and headers (Opus) announce.

    Parameters
    ----------
    file
        Opened binary file.
    name
        Its name, for messages.
    refusal
        Why the sound library did not read it.
    owned
        Whether to close `file` at the end.
    """

    def __init__(self, file: BinaryIO, name: str, refusal: NotUnderstood, owned: bool) -> None:
        if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
            raise AudioError(
                f"{name} is {kind(file)}: the sound library says {str(refusal)!r}, and the "
                f"program ffmpeg, which may read it, is not installed. {INSTALL}"
            )
        self.name = name
        self._file, self._owned = file, owned
        self._input = _real_file(file)
        try:
            stream, container = _probe(self._input, name, str(refusal))
        except AudioError:
            self._close_copy()
            raise
        self.sample_rate = int(stream.get("sample_rate", 0))
        self.n_channels = int(stream.get("channels", 0))
        duration = _duration(stream, container)
        self.n_samples, self._n_sound = refusal.n_announced, refusal.n_sound
        self._slack = 0.0
        if self.n_samples is None and duration is not None:
            self.n_samples = round(duration * self.sample_rate)
            self._slack = _DURATION_SLACK
        tags = {**container.get("tags", {}), **stream.get("tags", {})}
        self.metadata: Mapping[str, str] = {key.lower(): str(tags[key]) for key in tags}

    def chunks(self, first: int = 0) -> Generator[NDArray[np.float32], None, None]:
        """Yield the samples from `first` on, shape ``(n, n_channels)``."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [
                    *("ffmpeg", "-nostdin", *_QUIET, "-xerror", *_LOCAL, "-i", _STDIN),
                    *_FIRST_TRACK,
                    "pipe:1",
                ],
                stdin=_rewound(self._input),
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert process.stdout is not None
            try:
                position = yield from self._read(cast(BinaryIO, process.stdout), first)
                process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                process.stdout.close()
            errors.seek(0)
            self._check_whole(process.returncode, _last_line(errors.read()), position)

    def close(self) -> None:
        """Close the file, unless it is the caller's; `chunks` ends its process itself."""
        self._close_copy()
        if self._owned:
            self._file.close()

    def _close_copy(self) -> None:
        if self._input is not self._file:
            self._input.close()

    def _read(self, pipe: BinaryIO, first: int) -> Generator[NDArray[np.float32], None, int]:
        """Yield what comes through the pipe from sample `first` on; return how many came."""
        width = 4 * self.n_channels
        size = chunk_length(self.n_channels) * width
        position, rest = 0, b""
        while data := pipe.read(size):
            data = rest + data
            whole = len(data) // width
            rest = data[whole * width :]
            chunk = np.frombuffer(data, "<f4", whole * self.n_channels).reshape(whole, -1)
            position += whole
            part = chunk[max(0, first - position + whole) :]
            if self._n_sound is not None and position > self._n_sound:
                yield part[: max(0, len(part) - position + self._n_sound)]
                raise self._damaged_error(self._n_sound, "a piece is missing")
            yield part
        return position

    def _check_whole(self, status: int, complaint: str, position: int) -> None:
        """Raise where ffmpeg failed, or where the file announces more than it gave."""
        slack = round(self._slack * self.sample_rate)
        if status or position < (self.n_samples or 0) - slack:
            raise self._damaged_error(position, f"ffmpeg stopped{complaint and ': '}{complaint}")

    def _damaged_error(self, position: int, reason: str) -> AudioError:
        announced = None if self.n_samples is None else self.n_samples / self.sample_rate
        return damaged_error(self.name, announced, position / self.sample_rate, reason)


def _real_file(file: BinaryIO) -> BinaryIO:
    """Return a file of the system with the bytes of `file`: itself, or a nameless temporary one."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        copy = tempfile.TemporaryFile()  # noqa: SIM115 (the decoder closes it)
        file.seek(0)
        shutil.copyfileobj(file, copy)
        return cast(BinaryIO, copy)
    return file


def _rewound(file: BinaryIO) -> BinaryIO:
    """Return `file` with its descriptor at the start, where a child process begins to read."""
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file


def _probe(file: BinaryIO, name: str, reason: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what ffprobe says of the first sound track and of the container."""
    show = ("-of", "json", "-select_streams", "a:0", "-show_streams", "-show_format")
    try:
        result = subprocess.run(
            ["ffprobe", *_QUIET, *_LOCAL, *show, _STDIN],
            stdin=_rewound(file),
            capture_output=True,
            timeout=_PROBE_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AudioError(f"{name}: ffprobe found nothing within {_PROBE_TIMEOUT} s") from None
    try:
        said = json.loads(result.stdout or b"{}")
    except ValueError:  # it ended while it wrote
        said = {}
    container = said.get("format", {})
    if container.get("probe_score", 0) < _MIN_PROBE_SCORE:
        raise AudioError(
            f"{name} is {kind(file)}: the sound library says {reason!r}, and ffmpeg "
            f"{_last_line(result.stderr) or 'recognizes no format'!r}"
        )
    if not said.get("streams"):
        its_kind = container.get("format_long_name")
        raise AudioError(f"{name} is {kind(file)} without a sound track (to ffmpeg: {its_kind})")
    return said["streams"][0], container


def _duration(stream: Mapping[str, Any], container: Mapping[str, Any]) -> float | None:
    """Return the length that the file itself announces for the track [s], or None.

    What ffprobe only estimates from the size of the file and its bit rate does not count.
    """
    if _ANNOUNCING & set(container.get("format_name", "").split(",")):
        announced = stream.get("duration")
        return None if announced is None else float(announced)
    announced = stream.get("tags", {}).get("DURATION")  # Matroska, as 00:00:04.023000000
    if announced is None:
        return None
    hours, minutes, seconds = str(announced).split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _last_line(said: bytes) -> str:
    """Return the last line that a program wrote, without its own name for its input."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].replace(f"{_STDIN}: ", "").strip() if lines else ""
