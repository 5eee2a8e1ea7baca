import numpy as np
import pytest

from mirkit import read, save
from mirkit.annotation import Embedding
from mirkit.errors import FormatError


@pytest.mark.parametrize("content", [b"", b"no numbers", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npy_is_refused(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.npy"):
        read(tmp_path / "x.npy")


@pytest.mark.parametrize("array", [np.zeros((2, 2, 2)), np.zeros(3, int), np.array("text")])
def test_arrays_that_are_no_rows_of_floats_are_refused(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(FormatError, match="no rows of floats"):
        read(tmp_path / "x.npy")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(FormatError, match=r"x\.npy"):
        read(tmp_path / "x.npy")


def test_numpy_reads_what_is_saved(tmp_path):
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    save(Embedding(rows[:1]), tmp_path / "x.npy")
    assert np.array_equal(np.load(tmp_path / "x.npy"), rows[:1])


@pytest.mark.parametrize("column", ["embedding", "other"])
def test_tables_of_others_are_read_where_they_hold_lists(tmp_path, column):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({column: [[1.0, 2.0], [3.0, 4.0]]})
    parquet.write_table(table, tmp_path / "x.parquet")
    if column == "other":
        with pytest.raises(FormatError, match="column 'embedding'"):
            read(tmp_path / "x.parquet")
    else:
        found = read(tmp_path / "x.parquet")
        assert np.array_equal(found.values, [[1, 2], [3, 4]])
        assert found.grid is None


def test_what_is_no_parquet_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(b"this is no table")
    with pytest.raises(FormatError, match=r"x\.parquet"):
        read(tmp_path / "x.parquet")
