"""Announced against actual length of audio: one rule for all containers.

The sound library shortens a cut file without a word, and refuses one whose writer crashed before
it knew the length. Here each container is a row that says where its length stands. Announced and
there: whole. Announced and not there: cut, and how much is missing is remembered. Zero before
sound, or a number near 2^31 or 2^32 as writers to a pipe put it: open, the sound goes to the end
of the file. Where the number is wrong the library is given a view with the right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from mirkit.audio.codecs.content import Content, NotUnderstood, splice

Order = Literal["little", "big"]

_MAX_CHUNKS = 1000
_EXTENSIBLE = 0xFFFE  # the format of a WAV that tells more
_IN_DS64 = 2**32 - 1  # the length of a chunk that RF64 keeps in its chunk ds64


@dataclass(frozen=True)
class _Layout:
    """Layout of the chunks of a container, each of a name, a size and content.

    `own` of the bytes that a size counts are the name and the size themselves, and `lead` bytes
    of the sound's chunk lie before the sound.
    """

    sound: bytes
    start: int
    order: Order = "little"
    n_name: int = 4
    n_size: int = 4
    align: int = 2
    own: int = 0
    lead: int = 0


_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_WAVE = _Layout(b"data", 12)
_AIFF = _Layout(b"SSND", 12, "big", lead=8)
_SVX = _Layout(b"BODY", 12, "big")
_W64 = _Layout(b"data" + _W64_TAIL, 40, n_name=16, n_size=8, align=8, own=24)
_CAF = _Layout(b"data", 8, "big", n_size=8, align=1, lead=4)
_LAYOUTS: tuple[tuple[bytes, int, bytes, _Layout], ...] = (  # magic, where a second is, the second
    (b"RIFF", 8, b"WAVE", _WAVE),
    (b"RF64", 8, b"WAVE", _WAVE),
    (b"BW64", 8, b"WAVE", _WAVE),
    (b"RIFX", 8, b"WAVE", _Layout(b"data", 12, "big")),
    (b"FORM", 8, b"AIFF", _AIFF),
    (b"FORM", 8, b"AIFC", _AIFF),
    (b"FORM", 8, b"8SVX", _SVX),
    (b"FORM", 8, b"16SV", _SVX),
    (bytes.fromhex("726966662e91cf11a5d628db04c10000"), 24, b"wave" + _W64_TAIL, _W64),
    (b"caff", 0, b"caff", _CAF),
)
_AU: dict[bytes, Order] = {b".snd": "big", b"dns.": "little"}
_VOC_LEADS = {1: 2, 9: 12}  # type of a block of sound: bytes before the sound
_FRAMES: dict[bytes, tuple[int, Order]] = {  # where others keep their number of samples, 4 bytes
    b"2BIT": (26, "big"),  # AVR
    b"\1\4": (30, "little"),  # Akai MPC
    b"ALawSoundFile**\0": (18, "big"),  # Psion
}
_SDS = b"\xf0\x7e"  # a dump through MIDI, in blocks
_MATLAB = re.compile(rb"(MATLAB 5\.0|\x00{4}|\x00\x00\x03\xe8).*?(.{4}).{8}wavedata", re.DOTALL)
_NIST = re.compile(rb"NIST_1A\n.*?sample_count -i (\d+)", re.DOTALL)


@dataclass(frozen=True)
class _Sound:
    """Place of the sound in a file: start, announced length, and where that number stands."""

    start: int
    length: int
    size_at: int
    n_size: int
    order: Order
    counted: int = 0  # bytes beside the sound that the number counts
    unit: int = 1  # bytes that are decoded together

    def is_open(self) -> bool:
        """Tell whether the length is one that writers put where they cannot know it."""
        number, half = self.length + self.counted, 1 << 8 * self.n_size - 1
        return self.length <= 0 or min(abs(number - half), abs(number - 2 * half)) <= half >> 15

    def mend(self, file: BinaryIO, length: int) -> BinaryIO:
        """Return a view of the file that announces `length` bytes of sound."""
        file.seek(0)
        number = min(length + self.counted, (1 << 8 * self.n_size) - 1)
        head = file.read(self.size_at) + number.to_bytes(self.n_size, self.order)
        return splice(head, file, len(head))


def look(file: BinaryIO) -> Content | None:
    """Return what a file announces, or None where its kind is none of these.

    WAV, RF64, BW64, W64, AIFF, 8SVX, CAF, AU, VOC, AVR, MPC, WVE, NIST, SDS and MATLAB's.

    Raises
    ------
    NotUnderstood
        Where the header is damaged, and the library would read it all the same.

    Examples
    --------
    >>> from io import BytesIO
    >>> look(BytesIO(b".snd" + bytes((0, 0, 0, 24, 0, 0, 0, 8)) + bytes(16))).share
    2.0
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(1024)
    layout = _layout_of(head)
    if head[:4] == b"BW64":  # the same under a name that the library does not know
        file = splice(b"RF64", file, 4)
    if layout is None:
        sound = _flat(head)
        return _count(file, head, size) if sound is None else _judge(file, size, sound)
    if layout is _CAF and head[4:6] != b"\0\1":
        raise NotUnderstood("CAF of another version")
    sound = _sound_of(file, size, layout)
    if sound is None or _only_chunks_follow(file, size, sound, layout):
        return Content(file)
    if layout is _W64 and 0 < sound.length < size - sound.start:  # the library would go on
        return Content(splice(b"", file, 0, sound.start + sound.length))
    return _judge(file, size, sound)


