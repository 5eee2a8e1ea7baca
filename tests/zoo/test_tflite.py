import numpy as np
import pytest
import tflite_files

from mirkit.errors import WeightsError
from mirkit.zoo.tflite import read_tflite


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "net.tflite"
        path.write_bytes(content)
        return path

    return write


def test_tensors_and_operators_are_read(written):
    graph = read_tflite(written(tflite_files.small()))
    assert [each.name for each in graph.tensors] == ["x", "kernel", "bias", "y", "z"]
    assert graph.tensors[0].shape == (1, 4, 6, 1)
    assert (graph.inputs, graph.outputs) == ((0,), (4,))
    first = graph.operators[0]
    assert (first.kind, first.inputs, first.outputs) == ("CONV_2D", (0, 1, 2), (3,))
    assert first.options == {
        "padding": 0, "stride_w": 2, "stride_h": 3, "activation": 1, "dilation_w": 1,
        "dilation_h": 1,
    }  # fmt: skip
    assert [each.kind for each in graph.operators[1:]] == ["COMPLEX_ABS", "BUILTIN_200"]
    assert graph.operators[2].inputs == (3, -1)


def test_quantized_weights_are_the_numbers_that_they_stand_for(written):
    graph = read_tflite(written(tflite_files.small()))
    stored = np.arange(-6, 6).reshape(2, 2, 3, 1)
    expected = np.stack([0.5 * stored[0], 2.0 * (stored[1] - 1)])
    np.testing.assert_array_equal(graph.constant(1), expected)
    assert graph.constant(1).dtype == np.float32
    np.testing.assert_array_equal(graph.constant(2), np.float32([0.25, -1]))


def test_what_is_computed_has_no_weights(written):
    graph = read_tflite(written(tflite_files.small()))
    with pytest.raises(WeightsError, match="'y' is computed"):
        graph.constant(3)


def test_a_tensor_of_the_wrong_size_is_damage(written):
    tensors = [{"shape": [3], "type": 0, "data": b"\0" * 8}]
    path = written(tflite_files.model(tensors, [], ([0], [0]), []))
    with pytest.raises(WeightsError, match="8 bytes"):
        read_tflite(path)


def test_scales_that_fit_no_axis_are_damage(written):
    tensors = [{"shape": [3], "type": 9, "data": b"abc", "scale": [1, 2], "zero": [0, 0]}]
    with pytest.raises(WeightsError, match="2 scales"):
        read_tflite(written(tflite_files.model(tensors, [], ([0], [0]), [])))


@pytest.mark.parametrize("place", [-2, 1])
def test_an_operator_on_no_tensor_is_damage(written, place):
    operators = [{"code": 0, "inputs": [place], "outputs": [0]}]
    content = tflite_files.model([{"shape": [1], "type": 0}], operators, ([0], [0]), [14])
    with pytest.raises(WeightsError, match=f"tensor {place} of 1"):
        read_tflite(written(content))


def test_an_operator_of_no_kind_is_damage(written):
    operators = [{"code": 5, "inputs": [0], "outputs": [0]}]
    content = tflite_files.model([{"shape": [1], "type": 0}], operators, ([0], [0]), [14])
    with pytest.raises(WeightsError, match="number 5 of 1 kinds"):
        read_tflite(written(content))


def test_absent_and_other_files_are_refused(written, tmp_path):
    with pytest.raises(WeightsError, match="No such file"):
        read_tflite(tmp_path / "absent.tflite")
    with pytest.raises(WeightsError, match="no TensorFlow Lite file"):
        read_tflite(written(b"<html>not found</html>"))
    with pytest.raises(WeightsError, match="no TensorFlow Lite file"):
        read_tflite(written(b""))


def test_a_cut_file_is_damaged_wherever_it_ends(written):
    content = tflite_files.small()
    for n in range(8, len(content) - 8):  # the last eight are an empty buffer that nothing names
        with pytest.raises(WeightsError):
            read_all(written(content[:n]))


@pytest.mark.parametrize("seed", range(2))
def test_a_file_with_wrong_bytes_is_read_or_refused(written, seed):
    """Nothing else happens: no other error, no endless loop, no memory beyond the file."""
    rng = np.random.default_rng(seed)
    content, refused = tflite_files.small(), 0
    for _ in range(300):
        wrong = bytearray(content)
        for place in rng.integers(8, len(wrong), 3):
            wrong[place] = rng.integers(256)
        try:
            read_all(written(bytes(wrong)))
        except WeightsError:
            refused += 1
    assert refused > 100


def read_all(path):
    graph = read_tflite(path)
    for tensor in graph.tensors:
        if tensor.content is not None:
            tensor.values()


def test_yamnet_is_read(data_dir):
    graph = read_tflite(data_dir / "teachers" / "yamnet.tflite")
    assert (len(graph.tensors), len(graph.operators)) == (115, 44)
    assert [step.kind for step in graph.operators].count("DEPTHWISE_CONV_2D") == 13
    assert graph.operators[-1].kind == "LOGISTIC"
    assert graph.tensors[graph.outputs[0]].shape == (1, 521)


@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_download_of_yamnet_that_broke_off_is_damaged(data_dir, written, part):
    content = (data_dir / "teachers" / "yamnet.tflite").read_bytes()
    with pytest.raises(WeightsError, match="is damaged"):
        read_tflite(written(content[: int(part * len(content))]))
