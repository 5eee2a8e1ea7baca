"""Published weights turned once into files that onnxruntime runs, kept in the cache."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from mirkit.zoo.checkpoints import cache_dir, sha256_of


def convert_once(
    name: str,
    source: Path,
    convert: Callable[[Path, Path], None],
    *,
    version: int = 1,
    folder: Path | None = None,
) -> Path:
    """Return the converted form of a file; convert it where that is not in the cache.

    It is kept by the hash of the source and the version of the converter, so that another source
    or a better converter makes a new one.

    Parameters
    ----------
    name
        Name of the model.
    source
        The file as its authors published it.
    convert
        What reads a source and writes a target, ``convert(source, target)``.
    version
        Which version of the converter it is.
    folder
        Where converted files are kept; the cache of mirkit where None.

    Raises
    ------
    WeightsError
        Where `convert` does.
    """
    folder = (cache_dir() if folder is None else folder) / sha256_of(source)[:16]
    target = folder / f"{name}-{version}.onnx"
    if not target.is_file():
        convert(source, target)
    return target


def write_whole(target: Path, content: bytes) -> None:
    """Write a file under its name only once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
