"""Scores of tags that any program saved: JSON lines, or a folder with a file for each clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mirkit.annotation import Analysis, Tags
from mirkit.batch import Failure
from mirkit.errors import FormatError, MirkitError, ParameterError
from mirkit.evaluation.items import Item
from mirkit.evaluation.parts import Scores
from mirkit.evaluation.references import read_reference

SUFFIXES = (".json", ".jams", ".csv")
"""Of files with the scores of one clip, in the order they are looked for."""


def read_tags(path: Path) -> Tags:
    """Return the tags of an annotation file."""
    value: Tags = read_reference(path, (Tags,), "tags")
    return value


def read_scores(source: str, items: Sequence[Item]) -> list[tuple[Item, Scores | Failure]] | None:
    """Return the scores of each item from a file of JSON lines, or from a folder of files.

    An item's scores stand under its path, its name, or its file's name without suffix.

    Returns
    -------
    list or None
        None where `source` is neither a ``.jsonl`` file nor a folder.

    Raises
    ------
    FormatError
        Where a line is no JSON, or two lines are of one file.
    """
    path = Path(source)
    if path.is_dir():
        find = _in_folder(path)
    elif path.suffix == ".jsonl" and path.exists():
        find = _in_lines(path)
    else:
        return None
    return [(item, _look_up(find, item, source)) for item in items]


def _look_up(find: Callable[[Item], Tags | None], item: Item, source: str) -> Scores | Failure:
    try:
        found = find(item)
    except MirkitError as error:
        return Failure(type(error).__name__, str(error))
    if found is None:
        return Failure("ParameterError", f"{source} has no scores of {item.name}")
    return dict(found)


def _in_folder(folder: Path) -> Callable[[Item], Tags | None]:
    def find(item: Item) -> Tags | None:
        for name in (item.name, item.audio.stem):
            for suffix in SUFFIXES:
                path = folder / f"{name}{suffix}"
                if path.is_file():
                    return read_tags(path)
        return None

    return find


def _in_lines(path: Path) -> Callable[[Item], Tags | None]:
    by_file: dict[str, Any] = {}
    by_stem: dict[str, list[str]] = {}
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            file, row = _line(line, f"{path}, line {i}")
            if file in by_file:
                raise FormatError(f"{path}, line {i}: {file} was there before; keep one of them")
            by_file[file] = row
            by_stem.setdefault(Path(file).stem, []).append(file)

    def find(item: Item) -> Tags | None:
        known = [name for name in (str(item.audio), item.name) if name in by_file]
        known = known or by_stem.get(item.audio.stem, [])
        if len(known) > 1:
            raise ParameterError(
                f"{item.name} may be {' or '.join(known)} in {path}; name files by their whole path"
            )
        return _tags(by_file[known[0]], f"{path}: {known[0]}") if known else None

    return find


def _line(line: str, where: str) -> tuple[str, dict[str, Any]]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise FormatError(f"{where} is no JSON: {error.msg}") from None
    if not isinstance(row, dict) or not isinstance(row.get("file"), str):
        raise FormatError(f"{where} has no 'file'; a line is as mirkit tags --json prints it")
    return row["file"], row


def _tags(row: dict[str, Any], where: str) -> Tags:
    from mirkit.formats.json import from_object

    value = from_object(row, where)
    if isinstance(value, Analysis):
        value = value.get("tags", value)
    if not isinstance(value, Tags):
        raise FormatError(f"{where} holds no tags, but {type(value).__name__}")
    return value
