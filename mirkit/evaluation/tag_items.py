"""What a board of tags is made of: recordings with their labels.

| manifest | items |
|---|---|
| ``esc50:FOLDER`` | a published set (`mirkit.datasets.SOUND_SETS`) where it was unpacked |
| ``.csv`` | columns ``path`` (or ``audio``), ``labels`` with ``;`` between, or ``label`` |
| a folder | a folder in it for each class |

Other columns of a table are free: ``fold``, ``split``, ``group`` and ``licence`` mean what they do
in `Sound`.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mirkit.datasets.sound_sets import SOUND_SETS, read_set
from mirkit.datasets.sounds import Sound
from mirkit.errors import FormatError, ParameterError
from mirkit.evaluation.items import Item


def read_tag_items(
    manifest: str | Path | Sequence[Item | Sound],
    audio: str | Path | None = None,
    split: str | None = None,
) -> tuple[Item, ...]:
    """Return the items of a manifest; the reference of each is the tuple of its labels.

    Parameters
    ----------
    manifest
        See the table above; or the items, or sounds.
    audio
        Where the recordings of a table lie; None looks beside it.
    split
        Only those of this split; all where None.

    Raises
    ------
    FormatError, ParameterError
        Where the manifest is none of these, names nothing, or has no such split.
    """
    if not isinstance(manifest, str | Path):
        sounds = [x for x in manifest if isinstance(x, Sound)]
        items = [x for x in manifest if isinstance(x, Item)] + _items(sounds)
    else:
        items = _items(list(_sounds(str(manifest), audio)))
    if split is not None:
        known = sorted({item.columns.get("split", "") for item in items} - {""})
        items = [item for item in items if item.columns.get("split") == split]
        if not items:
            raise ParameterError(f"split is {split!r}; there are {', '.join(known) or 'none'}")
    if not items:
        raise ParameterError(f"{manifest} names no recording with labels")
    return tuple(items)


def _sounds(manifest: str, audio: str | Path | None) -> Iterable[Sound]:
    name, _, root = manifest.partition(":")
    if root and name in SOUND_SETS:
        return read_set(name, root)
    path = Path(manifest)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise ParameterError(
            f"{path} is not there; it is a table (.csv), a folder of class folders, or SET:FOLDER "
            f"with one of the sets {', '.join(SOUND_SETS)}"
        )
    return _of_table(path, path.parent if audio is None else Path(audio))


def _of_folder(folder: Path) -> Iterator[Sound]:
    from mirkit.audiofile import find_audio

    for path in find_audio([str(folder)]):
        inside = path.relative_to(folder)
        if len(inside.parts) > 1:
            yield Sound(path, (inside.parts[0],))


def _of_table(path: Path, folder: Path) -> Iterator[Sound]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} is no table: {error}") from None
    columns = set(rows[0]) if rows else set()
    if not columns & {"path", "audio"} or not columns & {"label", "labels"}:
        raise FormatError(
            f"{path} needs a column path and a column labels (or label); it has "
            f"{', '.join(map(str, columns)) or 'none'}"
        )
    for i, row in enumerate(rows, 2):
        yield _of_row(row, folder, f"{path}, line {i}")


def _of_row(row: dict[str, str], folder: Path, where: str) -> Sound:
    several = row.get("labels")
    labels = several.split(";") if several is not None else [row["label"] or ""]
    try:
        fold = int(row["fold"]) if row.get("fold") else None
    except ValueError:
        raise FormatError(f"{where}: fold is {row['fold']!r}; it is a whole number") from None
    known = {name: row.get(name) or None for name in ("group", "split", "licence", "checksum")}
    named = tuple(label.strip() for label in labels if label.strip())
    return Sound(folder / (row.get("path") or row["audio"]), named, fold, **known)


def _items(sounds: Sequence[Sound]) -> list[Item]:
    if not sounds:
        return []
    counts = Counter(sound.path.stem for sound in sounds)
    above = os.path.commonpath([sound.path.parent for sound in sounds])
    return [_item(sound, above, counts[sound.path.stem] == 1) for sound in sounds]


def _item(sound: Sound, above: str, alone: bool) -> Item:
    """Return the item of a sound, named by its file, or by its path where files share a name."""
    inside = Path(os.path.relpath(sound.path, above)).with_suffix("")
    columns = {
        "fold": str(sound.fold or ""),
        "split": sound.split or "",
        "group": sound.group or "",
        "licence": sound.licence or "",
    }
    name = sound.path.stem if alone else inside.as_posix()
    return Item(name, sound.path, sound.labels, {k: v for k, v in columns.items() if v})
