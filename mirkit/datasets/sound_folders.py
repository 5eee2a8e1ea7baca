"""Labeled recordings as people keep them: folders of classes, CSV tables, manifests."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirkit.audio import reading
from mirkit.datasets.sounds import Sound
from mirkit.errors import FormatError


@dataclass(frozen=True)
class LabeledSound:
    """A recording with what is known of it.

    Parameters
    ----------
    sound
        The recording and its labels.
    known
        The labels that someone has listened for, whether they are there or not; None where all.
    """

    sound: Sound
    known: tuple[str, ...] | None = None


def read_sounds(path: str | Path, audio: str | Path | None = None) -> tuple[LabeledSound, ...]:
    """Return the labeled recordings of a folder, a CSV table or a manifest, by path.

    A folder holds one folder a class. A CSV table has the columns ``path`` (or ``audio``), and
    ``label`` (one name) or ``labels`` (several, with ``;`` between), and if it likes ``fold``,
    ``split``, ``licence``, ``checksum``, and ``source`` or ``group``: what was cut from one
    recording has one name there. A manifest holds the same, an object a line (``.jsonl``), labels
    as a list, with ``known`` where not all labels were listened for. Other columns are passed over.

    Parameters
    ----------
    path
        The folder, table or manifest.
    audio
        Where the recordings of a table or manifest lie; beside it where None.

    Raises
    ------
    FormatError
        Where nothing is there, or a row lacks its path or labels; the message names the row.
    """
    path = Path(path).expanduser()
    root = path.parent if audio is None else Path(audio).expanduser()
    if path.is_dir():
        found = _of_folders(path)
    elif path.is_file() and path.suffix in (".csv", ".jsonl"):
        found = [_of_row(row, root, f"{path}, line {i}") for i, row in _rows(path)]
    else:
        raise FormatError(
            f"{path} is neither a folder nor a .csv or .jsonl file; labeled recordings come as a "
            "folder of class folders, a CSV table or a manifest"
        )
    if not found:
        raise FormatError(f"{path} holds no recording; a folder has one folder for each class")
    return tuple(found)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a table or a manifest with the numbers of their lines."""
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".csv":
            yield from enumerate(csv.DictReader(text.splitlines()), 2)
        else:
            lines = enumerate(text.splitlines(), 1)
            yield from ((i, json.loads(line)) for i, line in lines if line)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise FormatError(f"{path} is no table: {error}") from None


def _of_folders(folder: Path) -> list[LabeledSound]:
    classes = sorted(each for each in folder.iterdir() if each.is_dir())
    return [
        LabeledSound(Sound(path, (each.name,), group=str(path.relative_to(folder))))
        for each in classes
        for path in sorted(reading.find_audio([each]))
    ]


def _of_row(row: Mapping[str, Any], root: Path, where: str) -> LabeledSound:
    place = row.get("path") or row.get("audio")
    if not place:
        raise FormatError(f"{where} has no 'path'; it has {', '.join(map(str, row))}")
    labels = _names(row.get("labels"))
    if labels is None:
        labels = _names(row.get("label"), separator=None)
    if labels is None and "labels" not in row:
        raise FormatError(f"{where} has no 'label' and no 'labels'; it has {', '.join(row)}")
    try:
        fold = int(row["fold"]) if row.get("fold") else None
    except ValueError:
        raise FormatError(f"{where}: fold is {row['fold']!r}; it is a whole number") from None
    free = {name: row.get(name) or None for name in ("split", "licence", "checksum")}
    group = row.get("source") or row.get("group") or None
    sound = Sound(root / place, labels or (), fold, group, **free)
    return LabeledSound(sound, _names(row.get("known")))


def _names(value: Any, separator: str | None = ";") -> tuple[str, ...] | None:
    """Return names in a list, or in a text with separators; None where nothing is there."""
    if isinstance(value, list):
        return tuple(map(str, value))
    if not value:
        return None
    parts: Iterable[str] = value.split(separator) if separator else [value]
    return tuple(part.strip() for part in parts if part.strip())
