"""Source material: the data pack's archives, unpacked once into a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mirkit.errors import ParameterError

ARCHIVES = {
    "groove": "groove/groove.tar.xz",
    "pop909": "pop909/pop909.tar.xz",
    "freedoom": "midi/freedoom.tar.xz",
    "openhymnal": "midi/openhymnal.tar.xz",
    "openscore_lieder": "midi/openscore_lieder.tar.xz",
    "openewld_chords": "midi/openewld_chords.tar.xz",
}
"""Archives of the data pack that may train and be rendered from, by name."""


@dataclass(frozen=True)
class Corpus:
    """The data pack, and a folder for what is unpacked from it.

    Parameters
    ----------
    data
        The folder that `MIRKIT_DATA` names, or None for none: then only generated music plays.
    cache
        Where archives are unpacked.
    """

    data: Path | None
    cache: Path

    @classmethod
    def default(cls) -> Corpus:
        """Return the corpus that `MIRKIT_DATA` and `MIRKIT_CACHE` name."""
        data = os.environ.get("MIRKIT_DATA")
        cache = os.environ.get("MIRKIT_CACHE") or str(Path.home() / ".cache" / "mirkit")
        return cls(Path(data) if data else None, Path(cache) / "datasets")

    def has(self, name: str) -> bool:
        """Return True where an archive is there."""
        return self.data is not None and (self.data / ARCHIVES[name]).is_file()

    def folder(self, name: str) -> Path:
        """Return the folder of an archive, unpacked now if need be.

        Raises
        ------
        ParameterError
            Where the data pack is not there.
        """
        if self.data is None or not self.has(name):
            raise ParameterError(
                f"the archive {ARCHIVES[name]} is not in {self.data}; "
                "set MIRKIT_DATA to the data pack"
            )
        archive = self.data / ARCHIVES[name]
        target = self.cache / f"{name}-{archive.stat().st_size}"
        if not target.is_dir():
            _unpack(archive, target)
        return target

    def samples(self) -> Path | None:
        """Return the folder of drum one-shots, or None."""
        folder = self.data / "samples" if self.data else None
        return folder if folder and folder.is_dir() else None

    def ambiences(self) -> tuple[Path, ...]:
        """Return recordings of places and crowds (all may be used; authors are credited)."""
        if self.data is None:
            return ()
        places = sorted((self.data / "ambience").glob("*.ogg"))
        return (*places, *sorted((self.data / "berklee").glob("crowd*.mp3")))


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack what stays inside the folder; Python before 3.11.4 has no filter that sees to it."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    plain = [member for member in tar if member.isfile() or member.isdir()]
    paths = {member.name: PurePosixPath(member.name) for member in plain}
    inside = [
        m for m in plain if not paths[m.name].is_absolute() and ".." not in paths[m.name].parts
    ]
    tar.extractall(folder, inside)


def _unpack(archive: Path, target: Path) -> None:
    """Unpack beside the target, then rename: two processes may do so at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent))
    with tarfile.open(archive) as tar:
        _extract(tar, folder)
    try:
        folder.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(folder, ignore_errors=True)


SPLITS = ("train", "val", "test")


def split_of(name: str, val: float = 0.06, test: float = 0.12) -> str:
    """Return the split that a song, chart or groove belongs to for ever: by the hash of its name.

    Examples
    --------
    >>> split_of("Autumn_Leaves"), split_of("Blue_Moon")
    ('train', 'train')
    """
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
    return "test" if share < test else "val" if share < test + val else "train"
