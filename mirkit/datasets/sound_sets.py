"""Published sets of labeled sounds, by name: what they are, and their items.

`SOUND_SETS` describes each; `read_set` reads one from where you unpacked it. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from mirkit import checks
from mirkit.datasets import sound_readers as readers
from mirkit.datasets.audioset_names import audioset_name
from mirkit.datasets.sound_tables import Root
from mirkit.datasets.sounds import Sound
from mirkit.errors import FormatError, ParameterError

Names = Literal["audioset", "own"]


@dataclass(frozen=True)
class SoundSet:
    """A published set of labeled sounds.

    Parameters
    ----------
    name
        What `read_set` calls it.
    title
        What its authors call it.
    classes
        How many, and of what.
    single
        Whether each clip has exactly one label.
    tables
        Its files that are read, within its folder.
    columns
        Those of the first table that are read.
    division
        Its folds or splits.
    group
        What clips of one group have in common.
    checksum
        Where checksums of recordings come from, or empty.
    licence
        As its authors state it.
    source
        Where it is published.
    reader
        From its folder to its items.
    """

    name: str
    title: str
    classes: str
    single: bool
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    division: str
    group: str
    checksum: str
    licence: str
    source: str
    reader: Callable[..., Iterator[Sound]]


_SETS = (
    SoundSet(
        "esc50", "ESC-50", "50 of environment", True, ("meta/esc50.csv",), readers.ESC_COLUMNS,
        "5 folds", "Freesound recording", "", "CC BY-NC 3.0", "github.com/karolpiczak/ESC-50",
        readers.esc50,
    ),
    SoundSet(
        "esc10", "ESC-10", "10 of environment", True, ("esc10.csv", "meta/esc50.csv"),
        readers.ESC10_COLUMNS, "5 folds", "Freesound recording", "",
        "CC BY 3.0 (clips CC0, CC BY, Sampling+)", "github.com/karolpiczak/ESC-10", readers.esc10,
    ),
    SoundSet(
        "urbansound8k", "UrbanSound8K", "10 of cities", True, ("metadata/UrbanSound8K.csv",),
        readers.URBAN_COLUMNS, "10 folds, not to be shuffled", "Freesound recording", "",
        "CC BY-NC 3.0", "urbansounddataset.weebly.com", readers.urbansound8k,
    ),
    SoundSet(
        "audioset", "AudioSet", "527 of everything", False,
        (*readers.SEGMENTS.values(), "class_labels_indices.csv"), readers.SEGMENT_COLUMNS,
        "balanced, unbalanced, eval", "YouTube video", "",
        "labels CC BY 4.0; no audio is published",
        "research.google.com/audioset", readers.audioset,
    ),
    SoundSet(
        "fsd50k", "FSD50K", "200 of everything", False,
        ("FSD50K.ground_truth/dev.csv", "FSD50K.ground_truth/eval.csv",
         "FSD50K.metadata/dev_clips_info_FSD50K.json",
         "FSD50K.metadata/eval_clips_info_FSD50K.json"),
        (*readers.FSD_COLUMNS, "split"), "train, val (dev) and test (eval)", "uploader", "",
        "CC BY 4.0; clips CC0, CC BY, CC BY-NC, Sampling+", "zenodo.org/record/4060432",
        readers.fsd50k,
    ),
    SoundSet(
        "magnatagatune", "MagnaTagATune", "50 (of 188) of music", False,
        ("annotations_final.csv", "clip_info_final.csv", "train_gt_mtt.tsv", "val_gt_mtt.tsv",
         "test_gt_mtt.tsv"), readers.MAGNA_COLUMNS,
        "folders (12:1:3) or musicnn (filtered): name the one you use", "artist", "",
        "CC BY-NC-SA 1.0", "mirg.city.ac.uk/codeapps/the-magnatagatune-dataset",
        readers.magnatagatune,
    ),
    SoundSet(
        "mtg-jamendo", "MTG-Jamendo", "195 of music (or 50, 87, 40, 56)", False,
        ("data/splits/split-0/autotagging-train.tsv",
         "data/splits/split-0/autotagging-validation.tsv",
         "data/splits/split-0/autotagging-test.tsv",
         "data/download/raw_30s_audio_sha256_tracks.txt"), readers.JAMENDO_COLUMNS,
        "5 divisions into train, val, test", "artist", "sha256 of each track",
        "metadata CC BY-NC-SA 4.0; tracks CC", "github.com/MTG/mtg-jamendo-dataset",
        readers.mtg_jamendo,
    ),
    SoundSet(
        "gtzan", "GTZAN", "10 genres", True,
        ("train_filtered.txt", "valid_filtered.txt", "test_filtered.txt"), (),
        "filtered (443, 197, 290) or 10 folds of ours", "not known", "", "none stated",
        "marsyas.info/downloads/datasets.html", readers.gtzan,
    ),
)  # fmt: skip

SOUND_SETS: Mapping[str, SoundSet] = {each.name: each for each in _SETS}
"""The sets by name."""


def sound_set(name: str) -> SoundSet:
    """Return what is known of a set.

    Raises
    ------
    UnknownName
        Where there is none of that name.
    """
    checks.member("set of sounds", name, SOUND_SETS)
    return SOUND_SETS[name]


def read_set(
    name: str, root: str | Path, *, names: Names = "audioset", **options: Any
) -> tuple[Sound, ...]:
    """Read a published set from the folder where it was unpacked.

    Parameters
    ----------
    name
        One of `SOUND_SETS`.
    root
        The folder.
    names
        ``"audioset"``: classes are called as in AudioSet, where it has them; ``"own"``: as the set
        calls them.
    options
        Settings of the set, such as ``split="musicnn"`` for MagnaTagATune.

    Returns
    -------
    tuple
        Its items, in the order of its tables; no recording is opened.

    Raises
    ------
    UnknownName, ParameterError, FormatError
        Where there is no such set or setting, a table is not there, or is not what it should be.
    """
    chosen = sound_set(name)
    if names not in get_args(Names):
        raise ParameterError(f"names is {names!r}; it is 'audioset' or 'own'")
    try:
        items = chosen.reader(Root(Path(root).expanduser(), chosen.title), **options)
    except TypeError:
        known = _settings(chosen)
        raise ParameterError(
            f"{name} has no setting {', '.join(sorted(set(options) - set(known)))}; it has "
            f"{', '.join(known) or 'none'}"
        ) from None
    sounds = tuple(items)
    if not sounds:
        raise FormatError(f"the tables of {chosen.title} in {root} name no recording")
    return sounds if names == "own" else tuple(_rename(name, sound) for sound in sounds)


def _settings(chosen: SoundSet) -> list[str]:
    from inspect import signature

    return list(signature(chosen.reader).parameters)[1:]


def _rename(name: str, sound: Sound) -> Sound:
    return replace(sound, labels=tuple(audioset_name(name, label) for label in sound.labels))


def index_table() -> str:
    """Return `SOUND_SETS` as a CSV table: ``data/manifests/sound_sets.csv`` is written by it."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    shown = [field.name for field in fields(SoundSet) if field.name != "reader"]
    writer.writerow(shown)
    for each in SOUND_SETS.values():
        writer.writerow([_cell(getattr(each, name)) for name in shown])
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return " ".join(value) if isinstance(value, tuple) else str(value)
