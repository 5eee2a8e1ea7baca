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

from mirkit.audio.sources import damaged
from mirkit.errors import AudioError

INSTALL = (
    "Install it: apt install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS), "
    "winget install ffmpeg (Windows), or conda install ffmpeg"
)

_CHUNK_SAMPLES = 2**17  # of all channels together
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

_MAGIC = (
    (4, b"ftyp", "MPEG-4 (M4A or video)"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
    (0, b"RIFF", "RIFF (perhaps AVI)"),
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC, but damaged"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"ID3", "MP3, but damaged"),
    (0, b"MThd", "MIDI, which holds notes and no sound: render it first"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"<", "a page in HTML or XML; did a download give an error page?"),
    (0, b"{", "JSON"),
)


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
    reason
        Why the sound library did not read it.
    owned
        Whether to close `file` at the end.
    """

    def __init__(self, file: BinaryIO, name: str, reason: str, owned: bool) -> None:
        if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
            raise AudioError(
                f"{name} is {_kind(file)}: the sound library says {reason!r}, and the program "
                f"ffmpeg, which may read it, is not installed. {INSTALL}"
            )
        self.name = name
        self._file, self._owned = file, owned
        self._input = _real_file(file)
        stream, container = _probe(self._input, name, reason)
        self.sample_rate = int(stream.get("sample_rate", 0))
        self.n_channels = int(stream.get("channels", 0))
        duration = _duration(stream, container)
        self.n_samples = None if duration is None else round(duration * self.sample_rate)
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
        if self._input is not self._file:
            self._input.close()
        if self._owned:
            self._file.close()

    def _read(self, pipe: BinaryIO, first: int) -> Generator[NDArray[np.float32], None, int]:
        """Yield what comes through the pipe from sample `first` on; return how many came."""
        width = 4 * self.n_channels
        size = max(1, _CHUNK_SAMPLES // self.n_channels) * width
        position, rest = 0, b""
        while data := pipe.read(size):
            data = rest + data
            whole = len(data) // width
            rest = data[whole * width :]
            chunk = np.frombuffer(data, "<f4", whole * self.n_channels).reshape(whole, -1)
            position += whole
            yield chunk[max(0, first - position + whole) :]
        return position

    def _check_whole(self, status: int, complaint: str, position: int) -> None:
        """Raise where ffmpeg failed, or where the file announces more than it gave."""
        end = position / self.sample_rate
        announced = None if self.n_samples is None else self.n_samples / self.sample_rate
        short = announced is not None and end < announced - _DURATION_SLACK
        if status == 0 and not short:
            return
        raise damaged(self.name, announced, end, f"ffmpeg stopped{complaint and ': '}{complaint}")


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
    said = json.loads(result.stdout or b"{}")
    container = said.get("format", {})
    if container.get("probe_score", 0) < _MIN_PROBE_SCORE:
        raise AudioError(
            f"{name} is {_kind(file)}: the sound library says {reason!r}, and ffmpeg "
            f"{_last_line(result.stderr) or 'recognizes no format'!r}"
        )
    if not said.get("streams"):
        kind = container.get("format_long_name")
        raise AudioError(f"{name} is {_kind(file)} without a sound track (to ffmpeg: {kind})")
    return said["streams"][0], container


def _duration(stream: Mapping[str, Any], container: Mapping[str, Any]) -> float | None:
    """Return the length that the file itself announces for the track [s], or None.

    What ffprobe only estimates from the size of the file and its bit rate does not count.
    """
    if {"mov", "asf"} & set(container.get("format_name", "").split(",")):
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


def _kind(file: BinaryIO) -> str:
    """Return what the first bytes look like, for messages."""
    file.seek(0)
    head = file.read(512)
    for offset, magic, kind in _MAGIC:
        if head[offset:].startswith(magic):
            return kind
    if head and all(byte in b"\t\n\r\f" or byte >= 32 for byte in head):
        return "text, or no known kind of recording"
    return "no known kind of recording"
