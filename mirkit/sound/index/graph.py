"""Approximate nearest neighbors: a graph of usearch (HNSW) over the rows of an index."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.arrays import Floats32, Ints
from mirkit.errors import MissingExtra

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 128
"""Neighbors of a node, and candidates kept in adding and in searching."""


class Graph:
    """A navigable graph over vectors, which are kept in half precision.

    Parameters
    ----------
    n_dimensions
        Length of the vectors.
    expansion_search
        Candidates kept in searching: more cost time and miss less.

    References
    ----------
    Y. Malkov, D. Yashunin, "Efficient and robust approximate nearest neighbor search using
    hierarchical navigable small world graphs", IEEE TPAMI 2018.
    """

    def __init__(self, n_dimensions: int, expansion_search: int = EXPANSION_SEARCH) -> None:
        self._index = _usearch().Index(
            ndim=n_dimensions,
            metric="cos",
            dtype="f16",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=expansion_search,
        )

    def __len__(self) -> int:
        return len(self._index)

    @staticmethod
    def is_available() -> bool:
        """Return whether usearch is installed."""
        return find_spec("usearch") is not None

    def add(self, rows: Ints, vectors: Floats32, n_threads: int = 1) -> None:
        """Add vectors ``(n, n_dimensions)`` under the numbers `rows`."""
        self._index.add(rows.astype(np.uint64), vectors, threads=n_threads)

    def remove(self, row: int) -> None:
        """Take a row out, where it is there."""
        if row in self._index:
            self._index.remove(row)

    def search(self, queries: Floats32, k: int) -> list[Ints]:
        """Return the rows of about the `k` nearest of each query ``(n, n_dimensions)``."""
        found = (self._index.search(query, k, threads=1) for query in queries)
        return [np.asarray(each.keys).astype(np.int64) for each in found]

    def save(self, path: Path) -> None:
        """Write the graph; the file is complete when it has its name."""
        part = path.with_name(f"{path.name}.part")
        self._index.save(str(part))
        part.replace(path)

    @classmethod
    def load(cls, path: Path, n_dimensions: int) -> Graph:
        """Return the graph that `save` wrote."""
        graph = cls(n_dimensions)
        graph._index.load(str(path))
        graph._index.expansion_search = EXPANSION_SEARCH
        return graph


def _usearch() -> Any:
    try:
        import usearch.index
    except ImportError:
        install = "pip install 'mirkit[search]'"
        raise MissingExtra("usearch", install, "approximate search") from None
    return usearch.index
