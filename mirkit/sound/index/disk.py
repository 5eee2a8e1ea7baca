"""An index on disk: vectors and keys are appended, and a small file says how much of them counts.

A folder holds ``vectors-0.f32`` (rows of float32), ``keys-0.jsonl`` (a line for each row that is
added or taken out), perhaps a graph of usearch, and ``index.json``, which is written last: it names
the model, the number in the names of the others, and how much of them counts. An index that is
written anew gets the next number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.arrays import Floats32
from mirkit.errors import FormatError
from mirkit.sound.index.graph import Graph
from mirkit.sound.index.space import Space
from mirkit.zoo.checkpoints import write_whole

SCHEMA = 1
HEAD = "index.json"


@dataclass(frozen=True, slots=True)
class Content:
    """All that an index holds.

    Parameters
    ----------
    space
        The model of the vectors.
    keys
        The key of each row; None for one that was taken out.
    stamps
        Texts beside keys.
    values
        Unit vectors, shape ``(n_rows, n_dimensions)``.
    graph
        The graph, with rows that count, or None.
    """

    space: Space
    keys: Sequence[str | None]
    stamps: Mapping[str, str]
    values: Floats32
    graph: Graph | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Files of an index that a folder already holds.

    Parameters
    ----------
    folder
        The folder.
    keys
        The keys as they were written.
    n_bytes
        How much of the file of keys counts.
    number
        The number in the names of the files.
    """

    folder: Path
    keys: tuple[str | None, ...] = ()
    n_bytes: int = 0
    number: int = 0

    @property
    def vectors(self) -> Path:
        """The file of vectors."""
        return self.folder / f"vectors-{self.number}.f32"

    @property
    def log(self) -> Path:
        """The file of keys."""
        return self.folder / f"keys-{self.number}.jsonl"

    @property
    def graph(self) -> Path:
        """The file of the graph, which is that of these keys alone."""
        return self.folder / f"graph-{self.number}-{self.n_bytes}.usearch"


def write(folder: Path, content: Content, kept: Kept | None) -> Kept:
    """Write an index, and return what the folder holds now.

    Parameters
    ----------
    folder
        Where; made where it is missing.
    content
        The index.
    kept
        What was read from, or written to, a folder before: only the rest is appended there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if kept is None or kept.folder != folder.resolve():
        kept = Kept(folder.resolve(), number=_next_number(folder))
    n_before, width = len(kept.keys), content.values.shape[1]
    rows = content.values[n_before:].astype("<f4")
    _append(kept.vectors, n_before * width * 4, rows.tobytes())
    lines = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in _log(content, kept))
    n_bytes = _append(kept.log, kept.n_bytes, lines.encode())
    now = Kept(kept.folder, tuple(content.keys), n_bytes, kept.number)
    if content.graph is not None:
        content.graph.save(now.graph)
    numbers = {"n_dimensions": width, "n_rows": len(now.keys), "n_bytes": n_bytes}
    head = {"schema": SCHEMA, "space": content.space.to_dict(), **numbers, "number": now.number}
    write_whole(folder / HEAD, json.dumps(head, indent=1).encode())
    _clean(now)
    return now


def read(folder: Path) -> tuple[Content, Kept]:
    """Return the index in a folder.

    Raises
    ------
    FormatError
        Where there is none, or it is damaged.
    """
    head = _read_head(folder)
    n_rows, width = head["n_rows"], head["n_dimensions"]
    kept = Kept(folder.resolve(), (), head["n_bytes"], head["number"])
    is_there = kept.vectors.is_file()
    values = np.fromfile(kept.vectors, "<f4", n_rows * width) if is_there else np.empty(0)
    if len(values) < n_rows * width:
        raise FormatError(f"{kept.vectors} is too short for {n_rows} vectors; it is damaged")
    keys, stamps = _replayed(kept.log, head["n_bytes"], n_rows)
    kept = replace(kept, keys=tuple(keys))
    graph = Graph.load(kept.graph, width) if _has_graph(kept) else None
    rows = np.asarray(values, np.float32).reshape(n_rows, width)
    return Content(Space.from_dict(head["space"]), keys, stamps, rows, graph), kept


def _log(content: Content, kept: Kept) -> Iterator[dict[str, Any]]:
    """Yield what happened to the keys since `kept`: rows taken out, rows added."""
    for row, key in enumerate(kept.keys):
        if key is not None and content.keys[row] is None:
            yield {"gone": row}
    for key in content.keys[len(kept.keys) :]:
        stamp = None if key is None else content.stamps.get(key)
        yield {"key": key} if stamp is None else {"key": key, "stamp": stamp}


def _replayed(path: Path, n_bytes: int, n_rows: int) -> tuple[list[str | None], dict[str, str]]:
    """Return the keys and stamps after all lines of the log."""
    keys: list[str | None] = []
    stamps: dict[str, str] = {}
    for line in _lines(path, n_bytes):
        if "gone" in line:
            stamps.pop(str(keys[line["gone"]]), None)
            keys[line["gone"]] = None
            continue
        keys.append(line["key"])
        if "stamp" in line:
            stamps[line["key"]] = line["stamp"]
    if len(keys) != n_rows:
        raise FormatError(f"{path} has keys of {len(keys)} vectors, not {n_rows}; it is damaged")
    return keys, stamps


def _lines(path: Path, n_bytes: int) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise FormatError(f"{path} is too short; it is damaged")
    try:
        yield from map(json.loads, content.decode().splitlines())
    except ValueError as error:
        raise FormatError(f"{path} is damaged: {error}") from None


def _append(path: Path, n_kept: int, content: bytes) -> int:
    """Cut a file to `n_kept` bytes, append to it, and return its length."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(n_kept)
        file.seek(n_kept)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return n_kept + len(content)


def _read_head(folder: Path) -> dict[str, Any]:
    path = folder / HEAD
    try:
        head = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{folder} holds no index of vectors: {error}") from None
    numbers = ("n_dimensions", "n_rows", "n_bytes", "number")
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise FormatError(f"{path} is of no index that this version reads (schema {SCHEMA})")
    if not all(isinstance(head.get(name), int) for name in numbers) or "space" not in head:
        raise FormatError(f"{path} lacks one of {', '.join(numbers)} and space; it is damaged")
    return head


def _next_number(folder: Path) -> int:
    """Return the number of an index that is written beside what the folder holds."""
    try:
        return int(_read_head(folder)["number"]) + 1
    except FormatError:
        return 0


def _clean(now: Kept) -> None:
    """Delete the files of indices before this one."""
    current = {now.vectors.name, now.log.name, now.graph.name}
    for pattern in ("vectors-*.f32", "keys-*.jsonl", "graph-*.usearch"):
        for path in now.folder.glob(pattern):
            if path.name not in current:
                path.unlink()


def _has_graph(kept: Kept) -> bool:
    """Return whether there is a graph to load; without one it is made anew when it is needed."""
    return kept.graph.is_file() and Graph.is_available()
