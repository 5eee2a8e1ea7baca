"""Serato's blocks in the tags of recordings: MP3 and AIFF (ID3), FLAC, MP4.

All other tags stay byte for byte, and so does the sound; the file changes at once and whole. Needs
mutagen (``mirkit[tags]``).

**MP3.** Serato plays every frame, those too that hold no sound, so what is written into an MP3 is
later than here: with a LAME tag at 44.1 kHz by 51 ms, see `mirkit.formats.dj.clocks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from mirkit.audio.sources import missing_message
from mirkit.errors import AudioError, FormatError, MirkitError, MissingExtra
from mirkit.formats.atomic import edited_copy
from mirkit.formats.dj import serato
from mirkit.formats.dj.clocks import serato_lead
from mirkit.formats.dj.file_tags import check_installed
from mirkit.formats.dj.model import Collection, DJTrack, gather, own

Container = Literal["id3", "vorbis", "mp4"]
Block = Literal["grid", "marks", "autotags", "old_marks"]

NAMES: dict[Block, dict[Container, str]] = {
    "grid": {"id3": "Serato BeatGrid", "vorbis": "SERATO_BEATGRID",
             "mp4": "----:com.serato.dj:beatgrid"},
    "marks": {"id3": "Serato Markers2", "vorbis": "SERATO_MARKERS_V2",
              "mp4": "----:com.serato.dj:markersv2"},
    "autotags": {"id3": "Serato Autotags", "vorbis": "SERATO_AUTOGAIN",
                 "mp4": "----:com.serato.dj:autgain"},
    "old_marks": {"id3": "Serato Markers_", "vorbis": "SERATO_MARKERS",
                  "mp4": "----:com.serato.dj:markers"},
}  # fmt: skip
"""What each container calls a block."""

SUFFIXES = (".mp3", ".aif", ".aiff", ".flac", ".m4a", ".mp4")
"""Of recordings that Serato keeps its tags in."""

_MIME = b"application/octet-stream"
_ID3V1 = 128  # bytes at the end of an MP3


@dataclass(frozen=True, slots=True)
class SeratoTags:
    """Content of Serato's tags in a recording.

    Parameters
    ----------
    track
        Grid, cues and tempo, with length and rates of the recording.
    locked
        Whether the DJ has locked tempo and grid.
    autotags
        Tempo and gains, or None.
    """

    track: DJTrack
    locked: bool = False
    autotags: serato.Autotags | None = None


def write(
    track: DJTrack,
    path: str | os.PathLike[str] | None = None,
    *,
    lock: bool | None = None,
    force: bool = False,
    mp3_offset: float | None = None,
) -> None:
    """Write grid, tempo and cues of a track into its recording; what it lacks stays as it is.

    Parameters
    ----------
    track
        Its cues, where it has any, replace those of the recording.
    path
        The recording; None is the track's location.
    lock
        Whether Serato keeps anyone from changing the grid; None leaves that as it is.
    force
        Whether to change a grid that is locked.
    mp3_offset
        How much later times are written into an MP3 [s]; None goes by its frames.

    Raises
    ------
    FormatError
        Where the grid is locked, or a block that must be kept is damaged.
    AudioError
        Where the file is of no kind that Serato reads tags of.
    MissingExtra
        Where mutagen is not installed.
    OSError
        Where the file cannot be replaced; it has not changed then.
    """
    path = track.location if path is None else path
    with edited_copy(path) as copy, _name(path), _open(copy, str(path)) as file:
        shift = _shift(file, mp3_offset)
        old = _marks(file, shift)
        if old is not None and old.locked and track.grid is not None and not force:
            raise FormatError(
                f"{path}: its grid is locked in Serato, and is left as it is. Unlock it there, "
                "or force it"
            )
        if track.grid is not None:
            file.put("grid", serato.grid_bytes(track.grid, shift))
        if track.tempo is not None:
            gains = _autotags(file) or serato.Autotags()
            file.put("autotags", serato.autotags_bytes(replace(gains, bpm=track.tempo)))
        if track.cues or lock is not None:
            cues = track.cues or None
            file.put("marks", serato.marks_bytes(cues, lock, shift, old))
        if track.cues:
            file.put("old_marks", None)  # Serato believes them before the new ones
        file.save()


def read(path: str | os.PathLike[str], *, mp3_offset: float | None = None) -> SeratoTags:
    """Return what Serato's tags in a recording hold; see `write`.

    Raises
    ------
    FormatError
        Where a block is damaged.
    AudioError
        Where the file is of no kind that Serato reads tags of.
    """
    with _name(path), _open(Path(path), str(path)) as file:
        shift = _shift(file, mp3_offset)
        info, block = file.info, file.get("grid")
        length = getattr(info, "length", 0) or None
        autotags, marks = _autotags(file), _marks(file, shift) or serato.Marks()
        grid = None if block is None else serato.read_grid(block, shift, length)
    shown = autotags.bpm if autotags and autotags.bpm > 0 else None
    if grid is not None and shown is not None and abs(grid.bpm - shown) <= 0.005:
        shown = None
    track = DJTrack(
        os.path.abspath(path),  # noqa: PTH100  # links stay: collections name the file by them
        duration=length,
        sample_rate=getattr(info, "sample_rate", None) or None,
        bit_rate=getattr(info, "bitrate", None) or None,
        size=Path(path).stat().st_size,
        bpm=shown,
        grid=grid,
        cues=marks.cues,
    )
    return SeratoTags(track, marks.locked, autotags)


@contextmanager
def _name(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the recording in errors of its blocks, which do not know where they lie."""
    try:
        yield
    except FormatError as error:
        if str(error).startswith(str(path)):
            raise
        raise FormatError(f"{path}: {error}") from None


