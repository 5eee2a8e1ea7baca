"""Serato's tags: grid, cues and tempo, each a block of bytes inside the recording.

| block | holds | precision |
|---|---|---|
| BeatGrid | markers with the beats to the next; the last has a tempo | 32-bit seconds |
| Markers2 | hot cues, loops, track color, whether the tempo is locked | 1 ms |
| Autotags | tempo, gain | 0.01 bpm, 0.001 dB |

Bars are of four beats from the first marker on. Cues have eight buttons, loops another eight, and
there are no other kinds of cues. `mirkit.formats.dj.seratotags` puts the blocks into recordings.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj.anchors import from_downbeat
from mirkit.formats.dj.model import Cue
from mirkit.formats.dj.runs import count_back, grid_of_runs, markers_of_beats

N_BUTTONS = 8
"""Cues, and as many loops, that Serato has buttons for."""

_GRID_VERSION, _VERSION = b"\x01\x00", b"\x01\x01"
_LINE = 72  # characters of base64
_SHORTEST_MARKS = 470  # bytes, filled up with zeros
_CUE, _LOOP, _LOCK = "CUE", "LOOP", "BPMLOCK"
_LOOP_COLOR = bytes.fromhex("ffffffff0027aae1")
_CUE_COLORS = tuple(map(bytes.fromhex, (
    "cc0000", "cc8800", "0000cc", "cccc00", "00cc00", "cc00cc", "00cccc", "8800cc",
)))  # fmt: skip

_TIGHT = 1e-4  # [s] what 32 bits may be off in the longest sets, and a beat with them
_MOST_MARKERS = 1 << 20
_FARTHEST = 1e6  # [s] nobody puts a marker there

Entry: TypeAlias = tuple[str, bytes]


def grid_bytes(grid: BeatGrid, shift: float = 0.0) -> bytes:
    """Return the BeatGrid block of a grid.

    Serato counts bars from the first marker, so beats before the first downbeat are left to it.

    Parameters
    ----------
    grid
        At or after 0.
    shift
        What is added to each time [s].
    """
    times, numbers = markers_of_beats(
        from_downbeat(grid, evenly=True)
    )  # two at least, or Mixxx makes nothing
    out = [_GRID_VERSION, struct.pack(">I", len(times))]
    for time, (number, following) in zip(times, pairwise(numbers), strict=False):
        out.append(struct.pack(">fI", time + shift, following - number))
    out.append(struct.pack(">ff", times[-1] + shift, grid.bpms[-1]))
    return b"".join([*out, b"\x00"])


def read_grid(data: bytes, shift: float = 0.0, end: float | None = None) -> BeatGrid | None:
    """Return the grid in a BeatGrid block, or None where it has no marker.

    Parameters
    ----------
    data
        The block. Its markers may lie before the track, and the grid goes back from the first.
    shift
        What was added to each time [s].
    end
        Where the track ends [s]; None for the last marker.

    Raises
    ------
    FormatError
        Where the block is cut off or of another version.
    """
    _check_version(data, _GRID_VERSION, "BeatGrid")
    n = int.from_bytes(data[2:6], "big")
    if n > _MOST_MARKERS or len(data) < 6 + 8 * n:
        raise FormatError(f"Serato BeatGrid of {n} markers ends after {len(data)} bytes")
    if n == 0:
        return None
    raw = np.frombuffer(data, ">u4", 2 * n, 6).reshape(n, 2)
    times = raw[:, 0].astype("<u4").view(np.float32).astype(np.float64) - shift
    bpm = float(raw[-1, 1].astype("<u4").view(np.float32))
    good = np.all(np.abs(times) < _FARTHEST) and 0 < bpm < float("inf")  # NaN is not either
    if not good or np.any(np.diff(times) <= 0) or np.any(raw[:-1, 1] == 0):
        raise FormatError("Serato BeatGrid has markers out of order, or without beats or tempo")
    numbers = [0, *accumulate(raw[:-1, 1].tolist())]
    return grid_of_runs(*count_back(times.tolist(), numbers), end, _TIGHT, bpm)


@dataclass(frozen=True, slots=True)
class Marks:
    """Content of a Markers2 block.

    Parameters
    ----------
    cues
        Hot cues, and loops that have a button.
    locked
        Whether the DJ has locked tempo and grid.
    entries
        All entries, those of other kinds too.
    """

    cues: tuple[Cue, ...] = ()
    locked: bool = False
    entries: tuple[Entry, ...] = ()


def marks_bytes(
    cues: Sequence[Cue] | None = None,
    locked: bool | None = None,
    shift: float = 0.0,
    old: Marks | None = None,
) -> bytes:
    """Return the Markers2 block of cues and lock.

    Parameters
    ----------
    cues
        Those with a button, 0 to 7; others are left out. None keeps those of `old`.
    locked
        Whether the DJ may not change the grid. None keeps what `old` says.
    shift
        What is added to each time [s].
    old
        What the track had; entries that this module does not know stay.
    """
    entries = list(old.entries) if old else []
    if cues is not None:
        entries = [entry for entry in entries if entry[0] not in (_CUE, _LOOP)]
        entries += [_entry(cue, shift) for cue in sorted(_with_buttons(cues), key=_button)]
    if locked is not None:
        entries = [entry for entry in entries if entry[0] != _LOCK]
        entries.append((_LOCK, bytes([locked])))
    inner = _VERSION + b"".join(
        name.encode("ascii", "replace") + b"\0" + struct.pack(">I", len(data)) + data
        for name, data in entries
    )
    outer = _VERSION + base64_lines(inner + b"\0")
    return outer.ljust(_SHORTEST_MARKS, b"\0") if len(outer) < _SHORTEST_MARKS else outer + b"\0"


def read_marks(data: bytes, shift: float = 0.0) -> Marks:
    """Return what a Markers2 block holds; `shift` is what was added to each time [s].

    Raises
    ------
    FormatError
        Where the block is cut off or of another version.
    """
    _check_version(data, _VERSION, "Markers2")
    inner = from_base64(data[2:].partition(b"\0")[0])
    _check_version(inner, _VERSION, "Markers2")
    entries = tuple(_entries(inner[2:]))
    cues = tuple(cue for entry in entries if (cue := _cue(entry, shift)))
    locked = any(name == _LOCK and data[:1] == b"\1" for name, data in entries)
    return Marks(cues, locked, entries)


def _with_buttons(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Yield the cues that Serato has a button for, one for each."""
    seen = set()
    for cue in cues:
        place = _button(cue)
        if cue.number is not None and cue.number < N_BUTTONS and place not in seen:
            seen.add(place)
            yield cue


