"""The store: corrections, what is undone and redone, and values that are remembered."""

import pytest

from mirkit.annotation import Beats
from mirkit.formats.atomic import replace_file
from mirkit.library.packing import pack
from mirkit.server.store import Store, TrackRow

NAME = "0" * 16


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.add_track(TrackRow(NAME, "a.wav", "/a.wav", 0, 1, None, None, None, 0.0))
    made.place(NAME).mkdir(parents=True)
    replace_file(made.place(NAME) / "beats.value", pack(Beats([0.5, 1.0])))
    yield made
    made.close()


def test_a_correction_that_replaces_an_undone_one_is_not_mistaken_for_it(store):
    first, second = Beats([1.0, 2.0]), Beats([3.0, 4.0])
    number = store.correct(NAME, "beats", "tap", first)
    assert store.value(NAME, "beats") == (first, number)
    store.step(NAME, forward=False)
    assert store.value(NAME, "beats") == (Beats([0.5, 1.0]), 0)
    other = store.correct(NAME, "beats", "tap", second)
    assert other != number
    assert store.value(NAME, "beats") == (second, other)
    assert store.step(NAME, forward=True) is None


def test_a_new_analysis_is_seen(store):
    assert store.found(NAME, "beats.value") == Beats([0.5, 1.0])
    replace_file(store.place(NAME) / "beats.value", pack(Beats([0.7, 1.4])))
    assert store.found(NAME, "beats.value") == Beats([0.7, 1.4])


def test_a_track_that_is_removed_takes_its_corrections_along(store):
    store.correct(NAME, "beats", "tap", Beats([1.0, 2.0]))
    store.remove_track(NAME)
    assert store.track(NAME) is None
    assert store.history(NAME) == []
