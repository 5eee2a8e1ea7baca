"""What DJ software knows of a track, checked at the border."""

import pytest

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import ParameterError
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist

GRID = BeatGrid([0.5], [128.0], 10.0, [1], [4])


def test_the_shown_tempo_is_that_of_the_grid_unless_it_is_given():
    assert DJTrack("/a.mp3", grid=GRID).tempo == 128
    assert DJTrack("/a.mp3", grid=GRID, bpm=64.0).tempo == 64
    assert DJTrack("/a.mp3").tempo is None


def test_keys_are_held_in_one_spelling():
    assert DJTrack("/a.mp3", key="8A").key == DJTrack("/a.mp3", key="Am").key == "A minor"


def test_windows_paths_have_one_spelling():
    collection = Collection([DJTrack(r"C:\Music\a b.mp3")], [Playlist("x", [r"C:\Music\a b.mp3"])])
    assert collection.track("C:/Music/a b.mp3") is collection.track(r"C:\Music\a b.mp3")
    assert collection.playlists[0].locations == ("C:/Music/a b.mp3",)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"time": -1, "number": 0}, "0 s or later"),
        ({"time": 5, "end": 4, "number": 0}, "ends after it begins"),
        ({"time": 5}, "hot cues have one"),
        ({"time": 5, "kind": "memory", "number": 1}, "only they"),
        ({"time": 5, "kind": "warm", "number": 1}, "'warm'"),
        ({"time": 5, "number": -1}, "count from 0"),
        ({"time": 5, "number": 0, "color": (1, 2, 300)}, "0 to 255"),
    ],
)
def test_cues_are_checked(values, match):
    with pytest.raises(ParameterError, match=match):
        Cue(**values)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"location": ""}, "path of the file"),
        ({"location": "/a", "rating": 6}, "5 stars"),
        ({"location": "/a", "bpm": 0}, "above 0"),
        ({"location": "/a", "key": "H"}, "no note name"),
    ],
)
def test_tracks_are_checked(values, match):
    with pytest.raises(ParameterError, match=match):
        DJTrack(**values)


def test_a_location_occurs_once():
    with pytest.raises(ParameterError, match=r"/a\.mp3 is in the collection twice"):
        Collection([DJTrack("/a.mp3"), DJTrack("/b.mp3"), DJTrack("/a.mp3", title="again")])


def test_loops_are_cues_with_an_end():
    cues = (Cue(1, number=0), Cue(2, 4, kind="memory"))
    assert DJTrack("/a", cues=cues).loops == cues[1:]
