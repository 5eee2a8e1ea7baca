"""The items of a benchmark: recordings, each with its reference and what else is known of it.

| manifest | items |
|---|---|
| ``.csv`` or ``.jsonl`` of rendered clips (`mirkit.datasets`) | its clips, which lie in `audio` |
| ``.csv`` with the columns ``audio`` and ``annotation`` | its rows; paths count from its folder |
| a folder | every annotation in it that has a recording of the same name |
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirkit import checks
from mirkit.errors import FormatError, ParameterError

SUFFIXES = (".beats", ".jams", ".csv", ".json", ".mid", ".midi", ".lab", ".txt", ".tsv")
"""What counts as an annotation in a folder."""

SONG_COLUMNS = ("song", "source_song", "group", "piece", "track_id")
"""Columns that may name what a clip was cut from; the first there is keeps clips together."""


@dataclass(frozen=True)
class Item:
    """A recording and its reference.

    Parameters
    ----------
    name
        What it is called in reports.
    audio
        The recording.
    reference
        An annotation file, or the value itself.
    columns
        What else is known of it, such as style and meter.
    """

    name: str
    audio: Path
    reference: Any
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def song(self) -> str:
        """Name of the song that it was cut from; its own name where no column says."""
        return next((self.columns[key] for key in SONG_COLUMNS if self.columns.get(key)), self.name)


def read_items(
    manifest: str | Path | Sequence[Item], audio: str | Path | None = None
) -> tuple[Item, ...]:
    """Return the items of a manifest or of a folder.

    Parameters
    ----------
    manifest
        See the table above; or the items themselves.
    audio
        Where the recordings lie; None looks beside the manifest.

    Raises
    ------
    FormatError
        Where the manifest is none of these.
    ParameterError
        Where it is not there, or holds nothing.
    """
    if not isinstance(manifest, str | Path):
        checks.instance("manifest", manifest, Iterable, "a path, or a sequence of items")
        for item in manifest:
            checks.instance("item of the manifest", item, Item, "an Item")
        return tuple(manifest)
    path = Path(manifest)
    if not path.exists():
        raise ParameterError(f"{path} is not there; it is a manifest (.csv, .jsonl) or a folder")
    folder = Path(audio) if audio is not None else path if path.is_dir() else path.parent
    if path.is_dir():
        items = tuple(_of_folder(path, folder))
    elif path.suffix == ".jsonl":
        items = tuple(_of_clips(_json_lines(path), folder))
    else:
        items = tuple(_of_table(path, folder))
    if not items:
        raise ParameterError(
            f"{path} names no recording with an annotation; they belong together where they share "
            "a name, as song.flac and song.beats do"
        )
    return items


def check_names(items: Sequence[Item]) -> None:
    """Check that no two items share a name.

    Raises
    ------
    ParameterError
        Where two do.
    """
    twice = next((name for name, n in Counter(item.name for item in items).items() if n > 1), None)
    if twice is not None:
        raise ParameterError(
            f"{twice!r} is the name of two items; a column 'name' tells them apart"
        )


def check_column(items: Sequence[Item], by: str | None) -> None:
    """Check that some item has the column `by`, where it is not None.

    Raises
    ------
    ParameterError
        Where none has; it names the columns.
    """
    if by is not None and not any(by in item.columns for item in items):
        known = sorted({column for item in items for column in item.columns})
        raise ParameterError(f"by is {by!r}; the columns are {', '.join(known) or 'none'}")


def column_values(items: Sequence[Item], by: str | None) -> list[str]:
    """Return the values of a column, numbers in their order; none where it is None."""
    values = {item.columns.get(by, "") for item in items} - {""} if by else set()
    return sorted(values, key=lambda value: (int(value) if value.isdigit() else 1 << 30, value))


def select_split(items: tuple[Item, ...], split: str | None) -> tuple[Item, ...]:
    """Return the items whose column ``split`` is `split`; all where it is None.

    Raises
    ------
    ParameterError
        Where there is none; it names the splits.
    """
    if split is None:
        return items
    known = sorted({item.columns.get("split", "") for item in items} - {""})
    if split not in known:
        raise ParameterError(f"split is {split!r}; there are {', '.join(known) or 'none'}")
    return tuple(item for item in items if item.columns.get("split") == split)


def spread(items: tuple[Item, ...], n: int | None) -> tuple[Item, ...]:
    """Return `n` of the items, evenly spaced; all where None or where there are no more."""
    if n is None or n >= len(items):
        return items
    if n < 1:
        raise ParameterError(f"clips is {n}; it is at least 1")
    return tuple(items[i * len(items) // n] for i in range(n))


def _of_table(path: Path, folder: Path) -> Iterator[Item]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} is no table: {error}") from None
    columns = set(rows[0]) if rows else set()
    if "clip_id" in columns:
        yield from _of_clips(rows, folder)
        return
    if not {"audio", "annotation"} <= columns:
        raise FormatError(
            f"{path} has neither the column clip_id (rendered clips) nor the columns audio and "
            f"annotation; it has {', '.join(map(str, columns)) or 'none'}"
        )
    for row in rows:
        known = {key: value for key, value in row.items() if key not in ("audio", "annotation")}
        yield Item(
            known.get("name") or Path(row["audio"]).stem,
            folder / row["audio"],
            path.parent / row["annotation"],
            known,
        )


def _json_lines(path: Path) -> list[dict[str, Any]]:
    rows = []
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except json.JSONDecodeError as error:
            raise FormatError(f"{path}, line {i} is no JSON: {error.msg}") from None
        if row is not None and "clip_id" not in row:
            raise FormatError(f"{path}, line {i} has no clip_id; it is a clip's specification")
        rows += [] if row is None else [row]
    return rows


def _of_clips(rows: list[dict[str, Any]], folder: Path) -> Iterator[Item]:
    """Yield rendered clips; what a manifest does not say is read from the clip's own truth."""
    for row in rows:
        name = str(row["clip_id"])
        truth = folder / f"{name}.json"
        given = {key: str(value) for key, value in row.items()}
        yield Item(name, truth.with_suffix(".flac"), truth, {**_known(truth), **given})


def _known(truth: Path) -> dict[str, str]:
    """Return the columns of a rendered clip; none where it was not rendered, as its score says."""
    from mirkit.rendering.clips import read_clip
    from mirkit.rendering.manifest import row

    if not truth.exists():
        return {}
    return {key: str(value) for key, value in row(read_clip(truth)).items() if value is not None}


def _of_folder(path: Path, folder: Path) -> Iterator[Item]:
    from mirkit.audio.reading import find_audio
    from mirkit.evaluation.references import is_clip

    recordings = {
        found.relative_to(folder).with_suffix(""): found for found in find_audio([str(folder)])
    }
    for annotation in sorted(path.rglob("*")):
        place = annotation.relative_to(path).with_suffix("")
        if annotation.suffix.lower() in SUFFIXES and place in recordings:
            columns = _known(annotation) if is_clip(annotation) else {}
            yield Item(place.as_posix(), recordings[place], annotation, columns)
