import numpy as np
import pytest

from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo.runtime import Session, thread_count

onnx = pytest.importorskip("onnx")


@pytest.fixture
def doubler():
    """Return the bytes of a network that gives twice its input, and its input summed."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["features", "features"], ["twice"]),
            helper.make_node("ReduceSum", ["features"], ["total"], keepdims=0),
        ],
        "doubler",
        [helper.make_tensor_value_info("features", kind, ["batch", "n_frames", 2])],
        [
            helper.make_tensor_value_info("twice", kind, ["batch", "n_frames", 2]),
            helper.make_tensor_value_info("total", kind, []),
        ],
    )
    graph.node[1].output[0] = "sum"
    graph.node.append(helper.make_node("Unsqueeze", ["sum", "axis"], ["total"]))
    graph.initializer.append(helper.make_tensor("axis", onnx.TensorProto.INT64, [1], [0]))
    graph.output[1].type.tensor_type.shape.dim.add().dim_value = 1
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"answer": "42"})
    return model.SerializeToString()


def test_named_outputs_come_without_batch_axis(doubler):
    outputs = Session(doubler)(features=np.array([[1, 2], [3, 4]]))
    np.testing.assert_array_equal(outputs["twice"], [[2, 4], [6, 8]])
    assert outputs["total"] == 10
    assert outputs["twice"].dtype == np.float32


def test_session_reads_path_and_bytes_alike(doubler, tmp_path):
    path = tmp_path / "doubler.onnx"
    path.write_bytes(doubler)
    for source in (path, str(path), doubler):
        session = Session(source)
        assert session.metadata["answer"] == "42"
        assert session.inputs == ("features",)


def test_wrong_input_name_is_named(doubler):
    with pytest.raises(ParameterError, match=r"'spectrum'.*takes \['features'\]"):
        Session(doubler)(spectrum=np.zeros((3, 2)))


def test_threads_come_from_argument_then_environment_then_one(doubler, monkeypatch):
    monkeypatch.delenv("MIRKIT_THREADS", raising=False)
    assert Session(doubler).n_threads == 1
    monkeypatch.setenv("MIRKIT_THREADS", "3")
    assert Session(doubler).n_threads == 3
    assert Session(doubler, n_threads=2).n_threads == 2


@pytest.mark.parametrize("value", [0, -1, 1.5, "two"])
def test_senseless_thread_count_is_refused(value, monkeypatch):
    with pytest.raises(ParameterError, match="n_threads"):
        thread_count(value)
    monkeypatch.setenv("MIRKIT_THREADS", str(value))
    with pytest.raises(ParameterError, match="MIRKIT_THREADS"):
        thread_count()


def test_unknown_provider_is_refused_with_those_there_are(doubler):
    with pytest.raises(ParameterError, match="CPUExecutionProvider"):
        Session(doubler, providers=["TPUExecutionProvider"])


def test_damaged_file_is_named(doubler, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(doubler[: len(doubler) // 2])
    with pytest.raises(WeightsError, match=r"cut\.onnx"):
        Session(path)
    with pytest.raises(WeightsError, match="absent"):
        Session(tmp_path / "absent.onnx")