def _judge(file: BinaryIO, size: int, sound: _Sound) -> Content:
    """Return the content of a file of `size` bytes, mended where its sound is cut or open."""
    there = size - sound.start
    if there <= 0 or 0 < sound.length <= there:
        return Content(file)
    there -= there % sound.unit
    share = 1.0 if sound.is_open() else sound.length / max(there, 1)
    return Content(sound.mend(file, there), share)


def _count(file: BinaryIO, head: bytes, size: int) -> Content | None:
    """Return what a file announces whose header counts samples, or None for others."""
    if head[:2] == _SDS:
        n_announced, n_sound = _sevens(head[12:9:-1]), _n_dumped(head, size)
        return Content(file, 1.0, n_announced, n_sound if n_sound < n_announced else None)
    n_frames = _n_frames(head)
    return None if n_frames is None else Content(file, n_announced=n_frames)


def _n_frames(head: bytes) -> int | None:
    """Return the number of samples in a header that holds it, or None."""
    if (found := _NIST.match(head)) is not None:
        return int(found[1])
    if (found := _MATLAB.match(head)) is not None:
        little = head[126:128] == b"IM" if found[1][0] else found[1] == bytes(4)
        return int.from_bytes(found[2], "little" if little else "big")
    for magic, (at, order) in _FRAMES.items():
        if head.startswith(magic):
            return int.from_bytes(head[at : at + 4], order)
    return None


def _n_dumped(head: bytes, size: int) -> int:
    """Return how many samples a dump of `size` bytes holds."""
    n_bytes = -(-head[6] // 7)
    return (size - 21) // 127 * (120 // max(n_bytes, 1))


def _sevens(digits: bytes) -> int:
    """Return the number whose digits are of seven bits, the first one highest."""
    number = 0
    for digit in digits:
        number = number << 7 | digit & 0x7F
    return number


def _layout_of(head: bytes) -> _Layout | None:
    for magic, at, second, layout in _LAYOUTS:
        if head.startswith(magic) and head.startswith(second, at):
            return layout
    return None


def _sound_of(file: BinaryIO, size: int, layout: _Layout) -> _Sound | None:
    """Return the chunk of sound, or None where there is none."""
    large, unit = None, 1
    for name, at, length in _chunks(file, size, layout):
        if name == b"ds64":
            large = at + 8  # where RF64 keeps the size of its data
        file.seek(at)
        content = file.read(32)
        _check_bits(name, content, layout.order)
        unit = _unit(name, content, layout.order) or unit
        if name != layout.sound:
            continue
        start, size_at = at + layout.lead, at - layout.n_size
        n_size, counted = layout.n_size, layout.own + layout.lead
        if large is not None and length in (0, _IN_DS64):
            file.seek(large)
            length, size_at, n_size = int.from_bytes(file.read(8), "little"), large, 8
        return _Sound(start, length - layout.lead, size_at, n_size, layout.order, counted, unit)
    return None


def _check_bits(name: bytes, content: bytes, order: Order) -> None:
    """Raise `NotUnderstood` where samples would have more bits than their place has."""
    tag, bits, valid = (int.from_bytes(content[at : at + 2], order) for at in (0, 14, 18))
    if name[:4] == b"fmt " and tag == _EXTENSIBLE and valid > bits:
        raise NotUnderstood(f"samples of {valid} bits in {bits}")


def _unit(name: bytes, content: bytes, order: Order) -> int:
    """Return how many bytes of sound belong together, or 0 where this chunk does not tell."""
    if name[:4] == b"fmt ":
        return int.from_bytes(content[12:14], order)
    if name == b"desc":
        return int.from_bytes(content[16:20], order)
    if name == b"COMM" and content[18:22] == b"ima4":
        return 34 * int.from_bytes(content[:2], order)
    return 0


def _chunks(
    file: BinaryIO, size: int, layout: _Layout, start: int | None = None
) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of the content [bytes] of each chunk."""
    at = layout.start if start is None else start
    n_head = layout.n_name + layout.n_size
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(n_head)
        if len(head) < n_head:
            return
        length = int.from_bytes(head[layout.n_name :], layout.order) - layout.own
        yield head[: layout.n_name], at + n_head, length
        at += n_head + max(length, 0)
        at += -at % layout.align
        if at >= size:
            return


def _only_chunks_follow(file: BinaryIO, size: int, sound: _Sound, layout: _Layout) -> bool:
    """Tell whether behind an empty chunk of sound there are chunks and no sound."""
    if sound.length > 0:
        return False
    end = sound.start
    for name, at, length in _chunks(file, size, layout, sound.start):
        if not re.match(rb"[ -~]{4}", name) or not 0 <= length <= size - at:
            return False
        end = at + length
    return size - end < layout.align


def _flat(head: bytes) -> _Sound | None:
    """Return the sound of a file whose length stands at the same place always."""
    if head[:4] in _AU:
        order = _AU[head[:4]]
        start, length = (int.from_bytes(head[at : at + 4], order) for at in (4, 8))
        return _Sound(start, length, 8, 4, order)
    if head.startswith(b"Creative Voice File\x1a"):
        at = int.from_bytes(head[20:22], "little")
        lead = _VOC_LEADS.get(head[at] if at < len(head) else 0)
        if lead is not None:
            length = int.from_bytes(head[at + 1 : at + 4], "little") - lead
            return _Sound(at + 4 + lead, length, at + 1, 3, "little", lead)
    return None
