"""Stores of samples or features to train on: values in a file that is mapped, and an index.

A store is a folder, and only ever appended to, so training may begin while more is still being
made; a process that is killed while it appends leaves nothing that the next one does not mend. A
folder of stores is a store as well, whose shards they are: each may be made on its own machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError

INDEX = "index.jsonl"
SUFFIXES = {"int16": "i16", "float16": "f16"}
FULL_SCALE = 32768  # of samples as 16-bit integers


@dataclass(frozen=True)
class Header:
    """The kind of values in a store, the first row of its index.

    Parameters
    ----------
    dtype
        ``"int16"`` for samples of full scale, ``"float16"`` for any values in half precision.
    width
        Values per row: bins of the features, or 1 for samples.
    sample_rate
        Of the samples, or of what the features were computed from [Hz].
    front_end
        Name of the front end; samples where empty.
    longest
        How much of each recording is kept, from its beginning [s]; all where 0.
    """

    dtype: Literal["int16", "float16"]
    width: int
    sample_rate: int
    front_end: str = ""
    longest: float = 0.0

    @property
    def values_name(self) -> str:
        """Name of the file of values."""
        return f"values.{SUFFIXES[self.dtype]}"

    @property
    def row_size(self) -> int:
        """Bytes per row."""
        return np.dtype(self.dtype).itemsize * self.width


@dataclass(frozen=True)
class Clip:
    """A recording in a store.

    Parameters
    ----------
    name
        Its name, which no other has.
    first, length
        Its rows in the shard: frames or samples.
    split
        ``"train"``, ``"val"``, ``"test"``, or another name.
    truth
        Its annotation, as plain values.
    shard
        Index of its shard.
    """

    name: str
    first: int
    length: int
    split: str = ""
    truth: Mapping[str, Any] = field(default_factory=dict)
    shard: int = 0


@dataclass(frozen=True)
class Store:
    """The recordings of a store, or some of them.

    Parameters
    ----------
    folder
        Its folder, for messages.
    header
        What all values have in common.
    clips
        The recordings.
    shards
        Values of each shard, ``(n, width)``, mapped from its file.
    """

    folder: Path
    header: Header
    clips: tuple[Clip, ...]
    shards: tuple[NDArray[Any], ...]

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Open the store in `folder`, or the stores in its sub-folders as one.

        Raises
        ------
        ParameterError
            Where there is none, or shards differ in their header or share a recording.
        """
        folder = Path(folder).expanduser()
        indices = [folder / INDEX, *sorted(folder.glob(f"*/{INDEX}"))]
        found = [(index.parent, rows) for index in indices if (rows := list(read_rows(index)))]
        if not found:
            raise ParameterError(
                f"{folder} holds no store to train on; make one with mirkit.training.packing"
            )
        headers = [_parse_header(rows[0], part) for part, rows in found]
        if others := [header for header in headers if header != headers[0]]:
            raise ParameterError(f"{folder} has unlike shards: {headers[0]} and {others[0]}")
        clips = tuple(Clip(**row, shard=i) for i, (_, rows) in enumerate(found) for row in rows[1:])
        if len({clip.name for clip in clips}) < len(clips):
            raise ParameterError(f"{folder} has shards that hold the same recording")
        shards = tuple(_map_values(part, headers[0], rows[1:]) for part, rows in found)
        return cls(folder, headers[0], clips, shards)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, i: int) -> Floats32:
        """Return all of recording `i`, ``(length, width)``."""
        return self.excerpt(self.clips[i], 0, self.clips[i].length)

    def excerpt(self, clip: Clip, first: int, length: int) -> Floats32:
        """Return rows of `clip` from `first` on; zeros before its beginning and past its end."""
        out = np.zeros((length, self.header.width), np.float32)
        low, high = max(0, first), min(clip.length, first + length)
        if high > low:
            values = self.shards[clip.shard]
            out[low - first : high - first] = values[clip.first + low : clip.first + high]
        return out / np.float32(FULL_SCALE) if self.header.dtype == "int16" else out

    def select(
        self, split: str, sources: Sequence[str] = (), *, may_be_empty: bool = False
    ) -> Store:
        """Return the store with the clips of one split, and of some sources where any are named.

        Raises
        ------
        ParameterError
            Where no clip is left, unless `may_be_empty`.
        """
        clips = tuple(clip for clip in self.clips if clip.split == split)
        if not (clips or may_be_empty):
            raise ParameterError(f"the store {self.folder} holds no clips of the split {split!r}")
        if not sources:
            return replace(self, clips=clips)
        chosen = tuple(clip for clip in clips if clip.truth.get("source") in sources)
        if not (chosen or may_be_empty):
            known = sorted({str(clip.truth.get("source")) for clip in clips})
            raise ParameterError(f"sources is {sources}; the store has {', '.join(known)}")
        return replace(self, clips=chosen)


@dataclass
class Appender:
    """A store while it is written.

    Parameters
    ----------
    names
        Names of its recordings.
    first
        Row at which the next values begin.
    index, values
        Its files.
    """

    names: set[str]
    first: int
    index: IO[str]
    values: IO[bytes]

    def append(
        self,
        name: str,
        values: NDArray[Any],
        split: str = "",
        truth: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the values of a recording, ``(n, width)``, then list it."""
        row = {"name": name, "first": self.first, "length": len(values)}
        row |= {"split": split, "truth": dict(truth or {})}
        self.values.write(values.tobytes())
        self.values.flush()
        self.index.write(json.dumps(row) + "\n")
        self.index.flush()
        self.names.add(name)
        self.first += len(values)


@contextmanager
def append_to(folder: str | Path, header: Header) -> Iterator[Appender]:
    """Open a store to append to, or begin one; other processes that want to wait meanwhile.

    Raises
    ------
    ParameterError
        Where the store was begun with another header.
    """
    from filelock import FileLock

    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / INDEX
    with FileLock(folder / "lock"):
        _heal(path)
        rows = list(read_rows(path))
        if rows and (known := _parse_header(rows[0], folder)) != header:
            raise ParameterError(
                f"the store {folder} was made with {known}, and {header} is asked for; name another"
            )
        first = _count_rows(rows[1:])
        with path.open("a") as index, (folder / header.values_name).open("ab") as values:
            values.truncate(header.row_size * first)  # what a killed process wrote, not listed
            if not rows:
                index.write(json.dumps(asdict(header)) + "\n")
            yield Appender({row["name"] for row in rows[1:]}, first, index, values)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of an index, its header first, without half a row at its end."""
    if path.is_file():
        with path.open() as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)


def _heal(path: Path) -> None:
    """Drop the half row that a killed process left."""
    if path.is_file():
        whole = path.read_bytes().rpartition(b"\n")
        with path.open("r+b") as file:
            file.truncate(len(whole[0]) + len(whole[1]))


def _parse_header(row: Mapping[str, Any], folder: Path) -> Header:
    try:
        return Header(**row)
    except TypeError:
        raise ParameterError(f"{folder} holds a store of another version; make it anew") from None


def _count_rows(rows: Sequence[Mapping[str, Any]]) -> int:
    return max((row["first"] + row["length"] for row in rows), default=0)


def _map_values(folder: Path, header: Header, rows: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
    """Return the values that are listed; another process may be writing more."""
    shape = (_count_rows(rows), header.width)
    if not shape[0]:
        return np.zeros(shape, header.dtype)
    return np.memmap(folder / header.values_name, np.dtype(header.dtype), "r", shape=shape)