def update(
    collection: Collection,
    path: str | os.PathLike[str] | None = None,
    *,
    lock: bool | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Write tracks into their recordings, and return why some were left alone, by location.

    `path` has no meaning, as there is no other file; the rest is as in `write`.
    """
    left: dict[str, str] = {}
    for track in collection.tracks:
        try:
            write(track, lock=lock, force=force)
        except MissingExtra:
            raise
        except (MirkitError, OSError) as error:
            left[track.location] = str(error).removeprefix(f"{track.location}: ")
    return left


def check(path: str | os.PathLike[str] | None = None) -> None:
    """Raise where mutagen is missing, without which no recording can be written to."""
    check_installed()


def load(path: str | os.PathLike[str]) -> Collection:
    """Return the collection of one recording, or of those in a folder that have Serato's tags.

    What cannot be read is in its `failed`.

    Raises
    ------
    FormatError
        Where there is no such file or folder.
    """
    place = Path(path)
    if not place.exists():
        raise FormatError(missing_message(place))
    if not place.is_dir():
        tracks, failed = gather([str(place)], lambda one: read(one).track)
    else:
        found = (x for x in sorted(place.rglob("*")) if x.suffix.lower() in SUFFIXES)
        tracks, failed = gather((str(x) for x in found if x.is_file()), _of_folder)
    return Collection(tracks, failed=failed)


def _of_folder(path: str) -> DJTrack | None:
    """Return the track of a recording, or None where Serato has nothing to say of it."""
    track = read(path).track
    return track if track.grid is not None or track.cues else None


def again(collection: Collection) -> Collection:
    """Return what comes back of a collection that is written and read."""
    return Collection(tuple(_again(track) for track in collection.tracks))


def _again(track: DJTrack) -> DJTrack:
    grid = None
    if track.grid is not None:
        grid = serato.read_grid(serato.grid_bytes(track.grid), end=track.duration)
    cues = serato.read_marks(serato.marks_bytes(track.cues)).cues
    bpm = None if track.tempo is None else round(track.tempo, 2)
    return replace(own(track), bpm=bpm, grid=grid, cues=cues)


def _marks(file: _Tagged, shift: float) -> serato.Marks | None:
    block = file.get("marks")
    return None if block is None else serato.read_marks(block, shift)


def _autotags(file: _Tagged) -> serato.Autotags | None:
    block = file.get("autotags")
    return None if block is None else serato.read_autotags(block)


def _shift(file: _Tagged, mp3_offset: float | None) -> float:
    """Return how much later than ours times in this file are [s]."""
    if not file.mp3:
        return 0.0
    return serato_lead(Path(file.file.filename)) if mp3_offset is None else mp3_offset


@dataclass
class _Tagged:
    """A file that mutagen has opened."""

    file: Any
    container: Container

    @property
    def info(self) -> Any:
        return self.file.info

    @property
    def mp3(self) -> bool:
        return type(self.file).__name__ == "MP3"

    def get(self, block: Block) -> bytes | None:
        """Return a block, or None where the file has none."""
        if self.file.tags is None:
            return None
        return _GETTERS[self.container](self.file.tags, NAMES[block][self.container])

    def put(self, block: Block, data: bytes | None) -> None:
        """Replace a block, or take it away."""
        if self.file.tags is None:
            self.file.add_tags()
        _SETTERS[self.container](self.file.tags, block, NAMES[block][self.container], data)

    def save(self) -> None:
        """Save the tags, ID3 in the version that it has, and with the old ID3v1 tag."""
        if self.container != "id3":
            self.file.save()
            return
        path = Path(self.file.filename)
        tail = _id3v1(path) if self.mp3 else b""
        version = 3 if getattr(self.file.tags, "version", (2, 4))[1] < 4 else 4
        options = {"v1": 0} if self.mp3 else {}
        self.file.save(v2_version=version, **options)
        with path.open("ab") as out:
            out.write(tail)


def _id3v1(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-min(_ID3V1, path.stat().st_size), os.SEEK_END)
        tail = file.read()
    return tail if tail.startswith(b"TAG") else b""


@contextmanager
def _open(path: Path, name: str) -> Iterator[_Tagged]:
    """Give mutagen's view of a file; `name` is for messages."""
    try:
        import mutagen
        from mutagen.aiff import AIFF
        from mutagen.flac import FLAC
        from mutagen.id3 import GEOB
        from mutagen.mp3 import MP3
        from mutagen.mp4 import MP4
    except ImportError:
        raise MissingExtra("mutagen", "pip install 'mirkit[tags]'", "reading file tags") from None
    kinds: dict[type[Any], Container] = {MP3: "id3", AIFF: "id3", FLAC: "vorbis", MP4: "mp4"}
    try:
        found = mutagen.File(path, options=list(kinds))
        if found is None:
            raise AudioError(
                f"{name} is of no kind that Serato keeps tags in (MP3, AIFF, FLAC, MP4)"
            )
        container = kinds[type(found)]
        if container == "id3" and getattr(found.tags, "version", (2, 4))[:2] >= (2, 3):
            # frames that we do not know are written as they were, byte for byte
            found = type(found)(path, known_frames={"GEOB": GEOB}, translate=False)
        yield _Tagged(found, container)
    except (mutagen.MutagenError, EOFError) as error:
        raise AudioError(f"{name}: its tags cannot be read: {error}") from None


def _get_id3(tags: Any, name: str) -> bytes | None:
    frame = tags.get(f"GEOB:{name}")
    return None if frame is None else bytes(frame.data)


def _set_id3(tags: Any, block: Block, name: str, data: bytes | None) -> None:
    from mutagen.id3 import GEOB, Encoding

    tags.delall(f"GEOB:{name}")
    if data is not None:
        frame: Any = GEOB
        tags.add(frame(encoding=Encoding.LATIN1, mime=_MIME.decode(), desc=name, data=data))


def _get_text(tags: Any, name: str) -> bytes | None:
    """Return the block of a text, which names its type and itself first."""
    values = tags.get(name)
    if not values:
        return None
    text = values[0] if isinstance(values[0], bytes) else values[0].encode("ascii", "replace")
    mime, _, rest = serato.from_base64(text).partition(b"\0\0")
    title, zero, data = rest.partition(b"\0")
    if mime != _MIME or not zero:
        raise FormatError(f"{name} holds {mime[:30]!r}, {title[:30]!r}; it is no block of Serato's")
    return data


def _text(block: Block, data: bytes) -> bytes:
    """Return a block as text; one character more, which readers drop."""
    title = NAMES[block]["id3"].encode()
    return serato.base64_lines(_MIME + b"\0\0" + title + b"\0" + data) + b"A"


def _set_vorbis(tags: Any, block: Block, name: str, data: bytes | None) -> None:
    if data is not None:
        tags[name] = [_text(block, data).decode()]
    elif name in tags:
        del tags[name]


def _set_mp4(tags: Any, block: Block, name: str, data: bytes | None) -> None:
    from mutagen import mp4

    if data is not None:
        freeform: Any = mp4.MP4FreeForm
        tags[name] = [freeform(_text(block, data), mp4.AtomDataType.UTF8)]
    elif name in tags:
        del tags[name]


_GETTERS: dict[Container, Callable[[Any, str], bytes | None]] = {
    "id3": _get_id3,
    "vorbis": _get_text,
    "mp4": _get_text,
}
_SETTERS = cast(
    "dict[Container, Callable[[Any, Block, str, bytes | None], None]]",
    {"id3": _set_id3, "vorbis": _set_vorbis, "mp4": _set_mp4},
)
