"""ONNX files without the onnx package: written, and their weights read.

`OnnxGraph` takes operators in the order in which they run and names what they make, so that
published weights become a file for onnxruntime wherever mirkit is installed.

References
----------
ONNX's ``onnx.proto``, whose field numbers stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError
from mirkit.zoo.protobuf import blob, blobs, fields, integer, integers, single

IR_VERSION, OPSET = 8, 13
_GRAPH, _INITIALIZER, _NAME, _DATA_TYPE, _RAW, _SINGLES, _DOUBLES = 7, 5, 8, 2, 9, 4, 10
_FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}  # by data type, as raw data hold them
_TYPES = {"float32": 1, "int32": 6, "int64": 7}
Attribute = int | float | str | Sequence[int]


@dataclass
class OnnxGraph:
    """A network that grows operator by operator.

    Parameters
    ----------
    name
        What the file calls it.

    Examples
    --------
    >>> graph = OnnxGraph("halves")
    >>> x = graph.input("x", ("batch", 3))
    >>> half = graph.constant(np.float32(0.5))
    >>> graph.output(graph.add("Mul", x, half, name="y"), ("batch", 3))
    >>> from mirkit.zoo.runtime import Session
    >>> Session(graph.to_bytes())(x=np.array([2, 4, 8], np.float32))["y"].tolist()
    [1.0, 2.0, 4.0]
    """

    name: str
    _nodes: list[bytes] = field(default_factory=list, init=False, repr=False)
    _constants: list[bytes] = field(default_factory=list, init=False, repr=False)
    _inputs: list[bytes] = field(default_factory=list, init=False, repr=False)
    _outputs: list[bytes] = field(default_factory=list, init=False, repr=False)

    def input(self, name: str, shape: Sequence[int | str]) -> str:
        """Declare an input of single precision; an axis of any length has a name."""
        self._inputs.append(_value_info(name, shape))
        return name

    def output(self, name: str, shape: Sequence[int | str]) -> None:
        """Declare as output what an operator made."""
        self._outputs.append(_value_info(name, shape))

    def constant(self, values: Any) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(_tensor(name, np.asarray(values)))
        return name

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Attribute) -> str:
        """Add an operator with one output and return the name of that.

        Parameters
        ----------
        kind
            Its ONNX name, such as ``"Conv"``.
        *inputs
            Names of what it takes.
        name
            What its output is called; a number of its own where None.
        **attributes
            Its attributes: whole numbers, real ones, texts, or several whole numbers.
        """
        name = name or f"t{len(self._nodes)}"
        parts = [_attribute(key, value) for key, value in attributes.items()]
        node = blobs(1, inputs) + blob(2, name) + blob(3, name) + blob(4, kind) + blobs(5, parts)
        self._nodes.append(node)
        return name

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """Return the content of the file, with text by name beside the network."""
        graph = blobs(1, self._nodes) + blob(2, self.name) + blobs(5, self._constants)
        graph += blobs(11, self._inputs) + blobs(12, self._outputs)
        pairs = [blob(1, key) + blob(2, value) for key, value in (metadata or {}).items()]
        head = integer(1, IR_VERSION) + blob(2, "mirkit")
        opset = blob(8, blob(1, "") + integer(2, OPSET))
        return head + blob(7, graph) + opset + blobs(14, pairs)


def floating_weights(content: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the name and the numbers of each weight of an ONNX file that holds real numbers.

    Raises
    ------
    mirkit.zoo.protobuf.Damaged
        Where the file is cut.
    """
    for graph in _messages(memoryview(content), _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            parts = dict(fields(tensor))
            dtype = _FLOATS.get(parts.get(_DATA_TYPE, 0))  # type: ignore[arg-type]
            own = {_RAW: dtype, _SINGLES: "<f4", _DOUBLES: "<f8"} if dtype else {}
            for number, kind in own.items():
                if isinstance(parts.get(number), memoryview):
                    yield bytes(parts[_NAME]).decode(), np.frombuffer(parts[number], kind)  # type: ignore[arg-type]


def _messages(content: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the messages that stand in the fields of some number."""
    for field_number, value in fields(content):
        if field_number == number and isinstance(value, memoryview):
            yield value


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    axes = [integer(1, n) if isinstance(n, int) else blob(2, n) for n in shape]
    tensor = integer(1, _TYPES["float32"]) + blob(2, blobs(1, axes))
    return blob(1, name) + blob(2, blob(1, tensor))


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    if values.dtype.name not in _TYPES:
        raise ParameterError(f"a constant holds {values.dtype}; it is one of {', '.join(_TYPES)}")
    raw = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    kind = integer(2, _TYPES[values.dtype.name])
    return integers(1, values.shape) + kind + blob(8, name) + blob(9, raw)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        content, kind = integer(3, value), 2
    elif isinstance(value, float):
        content, kind = single(2, value), 1
    elif isinstance(value, str):
        content, kind = blob(4, value), 3
    else:
        content, kind = integers(8, value), 7
    return blob(1, name) + content + integer(20, kind)
