import bundles
import numpy as np
import pytest
from published import checkpoint

from mirkit.errors import UnknownName, WeightsError
from mirkit.zoo.crc32c import crc32c, unmask
from mirkit.zoo.protobuf import blob, integer
from mirkit.zoo.tfbundle import read_bundle

ARRAYS = {
    "conv/bias": np.float32([1, -2, 3]),
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "conv_1/bias": np.float16([0.5]),
    "conv_1/kernel": np.arange(6, dtype=np.float64).reshape(3, 2),
    "empty": np.zeros((0, 4), np.float32),
    "is_trained": np.array([True, False]),
    "step": np.int64(12345678901),
    "steps": np.int32([[1], [2]]),
}


@pytest.fixture
def index(tmp_path):
    return bundles.write(tmp_path, ARRAYS)


def test_tensors_are_read_by_name(index):
    bundle = read_bundle(index)
    assert list(bundle) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(bundle[name], array)
        assert bundle[name].dtype == array.dtype
        assert bundle[name].shape == array.shape


def test_an_unknown_name_comes_with_close_ones(index):
    with pytest.raises(UnknownName, match="conv/kernel"):
        read_bundle(index)["conv/kernels"]


def test_an_index_without_its_data_is_refused(index):
    bundle = read_bundle(index)
    bundle.data_path().unlink()
    with pytest.raises(WeightsError, match="beside the index"):
        bundle["step"]


def test_data_that_are_cut_or_wrong_are_refused(index):
    bundle = read_bundle(index)
    content = bundle.data_path().read_bytes()
    bundle.data_path().write_bytes(content[:-1])
    np.testing.assert_array_equal(bundle["conv/bias"], ARRAYS["conv/bias"])
    with pytest.raises(WeightsError, match="'steps' ends after it"):
        bundle["steps"]
    bundle.data_path().write_bytes(b"\xff" + content[1:])
    with pytest.raises(WeightsError, match="checksum of the tensor 'conv/bias'"):
        bundle["conv/bias"]


def test_absent_and_other_files_are_refused(tmp_path, index):
    with pytest.raises(WeightsError, match="No such file"):
        read_bundle(tmp_path / "absent.index")
    with pytest.raises(WeightsError, match=r"ends \.index"):
        read_bundle(tmp_path / "net.data-00000-of-00001")
    index.write_bytes(b"<html>not found</html>" * 9)
    with pytest.raises(WeightsError, match="does not end as a table does"):
        read_bundle(index)


def test_a_cut_index_is_damaged_wherever_it_ends(index):
    content = index.read_bytes()
    for n in range(len(content)):
        index.write_bytes(content[:n])
        with pytest.raises(WeightsError, match="is damaged"):
            read_bundle(index)


def test_one_wrong_byte_in_an_index_is_found_or_does_no_harm(index):
    """Each byte is under a checksum, but for what nobody reads: the metaindex, what fills up."""
    content, entries, n_refused = index.read_bytes(), read_bundle(index).entries, 0
    for place in range(len(content)):
        wrong = bytearray(content)
        wrong[place] ^= 0x55
        index.write_bytes(bytes(wrong))
        try:
            assert read_bundle(index).entries == entries
        except WeightsError:
            n_refused += 1
    assert n_refused > len(content) - 60


@pytest.mark.parametrize("seed", range(3))
def test_an_index_that_lies_is_refused(tmp_path, seed):
    """Checksums are right and entries are not: still no other error than ours."""
    rng = np.random.default_rng(seed)
    for _ in range(100):
        wrong = bytearray(bundles.entry(ARRAYS["steps"], 0, b"12345678"))
        for place in rng.integers(0, len(wrong), 2):
            wrong[place] = rng.integers(256)
        pairs = [(b"", integer(1, 1)), (b"steps", bytes(wrong))]
        (tmp_path / "net.index").write_bytes(bundles.table(pairs))
        (tmp_path / "net.data-00000-of-00001").write_bytes(b"12345678")
        try:
            read_bundle(tmp_path / "net.index")["steps"]
        except WeightsError:
            continue


@pytest.mark.parametrize("offset", [1, 10**6, 2**63, 2**64 - 1])
def test_a_place_outside_the_data_is_refused(tmp_path, offset):
    (tmp_path / "net.data-00000-of-00001").write_bytes(b"12345678")
    lying = bundles.entry(ARRAYS["steps"], offset, b"12345678")
    (tmp_path / "net.index").write_bytes(bundles.table([(b"steps", lying)]))
    with pytest.raises(WeightsError, match="'steps' ends after it"):
        read_bundle(tmp_path / "net.index")["steps"]


def test_what_is_not_read_is_named(tmp_path):
    with pytest.raises(WeightsError, match="big-endian"):
        read_bundle(bundles.write(tmp_path, ARRAYS, header=integer(1, 1) + integer(2, 1)))
    with pytest.raises(WeightsError, match="compressed"):
        read_bundle(bundles.write(tmp_path, ARRAYS, compression=1))
    pairs = [(b"a", integer(1, 7) + blob(2, b"")), (b"b", integer(1, 1) + blob(7, b""))]
    (tmp_path / "net.index").write_bytes(bundles.table(pairs))
    bundle = read_bundle(tmp_path / "net.index")
    with pytest.raises(WeightsError, match="elements of type 7"):
        bundle["a"]
    with pytest.raises(WeightsError, match="lies in slices"):
        bundle["b"]


def test_the_checksum_is_castagnolis():
    """The vectors of RFC 3720."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert unmask(bundles.masked(b"mirkit")) == crc32c(b"mirkit")


def test_a_published_checkpoint_is_read_and_its_checksums_are_right(tmp_path):
    data = checkpoint("musicnn-mtt", tmp_path)
    index = tmp_path / ".index"
    content = data.read_bytes()
    data.unlink()
    with pytest.raises(WeightsError, match="beside the index"):
        read_bundle(index)["dense/kernel"]
    data.write_bytes(content)
    bundle = read_bundle(index)
    assert len(bundle) == 150
    assert bundle["dense/kernel"].shape == (1506, 200)
    assert bundle["beta1_power"].shape == ()
    n_weights = sum(array.size for name, array in bundle.items() if "Adam" not in name)
    assert n_weights == 792_081
