import pytest

import mirkit
from mirkit.annotation import Tags
from mirkit.errors import UnknownName
from mirkit.vocab.audioset import audioset_labels
from mirkit.vocab.tag_groups import ENERGIES, GROUPS, NAMES, TEMPI, is_in_group


def test_groups_hold_names_of_audioset_and_our_own_and_share_none():
    known = {*audioset_labels(), *TEMPI, *ENERGIES}
    for name, labels in GROUPS.items():
        assert labels <= known, sorted(labels - known)
        assert not any(labels & other for key, other in GROUPS.items() if key != name)


@pytest.mark.parametrize("label", ["Rain", "Dog", "Speech", "Silence"])
def test_what_is_in_no_group_is_of_the_environment(label):
    assert [name for name in NAMES if is_in_group(label, name)] == ["environment"]


def test_music_itself_is_in_no_group():
    assert not any(is_in_group("Music", name) for name in NAMES)


def test_tags_of_a_group_keep_their_scores_and_order():
    tags = Tags(("Rain", "Flute", "Music", "Piano", "Jazz"), [0.9, 0.3, 0.8, 0.6, 0.2])
    assert [*tags.group("instrument")] == [("Piano", 0.6), ("Flute", 0.3)]
    assert [*tags.group("genre")] == [("Jazz", 0.2)]
    assert len(tags.group("mood")) == 0
    with pytest.raises(UnknownName, match="Did you mean 'genre'"):
        tags.group("genres")


def test_every_label_of_the_default_tagger_is_in_one_group():
    labels = mirkit.load("tag-mn").model.config.labels
    for label in labels:
        n_groups = sum(is_in_group(label, name) for name in NAMES)
        assert n_groups == (label != "Music"), label
