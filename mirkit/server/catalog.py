"""A music library behind the service: searched by a query line, opened track by track.

A track that is opened brings what the library knows of it, corrections too; what is corrected here
is kept there as human.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mirkit.errors import ParameterError
from mirkit.formats.atomic import replace_file
from mirkit.library import HUMAN, Library
from mirkit.library.packing import pack
from mirkit.library.rows import TrackRow as LibraryRow
from mirkit.server.store import Store, TrackRow
from mirkit.server.worker import VALUE
from mirkit.tasks import ANALYZED

LINK = "library.json"
"""File in the folder of a track: its number in the library, and what was corrected there."""


class Catalog:
    """The library of a service.

    Parameters
    ----------
    path
        Its database.
    store
        The store of the service.
    """

    def __init__(self, path: Path, store: Store) -> None:
        self.library = Library(path)
        self.store = store

    def search(self, query: str, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return the rows that a query line finds."""
        return [row.as_dict() for row in self.library.search(query, limit=limit, offset=offset)]

    def similar(self, number: int, n: int, query: str) -> list[dict[str, Any]]:
        """Return the rows that sound most like a track, with their scores."""
        found = self.library.similar(number, n, query=query)
        return [row.as_dict() | {"score": float(score)} for row, score in found]

    def file_of(self, number: int) -> tuple[LibraryRow, Path]:
        """Return the row of a track and where its recording lies.

        Raises
        ------
        ParameterError
            Where its file is gone.
        """
        row = self.library.track(number)
        if row.path is None or not Path(row.path).is_file():
            raise ParameterError(f"the file of track {number} is gone")
        return row, Path(row.path)

    def bring(self, number: int, track: TrackRow) -> tuple[str, ...]:
        """Copy what is known of a track into the service; return the tasks that are missing."""
        place = self.store.place(track.id)
        place.mkdir(parents=True, exist_ok=True)
        missing, human = [], []
        for task in ANALYZED:
            value = self.library.get(number, task)
            if value is None:
                missing.append(task)
            elif not (place / f"{task}{VALUE}").exists():
                replace_file(place / f"{task}{VALUE}", pack(value))
            human += [task] * self._is_human(number, task)
        if not (place / LINK).exists():
            replace_file(place / LINK, json.dumps({"number": number, "human": human}).encode())
        row = self.library.track(number)
        self.store.describe(track.id, duration=row.duration, title=row.title, artist=row.artist)
        return tuple(missing)

    def keep(self, track: str, task: str) -> None:
        """Keep the newest correction of a track in the library, or forget it where it is undone."""
        link = link_of(self.store, track)
        if link is None:
            return
        value, revision = self.store.value(track, task)
        if revision or task in link["human"]:
            self.library.correct(link["number"], task, value)
        elif self._is_human(link["number"], task):
            self.library.uncorrect(link["number"], task)

    def _is_human(self, number: int, task: str) -> bool:
        maker = self.library.maker(number, task)
        return maker is not None and maker.model == HUMAN

    def close(self) -> None:
        """Close the database."""
        self.library.close()


def link_of(store: Store, track: str) -> dict[str, Any] | None:
    """Return what ties a track to a library, or None."""
    path = store.place(track) / LINK
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found
