"""Tensors in ``.safetensors`` files, read and written with numpy alone.

A file is eight bytes that say how long its header is, the header (JSON: of each tensor its type,
its shape and where it lies; under ``__metadata__`` texts), and the tensors one after the other.

References
----------
Hugging Face, safetensors: Format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo.checkpoints import write_whole

DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1"}
"""numpy's name of each type of element that is read and written."""

_PREFIX = 8  # bytes that hold the length of the header
_ALIGNMENT = 64  # of the first tensor in the file


def read_tensors(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the tensors in a file by name, read-only, and the texts beside them.

    Raises
    ------
    WeightsError
        Where the file is absent, cut or damaged, or holds elements of another type.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        header, data = _split(content)
        texts = header.pop("__metadata__", {})
        return {name: _tensor(entry, data) for name, entry in header.items()}, texts
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise WeightsError(
            f"{path} is no .safetensors file, or damaged: {error}. Convert it again."
        ) from None


def write_tensors(
    path: str | Path, tensors: Mapping[str, NDArray[Any]], texts: Mapping[str, str] | None = None
) -> Path:
    """Write tensors by name, and texts beside them, all or nothing; return the path.

    Raises
    ------
    ParameterError
        Where a tensor holds elements of a type that is not written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> tensors, texts = read_tensors(
    ...     write_tensors(path, {"x": np.ones((2, 3), np.float32)}, {"model": "mine"})
    ... )
    >>> tensors["x"].shape, texts
    ((2, 3), {'model': 'mine'})
    """
    path = Path(path)
    write_whole(path, b"".join(_parts(tensors, texts or {})))
    return path


def _split(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return the header, and the bytes after it."""
    start = _PREFIX + int.from_bytes(content[:_PREFIX], "little")
    if len(content) < _PREFIX or start > len(content):
        raise ValueError(f"it ends after {len(content)} bytes, within its header")
    return json.loads(content[_PREFIX:start]), memoryview(content)[start:]


def _tensor(entry: Mapping[str, Any], data: memoryview) -> NDArray[Any]:
    start, stop = entry["data_offsets"]
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
    if not 0 <= start <= stop <= len(data) or stop - start != prod(shape) * dtype.itemsize:
        raise ValueError(
            f"a tensor of shape {shape} lies in bytes {start} to {stop} of {len(data)}"
        )
    return np.frombuffer(data[start:stop], dtype).reshape(shape)


def _parts(tensors: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> Iterator[bytes]:
    codes = {np.dtype(dtype): code for code, dtype in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": dict(texts)} if texts else {}
    place = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in codes:
            raise ParameterError(
                f"the tensor {name!r} holds {tensor.dtype}; it is one of "
                f"{', '.join(map(str, codes))}"
            )
        header[name] = {
            "dtype": codes[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [place, place + tensor.nbytes],
        }
        place += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-(_PREFIX + len(text)) % _ALIGNMENT)
    yield len(text).to_bytes(_PREFIX, "little")
    yield text
    yield from (np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values())
