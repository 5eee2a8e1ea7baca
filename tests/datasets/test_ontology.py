import csv
import json

import numpy as np
import pytest
import reference

from mirkit.datasets.ontology import Ontology, read_ontology
from mirkit.errors import FormatError, ParameterError, UnknownName


@pytest.fixture(scope="module")
def audioset(data_dir):
    return read_ontology(data_dir / "ontology")


@pytest.fixture(scope="module")
def labels(data_dir):
    with (data_dir / "ontology" / "class_labels_indices.csv").open(encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def entry(name, *children):
    return {"id": f"/m/{name}", "name": name, "child_ids": [f"/m/{child}" for child in children]}


def test_the_ontology_of_audioset_is_read_whole(audioset, labels):
    assert len(audioset.children) == 632
    assert audioset.roots == (
        "Human sounds", "Animal", "Music", "Natural sounds", "Sounds of things",
        "Source-ambiguous sounds", "Channel, environment and background",
    )  # fmt: skip
    assert set(labels) <= set(audioset.children)
    assert audioset.name_of("/m/09x0r") == audioset.name_of("Speech") == "Speech"
    assert audioset.ancestors("Growling") >= {"Dog", "Cat", "Animal"}
    assert audioset.depths["Speech"] == 2


def test_distances_are_those_of_the_published_table(audioset, labels):
    """The first row of the table beside arXiv 2211.12195, at some places."""
    published = {0: 0, 1: 1, 7: 1, 8: 2, 27: 2, 31: 4, 41: 4, 42: 5, 72: 9, 75: 12, 137: 5, 138: 4}
    steps = audioset.distances([labels[0], *(labels[i] for i in published)])
    assert steps[0, 1:].tolist() == list(published.values())


def test_distances_are_those_of_a_plain_relaxation(audioset, labels):
    some = labels[::31]
    steps = audioset.distances(some)
    assert np.array_equal(steps, reference.graph_distances(audioset.children, some))
    assert np.array_equal(steps, steps.T)
    assert audioset.distance(some[0], some[5]) == steps[0, 5]


def test_what_has_no_way_between_is_further_than_all_that_has():
    steps = Ontology({"a": ("b",), "b": (), "c": ()}).distances(["a", "b", "c"])
    assert steps.tolist() == [[0, 1, 2], [1, 0, 2], [2, 2, 0]]


def test_every_label_is_in_every_level(audioset, labels):
    for depth in (0, 1, 2, 3, 9, None):
        level = audioset.level(labels, depth)
        assert level.members.any(axis=0).all()
        assert level.members.any(axis=1).all()
    assert audioset.level(labels, 0).names == audioset.roots
    bark = labels.index("Bark")
    everything = audioset.level(labels)
    above = {
        n for n, held in zip(everything.names, everything.members[:, bark], strict=True) if held
    }
    assert above == {"Bark", "Dog", "Domestic animals, pets", "Animal"}


def test_a_level_names_a_shallow_label_as_itself():
    tree = Ontology({"Animal": ("Dog",), "Dog": ("Bark",), "Bark": (), "Music": ()})
    level = tree.level(["Bark", "Dog", "Music"], 1)
    assert level.names == ("Dog", "Music")
    assert level.members.tolist() == [[True, True, False], [False, False, True]]
    with pytest.raises(ParameterError, match="roots are at 0"):
        tree.level(["Bark"], -1)


def test_a_wrong_file_is_told(tmp_path):
    with pytest.raises(ParameterError, match="publish"):
        read_ontology(tmp_path)
    path = tmp_path / "ontology.json"
    for text, said in (
        ("no", "no JSON"),
        ("{}x", "no JSON"),
        (json.dumps([{"id": "/m/a"}]), "lacks 'name'"),
        (json.dumps([entry("a", "b")]), "lacks '/m/b'"),
        (json.dumps([entry("a", "b"), entry("b", "a")]), "circle"),
        (json.dumps([entry("r", "a"), entry("a", "b"), entry("b", "a")]), "circle"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=said):
            read_ontology(path)


def test_a_sound_that_is_not_there_is_told_with_what_is_like_it(audioset):
    with pytest.raises(UnknownName, match="'Speech'"):
        audioset.ancestors("Speach")
