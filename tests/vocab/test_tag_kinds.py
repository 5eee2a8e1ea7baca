import pytest

from mirkit.datasets.ontology import read_ontology
from mirkit.vocab.tag_kinds import KINDS, order_by_kind


def test_every_kind_is_one_in_the_ontology_of_audioset(data_dir):
    tree = read_ontology(data_dir / "ontology" / "ontology.json")
    wrong = [
        (parent, kind)
        for parent, kinds in KINDS.items()
        for kind in kinds
        if parent not in tree.ancestors(kind)
    ]
    assert not wrong


def test_a_dog_comes_before_an_animal():
    found = order_by_kind(["Animal", "Dog", "Rain"], {"Animal": 0.9, "Dog": 0.5, "Rain": 0.6})
    assert [*found.items()] == [("Rain", 0.6), ("Dog", 0.5), ("Animal", 0.5)]


def test_an_animal_of_no_known_kind_stays_one():
    scores = {"Animal": 0.9, "Dog": 0.3}
    assert [*order_by_kind([*scores], scores).items()] == [("Animal", 0.9), ("Dog", 0.3)]


def test_whatever_is_there_is_there_with_what_it_is_a_kind_of():
    scores = {"Animal": 0.01, "Dog": 0.02, "Bark": 0.8}
    found = order_by_kind(["Bark", "Animal", "Dog"], scores)
    assert [*found.items()] == [("Bark", 0.8), ("Dog", 0.8), ("Animal", 0.8)]


@pytest.mark.parametrize("labels", [("Rain",), ("Music", "Jazz")])
def test_labels_without_kinds_keep_their_scores(labels):
    scores = dict(zip(labels, (0.7, 0.2), strict=False))
    assert order_by_kind(labels, scores) == scores
