"""TensorFlow Lite files as values: the tensors and the operators of a graph, without TensorFlow.

A ``.tflite`` file is a flatbuffer. Only what converting a network takes is read: the first graph,
its constants with their quantization, and the options of the operators that `OPTIONS` lists.

References
----------
TensorFlow Lite's ``schema.fbs``, whose field numbers stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32, Ints
from mirkit.errors import WeightsError
from mirkit.zoo.flatbuffer import Damaged, Table

IDENTIFIER = b"TFL3"
DTYPES = MappingProxyType(
    {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 6: "?", 7: "<i2", 8: "<c8", 9: "i1"}
)
"""numpy's name of each type of element that is read; texts and 4-bit numbers are not."""

KINDS = MappingProxyType(
    {
        3: "CONV_2D",
        4: "DEPTHWISE_CONV_2D",
        9: "FULLY_CONNECTED",
        14: "LOGISTIC",
        18: "MUL",
        22: "RESHAPE",
        34: "PAD",
        36: "GATHER",
        40: "MEAN",
        73: "LOG",
        131: "RFFT2D",
        135: "COMPLEX_ABS",
    }
)
"""Names of the operators that YAMNet is made of; others are called by their number."""

_CONV = {"padding": (0, "b", 0), "stride_w": (1, "i", 1), "stride_h": (2, "i", 1)}
OPTIONS: Mapping[str, Mapping[str, tuple[int, str, int]]] = MappingProxyType(
    {
        "CONV_2D": {
            **_CONV,
            "activation": (3, "b", 0),
            "dilation_w": (4, "i", 1),
            "dilation_h": (5, "i", 1),
        },
        "DEPTHWISE_CONV_2D": {
            **_CONV,
            "multiplier": (3, "i", 0),
            "activation": (4, "b", 0),
            "dilation_w": (5, "i", 1),
            "dilation_h": (6, "i", 1),
        },
        "FULLY_CONNECTED": {"activation": (0, "b", 0)},
    }
)
"""Fields of the options of an operator: number, `struct` code, default."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """Quantization of real numbers: ``scale * (q - zero_point)``.

    Parameters
    ----------
    scale, zero_point
        One number, or one for each place along `axis`.
    axis
        The axis that they differ along.
    """

    scale: Floats32
    zero_point: Ints
    axis: int = 0

    def real(self, values: NDArray[Any]) -> Floats32:
        """Return the real numbers that `values` stand for."""
        shape = [1] * values.ndim
        if self.scale.size > 1:
            shape[self.axis] = self.scale.size
        centered = values.astype(np.float32) - self.zero_point.reshape(shape).astype(np.float32)
        return np.asarray(centered * self.scale.reshape(shape), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: a constant where it has `content`, otherwise what an operator makes.

    Parameters
    ----------
    name
        Its name in the network that it was converted from.
    shape
        Its shape.
    content
        Its elements as they are stored, or None.
    quantization
        What whole numbers stand for, or None.
    """

    name: str
    shape: tuple[int, ...]
    content: NDArray[Any] | None = None
    quantization: Quantization | None = None

    def values(self) -> NDArray[Any]:
        """Return the elements of a constant; where they are quantized, the numbers meant.

        Raises
        ------
        WeightsError
            Where the tensor is no constant.
        """
        if self.content is None:
            raise WeightsError(f"the tensor {self.name[:60]!r} is computed; it holds no weights")
        return self.content if self.quantization is None else self.quantization.real(self.content)


