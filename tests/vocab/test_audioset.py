import csv

import pytest

from mirkit.errors import UnknownName
from mirkit.vocab.audioset import audioset_classes, audioset_labels, find_audioset


def test_the_classes_are_those_of_the_data_pack(data_dir):
    with (data_dir / "ontology" / "class_labels_indices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["index"]), r["mid"], r["display_name"]) for r in rows] == [
        (each.index, each.mid, each.label) for each in audioset_classes()
    ]


def test_there_are_527_different_ones_in_their_order():
    classes = audioset_classes()
    assert [each.index for each in classes] == list(range(527))
    assert len({each.mid for each in classes}) == len({*audioset_labels()}) == 527
    assert audioset_labels()[1] == "Male speech, man speaking"


@pytest.mark.parametrize("name", ["Dog", "DOG", "dog", "/m/0bt9lr", "/M/0BT9LR"])
def test_a_class_is_found_by_name_or_mid_in_any_case(name):
    assert find_audioset(name).index == 74
    assert find_audioset(name).label == "Dog"


def test_a_misspelt_class_gets_close_matches_and_not_the_whole_list():
    with pytest.raises(UnknownName, match="'Acoustic guitar'") as caught:
        find_audioset("acoustic gitar")
    assert len(str(caught.value)) < 300
    with pytest.raises(UnknownName, match="/m/09x0"):
        find_audioset("/m/09x0x")
