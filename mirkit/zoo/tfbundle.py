"""TensorFlow checkpoints (tensor bundles) read without TensorFlow.

A checkpoint is an index and one or more files of data: ``.index`` is a sorted string table from
the name of each tensor to where it lies, ``.data-00000-of-00001`` the raw elements.

References
----------
TensorFlow's ``tensor_bundle.proto``, whose field numbers stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.errors import WeightsError
from mirkit.zoo.crc32c import crc32c, unmask
from mirkit.zoo.protobuf import Damaged, fields
from mirkit.zoo.sstable import read_sstable

SUFFIX = ".index"
DTYPES = MappingProxyType(
    {
        1: "<f4",
        2: "<f8",
        3: "<i4",
        4: "u1",
        5: "<i2",
        6: "i1",
        8: "<c8",
        9: "<i8",
        10: "?",
        19: "<f2",
        22: "<u4",
        23: "<u8",
    }
)
"""numpy's name of each type of element that is read; texts and resources are not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Place of a tensor.

    Parameters
    ----------
    code
        TensorFlow's number of its type; see `DTYPES`.
    shape
        Its shape.
    shard, offset, size
        In which file of data, from which byte on, and how many bytes.
    crc
        The checksum of its bytes, as stored.
    is_sliced
        Whether it lies in pieces, as partitioned variables do.
    """

    code: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    is_sliced: bool = False


@dataclass(frozen=True)
class Bundle(Mapping[str, NDArray[Any]]):
    """The tensors of a checkpoint by name, each read from disk when it is asked for.

    Parameters
    ----------
    index
        Path of the ``.index`` file; the data lie beside it.
    entries
        Where each tensor lies.
    n_shards
        Number of files of data.

    Raises
    ------
    UnknownName
        Where there is no tensor of a name.
    WeightsError
        Where the data are absent or damaged.
    """

    index: Path
    entries: Mapping[str, Entry]
    n_shards: int = 1

    def __getitem__(self, name: str) -> NDArray[Any]:
        checks.member("tensor", name, self.entries)
        entry = self.entries[name]
        dtype = self._dtype(name, entry)
        content = self._content(name, entry)
        return np.frombuffer(content, dtype).reshape(entry.shape)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def data_path(self, shard: int = 0) -> Path:
        """Return the path of a file of data."""
        stem = self.index.name.removesuffix(SUFFIX)
        return self.index.with_name(f"{stem}.data-{shard:05d}-of-{self.n_shards:05d}")

    def _dtype(self, name: str, entry: Entry) -> np.dtype[Any]:
        if entry.is_sliced or entry.code not in DTYPES:
            what = "lies in slices" if entry.is_sliced else f"has elements of type {entry.code}"
            raise WeightsError(f"{self.index}: the tensor {name!r} {what}, which is not read here")
        dtype = np.dtype(DTYPES[entry.code])
        if prod(entry.shape) * dtype.itemsize != entry.size:
            raise WeightsError(
                f"{self.index} is damaged: the tensor {name!r} of shape {entry.shape} has "
                f"{entry.size} bytes"
            )
        return dtype

    def _content(self, name: str, entry: Entry) -> bytes:
        path = self.data_path(entry.shard)
        try:
            content = _part(path, entry.offset, entry.size)
        except OSError as error:
            raise WeightsError(
                f"{path} cannot be read: {error.strerror}. A checkpoint is two files; keep the "
                "data beside the index."
            ) from None
        if len(content) < entry.size:
            raise WeightsError(f"{path} is cut: the tensor {name!r} ends after it")
        if crc32c(content) != unmask(entry.crc):
            raise WeightsError(
                f"{path} is damaged: the checksum of the tensor {name!r} is wrong. Is it of "
                "another checkpoint than the index?"
            )
        return content


def read_bundle(index: str | Path) -> Bundle:
    """Return the tensors of the checkpoint whose ``.index`` file is named.

    Raises
    ------
    WeightsError
        Where the index is absent, damaged or of another kind.
    """
    index = Path(index)
    if not index.name.endswith(SUFFIX):
        raise WeightsError(f"{index} is no index of a checkpoint; name the file that ends .index")
    try:
        content = index.read_bytes()
    except OSError as error:
        raise WeightsError(f"{index} cannot be read: {error.strerror}") from None
    try:
        return _bundle(index, read_sstable(content))
    except Damaged as error:
        raise WeightsError(f"{index} is damaged: {error}. Was it wholly copied?") from None


def _bundle(index: Path, values: Mapping[bytes, bytes]) -> Bundle:
    header = {field: value for field, value in fields(values.get(b"", b"")) if field in (1, 2)}
    if header.get(2, 0):
        raise Damaged("its numbers are big-endian, which is not read here")
    names = [key for key in values if key]
    entries = {_text(name): _entry(values[name]) for name in names}
    return Bundle(index, MappingProxyType(entries), _whole(header.get(1, 1)))


def _entry(content: bytes) -> Entry:
    found = dict(fields(content))
    code, shard, offset, size, crc = (_whole(found.get(field, 0)) for field in (1, 3, 4, 5, 6))
    return Entry(code, _shape(_bytes(found.get(2, b""))), shard, offset, size, crc, 7 in found)


def _shape(content: bytes) -> tuple[int, ...]:
    axes = [dict(fields(_bytes(axis))) for field, axis in fields(content) if field == 2]
    return tuple(_whole(axis.get(1, 0)) for axis in axes)


def _part(path: Path, offset: int, size: int) -> bytes:
    """Return the bytes of a file from `offset` on, fewer than `size` where it ends before."""
    if offset + size > path.stat().st_size:  # what a damaged index says may be any number
        return b""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Damaged(f"a name is no UTF-8: {error}") from None


def _whole(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise Damaged("bytes stand where a number belongs")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise Damaged("a number stands where bytes belong")
    return value
