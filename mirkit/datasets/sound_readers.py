"""Readers of sound sets as their authors publish them: from their tables to `Sound` values.

Folds and splits are the published ones and are never drawn anew. No reader opens a recording.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.annotation import Events
from mirkit.datasets.sound_tables import Root, Row, number
from mirkit.datasets.sounds import Sound
from mirkit.errors import FormatError, ParameterError, UnknownName

ESC_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC10_COLUMNS = ("path", "fold", "label", "freesound_id", "licence")
URBAN_COLUMNS = (
    "slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class",
)  # fmt: skip
FSD_COLUMNS = ("fname", "labels", "mids")
JAMENDO_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
MAGNA_COLUMNS = ("clip_id", "mp3_path")
SEGMENT_COLUMNS = ("YTID", "start_seconds", "end_seconds", "positive_labels")
STRONG_COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")

GENRES = (
    "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
)  # fmt: skip


def esc50(root: Root) -> Iterator[Sound]:
    """Read ESC-50: 5 folds; clips of one Freesound recording lie in one fold."""
    for row in root.table("meta/esc50.csv", ESC_COLUMNS):
        yield _esc(root, row, "CC BY-NC 3.0")


def esc10(root: Root) -> Iterator[Sound]:
    """Read ESC-10: on its own (``esc10.csv``), or as the part of ESC-50 that it is."""
    if not root.has("esc10.csv"):
        rows = root.table("meta/esc50.csv", ESC_COLUMNS)
        yield from (_esc(root, row, "CC BY 3.0") for row in rows if row["esc10"] == "True")
        return
    for row in root.table("esc10.csv", ESC10_COLUMNS):
        yield Sound(
            root.path / row["path"], (row["label"],), _fold(row), row["freesound_id"],
            licence=row["licence"],
        )  # fmt: skip


def _esc(root: Root, row: Row, licence: str) -> Sound:
    path = root.path / "audio" / row["filename"]
    return Sound(path, (row["category"],), _fold(row), row["src_file"], licence=licence)


def urbansound8k(root: Root) -> Iterator[Sound]:
    """Read UrbanSound8K: 10 folds, which must not be shuffled: they keep recordings together."""
    for row in root.table("metadata/UrbanSound8K.csv", URBAN_COLUMNS):
        fold = _fold(row)
        path = root.path / "audio" / f"fold{fold}" / row["slice_file_name"]
        yield Sound(path, (row["class"],), fold, row["fsID"], licence="CC BY-NC 3.0")


def _fold(row: Row) -> int:
    return number(row["fold"], "fold")


def audioset(
    root: Root,
    splits: tuple[str, ...] = ("balanced", "eval"),
    pattern: str = "audio/{ytid}.wav",
) -> Iterator[Sound]:
    """Read AudioSet's segment lists; a group is a video.

    Parameters
    ----------
    root
        Holds ``balanced_train_segments.csv`` and the like, and ``class_labels_indices.csv``.
    splits
        Of ``"balanced"``, ``"unbalanced"`` and ``"eval"``.
    pattern
        Where a segment's recording lies: ``{ytid}``, ``{split}``, ``{start}`` and ``{end}`` [ms].
    """
    names = _audioset_names(root)
    for split in splits:
        checks.member("split of AudioSet", split, SEGMENTS)
        lines = root.lines(SEGMENTS[split])
        for row in csv.reader(lines, skipinitialspace=True):
            if len(row) != len(SEGMENT_COLUMNS):
                raise FormatError(
                    f"{SEGMENTS[split]}: {row} has {len(row)} cells; it has "
                    f"{', '.join(SEGMENT_COLUMNS)}, the labels in quotes"
                )
            ytid, start, end, mids = row
            place = pattern.format(ytid=ytid, split=split, start=_ms(start), end=_ms(end))
            labels = tuple(_name(names, mid, SEGMENTS[split]) for mid in mids.split(","))
            yield Sound(
                root.path / place, labels, group=ytid, split=split, licence="labels CC BY 4.0"
            )


SEGMENTS = {
    "balanced": "balanced_train_segments.csv",
    "unbalanced": "unbalanced_train_segments.csv",
    "eval": "eval_segments.csv",
}
"""The files of AudioSet's splits."""


