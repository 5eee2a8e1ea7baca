"""Real recordings of the data pack, and those held out: one split key over all of its folders.

The same recording comes in several folders, cut and named otherwise. Files that share an identity
(a freesound id, a file of one source, a track whose parts are numbered) are one recording, and a
recording lies on one side of the split with all of its files.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mirkit.errors import FormatError

PACKS = ("sounds", "music")
"""Folders whose groups are drawn."""

TRAINED_ON = ("songs", "samples", "ambience", "esc10")
"""Folders that shipped weights were trained on: their recordings are in no test."""

SAME = (
    ("freesound 322443", "freesound 322445"),
    (
        "music holiznacc0/a_small_town_on_pluto_music_box",
        "music holiznacc0/dangerous_voyage_music_box",
    ),
    ("music sms-tools/sax_phrase", "music sms-tools/sax_phrase_short"),
    (
        "sounds openclonk:animals_ocg_mooq_ocg_snort",
        "sounds openclonk:animals_ocg_mooq_ocg_snorting",
    ),
)
"""Identities of one recording that no table joins, found by fingerprints of spectral peaks."""

SHARE, SEED = 0.1, 18
COLUMNS = ("path", "group", "recording")


@dataclass(frozen=True)
class RealFile:
    """A file of a real recording.

    Parameters
    ----------
    path
        Its place in the data pack: ``"music/sonic-pi/loop_amen_full_0.ogg"``.
    group
        What its own table keeps together.
    identities
        Names of the recording that it comes from; files that share one are of one recording.
    """

    path: str
    group: str
    identities: frozenset[str]

    @property
    def pack(self) -> str:
        """Folder of the data pack."""
        return self.path.partition("/")[0]


def read_real(data: str | Path) -> tuple[RealFile, ...]:
    """Return the files of real recordings in the folder `data`, by path.

    Raises
    ------
    FormatError
        Where a table is missing.
    """
    root = Path(data)
    found = (file for pack, read in READERS.items() for file in read(root / pack))
    return tuple(sorted(found, key=lambda file: file.path))


def join_recordings(files: Iterable[RealFile]) -> dict[str, list[RealFile]]:
    """Return files by recording: the connected components of shared identities.

    A recording is called by the first of its identities in alphabetical order.

    Examples
    --------
    >>> a = RealFile("music/a_0.ogg", "a", frozenset({"a", "freesound 7"}))
    >>> b = RealFile("samples/b.flac", "b", frozenset({"freesound 7"}))
    >>> [(name, len(each)) for name, each in join_recordings([a, b]).items()]
    [('a', 2)]
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    files = list(files)
    for identities in (*(file.identities for file in files), *SAME):
        roots = sorted(map(root, identities))
        parent.update(dict.fromkeys(roots, roots[0]))
    joined: dict[str, list[RealFile]] = {}
    for file in files:
        joined.setdefault(root(next(iter(file.identities))), []).append(file)
    return joined


def draw_test(
    recordings: Mapping[str, list[RealFile]], share: float = SHARE, seed: int = SEED
) -> dict[str, list[RealFile]]:
    """Return the recordings that are held out: `share` of those of each pack.

    Drawn in the order of a seeded hash of their names among those that no shipped weight was
    trained on, so what is drawn hangs on no order of tables.
    """
    drawn: dict[str, list[RealFile]] = {}
    for pack in PACKS:
        names = [name for name, files in recordings.items() if pack in {f.pack for f in files}]
        free = [name for name in names if not is_trained_on(recordings[name])]
        free.sort(key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
        drawn |= {name: recordings[name] for name in free[: round(share * len(names))]}
    return drawn


def is_trained_on(files: Iterable[RealFile]) -> bool:
    """Return whether shipped weights were trained on a recording."""
    return any(file.pack in TRAINED_ON for file in files)


def write_test(path: str | Path, drawn: Mapping[str, list[RealFile]]) -> None:
    """Write a table of the held-out files, one a row, in order of their paths."""
    rows = sorted((file.path, file.group, name) for name, each in drawn.items() for file in each)
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])


def read_test(path: str | Path) -> dict[str, str]:
    """Return the recording of each held-out file, by its place in the data pack.

    Raises
    ------
    FormatError
        Where there is no such table, or it has other columns.
    """
    rows = _table(Path(path))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise FormatError(f"{path} is no table of held-out files; its columns are {COLUMNS}")
    return {row["path"]: row["recording"] for row in rows}


def _sounds(folder: Path) -> Iterator[RealFile]:
    for row in _table(folder / "all.csv"):
        named = {f"sounds {row['group']}", _source(row["folder"], row["source_path"])}
        ids = {_freesound(row["url"]), row["group"].removeprefix("fs")}
        named |= {f"freesound {each}" for each in ids if each.isdigit()}
        path = f"sounds/{row['folder']}/{row['file']}"
        yield RealFile(path, row["group"], frozenset(named))


def _music(folder: Path) -> Iterator[RealFile]:
    for row in _table(folder / "all.csv"):
        source = row["file"].partition("/")[0]
        named = {f"music {row['group']}", f"track {source} {_unnumbered(row['title'])}"}
        named.add(_source(source, row["source"].rpartition(":")[2]))
        yield RealFile(f"music/{row['file']}", row["group"], frozenset(named))


def _songs(folder: Path) -> Iterator[RealFile]:
    text = (folder / "ATTRIBUTION.md").read_text("utf-8")
    sources = dict(re.findall(r"^--- (\S+) +\(source file (.+)\)$", text, re.MULTILINE))
    for row in _table(folder / "songs.csv"):
        place = f"songs/{row['path']}"
        named = {place, _source("librosa-data", sources[row["path"]])}
        yield RealFile(place, place, _with_freesound(named, row["source"]))


def _samples(folder: Path) -> Iterator[RealFile]:
    for row in _table(folder / "samples.csv"):
        place = f"samples/{row['path']}"
        named = {place, _source("sonic-pi", f"etc/samples/{row['path']}")}
        yield RealFile(place, place, _with_freesound(named, row["source"]))


def _ambience(folder: Path) -> Iterator[RealFile]:
    for row in _table(folder / "ambience.csv"):
        place = f"ambience/{row['path']}"
        yield RealFile(place, place, _with_freesound({place}, row["source"]))


def _esc10(folder: Path) -> Iterator[RealFile]:
    for row in _table(folder / "esc10.csv"):
        name = f"freesound {row['freesound_id']}"
        yield RealFile(f"esc10/{row['path']}", name, frozenset({name}))


READERS: Mapping[str, Callable[[Path], Iterator[RealFile]]] = {
    "sounds": _sounds,
    "music": _music,
    "songs": _songs,
    "samples": _samples,
    "ambience": _ambience,
    "esc10": _esc10,
}


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise FormatError(f"{path} is not there; is this the data pack?")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _with_freesound(named: set[str], url: str) -> frozenset[str]:
    found = _freesound(url)
    return frozenset(named | {f"freesound {found}"} if found else named)


def _freesound(url: str) -> str:
    """Return the id in an address of freesound.org, or nothing."""
    found = re.search(r"freesound\.org/(?:people/[^/]+/sounds|s)/(\d+)", url.lower())
    return found[1] if found else ""


def _source(folder: str, path: str) -> str:
    """Return the name of a file of a source, whose folder may be spelled in two ways."""
    return f"source {folder.replace('_', '-')} {path}"


def _unnumbered(title: str) -> str:
    """Return the title that the parts of a track share, which differ in a number at the end."""
    return re.sub(r"[\s_-]+\d+$", "", title.lower()) or title
