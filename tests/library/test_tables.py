import pytest

from mirkit.annotation import Key
from mirkit.errors import ParameterError
from mirkit.library import tables


@pytest.fixture
def rows(library):
    for i in range(3):
        number = library.add_content(f"{i:064x}", title=f"Song {i}", bpm=100.0 + i)
    library.correct(number, "key", Key("A minor"))
    with library.database.write() as db:
        db.execute("update tracks set here = 1")
    return library.tracks()


def test_tables_hold_what_rows_do(library, rows):
    table = library.table()
    assert table.column("bpm").to_pylist() == [100, 101, 102]
    assert table.column("camelot").to_pylist() == [None, None, "8A"]
    frame = library.frame(rows[1:])
    assert list(frame.index) == [rows[1].id, rows[2].id]
    assert frame.loc[rows[2].id, "title"] == "Song 2"


def test_tables_are_written(rows, tmp_path):
    import pyarrow.parquet

    tables.save(rows, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[3].endswith(",8A")
    tables.save(rows, tmp_path / "a.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 3
    with pytest.raises(ParameterError, match=r"\.csv or \.parquet"):
        tables.save(rows, tmp_path / "a.xls")
    assert tables.arrow([]).num_rows == 0
