"""Tempo and key in the tags of a recording, where every player and DJ program looks.

| | tempo | key |
|---|---|---|
| MP3, AIFF, WAV (ID3) | ``TBPM`` | ``TKEY`` |
| FLAC, Ogg, Opus | ``BPM`` | ``INITIALKEY`` |
| MP4 | ``tmpo`` | ``----:com.apple.iTunes:initialkey`` |

Tempi have two decimals, but in MP4, where they are whole. Keys are spelled as players expect
(``Am``, ``F#m``, ``Eb``). A tag called ``KEY`` is never written: Mixed In Key keeps its own data
there. Other tags stay as they are, and so does the sound. Needs mutagen (``mirkit[tags]``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from mirkit.errors import AudioError, MissingExtra, ParameterError
from mirkit.formats.atomic import edited_copy
from mirkit.formats.dj.fields import above_zero, key_reader
from mirkit.formats.dj.keys import spell_key
from mirkit.formats.dj.model import DJTrack

Container = Literal["id3", "vorbis", "mp4"]

NAMES: dict[str, dict[Container, str]] = {
    "title": {"id3": "TIT2", "vorbis": "title", "mp4": "\xa9nam"},
    "artist": {"id3": "TPE1", "vorbis": "artist", "mp4": "\xa9ART"},
    "album": {"id3": "TALB", "vorbis": "album", "mp4": "\xa9alb"},
    "genre": {"id3": "TCON", "vorbis": "genre", "mp4": "\xa9gen"},
    "comment": {"id3": "COMM", "vorbis": "comment", "mp4": "\xa9cmt"},
    "bpm": {"id3": "TBPM", "vorbis": "bpm", "mp4": "tmpo"},
    "key": {"id3": "TKEY", "vorbis": "initialkey", "mp4": "----:com.apple.iTunes:initialkey"},
}
"""What each container calls a field of `DJTrack`."""

_TEXTS = ("title", "artist", "album", "genre", "comment")
_READERS: dict[str, Callable[[str], Any]] = {"bpm": above_zero, "key": key_reader}
_FASTEST_MP4 = 0xFFFF


def write(
    path: str | os.PathLike[str],
    *,
    bpm: float | None = None,
    key: str | None = None,
    notation: str = "tag",
) -> None:
    """Write tempo and key into the tags of a recording; what is None stays as it is.

    The file changes at once and whole: an edited copy takes its place.

    Parameters
    ----------
    path
        The recording.
    bpm
        Its tempo [bpm].
    key
        In any spelling.
    notation
        In which the key is written; see `mirkit.formats.dj.keys`.

    Raises
    ------
    AudioError
        Where the file has no tags that mutagen can write.
    MissingExtra
        Where mutagen is not installed.
    OSError
        Where the file cannot be replaced; it has not changed then.
    """
    texts = {
        "bpm": None if bpm is None else tempo_text(bpm),
        "key": None if key is None else spell_key(key, notation),
    }
    with edited_copy(path) as copy:
        file = open_tags(copy, str(path))
        if file.tags is None:
            file.add_tags()
        container = container_of(file)
        for field, text in texts.items():
            if text is not None:
                SETTERS[container](file.tags, NAMES[field][container], text)
        save_tags(file)


def check_installed() -> None:
    """Raise `MissingExtra` where mutagen is not installed, without which no tag can be written."""
    try:
        import mutagen  # noqa: F401
    except ImportError:
        raise MissingExtra("mutagen", "pip install 'mirkit[tags]'", "writing file tags") from None


def read(path: str | os.PathLike[str]) -> DJTrack:
    """Return what the tags of a recording say, with its length, rates and size.

    Raises
    ------
    AudioError
        Where the file is none that mutagen can read.
    MissingExtra
        Where mutagen is not installed.
    """
    file = open_tags(Path(path), str(path))
    values: dict[str, Any] = {}
    for field, names in NAMES.items() if file.tags is not None else ():
        container = container_of(file)
        text = _text(file.tags, names[container], container)
        value = _read(field, text)
        if value:
            values[field] = value
    return DJTrack(
        os.path.abspath(path),  # noqa: PTH100  # links stay: collections name the file by them
        **values,
        duration=above_zero(str(getattr(file.info, "length", 0))),
        sample_rate=getattr(file.info, "sample_rate", None) or None,
        bit_rate=getattr(file.info, "bitrate", None) or None,
        size=Path(path).stat().st_size,
    )


def known(path: str | os.PathLike[str]) -> DJTrack:
    """Return what is known of a recording: `read`, or what its decoder tells without mutagen.

    Decoders know title, artist, album, genre and comment of most files, but no tempo and key.

    Raises
    ------
    AudioError
        Where the file is none that can be read.
    """
    from mirkit.audio import reading

    with suppress(MissingExtra, AudioError):
        return read(path)
    with reading.blocks(path) as stream:
        texts: dict[str, Any] = {name: stream.metadata.get(name, "") for name in _TEXTS}
        return DJTrack(
            os.path.abspath(path),  # noqa: PTH100  # links stay: collections name the file by them
            **texts,
            duration=stream.duration or None,
            sample_rate=stream.sample_rate,
            size=Path(path).stat().st_size,
        )


def tempo_text(bpm: float) -> str:
    """Return a tempo with two decimals, or none where it is whole.

    Examples
    --------
    >>> tempo_text(128.0), tempo_text(127.99), tempo_text(93.5)
    ('128', '127.99', '93.5')
    """
    if not 0 < bpm < float("inf"):
        raise ParameterError(f"bpm is {bpm}; it must be a number above 0")
    return f"{bpm:.2f}".rstrip("0").rstrip(".")


def open_tags(path: Path, name: str) -> Any:
    """Return mutagen's view of a file; `name` is for messages."""
    try:
        import mutagen
    except ImportError:
        raise MissingExtra("mutagen", "pip install 'mirkit[tags]'", "reading file tags") from None
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, OSError, EOFError) as error:
        raise AudioError(f"{name}: its tags cannot be read: {error}") from None
    if file is None:
        raise AudioError(f"{name} is no recording whose tags are known (MP3, FLAC, MP4, Ogg, WAV)")
    if file.tags is not None:
        container_of(file, name)
    return file