def _button(cue: Cue) -> tuple[bool, int]:
    return cue.end is not None, -1 if cue.number is None else cue.number


def _entry(cue: Cue, shift: float) -> Entry:
    assert cue.number is not None
    name = cue.name.replace("\0", "").encode("utf-8", "replace") + b"\0"
    start = _milliseconds(cue.time, shift)
    if cue.end is not None:
        head = struct.pack(
            ">xBII", cue.number, start, max(_milliseconds(cue.end, shift), start + 1)
        )
        return _LOOP, head + _LOOP_COLOR + b"\0\0" + name
    color = _CUE_COLORS[cue.number] if cue.color is None else bytes(cue.color)
    return _CUE, struct.pack(">xBIx", cue.number, start) + color + b"\0\0" + name


def _milliseconds(time: float, shift: float) -> int:
    return min(max(round(1000 * (time + shift)), 0), 0xFFFFFFFE)


def _entries(inner: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(inner) and inner[at]:
        name, zero, _ = inner[at:].partition(b"\0")
        at += len(name) + 5
        size = int.from_bytes(inner[at - 4 : at], "big")
        if not zero or at + size > len(inner):
            raise FormatError(f"Serato Markers2 ends within its entry {name[:20]!r}")
        yield name.decode("ascii", "replace"), inner[at : at + size]
        at += size


def _cue(entry: Entry, shift: float) -> Cue | None:
    """Return the cue of an entry, or None where it is of another kind, or odd."""
    name, data = entry
    try:
        if name == _CUE:
            number, start, red, green, blue = struct.unpack_from(">xBIx3B", data)
            return Cue(_seconds(start, shift), None, "hot", number, _text(data[12:]),
                       (red, green, blue))  # fmt: skip
        if name == _LOOP:
            number, start, end = struct.unpack_from(">xBII", data)
            return Cue(_seconds(start, shift), _seconds(end, shift), "hot", number,
                       _text(data[20:]))  # fmt: skip
    except (struct.error, ValueError):  # our own errors too
        pass
    return None


def _seconds(milliseconds: int, shift: float) -> float:
    return max(0.0, milliseconds / 1000 - shift)


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Autotags:
    """Content of an Autotags block: tempo [bpm] and gains [dB]; a tempo of 0 means: not known."""

    bpm: float = 0.0
    auto_gain: float = 0.0
    gain: float = 0.0


def autotags_bytes(values: Autotags) -> bytes:
    r"""Return the Autotags block.

    Examples
    --------
    >>> autotags_bytes(Autotags(128.0, -3.257))
    b'\x01\x01128.00\x00-3.257\x000.000\x00'
    """
    texts = (f"{values.bpm:.2f}", f"{values.auto_gain:.3f}", f"{values.gain:.3f}")
    return _VERSION + b"".join(text.encode() + b"\0" for text in texts)


def read_autotags(data: bytes) -> Autotags:
    """Return what an Autotags block holds.

    Raises
    ------
    FormatError
        Where the block is of another version or holds no numbers.
    """
    _check_version(data, _VERSION, "Autotags")
    try:
        return Autotags(*[float(text) for text in data[2:].split(b"\0")[:3]])
    except ValueError:
        raise FormatError(f"Serato Autotags hold {data[2:40]!r}, not three numbers") from None


def base64_lines(data: bytes) -> bytes:
    """Return base64 as Serato writes it: in lines of 72 characters, without ``=`` at the end."""
    text = base64.b64encode(data).rstrip(b"=")
    return b"\n".join(text[i : i + _LINE] for i in range(0, len(text), _LINE))


def from_base64(text: bytes) -> bytes:
    """Return the bytes of Serato's base64, whose last character may be one too many.

    Raises
    ------
    FormatError
        Where the text is no base64.
    """
    text = b"".join(text.split()).rstrip(b"=")
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise FormatError(f"Serato tag is no base64: {text[:20]!r}…") from None


def _check_version(data: bytes, version: bytes, block: str) -> None:
    if data[:2] != version:
        raise FormatError(
            f"Serato {block} begins with {data[:2].hex() or 'nothing'}; "
            f"only version {version.hex()} is known"
        )
