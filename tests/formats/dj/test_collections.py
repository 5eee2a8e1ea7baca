"""Files of DJ programs as a table: found by content, merged, and honest about what they lose."""

import numpy as np
import pytest
from djtracks import LOCATIONS, TEXTS, grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, UnknownName
from mirkit.formats.dj import (
    DJ_FORMATS,
    Collection,
    Cue,
    DJTrack,
    Playlist,
    losses,
    m3u,
    read_collection,
    save_collection,
)

GRID = BeatGrid([0.2506, 60.2506], [128.0, 120.0], 120.2506, [1, 1], [4, 4])  # ends on a beat
FULL = DJTrack(
    "/music/a.mp3", "T", "A", "L", "G", "words", 121.0, 44100, 320000, 99, key="Am", rating=3,
    grid=GRID, cues=(Cue(0.25, number=0, name="in", color=(1, 2, 3)), Cue(9, kind="load")),
)  # fmt: skip


@pytest.mark.parametrize("name", DJ_FORMATS)
def test_a_file_is_known_by_what_it_says(tmp_path, name):
    path = tmp_path / "any"
    save_collection(Collection([FULL]), path, name)
    (found,) = read_collection(path).tracks
    assert (found.location, found.title) == (FULL.location, "T")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("rekordbox", ()),
        ("traktor", ("sample_rate", "size", "cues")),
        ("traktor-one-tempo", ("sample_rate", "size", "tempo", "cues", "bars")),
        ("virtualdj", ("sample_rate", "rating", "cues")),
        ("m3u", ("album", "genre", "comment", "sample_rate", "bit_rate", "size", "tempo", "key",
                 "rating", "cues")),
    ],
)  # fmt: skip
def test_losses_are_named(name, fields):
    (loss,) = losses(Collection([FULL]), name)
    assert loss.fields == fields
    bound = DJ_FORMATS[name].bound
    assert loss.deviation <= (np.inf if bound is None else bound)
    if name == "traktor-one-tempo":
        assert 0.1 < loss.deviation < 60 / 120 / 2
    if name == "m3u":
        assert loss.deviation == np.inf


@pytest.mark.parametrize("name", [x for x, row in DJ_FORMATS.items() if row.merges])
def test_saving_merges_and_keeps_the_old_file_beside(tmp_path, name):
    path = tmp_path / DJ_FORMATS[name].file
    save_collection(Collection([FULL]), path, name)
    old = path.read_bytes()
    save_collection(Collection([DJTrack("/music/b.mp3", "B")]), path, name)
    assert len(read_collection(path)) == 2
    assert path.with_name(path.name + ".bak").read_bytes() == old
    written = path.stat().st_mtime_ns
    save_collection(Collection([DJTrack("/music/b.mp3", "B")]), path, name)
    assert path.stat().st_mtime_ns == written  # nothing is new
    save_collection(Collection([DJTrack("/music/c.mp3")]), path, name, merge=False)
    assert len(read_collection(path)) == 1


@pytest.mark.parametrize("name", [x for x, row in DJ_FORMATS.items() if row.spells])
@pytest.mark.parametrize(("notation", "text"), [("camelot", b'"8A"'), ("open", b'"1m"')])
def test_keys_are_spelled_as_the_dj_likes(tmp_path, name, notation, text):
    path = tmp_path / DJ_FORMATS[name].file
    save_collection(Collection([FULL]), path, name, notation=notation)
    assert text in path.read_bytes()
    assert read_collection(path).tracks[0].key == "A minor"


def test_a_file_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "x.xml"
    save_collection(Collection([FULL]), path, "virtualdj")
    old = path.read_bytes()
    with pytest.raises(FormatError, match="rekordbox writes DJ_PLAYLISTS"):
        save_collection(Collection([FULL]), path, "rekordbox")
    assert path.read_bytes() == old


def test_what_is_no_collection_is_refused(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(b"<other/>")
    with pytest.raises(FormatError, match="no DJ program that is known"):
        read_collection(path)
    with pytest.raises(FormatError, match="does not exist"):
        read_collection(tmp_path / "none")
    with pytest.raises(UnknownName, match="Did you mean 'rekordbox'"):
        save_collection(Collection(), path, "recordbox")


@settings(max_examples=30, deadline=None)
@given(grids(), st.sampled_from(["rekordbox", "traktor", "virtualdj"]))
def test_the_bound_that_is_stated_holds(grid, name):
    track = DJTrack("/a.mp3", duration=grid.end + 1, grid=grid)
    (loss,) = losses(Collection([track]), name)
    assert loss.deviation <= DJ_FORMATS[name].bound + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.lists(LOCATIONS, unique=True, max_size=4), TEXTS)
def test_playlists_come_back(places, title):
    tracks = [DJTrack(place, title.strip() or "x", "An artist", duration=61.0) for place in places]
    data = m3u.dumps(Collection(tracks, [Playlist("my list", places)]))
    found = m3u.loads(data, "x.m3u8")
    assert found.playlists == (Playlist("my list", tuple(places)),)
    assert [x.artist for x in found.tracks] == ["An artist"] * len(places)


def test_playlists_of_others_are_read():
    text = (
        b"\xef\xbb\xbf#EXTM3U\r\n#EXTINF:-1 tvg=1,Only a title\r\nC:\\a\\b.mp3\r\n\r\nrel/c.mp3\r\n"
    )
    found = m3u.loads(text, "x")
    assert [(x.location, x.title, x.duration) for x in found.tracks] == [
        ("C:/a/b.mp3", "Only a title", None), ("rel/c.mp3", "", None),
    ]  # fmt: skip
