"""Ogg pages: recordings that follow each other in a file, lost pages, sound before 0."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from mirkit.arrays import Floats32
from mirkit.audio.codecs.content import Content, NotUnderstood, damaged_error, splice
from mirkit.audio.codecs.decoder import Decoder
from mirkit.errors import AudioError

_BLOCK = 2**20
_PAGE = re.compile(rb"OggS\x00[\x00-\x07]")
_IN_SAMPLES = re.compile(rb"\x01vorbis|\x7fFLAC|Speex   ")  # whose pages count samples
_OPUS = re.compile(rb"OpusHead..(..)", re.DOTALL)
_N_HEADER = 27  # bytes of a page, before the lengths of its parts
_BEGINS = 2  # the bit of a page that begins a stream


class ChainDecoder:
    """Ogg recordings that follow each other in one file, as web radios write them.

    Parameters
    ----------
    file
        The file.
    name
        Its name, for messages.
    owned
        Whether to close the file at the end.
    starts
        Where the recordings begin [bytes].
    opened
        What opens one of them: its file, its name, and whether to close the file.

    Raises
    ------
    AudioError
        Where one of them cannot be opened, or has another sample rate or number of channels.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        owned: bool,
        starts: list[int],
        opened: Callable[[BinaryIO, str, bool], Decoder],
    ) -> None:
        self.name = name
        self._file, self._owned, self._opened = file, owned, opened
        self._ranges = list(zip(starts, [*starts[1:], file.seek(0, 2)], strict=True))
        with closing(self._link(0)) as first:
            self.sample_rate, self.n_channels = first.sample_rate, first.n_channels
            self.metadata: Mapping[str, str] = first.metadata
        self._lengths = [self._length(i) for i in range(len(starts))]
        known = [length for length in self._lengths if length is not None]
        self.n_samples: int | None = sum(known) if len(known) == len(starts) else None

    def chunks(self, first: int = 0) -> Generator[Floats32, None, None]:
        """Yield the samples from `first` on."""
        position = 0
        for i, length in enumerate(self._lengths):
            if length is not None and position + length <= first:
                position += length
                continue
            with closing(self._link(i)) as link, closing(link.chunks()) as chunks:
                try:
                    for chunk in chunks:
                        position += len(chunk)
                        yield chunk[max(0, first - position + len(chunk)) :]
                except AudioError as error:
                    raise self._damaged_error(i, position, error) from None

    def close(self) -> None:
        """Close the file, unless it is the caller's; the recordings are closed one by one."""
        if self._owned:
            self._file.close()

    def _link(self, i: int) -> Decoder:
        start, end = self._ranges[i]
        return self._opened(splice(b"", self._file, start, end), self.name, True)

    def _length(self, i: int) -> int | None:
        """Return how many samples recording `i` has, where it fits the first."""
        with closing(self._link(i)) as link:
            own, wanted = ((x.sample_rate, x.n_channels) for x in (link, self))
            if own != wanted:
                raise AudioError(
                    f"{self.name} is a chain of Ogg recordings, of which number {i + 1} has "
                    f"{own[0]} Hz and {own[1]} channels and the first {wanted[0]} Hz and "
                    f"{wanted[1]}. Convert it: ffmpeg -i FILE new.flac"
                )
            return link.n_samples

    def _damaged_error(self, i: int, position: int, error: AudioError) -> AudioError:
        announced = None if self.n_samples is None else self.n_samples / self.sample_rate
        reason = f"its Ogg recording number {i + 1} fails ({error})"
        return damaged_error(self.name, announced, position / self.sample_rate, reason)


@dataclass(frozen=True, slots=True)
class Page:
    """The header of a page: where it is, whether it begins a stream, which one, and its number.

    `granule` is where the sound ends that ends on the page [samples, mostly], or -1.
    """

    at: int
    begins: bool
    granule: int
    stream: int
    number: int


def starts(file: BinaryIO) -> list[int]:
    """Return where recordings begin in an Ogg file [bytes]; nothing for other files.

    The streams of one recording begin together; one that begins behind pages of sound is another.
    """
    found, begun = [], True
    for page in _pages(file):
        if page.begins and begun:
            found.append(page.at)
        begun = not page.begins
    return found


def look(file: BinaryIO) -> Content:
    """Return how many samples of an Ogg recording lie before the first page that is lost.

    Decoders go on behind it as if nothing were missing.
    """
    file.seek(0)
    head = file.read(512)
    opus = _OPUS.search(head)
    if opus is None and not _IN_SAMPLES.search(head):
        return Content(file)
    n_skipped = 0 if opus is None else int.from_bytes(opus[1], "little")
    ends: dict[int, Page] = {}
    for page in _pages(file):
        before = ends.get(page.stream)
        if before is not None and before.granule > 0 and page.number > before.number + 1:
            return Content(file, n_sound=max(before.granule - n_skipped, 0))
        ends[page.stream] = page
    return Content(file)


def check_start(log: str) -> None:
    """Raise `NotUnderstood` where the log of the sound library says that a stream begins before 0.

    A program that copied a part of it left it so. libvorbis then drops a block of sound at the end
    of the first page, so that all that follows comes early; and the sound library drops as much at
    the end as lies before 0. ffmpeg gives all.
    """
    if "Granule position is nonsensical" in log:
        raise NotUnderstood("an Ogg stream that begins before 0")


def _pages(file: BinaryIO) -> Iterator[Page]:
    """Yield the headers of all pages; none where the file does not begin with one."""
    file.seek(0)
    at, rest, more = 0, b"", file.read(4) == b"OggS"
    while more:
        file.seek(at + len(rest))
        block = file.read(_BLOCK)
        data, more = rest + block, bool(block)
        end = max(0, len(data) - _N_HEADER)
        for found in _PAGE.finditer(data):
            if (here := found.start()) >= end:
                break
            granule, stream, number = struct.unpack_from("<qII", data, here + 6)
            yield Page(at + here, bool(data[here + 5] & _BEGINS), granule, stream, number)
        at, rest = at + end, data[end:]
