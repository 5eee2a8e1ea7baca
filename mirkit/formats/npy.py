"""``.npy``: the rows of an embedding as numpy saves them, float32 ``(n_frames, n_dimensions)``."""

from __future__ import annotations

import io

import numpy as np

from mirkit.annotation import Embedding
from mirkit.errors import FormatError


def dumps(embedding: Embedding) -> bytes:
    """Return the content of a file that holds the rows."""
    file = io.BytesIO()
    np.save(file, embedding.values, allow_pickle=False)
    return file.getvalue()


def loads(data: bytes, name: str) -> Embedding:
    """Return the rows; a row stands for the clip, several have lost their clock."""
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FormatError(f"{name} is no .npy file of numbers: {error}") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.ndim not in (1, 2):
        raise FormatError(f"{name} holds no rows of floats; an embedding does")
    return Embedding(np.atleast_2d(values))
