"""Programs that keep what they know in the recordings, or in a database of their own.

Each row of `DJ_STORES` is a module with ``update(collection, path)``, which changes what is there
and says what it left alone, ``check(path)``, which raises where that could not be done,
``load(path)``, and ``again(collection)``: what would come back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from mirkit import checks
from mirkit.errors import ParameterError
from mirkit.formats.dj.model import Collection


@dataclass(frozen=True, slots=True)
class DJStore:
    """A row of `DJ_STORES`.

    Parameters
    ----------
    name
        Its name.
    module
        In this package.
    title
        What its program calls it.
    file
        The usual name of its database, or an empty text where recordings hold it.
    bound
        How far a beat may lie from its place in the grid that was written [s].
    """

    name: str
    module: str
    title: str
    file: str
    bound: float

    def load(self, path: str | os.PathLike[str]) -> Collection:
        """Return the collection in a database, or in a recording or a folder of them."""
        return cast("Collection", self._module().load(path))

    def again(self, collection: Collection) -> Collection:
        """Return what would come back of a collection."""
        return cast("Collection", self._module().again(collection))

    def _module(self) -> Any:
        return import_module(f"mirkit.formats.dj.{self.module}")


DJ_STORES = {
    row.name: row
    for row in (
        DJStore("serato", "seratotags", "Serato tags", "", 1e-3),
        DJStore("mixxx", "mixxx", "Mixxx library", "mixxxdb.sqlite", 1e-3),
        DJStore("engine", "enginedb", "Engine DJ library", "m.db", 1e-3),
    )
}
"""What is no file of its own, by name."""


def check_store(format: str, path: str | os.PathLike[str] | None = None) -> None:
    """Raise where `store_collection` could not write, so that this is known before the work."""
    _check(format, path)._module().check(path)


def store_collection(
    collection: Collection,
    format: str,
    path: str | os.PathLike[str] | None = None,
    *,
    lock: bool | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Write tracks to where their program keeps them, and return why some were left alone.

    Parameters
    ----------
    collection
        Its tracks; what they lack stays as it is.
    format
        Its name in `DJ_STORES`.
    path
        Of the database; None where recordings hold it.
    lock
        Whether the program keeps grids from being changed; None leaves that as it is.
    force
        Whether to change grids that are locked.

    Returns
    -------
    left_alone
        The reason, by the location of the track; empty where all were written.
    """
    update = _check(format, path)._module().update
    return cast("dict[str, str]", update(collection, path, lock=lock, force=force))


def _check(format: str, path: str | os.PathLike[str] | None) -> DJStore:
    checks.member("DJ format", format, DJ_STORES)
    row = DJ_STORES[format]
    if row.file and path is None:
        raise ParameterError(f"path is None; {row.title} is a database, such as {row.file}")
    return row
