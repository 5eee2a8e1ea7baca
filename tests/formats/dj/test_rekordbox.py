"""rekordbox XML, read back by us and by pyrekordbox."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from djtracks import collections, grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, ParameterError
from mirkit.formats.dj import rekordbox
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist

GRID = BeatGrid([0.232, 60.5], [172.0, 174.35], 240.0, [3, 1], [4, 4])
TRACK = DJTrack(
    "/music/Ä & <b>#1 100%.mp3", "A \"title\"", "Artist", "Album", "House", "two\nlines", 240.0,
    44100, 320000, 9_600_000, key="F# minor", rating=4, grid=GRID,
    cues=(
        Cue(0.232, number=0, name="intro", color=(230, 0, 20)),
        Cue(30, 34.5, number=3, name="loop"),
        Cue(61, kind="memory"),
        Cue(62, 66, kind="memory", name="x"),
        Cue(1, kind="load"),
        Cue(200, kind="fade-out"),
    ),
)  # fmt: skip
ONE = Collection([TRACK], [Playlist("set & more", [TRACK.location])])


def written(track):
    return rekordbox.loads(rekordbox.dumps(Collection([track])), "x.xml").tracks[0]


@settings(max_examples=20, deadline=None)
@given(collections())
def test_a_collection_comes_back(collection):
    found = rekordbox.loads(rekordbox.dumps(collection), "x.xml")
    assert found.playlists == collection.playlists
    assert [x.location for x in found.tracks] == [x.location for x in collection.tracks]
    for a, b in zip(collection.tracks, found.tracks, strict=True):
        for name in ("title", "artist", "album", "genre", "comment", "key", "rating", "size",
                     "sample_rate", "bit_rate"):  # fmt: skip
            assert getattr(a, name) == getattr(b, name), name
        assert len(a.cues) == len(b.cues)
        for x, y in zip(a.cues, b.cues, strict=True):
            assert (x.kind, x.number, x.name, x.color) == (y.kind, y.number, y.name, y.color)
            assert y.time == pytest.approx(x.time, abs=6e-4)


@settings(max_examples=60, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(lattice=x)))
def test_no_beat_moves_by_more_than_a_millisecond(grid):
    found = written(DJTrack("/a.mp3", duration=grid.end + 1, grid=grid)).grid
    assert deviation(grid, found) <= 1.0e-3 + 1e-9
    if grid.positions is not None:
        beats, again = grid.beats(), found.beats()
        near = np.argmin(np.abs(again.times[:, None] - beats.times), axis=0)
        np.testing.assert_array_equal(again.positions[near], beats.positions)


def test_a_tempo_on_the_lattice_needs_one_element():
    grid = BeatGrid([0.5], [127.99], 3600.0, [1], [4])
    assert rekordbox.dumps(Collection([DJTrack("/a", grid=grid)])).count(b"<TEMPO") == 1
    rough = BeatGrid([0.5], [128.005], 3600.0, [1], [4])
    assert rekordbox.dumps(Collection([DJTrack("/a", grid=rough)])).count(b"<TEMPO") > 100


def test_pyrekordbox_reads_what_we_write(tmp_path):
    from pyrekordbox.rbxml import RekordboxXml

    path = tmp_path / "x.xml"
    path.write_bytes(rekordbox.dumps(ONE))
    xml = RekordboxXml(path)
    (track,) = xml.get_tracks()
    assert track["Name"] == TRACK.title
    assert track["Location"].lstrip("/") == TRACK.location[1:]  # it loses the root on POSIX
    assert (track["Tonality"], track["TotalTime"], track["Kind"]) == ("F#m", 240, "MP3 File")
    tempos = [(x["Inizio"], x["Bpm"], x["Metro"], x["Battito"]) for x in track.tempos]
    assert tempos == [(0.232, 172.0, "4/4", 3), (60.5, 174.35, "4/4", 1)]
    marks = [(x["Type"], x["Start"], x["Num"]) for x in track.marks]
    assert marks == [
        ("cue", 0.232, 0), ("loop", 30.0, 3), ("cue", 61.0, -1), ("loop", 62.0, -1),
        ("load", 1.0, -1), ("fadeout", 200.0, -1),
    ]  # fmt: skip
    assert track.marks[1]["End"] == 34.5
    assert xml.get_playlist("set & more").get_tracks() == [track["TrackID"]]


def test_we_read_what_pyrekordbox_writes(tmp_path):
    from pyrekordbox.rbxml import RekordboxXml

    xml = RekordboxXml(name="another", version="1", company="")
    track = xml.add_track("/music/b c.mp3", Name="B", TotalTime=100, Tonality="8A")
    track.add_tempo(Inizio=0.5, Bpm=99.5, Metro="3/4", Battito=2)
    track.add_mark(Name="here", Type="cue", Start=4.5, Num=2)
    path = tmp_path / "x.xml"
    xml.save(str(path))
    (found,) = rekordbox.loads(path.read_bytes(), "x.xml").tracks
    assert (found.title, found.duration, found.key) == ("B", 100, "A minor")
    assert found.grid == BeatGrid([0.5], [99.5], 100, [2], [3])
    assert found.cues == (Cue(4.5, number=2, name="here"),)


OTHERS = b"""<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0"><!-- mine --><PRODUCT Name="rekordbox" Version="6.7" Company="P"/>
<COLLECTION Entries="2">
<TRACK TrackID="7" Name="old" Location="file://localhost/music/x%20y.mp3" Mix="long" PlayCount="9">
<TEMPO Inizio="9" Bpm="9.00" Metro="4/4" Battito="1"/><FUTURE a="b">text</FUTURE>
<POSITION_MARK Name="keep" Type="0" Start="1.5" Num="0"/></TRACK>
<TRACK TrackID="12" Name="another" Location="file://localhost/music/z.mp3" AverageBpm="90.00"/>
</COLLECTION>
<PLAYLISTS><NODE Type="0" Name="ROOT" Count="1"><NODE Name="old" Type="1" KeyType="0" Entries="1">
<TRACK Key="7"/></NODE></NODE></PLAYLISTS><UNKNOWN/></DJ_PLAYLISTS>"""


def test_merging_changes_what_is_known_and_loses_nothing():
    new = Collection(
        [DJTrack("/music/x y.mp3", grid=GRID, key="Am"), DJTrack("/music/new.mp3", "new")],
        [Playlist("old", ["/music/new.mp3"]), Playlist("mine", ["/music/z.mp3"])],
    )
    data = rekordbox.dumps(new, OTHERS)
    root = ET.fromstring(data)
    assert b"<!-- mine -->" in data
    assert root.find("UNKNOWN") is not None
    assert root.find("PRODUCT").get("Name") == "rekordbox"
    track = root.find("COLLECTION/TRACK[@TrackID='7']")
    assert [track.get(x) for x in ("Name", "Mix", "PlayCount")] == ["old", "long", "9"]
    assert (track.get("Tonality"), track.find("FUTURE").text) == ("Am", "text")
    assert [x.get("Bpm") for x in track.findall("TEMPO")] == ["172.00", "174.35"]
    assert [x.get("Name") for x in track.findall("POSITION_MARK")] == ["keep"]
    assert [x.tag for x in track][-1] == "POSITION_MARK"
    assert root.find("COLLECTION").get("Entries") == "3"
    found = rekordbox.loads(data, "x.xml")
    assert found.track("/music/z.mp3").tempo == 90
    lists = {x.name: x.locations for x in found.playlists}
    assert lists == {"old": ("/music/new.mp3",), "mine": ("/music/z.mp3",)}
    assert rekordbox.dumps(new, data) == data  # once more changes nothing


def test_paths_are_spelled_as_rekordbox_does():
    uri = rekordbox.location_uri("/m/ä b#?%.mp3")
    assert uri == "file://localhost/m/%C3%A4%20b%23%3F%25.mp3"
    assert rekordbox.location_path(uri) == "/m/ä b#?%.mp3"
    with pytest.raises(ParameterError, match="no whole path"):
        rekordbox.location_uri("a.mp3")


def test_one_odd_value_does_not_spoil_a_collection():
    odd = OTHERS.replace(b'Bpm="9.00"', b'Bpm="fast"').replace(b'Start="1.5"', b'Start="-2"')
    track = rekordbox.loads(odd.replace(b'"90.00"', b'"0.00"'), "x.xml").tracks[0]
    assert (track.title, track.grid, track.cues) == ("old", None, ())


def test_what_is_no_rekordbox_file_is_refused():
    with pytest.raises(FormatError, match=r"x\.xml is no whole XML"):
        rekordbox.loads(OTHERS[:300], "x.xml")
    with pytest.raises(FormatError, match="of NML; rekordbox writes DJ_PLAYLISTS"):
        rekordbox.loads(b"<NML/>", "x.xml")


def test_control_characters_do_not_break_the_file():
    assert written(DJTrack("/a.mp3", "a\x00b\x1bc")).title == "abc"
