"""FLAC frame headers: whether the frames follow each other from 0, and how many samples they hold.

Programs that copy a part of a FLAC leave its header, which announces the whole, and the numbers of
its frames, which begin in the middle. The sound library trusts both: it fills what it misses, and
stops at the announced length. Here the headers of all frames are looked at (40 ms for a song).
Frames that follow each other from 0 go to the library, as many as there are; all others to ffmpeg,
which decodes what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mirkit.audio.codecs.content import Content, NotUnderstood

_BLOCK = 2**20
_LONGEST_HEADER = 16  # of a frame [bytes]
_FILE = b"fLaC\x00\x00\x00\x22"
_FRAME = re.compile(  # the sync code, a block size, and a layout of channels that there is
    rb"\xff(?=[\xf8\xf9][\x10-\xff][" + re.escape(bytes(range(0, 0xB0, 2))) + rb"])"
)
_BLOCK_SIZES = {
    1: 192,
    **{n: 576 << n - 2 for n in range(2, 6)},
    **{n: 256 << n - 8 for n in range(8, 16)},
}
_MORE_BYTES = {6: 1, 7: 2}  # behind the number: the size of the block, by its code
_RATE_BYTES = {12: 1, 13: 2, 14: 2}  # and the rate


def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        crc = value << bits - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> bits - 1 else 0)
            crc &= (1 << bits) - 1
        table.append(crc)
    return tuple(table)


_CRC8, _CRC16 = _crc_table(0x07, 8), _crc_table(0x8005, 16)


@dataclass(frozen=True, slots=True)
class Frame:
    """Header of a FLAC frame.

    Parameters
    ----------
    number
        Of the frame, or of its first sample where blocks vary in size.
    n_samples
        In each channel.
    varies
        Whether blocks vary in size.
    kind
        The bits of sample rate and sample size, which all frames of a file share.
    """

    number: int
    n_samples: int
    varies: bool
    kind: tuple[int, int]


def parse_frame(data: bytes) -> Frame | None:
    """Return what a frame header says, or None where `data` starts with none.

    Examples
    --------
    >>> parse_frame(bytes.fromhex("fff8c9080195")) is None  # its checksum is wrong
    True
    """
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[3] & 1:
        return None
    code, rate = data[2] >> 4, data[2] & 15
    number, at = _number(data)
    if not code or rate == 15 or data[3] >> 4 > 10 or number is None:
        return None
    more = _MORE_BYTES.get(code, 0)
    end = at + more + _RATE_BYTES.get(rate, 0)
    if end >= len(data) or _crc(data[:end], _CRC8, 8) != data[end]:
        return None
    written = int.from_bytes(data[at : at + more], "big") + 1
    n_samples = written if more else _BLOCK_SIZES[code]
    return Frame(number, n_samples, bool(data[1] & 1), (rate, data[3] >> 1 & 7))


def look(file: BinaryIO, start: int) -> Content:
    """Return how many samples the FLAC stream at byte `start` announces, and how many are there.

    Raises
    ------
    NotUnderstood
        Where its frames do not begin at 0, come twice, go on behind the end that is announced, or
        are longer than it says.
    """
    info = _stream_info(file, start)
    n_announced = info.n_samples
    chain = _Chain(file, info)
    end = chain.end
    if chain.begin:
        rest = max(n_announced - chain.begin, 0)
        raise NotUnderstood("FLAC frames that do not begin at 0", rest or None)
    if chain.longest > info.longest:
        raise NotUnderstood("FLAC frames that are longer than the header says", n_announced or None)
    if end > n_announced > 0 or (chain.broken and end >= n_announced):
        raise NotUnderstood("FLAC frames that do not fit the header", n_announced or None)
    n_sound = end - chain.n_last if end < n_announced else None  # the last one may be cut
    return Content(file, n_announced=n_announced or end, n_sound=n_sound, seekable=n_announced > 0)


class _Chain:
    """The frames of a file that follow each other.

    Attributes
    ----------
    begin, end
        Samples at which the first frame begins and the last one ends.
    n_last, longest
        Samples in the last frame, and in the longest.
    broken
        Whether there is a frame that does not follow.
    """

    def __init__(self, file: BinaryIO, info: _Info) -> None:
        self.begin = self.end = self.n_last = self.longest = 0
        self.broken = False
        self._size = info.longest if info.shortest == info.longest else 0
        self._kind, self._at = (0, 0), info.first
        for at, frame in _frames(file, info.first):
            if frame is None:
                self.broken = True  # another FLAC begins
            elif not self.n_last:
                self._begin(at, frame)
            else:
                self._follow(file, at, frame)

    def _begin(self, at: int, frame: Frame) -> None:
        self._size = 1 if frame.varies else self._size or frame.n_samples
        self._kind, self._at = frame.kind, at
        self.begin = self.end = frame.number * self._size
        self._append(at, frame)

    def _append(self, at: int, frame: Frame) -> None:
        self.end, self.n_last, self._at = self.end + frame.n_samples, frame.n_samples, at
        self.longest = max(self.longest, frame.n_samples)

    def _follow(self, file: BinaryIO, at: int, frame: Frame) -> None:
        if frame.kind != self._kind:
            return  # sound that looks like a header by chance, whatever its number
        if frame.number * self._size == self.end:
            self._append(at, frame)
        elif _is_whole(file, self._at, at):
            self.broken = True


@dataclass(frozen=True, slots=True)
class _Info:
    """Content of STREAMINFO: samples in all, or 0, in the shortest frame but the last, and longest.

    `first` is where the frames begin [bytes].
    """

    first: int
    n_samples: int
    shortest: int
    longest: int


def _stream_info(file: BinaryIO, start: int) -> _Info:
    at, n_samples, shortest, longest, last = start + 4, 0, 0, 0, False
    while not last:
        file.seek(at)
        head = file.read(4 + 18)
        if len(head) < 4:
            break
        last = bool(head[0] & 0x80)
        if head[0] & 0x7F == 0:
            n_samples = int.from_bytes(head[17:22], "big") & (1 << 36) - 1
            shortest, longest = (int.from_bytes(head[i : i + 2], "big") for i in (4, 6))
        at += 4 + int.from_bytes(head[1:4], "big")
    return _Info(at, n_samples, shortest, longest)


def _frames(file: BinaryIO, first: int) -> Iterator[tuple[int, Frame | None]]:
    """Yield the place of each frame header with what it says, or None for a header of a file."""
    at, rest, more = first, b"", True
    while more:
        file.seek(at + len(rest))  # whoever looks at the frames may have moved the place
        block = file.read(_BLOCK)
        data, more = rest + block, bool(block)
        end = max(0, len(data) - _LONGEST_HEADER) if more else len(data)
        for found in _FRAME.finditer(data):
            here = found.start()
            if here >= end:
                break
            frame = parse_frame(data[here : here + _LONGEST_HEADER])
            if frame is not None:
                yield at + here, frame
        if _FILE in data:
            yield at, None
        at, rest = at + end, data[end:]


def _number(data: bytes) -> tuple[int | None, int]:
    """Return the number that is written like a character in UTF-8, and where it ends."""
    head = data[4]
    if head < 0x80:
        return head, 5
    n_more = next((n for n in range(1, 7) if not head & 0x40 >> n), None)
    if head < 0xC0 or n_more is None:
        return None, 5
    number = head & (0x3F >> n_more)
    for byte in data[5 : 5 + n_more]:
        if byte & 0xC0 != 0x80:
            return None, 5
        number = number << 6 | byte & 0x3F
    return number, 5 + n_more


def _is_whole(file: BinaryIO, start: int, end: int) -> bool:
    """Tell whether a frame begins at byte `start` and ends before byte `end`, by its checksum."""
    file.seek(start)
    return _crc(file.read(end - start), _CRC16, 16) == 0


def _crc(data: bytes, table: tuple[int, ...], bits: int) -> int:
    crc, mask = 0, (1 << bits) - 1
    for byte in data:
        crc = (crc << 8 & mask) ^ table[crc >> bits - 8 ^ byte]
    return crc
