"""Tracks as tables: Arrow, pandas, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirkit.errors import MissingExtra, ParameterError
from mirkit.formats.atomic import replace_file
from mirkit.library.rows import TrackRow

SUFFIXES = (".csv", ".parquet")
"""Suffixes of the files that tables can be written to."""


def arrow(rows: Sequence[TrackRow]) -> Any:
    """Return tracks as a table of pyarrow, a row for each.

    Raises
    ------
    MissingExtra
        Where pyarrow is not installed.
    """
    from mirkit.formats.parquet import require_pyarrow

    pyarrow, _ = require_pyarrow()
    kinds = {"int": pyarrow.int64(), "float": pyarrow.float64(), "str": pyarrow.string()}
    columns = {name: [] for name in names()}  # type: dict[str, list[Any]]
    for row in rows:
        for name, value in row.as_dict().items():
            columns[name].append(value)
    arrays = {name: pyarrow.array(values, kinds[_kind(name)]) for name, values in columns.items()}
    return pyarrow.table(arrays)


def names() -> list[str]:
    """Return the names of the columns."""
    return [*TrackRow.__dataclass_fields__, "camelot"]


def _kind(name: str) -> str:
    """Return the kind of a column: ``"int"``, ``"float"`` or ``"str"``."""
    field = TrackRow.__dataclass_fields__.get(name)
    return "str" if field is None else str(field.type).partition(" ")[0]


def frame(rows: Sequence[TrackRow]) -> Any:
    """Return tracks as a data frame of pandas, indexed by their numbers.

    Raises
    ------
    MissingExtra
        Where pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtra("pandas", "pip install pandas", "a table of tracks") from None
    held = [row.as_dict() for row in rows]
    return pandas.DataFrame(held, columns=names()).set_index("id")


def save(rows: Sequence[TrackRow], path: str | os.PathLike[str]) -> None:
    """Write tracks to a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    ParameterError
        Where the file has another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{path} ends in {suffix!r}; tables end in {' or '.join(SUFFIXES)}")
    replace_file(path, _csv(rows) if suffix == ".csv" else _parquet(rows))


def _csv(rows: Sequence[TrackRow]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names())
    writer.writeheader()
    writer.writerows(row.as_dict() for row in rows)
    return text.getvalue().encode()


def _parquet(rows: Sequence[TrackRow]) -> bytes:
    from mirkit.formats.parquet import require_pyarrow

    pyarrow, parquet = require_pyarrow()
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(arrow(rows), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content
