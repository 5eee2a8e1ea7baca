"""The index: vectors by key, searched by cosine, and added to, replaced and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mirkit import checks
from mirkit.annotation import Embedding
from mirkit.arrays import Bools, Floats32, Ints
from mirkit.errors import ParameterError
from mirkit.sound.index import disk
from mirkit.sound.index.graph import Graph
from mirkit.sound.index.space import Space

EXACT_BELOW = 20_000
"""Below this number of vectors search is exact."""

_BLOCK = 65_536  # rows that are compared with the queries at once


@dataclass(frozen=True, slots=True)
class Hit:
    """A neighbor of a query.

    Parameters
    ----------
    key
        The key of the vector.
    score
        Cosine of the angle between it and the query, in [-1, 1].
    """

    key: str
    score: float


class VectorIndex:
    """Unit vectors by key, all of one model, searched by cosine.

    Search is exact below `EXACT_BELOW` vectors. From there on a graph of usearch finds the
    candidates, where it is installed (``pip install 'mirkit[search]'``), and their cosines are
    computed exactly; without it search stays exact.

    Parameters
    ----------
    space
        The model that makes the vectors; others are refused.
    n_dimensions
        Length of the vectors.

    Examples
    --------
    >>> index = VectorIndex(Space("toy"), 2)
    >>> index.add(["east", "north"], [[2, 0], [0, 1]])
    >>> [(hit.key, round(hit.score, 2)) for hit in index.search([[3, 4]])[0]]
    [('north', 0.8), ('east', 0.6)]
    """

    def __init__(self, space: Space, n_dimensions: int) -> None:
        checks.positive("n_dimensions", n_dimensions)
        self.space, self.n_dimensions = space, int(n_dimensions)
        self._rows: dict[str, int] = {}
        self._stamps: dict[str, str] = {}
        self._keys: list[str | None] = []
        self._parts = [np.zeros((0, self.n_dimensions), np.float32)]
        self._graph: Graph | None = None
        self._kept: disk.Kept | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def vector(self, key: str) -> Floats32:
        """Return the unit vector of a key, shape ``(n_dimensions,)``.

        Raises
        ------
        UnknownName
            Where there is no such key.
        """
        vector: Floats32 = self._values[self._row(key)].copy()
        return vector

    def stamp(self, key: str) -> str | None:
        """Return the stamp that a key was added with: the state of its file, say."""
        return self._stamps.get(key)

    def add(
        self,
        keys: Sequence[str],
        vectors: ArrayLike | Sequence[Embedding],
        space: Space | None = None,
        stamps: Mapping[str, str] | None = None,
    ) -> None:
        """Add vectors, in the place of those that have the same keys.

        Parameters
        ----------
        keys
            A text each.
        vectors
            Shape ``(n, n_dimensions)``, of any length but zero; or embeddings of one row each.
        space
            The model that made the vectors; None where it is known to be that of the index.
            Embeddings say it themselves.
        stamps
            Texts kept beside keys, such as the time of change of a file.

        Raises
        ------
        ParameterError
            Where the vectors are of another model, have another length, are zero or not finite, or
            a key comes twice.
        """
        names = checks.texts("keys", keys)
        if len(set(names)) < len(names):
            raise ParameterError("keys hold a text twice; each vector has a key of its own")
        units = self._checked(vectors, space)
        checks.same_length("keys", names, len(units))
        for name in names:
            self._forget(name)
        first = len(self._keys)
        self._rows |= {name: first + i for i, name in enumerate(names)}
        self._stamps |= {name: stamps[name] for name in names if stamps and name in stamps}
        self._keys += names
        self._parts.append(units)

    def remove(self, keys: Sequence[str]) -> None:
        """Take keys out.

        Raises
        ------
        UnknownName
            Where there is no such key; then none is taken out.
        """
        names = checks.texts("keys", keys)
        for name in names:
            self._row(name)
        for name in names:
            self._forget(name)

    def search(
        self,
        queries: ArrayLike | Embedding,
        k: int = 10,
        *,
        space: Space | None = None,
        exact: bool | None = None,
    ) -> list[list[Hit]]:
        """Return the `k` nearest of each query, nearest first.

        Equal scores keep the order in which they were added.

        Parameters
        ----------
        queries
            Shape ``(n, n_dimensions)``, or an embedding.
        k
            Number of hits at most.
        space
            The model that made the queries; None where it is known to be that of the index.
        exact
            Whether to compare with every vector; None decides by their number.

        Raises
        ------
        ParameterError
            Where the queries are of another model or length.
        MissingExtra
            Where `exact` is False and usearch is not installed.
        """
        checks.positive("k", k)
        units = self._checked(queries, space)
        if exact is None:
            exact = len(self) < EXACT_BELOW or not Graph.is_available()
        if exact:
            return [self._hits(row, k) for row in self._nearest(units, k)]
        found = self._grown_graph().search(units, min(k, max(len(self), 1)))
        scored = (
            _scored(rows, self._values[rows] @ q) for rows, q in zip(found, units, strict=True)
        )
        return [self._hits(each, k) for each in scored]

    def save(self, folder: str | Path) -> None:
        """Write the index to a folder; only what is new is written where it was read from there.

        The folder is whole at every moment: what is half written does not count. One process
        writes at a time.
        """
        if 2 * len(self) < len(self._keys):
            self._compact()
        graph = None if self._graph is None else self._grown_graph()
        content = disk.Content(self.space, self._keys, self._stamps, self._values, graph)
        self._kept = disk.write(Path(folder), content, self._kept)

    @classmethod
    def open(cls, folder: str | Path, space: Space | None = None) -> VectorIndex:
        """Return the index in a folder.

        Parameters
        ----------
        folder
            What `save` wrote.
        space
            The model that is needed, or None for any.

        Raises
        ------
        FormatError
            Where there is no index, or it is damaged.
        ParameterError
            Where its vectors are of another model than `space`.
        """
        content, kept = disk.read(Path(folder))
        if space is not None:
            content.space.check(space)
        index = cls(content.space, content.values.shape[1])
        index._keys, index._stamps = list(content.keys), dict(content.stamps)
        index._rows = {key: row for row, key in enumerate(index._keys) if key is not None}
        index._parts, index._graph, index._kept = [content.values], content.graph, kept
        return index

    @property
    def _values(self) -> Floats32:
        """The vectors of all rows, joined now where some were added."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def _compact(self) -> None:
        """Drop the rows that were taken out."""
        self._parts = [self._values[self._alive()]]
        self._keys = [key for key in self._keys if key is not None]
        self._rows = {str(key): row for row, key in enumerate(self._keys)}
        self._graph = self._kept = None

    def _row(self, key: str) -> int:
        checks.member("key", key, self._rows)
        return self._rows[key]

    def _forget(self, key: str) -> None:
        row = self._rows.pop(key, None)
        self._stamps.pop(key, None)
        if row is not None:
            self._keys[row] = None
            if self._graph is not None:
                self._graph.remove(row)

    def _checked(self, vectors: Any, space: Space | None) -> Floats32:
        """Return unit vectors, or refuse those of another model."""
        if isinstance(vectors, Embedding):
            space, vectors = space or Space.of(vectors), vectors.values
        elif isinstance(vectors, Sequence) and vectors and isinstance(vectors[0], Embedding):
            for each in vectors:
                self.space.check(Space.of(each))
            vectors = np.concatenate([each.values for each in vectors])
        if space is not None:
            self.space.check(space)
        return unit("vectors", vectors, self.n_dimensions)

    def _nearest(self, queries: Floats32, k: int) -> Iterator[list[tuple[int, float]]]:
        """Yield rows and scores of the nearest of each query, among all."""
        alive = self._alive()
        for query in queries:
            parts = [
                self._values[i : i + _BLOCK] @ query for i in range(0, len(self._values), _BLOCK)
            ]
            scores = np.concatenate([*parts, np.zeros(0, np.float32)])
            rows = np.flatnonzero(alive)
            yield _scored(*_top(rows, scores[rows], k))

    def _alive(self) -> Bools:
        return np.array([key is not None for key in self._keys], bool)

    def _hits(self, found: list[tuple[int, float]], k: int) -> list[Hit]:
        named = ((self._keys[row], score) for row, score in found)
        return [Hit(key, score) for key, score in named if key is not None][:k]

    def _grown_graph(self) -> Graph:
        """Return the graph, with all rows in it."""
        if self._graph is None:
            self._graph = Graph(self.n_dimensions)
        if len(self._graph) == len(self):
            return self._graph
        rows = np.flatnonzero(self._alive())
        missing = rows[len(self._graph) :] if len(self._graph) else rows
        if len(missing):
            self._graph.add(missing, self._values[missing])
        return self._graph


def unit(name: str, vectors: ArrayLike, n_dimensions: int) -> Floats32:
    """Return vectors of length 1, shape ``(n, n_dimensions)``.

    Raises
    ------
    ParameterError
        Where they have another shape, are zero or not finite.
    """
    values = checks.frozen_array(name, vectors, np.float32, 2)
    if values.shape[1] != n_dimensions:
        raise ParameterError(
            f"{name} have {values.shape[1]} dimensions, and those here {n_dimensions}; are they "
            "of another model?"
        )
    checks.finite(name, values)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not lengths.all():
        raise ParameterError(f"{name}[{int(np.argmin(lengths))}] is zero; it has no direction")
    return np.asarray(values / lengths, np.float32)


def _top(rows: Ints, scores: Floats32, k: int) -> tuple[Ints, Floats32]:
    """Return about the `k` best: all that tie with the last of them too."""
    if len(rows) <= k:
        return rows, scores
    kept = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
    return rows[kept], scores[kept]


def _scored(rows: Ints, scores: Floats32) -> list[tuple[int, float]]:
    """Return rows with their scores, best first, the lower row first among equals."""
    order = np.lexsort((rows, -scores))
    return [(int(rows[i]), float(scores[i])) for i in order]
