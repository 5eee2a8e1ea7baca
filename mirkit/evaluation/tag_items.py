"""The items of a benchmark of tags: recordings with their labels.

| manifest | items |
|---|---|
| ``esc50:FOLDER`` | a published set (`mirkit.datasets.SOUND_SETS`) where it was unpacked |
| ``.csv``, ``.jsonl``, a folder of class folders | see `mirkit.datasets.sound_folders` |
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mirkit.datasets.sound_folders import read_sounds
from mirkit.datasets.sound_sets import SOUND_SETS, read_set
from mirkit.datasets.sounds import Sound
from mirkit.errors import ParameterError
from mirkit.evaluation.items import Item


def read_tag_items(
    manifest: str | Path | Sequence[Item | Sound], audio: str | Path | None = None
) -> tuple[Item, ...]:
    """Return the items of a manifest; the reference of each is the tuple of its labels.

    Parameters
    ----------
    manifest
        See the table above; or the items, or sounds.
    audio
        Where the recordings of a table lie; None looks beside it.

    Raises
    ------
    FormatError, ParameterError
        Where the manifest is none of these, or names nothing.
    """
    if not isinstance(manifest, str | Path):
        sounds = [x for x in manifest if isinstance(x, Sound)]
        items = [x for x in manifest if isinstance(x, Item)] + _items(sounds)
    else:
        items = _items(list(_sounds(str(manifest), audio)))
    if not items:
        raise ParameterError(f"{manifest} names no recording with labels")
    return tuple(items)


def _sounds(manifest: str, audio: str | Path | None) -> Iterable[Sound]:
    name, _, root = manifest.partition(":")
    if root and name in SOUND_SETS:
        return read_set(name, root)
    if not Path(manifest).exists():
        raise ParameterError(
            f"{manifest} is not there; it is a table (.csv), a manifest (.jsonl), a folder of "
            f"class folders, or SET:FOLDER with one of the sets {', '.join(SOUND_SETS)}"
        )
    return [labeled.sound for labeled in read_sounds(manifest, audio)]


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
