"""Tracks that sound alike: the index of embeddings beside a library, kept up to date.

The index lies in a folder beside the database (``music.db.vectors``). It can be deleted: it is made
again from the embeddings in the library. Search is exact below 20,000 tracks; above, usearch finds
the candidates where it is installed (``mirkit[search]``).
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from mirkit.annotation import Embedding
from mirkit.errors import FormatError, ParameterError
from mirkit.library.database import Database
from mirkit.library.packing import unpack
from mirkit.sound.index import Space, VectorIndex

TASK = "embed"
_BATCH = 2000  # embeddings that are read at once


class Neighbors:
    """The index of a library.

    Parameters
    ----------
    database
        Of the library.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._index: VectorIndex | None = None
        self._seen = 0.0  # when the newest result was made that is in the index

    @property
    def folder(self) -> Path:
        """Folder of the index."""
        path = self._database.path
        return path.with_name(f"{path.name}.vectors")

    def nearest(self, embedding: Embedding, n: int) -> list[tuple[int, float]]:
        """Return the numbers of the tracks nearest to an embedding, and their cosines.

        Raises
        ------
        ParameterError
            Where the library holds no embeddings, or those of another model.
        """
        index = self.index()
        mean = Embedding(embedding.values.mean(axis=0)[None], None, embedding.provenance)
        return [(int(hit.key), hit.score) for hit in index.search(mean, n)[0]]

    def index(self) -> VectorIndex:
        """Return the index with all embeddings of the library."""
        with self._lock:
            if self._index is None:
                self._index = self._open()
                stamps = (float(self._index.stamp(x) or 0) for x in self._index)
                self._seen = max(stamps, default=0.0)
            if self._grow(self._index) and not self._database.read_only:
                self._index.save(self.folder)
            return self._index

    def _open(self) -> VectorIndex:
        row = self._database.rows(
            "select value from results join contents on result = results.id"
            " where task = ? and current order by results.id desc limit 1",
            (TASK,),
        )
        if not row:
            raise ParameterError(
                "the library holds no embeddings: run mirkit library analyze --tasks embed"
            )
        newest = unpack(row[0][0])
        space, width = Space.of(newest), newest.values.shape[1]
        try:
            return VectorIndex.open(self.folder, space)
        except (FormatError, ParameterError):  # there is none, or it is of another model
            return VectorIndex(space, width)

    def _grow(self, index: VectorIndex) -> bool:
        """Add the embeddings that are new; return whether there were any."""
        before = self._seen
        sql = (
            "select made, track, value from results join contents on result = results.id"
            " where task = ? and current and made > ? order by made"
        )
        cursor = self._database.connection.execute(sql, (TASK, self._seen))
        while rows := cursor.fetchmany(_BATCH):
            self._seen = float(rows[-1][0])
            _add(index, [(float(row[0]), int(row[1]), unpack(row[2])) for row in rows])
        return self._seen > before


def _add(index: VectorIndex, found: list[tuple[float, int, Embedding]]) -> None:
    """Add the embeddings of the model of the index; silence has a vector without a direction."""
    usable = [
        (made, track, value.values.mean(axis=0))
        for made, track, value in found
        if Space.of(value) == index.space and np.any(value.values)
    ]
    if usable:
        keys = [str(track) for _, track, _ in usable]
        stamps = {str(track): repr(made) for made, track, _ in usable}
        index.add(keys, np.stack([vector for _, _, vector in usable]), index.space, stamps)
