"""Engine DJ's ``beatData``: the block of its database that holds a track's grid.

Zlib behind its own length; markers at frames of the recording, each with the number of its beat
and how many come before the next. Beats lie evenly between markers, each fourth is a downbeat, and
the grid reaches from a bar before the first downbeat to a beat behind the last one. There are two
grids: the analyzer's and the DJ's. `mirkit.formats.dj.enginedb` puts it into the database.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise

from mirkit import checks
from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj.anchors import from_downbeat
from mirkit.formats.dj.runs import count_back, grid_of_runs, markers_of_beats

_HEAD = struct.Struct(">ddB")
_COUNT = struct.Struct(">q")
_MARKER = struct.Struct("<dqii")
_BAR = 4
_NEAR = 1e-4  # [s] how far a marker may lie from the tempi that it is read as
_MOST = 1 << 26  # bytes of a block


def beat_data(
    grid: BeatGrid, sample_rate: float, n_samples: float | None = None, old: bytes = b""
) -> bytes:
    """Return the block of a grid.

    Parameters
    ----------
    grid
        At or after 0.
    sample_rate
        Of the recording [Hz].
    n_samples
        Its length [samples]; None for the end of the grid.
    old
        The block that it replaces; what later versions of Engine keep behind the grids stays.
    """
    checks.positive("sample_rate", sample_rate)
    times, numbers = markers_of_beats(from_downbeat(grid, evenly=True))
    first = (times[1] - times[0]) / (numbers[1] - numbers[0])
    times, numbers = [times[0] - _BAR * first, *times[1:]], [-_BAR, *numbers[1:]]
    period, even = float(grid.periods[-1]), (times[-1] - times[-2]) / (numbers[-1] - numbers[-2])
    if abs(period - even) * (numbers[-1] - numbers[-2]) <= _NEAR:
        times[-1], numbers[-1] = times[-1] + period, numbers[-1] + 1
    else:  # the last beat is the first of its tempo
        times, numbers = [*times, times[-1] + period], [*numbers, numbers[-1] + 1]
    length = grid.end * sample_rate if n_samples is None else float(n_samples)
    data = _grid_bytes([time * sample_rate for time in times], numbers)
    return deflate(_HEAD.pack(sample_rate, length, 1) + data + data + _behind_grids(old))


def _behind_grids(block: bytes) -> bytes:
    """Return what a block holds behind its grids; nothing of one that is damaged."""
    try:
        inner = inflate(block)
        _, at = _read_markers(inner, _HEAD.size)
        return inner[_read_markers(inner, at)[1] :]
    except (FormatError, struct.error):
        return b""


def read_beat_data(data: bytes) -> BeatGrid | None:
    """Return the DJ's grid in a block, or the analyzer's, or None where it has none.

    Raises
    ------
    FormatError
        Where the block is cut off or damaged.
    """
    if len(data) <= 4:
        return None
    inner = inflate(data)
    try:
        sample_rate, n_samples, _ = _HEAD.unpack_from(inner)
        first, at = _read_markers(inner, _HEAD.size)
        adjusted, _ = _read_markers(inner, at)
    except struct.error:
        raise FormatError(f"Engine beatData ends after {len(inner)} bytes") from None
    markers = adjusted or first
    if len(markers) < 2 or not sample_rate > 0:
        return None
    times = [frame / sample_rate for frame, _ in markers]
    numbers = [number for _, number in markers]
    for values in (times, numbers):
        if any(not a < b for a, b in pairwise(values)):  # NaN too
            raise FormatError("Engine beatData has markers out of order")
    return grid_of_runs(*count_back(times, numbers), n_samples / sample_rate, _NEAR)


def _grid_bytes(frames: Sequence[float], numbers: Sequence[int]) -> bytes:
    following = [*(b - a for a, b in pairwise(numbers)), 0]
    rows = zip(frames, numbers, following, strict=True)
    return _COUNT.pack(len(frames)) + b"".join(_MARKER.pack(*row, 0) for row in rows)


def _read_markers(inner: bytes, at: int) -> tuple[list[tuple[float, int]], int]:
    """Return (frame, number) of each marker, and where the next grid begins."""
    (n,) = _COUNT.unpack_from(inner, at)
    at += _COUNT.size
    end = at + n * _MARKER.size
    if n < 0 or end > len(inner):
        raise FormatError(f"Engine beatData has {n} markers in {len(inner)} bytes")
    return [row[:2] for row in _MARKER.iter_unpack(inner[at:end])], end


def deflate(inner: bytes) -> bytes:
    """Return a block as the database holds it: its length, and then zlib."""
    return struct.pack(">i", len(inner)) + zlib.compress(inner)


def inflate(data: bytes) -> bytes:
    """Return what is inside; a block that claims to be huge is not inflated.

    Raises
    ------
    FormatError
        Where the block is damaged.
    """
    length = int.from_bytes(data[:4], "big")
    inflater = zlib.decompressobj()
    try:
        inner = inflater.decompress(data[4:], min(length, _MOST) + 1)
    except zlib.error as error:
        raise FormatError(f"a block of Engine, such as beatData, is damaged: {error}") from None
    if len(inner) != length or not inflater.eof:
        raise FormatError(f"a block of Engine holds {len(inner)} bytes and claims {length}")
    return inner
