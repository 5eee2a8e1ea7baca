"""Sniff the kind of a file from its first bytes: tags to skip, and a name for messages."""

from __future__ import annotations

from typing import BinaryIO

_KINDS = (  # where, what stands there, what it is
    (0, b"RIFF", "RIFF (perhaps AVI)"),
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC, but damaged"),
    (4, b"ftyp", "MPEG-4 (M4A or video)"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
    (0, b"\0\0\1\xba", "MPEG video"),
    (0, b"FLV", "Flash video"),
    (0, b".RMF", "RealMedia"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"ID3", "MP3, but damaged"),
    (0, b"MThd", "MIDI, which holds notes and no sound: render it first"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"<", "a page in HTML or XML; did a download give an error page?"),
    (0, b"{", "JSON"),
)


def skip_tags(file: BinaryIO) -> int:
    """Return where the ID3v2 and APE tags at the start of a file end [bytes]."""
    at = 0
    while (end := _tag_end(file, at)) > at:
        at = end
    return at


def skip_id3(file: BinaryIO) -> int:
    """Return where the ID3v2 tags at the start of a file end [bytes]."""
    at = 0
    while (end := _id3_end(file, at)) > at:
        at = end
    return at


def known_kind(file: BinaryIO, at: int = 0) -> str | None:
    """Return what the bytes from `at` on look like, or None."""
    file.seek(at)
    head = file.read(512)
    return next((kind for i, magic, kind in _KINDS if head.startswith(magic, i)), None)


def kind(file: BinaryIO) -> str:
    """Return what the first bytes look like, for messages."""
    known = known_kind(file)
    if known is not None:
        return known
    file.seek(0)
    head = file.read(512)
    if head and all(byte in b"\t\n\r\f" or byte >= 32 for byte in head):
        return "text, or no known kind of recording"
    return "no known kind of recording"


def _tag_end(file: BinaryIO, at: int) -> int:
    """Return where the tag at byte `at` ends; `at` where there is none."""
    file.seek(at)
    head = file.read(32)
    if head[:8] == b"APETAGEX" and len(head) == 32:
        return at + 32 + int.from_bytes(head[12:16], "little")
    return _id3_end(file, at)


def _id3_end(file: BinaryIO, at: int) -> int:
    file.seek(at)
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return at
    length = 0
    for byte in head[6:]:
        length = length << 7 | byte & 0x7F
    return at + 10 + length + (10 if head[5] & 0x10 else 0)