def container_of(file: Any, name: str = "the file") -> Container:
    """Return the kind of the tags of a file, as mutagen sees them; `name` is for messages.

    Raises
    ------
    AudioError
        Where they have no tempo and key.
    """
    from mutagen._vorbis import VCommentDict
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    kinds: tuple[tuple[type, Container], ...] = (
        (ID3, "id3"), (VCommentDict, "vorbis"), (MP4Tags, "mp4"),
    )  # fmt: skip
    for kind, container in kinds:
        if isinstance(file.tags, kind):
            return container
    raise AudioError(f"{name} has {type(file.tags).__name__} tags, which have no tempo and key")


def _set_id3(tags: Any, name: str, text: str) -> None:
    from mutagen import id3

    tags.setall(name, [getattr(id3, name)(encoding=id3.Encoding.LATIN1, text=[text])])


def _set_vorbis(tags: Any, name: str, text: str) -> None:
    tags[name] = [text]


def _set_mp4(tags: Any, name: str, text: str) -> None:
    from mutagen import mp4

    if name.startswith("----"):
        freeform: Any = mp4.MP4FreeForm
        tags[name] = [freeform(text.encode(), mp4.AtomDataType.UTF8)]
    else:
        tags[name] = [min(_FASTEST_MP4, round(float(text)))]


SETTERS: dict[Container, Callable[[Any, str, str], None]] = {
    "id3": _set_id3,
    "vorbis": _set_vorbis,
    "mp4": _set_mp4,
}


def save_tags(file: Any) -> None:
    """Save the tags, ID3 in the version that it has."""
    if getattr(file.tags, "version", ())[:2] == (2, 3):
        file.tags.update_to_v23()
        file.save(v2_version=3)
    else:
        file.save()


def _text(tags: Any, name: str, container: Container) -> str:
    """Return the first text of a tag, or an empty one."""
    if container == "id3":
        frames = tags.getall(name)
        return str(frames[0].text[0]) if frames and frames[0].text else ""
    values = tags.get(name) or [""]
    value = values[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read(field: str, text: str) -> Any:
    try:
        return _READERS.get(field, str)(text)
    except ValueError:
        return None