def audioset_strong(root: str | Path, split: str = "eval") -> dict[str, Events]:
    """Return the strong labels of AudioSet's segments, by ``YTID_milliseconds``.

    Times count from the start of the segment [s].

    Raises
    ------
    ParameterError, FormatError, UnknownName
        Where the tables are not there or not what they should be, or there is no such split.
    """
    if split not in ("train", "eval"):
        raise UnknownName("split of strong AudioSet", split, ["train", "eval"])
    home = Root(Path(root), "AudioSet")
    rows = home.table(f"audioset_{split}_strong.tsv", STRONG_COLUMNS, "\t")
    named = (line.partition("\t") for line in home.lines("mid_to_display_name.tsv"))
    names = {mid: name for mid, _, name in named}
    found: dict[str, list[tuple[float, float, str]]] = {}
    for row in rows:
        label = _name(names, row["label"], f"audioset_{split}_strong.tsv")
        span = (float(row["start_time_seconds"]), float(row["end_time_seconds"]), label)
        found.setdefault(row["segment_id"], []).append(span)
    return {segment: _events(sorted(spans)) for segment, spans in found.items()}


def _events(spans: list[tuple[float, float, str]]) -> Events:
    times = np.array([span[:2] for span in spans])
    return Events(times, tuple(label for _, _, label in spans))


def _audioset_names(root: Root) -> dict[str, str]:
    rows = root.table("class_labels_indices.csv", ("index", "mid", "display_name"))
    return {row["mid"]: row["display_name"] for row in rows}


def _name(names: dict[str, str], mid: str, source: str) -> str:
    if mid not in names:
        raise FormatError(
            f"{source} has the label {mid!r}, which the table of names lacks. Is it a row without "
            "quotes, or a table of another release?"
        )
    return names[mid]


def _ms(seconds: str) -> int:
    return round(1000 * float(seconds))


def fsd50k(root: Root) -> Iterator[Sound]:
    """Read FSD50K: train and val (of dev), and eval as test; a group is an uploader.

    Licenses and uploaders come from ``FSD50K.metadata``; without it every clip is its own group.
    """
    for part in ("dev", "eval"):
        known = _fsd_details(root, part)
        columns = (*FSD_COLUMNS, "split") if part == "dev" else FSD_COLUMNS
        for row in root.table(f"FSD50K.ground_truth/{part}.csv", columns):
            clip = known.get(row["fname"], {})
            yield Sound(
                root.path / f"FSD50K.{part}_audio" / f"{row['fname']}.wav",
                tuple(row["labels"].split(",")),
                group=clip.get("uploader", row["fname"]),
                split=row["split"] if part == "dev" else "test",
                licence=clip.get("license", "CC BY 4.0"),
            )


