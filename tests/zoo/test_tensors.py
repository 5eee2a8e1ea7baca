import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo.tensors import DTYPES, read_tensors, write_tensors


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    kinds = {name: rng.integers(0, 200, (3, 4)).astype(dtype) for name, dtype in DTYPES.items()}
    return kinds | {"scalar": np.array(3.5, np.float32), "none": np.empty((0, 7), np.float32)}


def assert_same(tensors, others):
    assert set(tensors) == set(others)
    for name, tensor in tensors.items():
        assert tensor.dtype == others[name].dtype
        np.testing.assert_array_equal(tensor, others[name])


def test_what_is_written_is_read_again(tmp_path, tensors):
    path = write_tensors(tmp_path / "new" / "x.safetensors", tensors, {"model": "mine"})
    found, texts = read_tensors(path)
    assert_same(found, tensors)
    assert texts == {"model": "mine"}
    assert not any(tensor.flags.writeable for tensor in found.values())


def test_the_safetensors_package_reads_what_is_written(tmp_path, tensors):
    path = write_tensors(tmp_path / "x.safetensors", tensors, {"model": "mine"})
    assert_same(load_file(path), tensors)


def test_what_the_safetensors_package_writes_is_read(tmp_path, tensors):
    save_file(tensors, tmp_path / "x.safetensors", {"a": "b"})
    found, texts = read_tensors(tmp_path / "x.safetensors")
    assert_same(found, tensors)
    assert texts == {"a": "b"}


def test_columns_in_another_order_are_written_as_they_read(tmp_path):
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    found, _ = read_tensors(write_tensors(tmp_path / "x.safetensors", {"x": x}))
    np.testing.assert_array_equal(found["x"], x)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 0.999])
def test_a_cut_file_is_refused(tmp_path, tensors, share):
    path = write_tensors(tmp_path / "x.safetensors", tensors)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match="damaged"):
        read_tensors(path)


@pytest.mark.parametrize(
    "change", [(b"[3, 4]", b"[3, 5]"), (b'"F32"', b'"F16"'), (b"data_offsets", b"data_offsetz")]
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, tensors, change):
    path = write_tensors(tmp_path / "x.safetensors", tensors)
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(WeightsError, match="damaged"):
        read_tensors(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(bytes(1000))
    with pytest.raises(WeightsError, match=r"no \.safetensors file"):
        read_tensors(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        read_tensors(tmp_path / "x.safetensors")


def test_elements_of_another_type_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ParameterError, match="'x' holds complex64"):
        write_tensors(tmp_path / "x.safetensors", {"x": np.zeros(3, np.complex64)})
    assert not list(tmp_path.iterdir())