@dataclass(frozen=True, slots=True)
class Operator:
    """A step of a graph.

    Parameters
    ----------
    kind
        Its name in TensorFlow Lite, such as ``"CONV_2D"``; ``"BUILTIN_17"`` where `KINDS` has none.
    inputs, outputs
        Places of its tensors in the graph; -1 for an optional one that is not there.
    options
        What `OPTIONS` lists for its kind. A padding of 0 is SAME, 1 VALID; an activation of 0 is
        none, 1 ReLU.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as TensorFlow Lite runs it: operators in their order, on numbered tensors."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def constant(self, place: int) -> NDArray[Any]:
        """Return the elements of a constant, as `Tensor.values` gives them."""
        return self.tensors[place].values()


def read_tflite(path: str | Path) -> Graph:
    """Return the graph in a ``.tflite`` file.

    Raises
    ------
    WeightsError
        Where the file is absent, damaged or of another kind.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from None
    if content[4:8] != IDENTIFIER:
        raise WeightsError(
            f"{path} is no TensorFlow Lite file: bytes 4 to 7 are {content[4:8]!r}, not "
            f"{IDENTIFIER!r}. Was a page saved in its place?"
        )
    try:
        return _graph(Table.root(content))
    except Damaged as error:
        raise WeightsError(f"{path} is damaged: {error}. Was it wholly downloaded?") from None


def _graph(model: Table) -> Graph:
    graphs = model.tables(2)
    if not graphs:
        raise Damaged("it holds no graph")
    kinds = [_kind(code) for code in model.tables(1)]
    buffers = model.tables(4)
    tensors = tuple(_tensor(each, buffers) for each in graphs[0].tables(0))
    operators = tuple(_operator(each, kinds, len(tensors)) for each in graphs[0].tables(3))
    inputs, outputs = (_places(graphs[0], field, len(tensors)) for field in (1, 2))
    return Graph(tensors, operators, inputs, outputs)


def _kind(code: Table) -> str:
    # A code beyond 127 stands in the newer field alone, one below in both or in the older.
    number = max(code.number(0, "b"), code.number(3, "i"))
    return code.text(1) or KINDS.get(number, f"BUILTIN_{number}")


def _operator(table: Table, kinds: list[str], n_tensors: int) -> Operator:
    kind = _item(kinds, table.number(0, "I"), "kinds of operators")
    options = table.table(4)
    fields = OPTIONS.get(kind, {})
    values = {name: _option(options, *spec) for name, spec in fields.items()}
    inputs, outputs = (_places(table, field, n_tensors) for field in (1, 2))
    return Operator(kind, inputs, outputs, MappingProxyType(values))


def _option(options: Table | None, field: int, code: str, default: int) -> int:
    return default if options is None else options.number(field, code, default)


def _places(table: Table, field: int, n_tensors: int) -> tuple[int, ...]:
    places = tuple(table.vector(field, "<i4").tolist())
    if places and not -1 <= min(places) <= max(places) < n_tensors:
        raise Damaged(f"an operator works on tensor {max(places, key=abs)} of {n_tensors}")
    return places


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = tuple(table.vector(0, "<i4").tolist())
    stored = _item(buffers, table.number(2, "I"), "buffers").vector(0, "u1")
    content = _content(stored, table.number(1, "b"), shape) if stored.size else None
    quantization = table.table(4)
    known = None if quantization is None else _quantization(quantization, shape)
    return Tensor(table.text(3), shape, content, known)


def _content(stored: NDArray[np.uint8], code: int, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Return the elements of a constant, or None where their type is one that is not read."""
    if code not in DTYPES:
        return None
    dtype = np.dtype(DTYPES[code])
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != stored.size:
        raise Damaged(f"a tensor of shape {shape} has {stored.size} bytes")
    return stored.view(dtype).reshape(shape)


def _quantization(table: Table, shape: tuple[int, ...]) -> Quantization | None:
    scale, zero = table.vector(2, "<f4"), table.vector(3, "<i8")
    if not scale.size:
        return None
    axis = table.number(6, "i")
    along = shape[axis] if 0 <= axis < len(shape) else 1
    if scale.size not in (1, along) or zero.size not in (0, scale.size):
        raise Damaged(f"{scale.size} scales and {zero.size} zero points for shape {shape}")
    if not np.isfinite(scale).all():
        raise Damaged("a scale is not finite")
    return Quantization(scale, zero if zero.size else np.zeros(scale.size, np.int64), axis)


def _item(items: list[Any], place: int, name: str) -> Any:
    if place >= len(items):
        raise Damaged(f"number {place} of {len(items)} {name} is asked for")
    return items[place]
