"""Files that change at once and whole: a writer that is interrupted leaves what was there before.

The new content goes into a file beside the old one, reaches the disk, and takes its name. Readers
see the old file or the new one, never a part.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirkit.errors import WriteError

_LONGEST_NAME = 100  # characters of the name that the temporary file repeats


class ProtectedFile(WriteError, PermissionError):
    """A file is read-only, or in use by another program."""


class FolderInTheWay(WriteError, IsADirectoryError):
    """A path names a folder where a file is wanted."""


class MissingFolder(WriteError, FileNotFoundError):
    """The folder of a file that is to be written is not there."""


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`; an existing file keeps its permissions, a link stays a link.

    Raises
    ------
    WriteError
        Where the folder or the file cannot be written to; what was there before is still there.
    """
    target = Path(os.path.realpath(path))
    check_writable(target)
    with _explain(target), _beside(target) as temporary:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        _take_name(temporary, target)
    _sync_folder(target.parent)


@contextmanager
def edited_copy(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a copy of the file to edit in place, which takes its name when the block ends well.

    Raises
    ------
    WriteError
        Where the file cannot be replaced; it has not changed then.
    """
    target = Path(os.path.realpath(path))
    check_writable(target)
    with _beside(target) as temporary:
        with _explain(target):
            shutil.copy2(target, temporary)
        yield temporary
        with _explain(target):
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            _take_name(temporary, target)
    _sync_folder(target.parent)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a free name in the same folder, with the same suffix, and clear it away."""
    stem = target.name[:_LONGEST_NAME].removesuffix(target.suffix)
    name = f".{stem}.{secrets.token_hex(4)}.tmp{target.suffix}"
    temporary = target.with_name(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(target: Path) -> None:
    """Raise where there is no folder to write into, or a user has locked the file in it.

    Raises
    ------
    WriteError
        With what is in the way, and what to do about it.
    """
    if target.is_dir():
        raise FolderInTheWay(f"{target} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise MissingFolder(
            f"{target} cannot be written: the folder {target.parent} is not there. Make it first, "
            "or look for a mistake in the path"
        )
    if not target.exists():
        return
    anyone_may = target.stat().st_mode & 0o222
    if not (anyone_may and os.access(target, os.W_OK)):
        raise ProtectedFile(
            f"{target} is read-only, and is left as it is. Take the protection away, or write to "
            "another file"
        )


def _take_name(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except PermissionError as error:  # Windows, where a file that is open keeps its name
        raise ProtectedFile(
            f"{target} cannot be replaced: {error.strerror}. Is another program using it?"
        ) from error


def check_folder(folder: Path) -> None:
    """Make a folder where there is none, and raise where no file can be written into it.

    Commands that write a file for each recording call it before they begin to work.

    Raises
    ------
    WriteError
        With what is in the way.
    """
    if folder.is_file():
        raise WriteError(f"{folder} cannot be written: it is a file; name a folder")
    with _explain(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _beside(folder / "probe") as temporary:
            temporary.touch()


@contextmanager
def _explain(target: Path) -> Iterator[None]:
    """Turn what the system says against writing to `target` into a `WriteError`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        kind = ProtectedFile if isinstance(error, PermissionError) else WriteError
        raise kind(f"{target} cannot be written: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Make the new name reach the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems have no such call
        pass
    finally:
        os.close(handle)
