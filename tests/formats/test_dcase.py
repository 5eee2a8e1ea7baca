import pytest

from mirkit.annotation import Events
from mirkit.errors import FormatError
from mirkit.formats import dcase, dumps, loads

TABLE = "filename\tonset\toffset\tevent_label\na.wav\t1.5\t2\tDog\na.wav\t0\t3\tRain\nb.wav\t\t\t\n"


def test_tables_of_many_recordings_come_back():
    found = dcase.loads_table(TABLE, "x.tsv")
    assert list(found) == ["a.wav", "b.wav"]
    assert found["a.wav"].labels == ("Rain", "Dog")
    assert len(found["b.wav"]) == 0
    assert dcase.loads_table(dcase.dumps_table(found), "x.tsv") == found


def test_the_golden_table_is_read(data_dir):
    text = (data_dir / "sed_golden/metadata/ground_truth.tsv").read_text()
    found = dcase.loads_table(text, "ground_truth.tsv")
    assert len(found) == 692
    assert sum(map(len, found.values())) == 2765


def test_labels_with_commas_survive_weak_tables():
    labels = {"a.wav": ("Bee, wasp, etc.", "Dog"), "b.wav": ()}
    assert dcase.loads_weak(dcase.dumps_weak(labels), "w.tsv") == labels


def test_editors_take_overlapping_events():
    events = Events([[0, 2], [1, 3]], ("Dog", None))
    assert dumps(events, "audacity") == "0.000000\t2.000000\tDog\n1.000000\t3.000000\t\n"
    assert 'label="Dog"' in dumps(events, "svl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.tsv is empty"),
        ("onset,offset,event_label\n", "Are the columns separated by tabs"),
        ("onset\toffset\tevent_label\n2\t1\tDog\n", "line 2: it ends at 1 s, before its start"),
        ("onset\toffset\tevent_label\n2\tx\tDog\n", "line 2: offset 'x' is no number"),
        (TABLE, "x.tsv holds 2 recordings"),
    ],
)
def test_tables_say_what_is_wrong(text, message):
    with pytest.raises(FormatError, match=message):
        loads(text, "dcase", "x.tsv")