def _fsd_details(root: Root, part: str) -> dict[str, Any]:
    place = f"FSD50K.metadata/{part}_clips_info_FSD50K.json"
    if not root.has(place):
        return {}
    try:
        found: dict[str, Any] = json.loads(root.file(place).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise FormatError(f"{root.path / place} is no JSON: {error}") from None
    return found


def magnatagatune(root: Root, split: str = "folders", n_tags: int | None = 50) -> Iterator[Sound]:
    """Read MagnaTagATune; results of its two splits are not comparable, so name the one you use.

    Parameters
    ----------
    root
        Holds ``annotations_final.csv``, and ``clip_info_final.csv`` if groups are to be artists.
    split
        ``"folders"``: the recordings of folders 0 to b train, those of c validate, d to f test
        (12:1:3). ``"musicnn"``: the lists ``train_gt_mtt.tsv``, ``val_…`` and ``test_…`` of
        musicnn, from which clips without any of the 50 tags were filtered.
    n_tags
        So many of the most frequent tags of all clips; all 188 where None.
    """
    if split not in ("folders", "musicnn"):
        raise UnknownName("split of MagnaTagATune", split, ["folders", "musicnn"])
    rows = root.table("annotations_final.csv", MAGNA_COLUMNS, "\t")
    tags = _frequent(rows, n_tags)
    artists = _artists(root)
    listed = _musicnn(root) if split == "musicnn" else None
    for row in rows:
        part = _of_folder(row["mp3_path"]) if listed is None else listed.get(row["clip_id"])
        if part is not None:
            labels = tuple(tag for tag in tags if row[tag] == "1")
            group = artists.get(row["clip_id"], row["mp3_path"].rsplit("-", 2)[0])
            yield Sound(
                root.path / row["mp3_path"], labels, group=group, split=part,
                licence="CC BY-NC-SA 1.0",
            )  # fmt: skip


def _frequent(rows: list[Row], n_tags: int | None) -> list[str]:
    """Return the most frequent tags, in the order of the table where as frequent."""
    tags = [name for name in (rows[0] if rows else {}) if name not in MAGNA_COLUMNS]
    counts = Counter({tag: sum(row[tag] == "1" for row in rows) for tag in tags})
    return [tag for tag, _ in counts.most_common(n_tags)]


def _artists(root: Root) -> dict[str, str]:
    if not root.has("clip_info_final.csv"):
        return {}
    rows = root.table("clip_info_final.csv", ("clip_id", "artist"), "\t")
    return {row["clip_id"]: row["artist"] for row in rows if row["artist"]}


def _of_folder(path: str) -> str:
    place = "0123456789abcdef".find(path[:1].lower() or "?")
    if place < 0:
        raise FormatError(f"mp3_path is {path!r}; it begins with its folder, 0 to f")
    return "train" if place < 12 else "val" if place == 12 else "test"


def _musicnn(root: Root) -> dict[str, str]:
    found = {}
    for part in ("train", "val", "test"):
        for line in root.lines(f"{part}_gt_mtt.tsv"):
            found[line.split("\t")[0]] = part
    return found


def mtg_jamendo(
    root: Root, subset: str = "autotagging", split: int = 0, audio: str = "audio"
) -> Iterator[Sound]:
    """Read MTG-Jamendo; a group is an artist, checksums come with the set.

    Parameters
    ----------
    root
        The repository of the set, with its folder ``data``.
    subset
        ``"autotagging"``, or with ``_top50tags``, ``_genre``, ``_instrument``, ``_moodtheme``.
    split
        Which of the five published divisions, 0 to 4.
    audio
        Folder of the recordings in `root`.
    """
    if not 0 <= split <= 4:
        raise ParameterError(f"split is {split}; MTG-Jamendo is divided in five ways, 0 to 4")
    sums = _sums(root, "data/download/raw_30s_audio_sha256_tracks.txt")
    for part, name in (("train", "train"), ("val", "validation"), ("test", "test")):
        place = f"data/splits/split-{split}/{subset}-{name}.tsv"
        header, *lines = root.lines(place)
        if tuple(header.split("\t")[:6]) != JAMENDO_COLUMNS:
            raise FormatError(f"{root.path / place} begins with {header!r}, not its header")
        for line in lines:
            cells = line.split("\t")  # the last column, TAGS, goes on in as many cells as it needs
            if len(cells) < len(JAMENDO_COLUMNS):
                raise FormatError(f"{root.path / place} has a line that is cut short: {line!r}")
            _, artist, _, path, _, *tags = cells
            yield Sound(
                root.path / audio / path, tuple(tags), group=artist, split=part,
                licence="CC, each track its own", checksum=sums.get(path),
            )  # fmt: skip


def _sums(root: Root, place: str) -> dict[str, str]:
    """Return ``sha256:…`` by path of a list as sha256sum prints it; nothing where it is absent."""
    if not root.has(place):
        return {}
    pairs = (line.split(maxsplit=1) for line in root.lines(place))
    return {path.strip().lstrip("*"): f"sha256:{digest}" for digest, path in pairs}


def gtzan(root: Root, split: str = "filtered") -> Iterator[Sound]:
    """Read GTZAN.

    Parameters
    ----------
    root
        Holds ``genres/blues/blues.00000.wav`` and so on (``genres_original`` and ``.au`` too).
    split
        ``"filtered"``: the lists ``train_filtered.txt``, ``valid_…`` and ``test_…`` (443, 197 and
        290 clips), free of repetitions and with artists kept apart. ``"folds"``: 10 folds of all
        1,000 clips, ten consecutive numbers of each genre in each. GTZAN has no published folds;
        these are ours, and consecutive since clips of one artist often are. Artists still spread
        over folds and clips are repeated: results are too good.
    """
    if split not in ("filtered", "folds"):
        raise UnknownName("split of GTZAN", split, ["filtered", "folds"])
    folder, suffix = _gtzan_files(root)
    if split == "folds":
        for genre in GENRES:
            for i in range(100):
                path = folder / genre / f"{genre}.{i:05d}{suffix}"
                yield Sound(path, (genre,), 1 + i // 10, licence="none stated")
        return
    for part, name in (("train", "train"), ("val", "valid"), ("test", "test")):
        for line in root.lines(f"{name}_filtered.txt"):
            genre = line.partition("/")[0]
            if genre not in GENRES:
                raise FormatError(
                    f"{name}_filtered.txt has {line!r}; a line is such as blues/blues.00000.wav"
                )
            path = (folder / line.strip()).with_suffix(suffix)
            yield Sound(path, (genre,), split=part, licence="none stated")


def _gtzan_files(root: Root) -> tuple[Path, str]:
    for folder in ("genres", "genres_original"):
        for suffix in (".wav", ".au"):
            if (root.path / folder / "blues" / f"blues.00000{suffix}").exists():
                return root.path / folder, suffix
    raise ParameterError(
        f"{root.path} holds no genres/blues/blues.00000.wav (nor .au, nor in genres_original); it "
        "is the folder that GTZAN was unpacked in"
    )
