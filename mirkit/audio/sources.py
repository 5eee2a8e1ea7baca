"""Sources of recordings: files, folders, streams, arrays; and errors that name what is wrong."""

from __future__ import annotations

import difflib
import hashlib
import io
import os
import re
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np

from mirkit.audio.values import Audio, Track
from mirkit.errors import AudioError, AudioWarning, ParameterError

Source: TypeAlias = "str | os.PathLike[str] | BinaryIO | bytes | tuple[Any, int] | Audio | Track"
"""What `track` takes."""

SOUND_SUFFIXES = (
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp1", ".mp2", ".mp3", ".oga", ".ogg",
    ".opus", ".rf64", ".snd", ".w64", ".wav", ".wave",
)  # fmt: skip
"""What the sound library reads by itself."""

FFMPEG_SUFFIXES = (
    ".3gp", ".aac", ".ac3", ".amr", ".ape", ".avi", ".dsf", ".flv", ".m4a", ".m4b", ".m4v", ".mka",
    ".mkv", ".mov", ".mp4", ".mpc", ".mpeg", ".mpg", ".ts", ".tta", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
"""What the program ffmpeg reads. Folders are searched by suffix; opening decides by content."""

AUDIO_SUFFIXES = frozenset(SOUND_SUFFIXES + FFMPEG_SUFFIXES)

_LOOKED_AT = 1000  # files of a folder that is refused
_LONGEST_PATH = 4096  # [bytes]
_MEMORY_LIMIT = 64 * 2**20  # a stream that cannot seek is kept in memory up to here [bytes]


def track(x: Source) -> Track:
    """Return what names a recording: a path, a file object, samples, or a `Track` as it is.

    Files are looked up but not opened. ``"-"`` is standard input.

    Parameters
    ----------
    x
        Path, binary file object, the content of a file as bytes, ``(samples, sample_rate)``,
        `Audio`, or `Track`.

    Raises
    ------
    AudioError
        Where there is no such file, or it is a folder.
    ParameterError
        Where `x` is none of these; the message guesses what was meant.

    Examples
    --------
    >>> track(([0.0, 0.5, 0.0], 8000)).name
    '<samples>'
    """
    if isinstance(x, Track):
        return x
    if isinstance(x, Audio):
        return Track(x)
    if isinstance(x, str | os.PathLike):
        return _track_of_path(os.fspath(x))
    if isinstance(x, tuple):
        return Track(_audio_of_pair(x))
    if isinstance(x, bytes | bytearray | memoryview):
        return Track(_Content(_content(x)))
    if hasattr(x, "read"):
        return Track(_binary(x))
    raise ParameterError(_guess(x))


def content_hash(recording: Track) -> str:
    """Return the sha256 of a file's bytes, or of the samples and their rate, as hex.

    A file object is read from its start to its end, and rewound.
    """
    if recording.content_hash is not None:
        return recording.content_hash
    source = recording.source
    digest = hashlib.sha256()
    if isinstance(source, Audio):
        digest.update(f"{source.sample_rate} {source.samples.shape}".encode())
        digest.update(np.ascontiguousarray(source.samples, dtype="<f4").tobytes())
        return digest.hexdigest()
    if isinstance(source, Path):
        with open_file(source) as file:
            return _hash_bytes(file)
    hexadecimal = _hash_bytes(source)
    source.seek(0)
    return hexadecimal


def add_hash(recording: Track) -> Track:
    """Return the track with its content hash."""
    return replace(recording, content_hash=content_hash(recording))


def find_audio(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the recordings among files and folders, each once.

    Folders are searched with all their sub-folders, in order of name, for the suffixes in
    `AUDIO_SUFFIXES`; hidden files and folders are skipped, and so, with an `AudioWarning`, are
    pipes, sockets and devices. A file that is named itself is kept whatever its suffix and kind,
    and even where it is missing, so that it fails by itself later.

    Raises
    ------
    AudioError
        Where a folder holds no recording.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys(_check(path) if path.is_dir() else [path]))
    return list(found)


def open_file(path: Path) -> BinaryIO:
    """Open a recording for reading bytes; a pipe is read to its end first.

    Raises
    ------
    AudioError
        Where it is missing, a folder, a device, empty, or may not be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(_folder_message(path))
        if stat.S_ISFIFO(mode):
            with path.open("rb") as pipe:
                return spool(pipe)
        if not stat.S_ISREG(mode):
            raise AudioError(f"{path} is {_special(path)}, not a recording")
        if path.stat().st_size == 0:
            raise AudioError(f"{path} is empty (0 bytes). Did its download or export fail?")
        return path.open("rb")
    except FileNotFoundError:
        raise AudioError(missing_message(path)) from None
    except PermissionError:
        raise AudioError(f"{path} may not be read: permission denied. Run: chmod +r") from None
    except OSError as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{path} cannot be opened: {error.strerror or error}") from None


def spool(stream: BinaryIO) -> BinaryIO:
    """Return a stream that can seek: itself, or else its bytes, read to the end.

    The bytes stay in memory, beyond 64 MiB in a temporary file without a name.
    """
    if stream.seekable():
        return stream
    # The caller owns the file and closes it with the recording.
    spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY_LIMIT)  # noqa: SIM115
    while chunk := stream.read(2**20):
        spool.write(chunk)
    spool.seek(0)
    return cast(BinaryIO, spool)


def _hash_bytes(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _track_of_path(text: str) -> Track:
    if text == "-":
        return Track(_standard_input())
    if re.match(r"(?i)(https?|ftp|s3|spotify|file):", text):
        raise ParameterError(
            f"{text!r} is a URL; mirkit reads local files and downloads nothing. "
            "Fetch the file first and pass its path."
        )
    path = Path(text)
    if "\0" in text:
        raise ParameterError(f"{text!r} holds a zero character; no path does")
    if path.is_dir():
        raise AudioError(_folder_message(path))
    try:
        path.stat()
    except PermissionError:
        raise AudioError(f"{path} may not be read: permission denied") from None
    except OSError:
        raise AudioError(missing_message(path)) from None
    return Track(path)


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise AudioError("'-' is standard input, which is a terminal; pipe a recording into it")
    return spool(sys.stdin.buffer)


def _audio_of_pair(pair: tuple[Any, ...]) -> Audio:
    if len(pair) != 2:
        raise ParameterError(
            f"got a tuple of {len(pair)}; samples are passed as (samples, sample_rate)"
        )
    samples, sample_rate = pair
    if np.ndim(samples) == 0 and np.ndim(sample_rate) > 0:
        raise ParameterError(
            "got (sample_rate, samples); the order is (samples, sample_rate). "
            "scipy.io.wavfile.read returns them the other way round."
        )
    if isinstance(sample_rate, str | os.PathLike):
        raise ParameterError(_guess(list(pair)))
    if np.ndim(sample_rate) > 0 or sample_rate is None:
        raise ParameterError(f"sample_rate is {type(sample_rate).__name__}; it is a number [Hz]")
    return Audio(samples, sample_rate)


class _Content(io.BytesIO):
    """A file whose content is in memory."""

    name = "<bytes>"


def _content(x: bytes | bytearray | memoryview) -> bytes:
    """Return the content of a file; raise `ParameterError` where it is the name of one."""
    content = bytes(x)
    if b"\0" not in content[:_LONGEST_PATH] and os.path.exists(content):  # noqa: PTH110 (may be long)
        raise ParameterError(
            f"got {type(x).__name__} that name a file; bytes are its content. "
            f"Pass the path as text: {os.fsdecode(content)!r}"
        )
    return content


def _binary(stream: Any) -> BinaryIO:
    if isinstance(stream, io.TextIOBase):
        raise ParameterError("the file object is opened as text; open it with mode 'rb'")
    if hasattr(stream, "seekable"):
        return spool(stream)
    try:
        return spool(io.BytesIO(stream.read()))
    except TypeError:  # its `read` is of another kind
        raise ParameterError(_guess(stream)) from None


def _guess(x: Any) -> str:
    kind = type(x).__name__
    if isinstance(x, list | set | dict | Iterator):
        return (
            f"got a {kind}; one call takes one recording. Loop over them, or pass samples as the "
            "tuple (samples, sample_rate)."
        )
    if hasattr(x, "shape"):
        return f"got {kind} of shape {tuple(x.shape)} without a rate: pass (samples, sample_rate)"
    return (
        f"got {kind}; a recording is a path, a binary file object, (samples, sample_rate), "
        "an Audio or a Track"
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its sub-folders, but hidden ones, in order of name."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith("."))


def _audio_in(folder: Path) -> list[Path]:
    found = [path for path in _walk(folder) if path.suffix.lower() in AUDIO_SUFFIXES]
    if not found:
        raise AudioError(_nothing_in(folder))
    return found


def _nothing_in(folder: Path) -> str:
    return (
        f"{folder} holds no recording, nor do its sub-folders; recordings end in "
        f"{', '.join(SOUND_SUFFIXES)} or, through ffmpeg, {', '.join(FFMPEG_SUFFIXES)}"
    )


def _check(folder: Path) -> list[Path]:
    """Return the recordings in a folder that are files, and warn of those that are not."""
    found = _audio_in(folder)
    special = {path: kind for path in found if (kind := _special(path)) is not None}
    for path, kind in special.items():
        warnings.warn(f"{path} is skipped: it is {kind}", AudioWarning, stacklevel=3)
    files = [path for path in found if path not in special]
    if not files:
        raise AudioError(f"{folder} holds no recording but {', '.join(map(str, special))}")
    return files


def _special(path: Path) -> str | None:
    """Return what a path is that is no file, or None for files and for what is not there."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode))


def _folder_message(folder: Path) -> str:
    """Return what to say of a folder; it may be a whole disk, so few files are looked at."""
    looked_at = list(islice(_walk(folder), _LOOKED_AT))
    found = next((path for path in looked_at if path.suffix.lower() in AUDIO_SUFFIXES), None)
    if found is None and len(looked_at) < _LOOKED_AT:
        return _nothing_in(folder)
    such = "" if found is None else f", such as {str(found)!r}"
    return (
        f"{folder} is a folder; one call takes one recording{such}. Pass the list that "
        "mirkit.audio.reading.find_audio returns, or run the command line on the folder"
    )


def missing_message(path: Path) -> str:
    """Return what to say of a file that is not there: which names are close to its own."""
    folder = path.parent
    if not folder.is_dir():
        while not folder.is_dir():
            folder = folder.parent
        return f"{path} does not exist; of its folders, {str(folder)!r} does, the next does not"
    names = {entry.name.lower(): entry.name for entry in os.scandir(folder)}
    close = difflib.get_close_matches(path.name.lower(), names, n=3, cutoff=0.6)
    same_stem = [name for low, name in sorted(names.items()) if Path(low).stem == path.stem.lower()]
    hints = list(dict.fromkeys([*same_stem, *(names[name] for name in close)]))[:3]
    hint = f" Did you mean {' or '.join(map(repr, hints))}?" if hints else ""
    return f"{path} does not exist.{hint}"
