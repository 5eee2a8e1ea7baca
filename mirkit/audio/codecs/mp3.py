"""MPEG frame headers: how many frames an MP3 holds, said so that the decoder believes it.

An MP3 starts with the delay of its encoder and decoder (1105 samples for LAME) and ends with
padding. A LAME tag in the first frame holds both, and the decoder removes them: then sample 0 is
the first sample that was encoded. Without such a tag no one can know the delay, so all that the
frames hold is kept, and times are late by the delay: 25 ms for LAME at 44.1 kHz.

The decoder knows a third case, a header without a delay, where it removes 529 samples, and where
no header counts the frames it guesses the length and stops there, which loses most of some VBR
files. `look` leaves neither to it.

The first frame need not follow the ID3 tag: padding, an APE tag, or what a wrong size of the tag
leaves may lie between. It is found by the frames behind it, in one place for whoever needs to know
where the sound begins: the decoder, and the clocks of other programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from mirkit.audio.codecs.content import Content, NotUnderstood, splice
from mirkit.audio.codecs.kinds import known_kind, skip_id3, skip_tags

_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS = {  # by (MPEG 1?, layer); entry 0 is the free format, which has no length
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SEARCH = 2**20  # how far into a file, behind its tags, the first frame is looked for [bytes]
_RUN = 4  # frames that follow each other by no chance
_BLOCK = 2**20
_MISCOUNT = 2  # frames by which encoders err in their own header
_DECODER_DELAY = 529  # samples by which every MP3 decoder is late, removed with the encoder's
_TAG_BYTES = 128 + 4096  # tags at the end of a file that the header does not count


@dataclass(frozen=True, slots=True)
class Header:
    """Header of an MPEG frame: its first four bytes."""

    version: int  # 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5
    layer: int
    sample_rate: int
    n_channels: int
    length: int  # of the frame, with these four bytes [bytes]; 0 in the free format

    def is_like(self, other: Header) -> bool:
        """Tell whether both are of one stream: only the length of frames may differ."""
        return (self.version, self.layer, self.sample_rate) == (
            other.version, other.layer, other.sample_rate,
        )  # fmt: skip

    @property
    def n_samples(self) -> int:
        """Samples of each channel in a frame of layer 3."""
        return 1152 if self.version == 3 else 576

    @property
    def tag_offset(self) -> int:
        """Offset of a Xing or Info tag in its frame, after the side information [bytes]."""
        if self.version == 3:
            return 4 + (17 if self.n_channels == 1 else 32)
        return 4 + (9 if self.n_channels == 1 else 17)


def parse_header(data: bytes) -> Header | None:
    """Return what a frame header says, or None where `data` starts with none.

    Examples
    --------
    >>> parse_header(bytes.fromhex("fffb9064")).length
    417
    """
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    version, layer = data[1] >> 3 & 3, 4 - (data[1] >> 1 & 3)
    bitrate, rate = data[2] >> 4, data[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate == 15 or rate == 3:
        return None
    sample_rate = _SAMPLE_RATES[version][rate]
    bits = 1000 * _KBPS[version == 3, layer][bitrate]
    padding = data[2] >> 1 & 1
    if layer == 1:
        length = (12 * bits // sample_rate + padding) * 4
    else:
        slots = 72 if layer == 3 and version != 3 else 144
        length = slots * bits // sample_rate + padding
    n_channels = 1 if data[3] >> 6 == 3 else 2
    return Header(version, layer, sample_rate, n_channels, length if bitrate else 0)


def look(file: BinaryIO) -> Content | None:
    """Return an MP3 whose header counts its frames, or None where `file` is no MP3.

    It is `file` itself where its own header does, gives the delay and fits its size; else a view of
    it behind a made header, which keeps the delay of its own or else has none.

    Raises
    ------
    NotUnderstood
        Where a frame header stands at the start and no other follows it.
    """
    begin = _begin(file)
    if begin is None:
        file.seek(skip_tags(file))
        if parse_header(file.read(4)) is None:
            return None
        raise NotUnderstood("MPEG frames that do not follow each other")
    return Content(_countable(file, begin))


def lead(file: BinaryIO) -> tuple[int, int, Header] | None:
    """Return what lies before the first sample that we give out, or None where `file` is no MP3.

    Returns
    -------
    n_tag
        Samples that the frame of a Xing, Info or VBRI tag would give, or 0 where there is none.
    n_delay
        Samples of delay that are removed, or 0 where no tag tells them.
    header
        Of the first frame.
    """
    begin = _begin(file)
    if begin is None:
        return None
    if begin.tag is None:
        return 0, 0, begin.header
    delay = begin.tag.delay
    n_delay = 0 if delay is None else (int.from_bytes(delay, "big") >> 12) + _DECODER_DELAY
    return begin.header.n_samples, n_delay, begin.header


def n_frames_from(file: BinaryIO, start: int) -> int:
    """Count the whole frames of the stream that begins at byte `start`, over junk between them."""
    file.seek(start)
    first = file.read(4)
    if parse_header(first) is None:
        return 0
    second, lengths = first[1] | 1, _lengths(first)
    file.seek(start)
    n_frames, at, data = 0, 0, b""
    while block := file.read(_BLOCK):
        at, data = (at - len(data), block) if at >= len(data) else (0, data[at:] + block)
        while at + 4 <= len(data):
            length = lengths[data[at + 2]]
            if length and data[at] == 0xFF and data[at + 1] | 1 == second:
                n_frames += 1
                at += length
            else:
                at = _next_frame(data, at + 1, second, lengths)
    return n_frames - (at > len(data))


def _lengths(first: bytes) -> list[int]:
    """Return the frame length by third byte of a header; 0 where that byte fits no such stream."""
    reference = parse_header(first)
    lengths = []
    for third in range(256):
        header = parse_header(bytes((0xFF, first[1], third, first[3])))
        same = header and reference and header.sample_rate == reference.sample_rate
        lengths.append(header.length if header and same else 0)
    return lengths


def _next_frame(data: bytes, at: int, second: int, lengths: list[int]) -> int:
    """Return where a frame begins that another follows, or near the end of `data`."""
    while (at := data.find(0xFF, at)) >= 0 and at + 4 <= len(data):
        length = lengths[data[at + 2]]
        after = at + length
        fits = length and data[at + 1] | 1 == second and after + 2 <= len(data)
        if fits and data[after] == 0xFF and data[after + 1] | 1 == second:
            return at
        at += 1
    return max(len(data) - 3, 0)


@dataclass(frozen=True, slots=True)
class _Begin:
    """The first frame of an MP3: where it is, its bytes, its header, and a tag where it is one."""

    at: int
    frame: bytes
    header: Header
    tag: _Tag | None


def _begin(file: BinaryIO) -> _Begin | None:
    """Return the first frame of an MP3, or None where there is none."""
    at = _first_frame(file, skip_tags(file))
    if at is None:
        return None
    file.seek(at)
    frame = file.read(4096)
    header = parse_header(frame)
    assert header is not None  # _first_frame found it
    return _Begin(at, frame, header, _parse_tag(frame, header) if header.layer == 3 else None)


def _first_frame(file: BinaryIO, start: int) -> int | None:
    """Return where the first frame begins: at `start`, or behind what is of no known kind."""
    file.seek(start)
    data = file.read(_SEARCH)
    first = parse_header(data)
    if first is not None and (not first.length or _run(data, 0, first, 2, 1)):
        return start
    if known_kind(file, start) is not None:
        return None
    at = data.find(0xFF)
    while at >= 0:
        header = parse_header(data[at : at + 4])
        if header is not None and header.length and _run(data, at, header, _RUN, 2):
            return start + at
        at = data.find(0xFF, at + 1)
    return None


def _run(data: bytes, at: int, first: Header, n: int, least: int) -> bool:
    """Tell whether `n` frames follow each other from `at` on, or `least` to the end of `data`."""
    header: Header | None = first
    for n_found in range(1, n):
        assert header is not None
        at += header.length
        if at + 4 > len(data):
            return n_found >= least
        header = parse_header(data[at : at + 4])
        if header is None or not (header.length and header.is_like(first)):
            return False
    return True


def _countable(file: BinaryIO, begin: _Begin) -> BinaryIO:
    """Return a view of an MP3 whose header counts its frames."""
    at, header, tag = begin.at, begin.header, begin.tag
    n_tags = skip_id3(file)
    file.seek(0)
    tags = file.read(n_tags)
    whole = file if at <= len(tags) else splice(tags, file, at)
    if header.layer != 3 or not header.length:
        return whole
    size = file.seek(0, 2)
    start = at if tag is None else at + header.length
    fits = tag is not None and 0 <= size - at - tag.n_bytes <= _TAG_BYTES
    if tag is not None and fits and tag.n_frames and tag.delay is not None:
        return whole
    n_frames = tag.n_frames if tag is not None and fits else n_frames_from(file, start)
    if tag is not None and tag.n_frames + _MISCOUNT >= n_frames:
        if tag.delay is not None:
            return whole  # or cut short: then the decoder falls short of its header
        n_frames = tag.n_frames
    made = _lead(begin.frame, n_frames, None if tag is None else tag.delay)
    return splice(tags + made, file, start)


@dataclass(frozen=True, slots=True)
class _Tag:
    """Xing, Info or LAME tag of the first frame; 0 frames or bytes where it has none."""

    n_frames: int
    n_bytes: int
    delay: bytes | None  # of the encoder, and padding, as written


def _parse_tag(frame: bytes, header: Header) -> _Tag | None:
    """Return the Xing, Info or VBRI tag in the first frame, or None where it holds sound."""
    if frame[36:40] == b"VBRI":
        n_bytes, n_frames = (int.from_bytes(frame[at : at + 4], "big") for at in (46, 50))
        return _Tag(n_frames, n_bytes, None)
    tag = frame[header.tag_offset : header.length]
    if tag[:4] not in (b"Xing", b"Info") or len(tag) < 8:
        return None
    at, fields = 8, []
    for flag, length in ((1, 4), (2, 4), (4, 100), (8, 4)):
        present = bool(tag[7] & flag)
        fields.append(int.from_bytes(tag[at : at + length], "big") if present else 0)
        at += length * present
    encoder, delay = tag[at : at + 9], tag[at + 21 : at + 24]
    return _Tag(fields[0], fields[1], delay if encoder[:1].strip(b"\0") and delay else None)


def _lead(frame: bytes, n_frames: int, delay: bytes | None) -> bytes:
    """Return frames to put before `n_frames`: an Info tag that counts them and gives the delay.

    Where there is no delay a silent frame follows, which the tag has removed together with the
    delay of the decoder: so nothing of the sound is.
    """
    head, header = _short_header(frame)
    silence = (head + bytes(header.length))[: header.length]
    lead = b"" if delay is not None else silence
    delay = delay or (header.n_samples - _DECODER_DELAY << 12).to_bytes(3, "big")
    counts = (n_frames + bool(lead)).to_bytes(4, "big")
    tag = b"Info" + bytes((0, 0, 0, 1)) + counts + b"LAME3.100" + bytes(12) + delay
    at = header.tag_offset
    return silence[:at] + tag + silence[at + len(tag) :] + lead


def _short_header(frame: bytes) -> tuple[bytes, Header]:
    """Return the header, like that of `frame`, of the shortest frame that can hold a tag."""
    for bitrate in range(1, 15):
        head = bytes((0xFF, frame[1] | 1, bitrate << 4 | frame[2] & 0x0C, frame[3]))
        header = parse_header(head)
        if header is not None and header.length >= header.tag_offset + 160:
            return head, header
    raise AssertionError("every sample rate has a frame of 200 bytes")
