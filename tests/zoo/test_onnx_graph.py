import numpy as np
import pytest

from mirkit.errors import ParameterError
from mirkit.zoo.onnx_graph import OnnxGraph
from mirkit.zoo.protobuf import Damaged, fields, read_varint, varint
from mirkit.zoo.runtime import Session


def small():
    """Two channels of x, convolved and averaged, and the negative of that."""
    graph = OnnxGraph("small")
    x = graph.input("x", ("batch", 1, 5))
    kernel = graph.constant(np.float32([[[1, 2, 3]], [[-1, 0, 1]]]))
    bias = graph.constant(np.float32([0.5, -0.5]))
    y = graph.add("Conv", x, kernel, bias, pads=[1, 1])
    y = graph.add("LeakyRelu", y, alpha=0.25)
    y = graph.add("ReduceMean", y, name="mean", axes=[-1], keepdims=0)
    graph.output(y, ("batch", 2))
    graph.output(graph.add("Neg", y, name="negative"), ("batch", 2))
    return graph


def test_onnxruntime_computes_what_was_meant():
    x = np.random.default_rng(0).standard_normal((3, 1, 5)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    rows = np.stack([padded[:, 0, i : i + 3] for i in range(5)], axis=2)
    y = np.einsum("bkt,ck->bct", rows, [[1, 2, 3], [-1, 0, 1]]) + np.array([[0.5], [-0.5]])
    expected = np.where(y < 0, 0.25 * y, y).mean(axis=2)
    outputs = Session(small().to_bytes()).batch(x=x)
    np.testing.assert_allclose(outputs["mean"], expected, atol=1e-6)
    np.testing.assert_array_equal(outputs["negative"], -outputs["mean"])


def test_the_onnx_package_finds_nothing_wrong():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(small().to_bytes({"model": "small", "ü": "ß"}))
    onnx.checker.check_model(model, full_check=True)
    assert {each.key: each.value for each in model.metadata_props} == {"model": "small", "ü": "ß"}
    conv = model.graph.node[0]
    assert (conv.op_type, list(conv.attribute[0].ints)) == ("Conv", [1, 1])
    np.testing.assert_array_equal(
        onnx.numpy_helper.to_array(model.graph.initializer[1]), [0.5, -0.5]
    )


def test_text_beside_the_network_is_read_back():
    assert Session(small().to_bytes({"model": "small"})).metadata == {"model": "small"}


def test_constants_of_other_types_are_refused():
    with pytest.raises(ParameterError, match="float64"):
        OnnxGraph("x").constant(np.zeros(3))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63 - 1])
def test_numbers_are_read_as_they_were_written(value):
    assert read_varint(varint(value), 0) == (value, len(varint(value)))


def test_negative_numbers_are_64_bits():
    assert read_varint(varint(-1), 0) == (2**64 - 1, 10)


@pytest.mark.parametrize("content", [b"\x80", b"\x0a\x05abc", b"\x0d\0\0", b"\x0b", b"\xff" * 11])
def test_messages_that_nobody_writes_are_damage(content):
    with pytest.raises(Damaged):
        list(fields(content))
