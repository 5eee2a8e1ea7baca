from pathlib import Path

import numpy as np
import pytest

from mirkit.datasets.sounds import Sound, divide, leaks, targets, vocabulary
from mirkit.errors import ParameterError, UnknownName


def sound(name, *labels, **known):
    return Sound(Path(name), labels, **known)


def test_a_sound_refuses_what_would_be_misread():
    with pytest.raises(ParameterError, match="'Rain'; it is a tuple"):
        Sound(Path("a.wav"), "Rain")
    with pytest.raises(ParameterError, match="count from 1"):
        sound("a.wav", "Rain", fold=0)


def test_a_sound_takes_texts_and_lists_and_can_stand_in_a_set():
    made = Sound("a.wav", ["Rain", "Dog"])
    assert made == sound("a.wav", "Rain", "Dog")
    assert len({made, sound("a.wav", "Rain", "Dog")}) == 1


def test_targets_are_the_labels_and_an_unknown_one_is_named():
    sounds = [sound("a.wav", "Rain"), sound("b.wav"), sound("c.wav", "Dog", "Rain")]
    labels = vocabulary(sounds)
    assert labels == ("Dog", "Rain")
    assert np.array_equal(targets(sounds, labels), [[0, 1], [0, 0], [1, 1]])
    with pytest.raises(UnknownName, match="unknown label 'Dog'"):
        targets(sounds, ["Rain", "Dogs"])


def test_only_groups_that_lie_in_two_places_leak():
    kept = [sound("a.wav", fold=1, group="x"), sound("b.wav", fold=1, group="x")]
    alone = [sound("c.wav", fold=1), sound("d.wav", fold=2)]
    assert leaks([*kept, *alone]) == []
    assert leaks([*kept, sound("e.wav", fold=2, group="x")]) == ["x"]
    assert leaks([*kept, sound("e.wav", fold=1, group="x", split="test")]) == ["x"]
    assert list(divide([*kept, *alone])) == ["x", "c.wav", "d.wav"]
