"""``.parquet``: an embedding as a table of ``time`` [s] and ``embedding``, a list of floats.

The time is null for the vector of a whole clip. The clock and the model stand in the metadata of
the table, under ``mirkit``.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np

from mirkit.activations import Provenance
from mirkit.annotation import Embedding
from mirkit.errors import FormatError, MissingExtra
from mirkit.frames import FrameGrid


def require_pyarrow() -> Any:
    """Return the packages pyarrow and pyarrow.parquet.

    Raises
    ------
    MissingExtra
        Where they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(
            "pyarrow", "pip install 'mirkit[parquet]'", "reading and writing .parquet"
        ) from None
    return pyarrow, pyarrow.parquet


def dumps(embedding: Embedding) -> bytes:
    """Return the content of a file that holds the table."""
    pyarrow, parquet = require_pyarrow()
    n_frames, n_dimensions = embedding.values.shape
    grid, made_by = embedding.grid, embedding.provenance
    rows = pyarrow.FixedSizeListArray.from_arrays(
        pyarrow.array(embedding.values.ravel(), pyarrow.float32()), n_dimensions
    )
    times = [None] * n_frames if grid is None else grid.times(n_frames).tolist()
    about = {
        "n_dimensions": n_dimensions,
        "rate": None if grid is None else [grid.rate.numerator, grid.rate.denominator],
        "start": None if grid is None else grid.start,
        "model": None if made_by is None else made_by.model,
    }
    columns = {"time": pyarrow.array(times, pyarrow.float64()), "embedding": rows}
    table = pyarrow.table(columns).replace_schema_metadata({"mirkit": json.dumps(about)})
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def loads(data: bytes, name: str) -> Embedding:
    """Return the embedding; without our metadata its clock is not known."""
    pyarrow, parquet = require_pyarrow()
    try:
        table = parquet.read_table(pyarrow.BufferReader(data))
        column = table["embedding"].combine_chunks()
        flat = np.asarray(column.flatten(), dtype=np.float32)
    except (pyarrow.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise FormatError(
            f"{name} is no .parquet file with a column 'embedding': {error}"
        ) from None
    about = json.loads((table.schema.metadata or {}).get(b"mirkit", b"{}"))
    n_dimensions = about.get("n_dimensions") or (len(flat) // max(1, len(column)))
    grid = FrameGrid(Fraction(*about["rate"]), about["start"]) if about.get("rate") else None
    made_by = Provenance(about["model"]) if about.get("model") else None
    return Embedding(flat.reshape(len(column), n_dimensions), grid, made_by)
