"""Traktor NML, read back by us and by traktor-nml-utils."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from djtracks import collections, grids
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError, ParameterError
from mirkit.formats.dj import losses, traktor
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist

GRID = BeatGrid([0.25, 60.5], [128.0, 126.5], 240.0, [1, 1], [4, 4])
TRACK = DJTrack(
    "/tmp/music/x & y.flac", "Title", "Artist", "Album", "House", "words", 240.5,
    bit_rate=900000, key="A minor", rating=3, grid=GRID,
    cues=(Cue(0.25, number=0, name="in"), Cue(30, 34, number=1), Cue(9, kind="memory"),
          Cue(1, kind="load"), Cue(3, kind="fade-in")),
)  # fmt: skip
ONE = Collection([TRACK], [Playlist("p", [TRACK.location])])


@settings(max_examples=20, deadline=None)
@given(collections())
def test_a_collection_comes_back(collection):
    found = traktor.loads(traktor.dumps(collection), "x.nml")
    assert found.playlists == collection.playlists
    assert [x.location for x in found.tracks] == [x.location for x in collection.tracks]
    for a, b in zip(collection.tracks, found.tracks, strict=True):
        for name in ("title", "artist", "album", "genre", "comment", "key", "rating", "bit_rate"):
            assert getattr(a, name) == getattr(b, name), name
        assert b.duration == pytest.approx(a.duration, abs=1e-6)
        for x, y in zip(a.cues, b.cues, strict=True):
            assert (x.kind, x.number, x.name) == (y.kind, y.number, y.name)
            assert y.time == pytest.approx(x.time, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(lattice=x, meters=(4,))))
@example(BeatGrid([0.0], [60.0], 2.0, [2], [4]))  # too short for a downbeat
def test_no_beat_moves(grid):
    track = DJTrack("/a.mp3", duration=grid.end + 1, grid=grid)
    (found,) = traktor.loads(traktor.dumps(Collection([track])), "x.nml").tracks
    assert deviation(grid, found.grid) <= 2e-5
    if grid.positions is None:
        return
    beats, again = grid.beats(), found.grid.extend(grid.end + 1).beats()
    near = np.argmin(np.abs(again.times[:, None] - beats.times), axis=0)
    kept = np.array_equal(again.positions[near], beats.positions)
    (loss,) = losses(Collection([track]), "traktor")
    assert ("bars" in loss.fields) == (not kept)
    if has_one_count(grid):
        assert kept


def has_one_count(grid):
    """Whether bars go on across all tempi, from a downbeat at the first: what Traktor can hold."""
    counted = grid.positions[0] - 1 + np.concatenate([[0], np.cumsum(grid.counts)[:-1]])
    goes_on = np.array_equal(counted % 4 + 1, grid.positions)
    return goes_on and (len(grid) == 1 or grid.counts[0] > (5 - grid.positions[0]) % 4)


def test_a_bar_that_begins_anew_is_a_loss_that_is_told():
    """Markers have tempi and no bars: beats are counted in fours from the first of them."""
    grid = BeatGrid([0.0, 2.0], [60.0, 60.0], 8.0, [1, 1], [4, 4])
    track = DJTrack("/a.mp3", duration=9.0, grid=grid)
    (loss,) = losses(Collection([track]), "traktor")
    assert loss.deviation <= 1e-6
    assert "bars" in loss.fields
    steady = replace(track, grid=BeatGrid([0.0, 4.0], [60.0, 60.0], 8.0, [1, 1], [4, 4]))
    (loss,) = losses(Collection([steady]), "traktor")
    assert "bars" not in loss.fields


def test_old_versions_get_one_marker_with_the_tempo_that_fits_best():
    data = traktor.dumps(ONE, flexible=False)
    assert data.count(b'TYPE="4"') == 1
    (found,) = traktor.loads(data, "x.nml").tracks
    assert 126.5 < found.grid.bpm < 128
    assert deviation(GRID, found.grid) > 0.05


def test_the_marker_is_a_downbeat():
    grid = BeatGrid([0.25], [120.0], 100.0, [3], [4])
    data = traktor.dumps(Collection([DJTrack("/a", duration=100.0, grid=grid)]))
    assert b'START="1250.000000"' in data
    found = traktor.loads(data, "x.nml").tracks[0].grid.extend()
    assert (found.times[0], found.positions[0]) == (pytest.approx(0.25), 3)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves the file open
def test_traktor_nml_utils_reads_what_we_write(tmp_path):
    from traktor_nml_utils import TraktorCollection

    path = tmp_path / "collection.nml"
    path.write_bytes(traktor.dumps(ONE))
    nml = TraktorCollection(path).nml
    (entry,) = nml.collection.entry
    assert (entry.title, entry.artist, entry.album.title) == ("Title", "Artist", "Album")
    assert (entry.location.dir, entry.location.file) == ("/:tmp/:music/:", "x & y.flac")
    assert (entry.musical_key.value_attribute, entry.info.key) == (21, "1m")
    assert (entry.info.playtime, entry.info.ranking) == (240, 153)
    assert entry.tempo.bpm == 126.5  # which holds longest
    cues = [(x.type_value if hasattr(x, "type_value") else x.type, x.start, x.len, x.hotcue)
            for x in entry.cue_v2]  # fmt: skip
    assert cues == [
        (4, 250.0, 0.0, -1), (4, 60500.0, 0.0, -1), (0, 250.0, 0.0, 0), (5, 30000.0, 4000.0, 1),
        (0, 9000.0, 0.0, -1), (3, 1000.0, 0.0, -1), (1, 3000.0, 0.0, -1),
    ]  # fmt: skip
    assert [x.grid.bpm for x in entry.cue_v2[:2]] == [128.0, 126.5]
    (node,) = nml.playlists.node.subnodes.node
    assert node.playlist.entry[0].primarykey.key == "Macintosh HD/:tmp/:music/:x & y.flac"


OTHERS = b"""<?xml version="1.0" encoding="UTF-8"?>
<NML VERSION="20"><HEAD COMPANY="N" PROGRAM="Traktor"/><MUSICFOLDERS/>
<COLLECTION ENTRIES="1"><ENTRY MODIFIED_DATE="2020/1/1" AUDIO_ID="abc" TITLE="old">
<LOCATION DIR="/:Music/:" FILE="x.mp3" VOLUME="C:" VOLUMEID="c0ffee"/>
<INFO BITRATE="320000" COVERARTID="12" KEY="6m" PLAYTIME="100"/><TEMPO BPM="99.5" BPM_QUALITY="9"/>
<LOUDNESS PEAK_DB="-1"/><CUE_V2 NAME="AutoGrid" TYPE="4" START="10.0" LEN="0" HOTCUE="-1"/>
<CUE_V2 NAME="mine" TYPE="0" START="500.0" LEN="0" HOTCUE="2"/><STEMS STEMS="x"/></ENTRY>
</COLLECTION><SETS ENTRIES="0"/><PLAYLISTS><NODE TYPE="FOLDER" NAME="$ROOT"><SUBNODES COUNT="1">
<NODE TYPE="PLAYLIST" NAME="p"><PLAYLIST ENTRIES="0" TYPE="LIST" UUID="1"/></NODE>
</SUBNODES></NODE></PLAYLISTS></NML>"""


def test_merging_changes_what_is_known_and_loses_nothing():
    (old,) = traktor.loads(OTHERS, "x.nml").tracks
    assert (old.location, old.key, old.tempo) == ("C:/Music/x.mp3", "Ab minor", 99.5)
    assert old.grid.bpm == 99.5  # the marker says no tempo, so that of the track holds
    new = Collection(
        [DJTrack(r"C:\Music\x.mp3", key="Am", grid=GRID), DJTrack("D:/new.mp3", "new")],
        [Playlist("p", ["D:/new.mp3"])],
    )
    data = traktor.dumps(new, OTHERS)
    root = ET.fromstring(data)
    assert {x.tag for x in root} == {"HEAD", "MUSICFOLDERS", "COLLECTION", "SETS", "PLAYLISTS"}
    entry = root.find("COLLECTION/ENTRY")
    assert (entry.get("AUDIO_ID"), entry.get("TITLE")) == ("abc", "old")
    assert entry.find("LOCATION").get("VOLUMEID") == "c0ffee"
    assert entry.find("INFO").attrib == {
        "BITRATE": "320000", "COVERARTID": "12", "KEY": "1m", "PLAYTIME": "100",
    }  # fmt: skip
    tags = "LOCATION INFO TEMPO LOUDNESS MUSICAL_KEY CUE_V2 CUE_V2 CUE_V2 STEMS"
    assert " ".join(x.tag for x in entry) == tags
    assert [x.get("NAME") for x in entry.findall("CUE_V2")] == [
        "Beat Marker",
        "Beat Marker",
        "mine",
    ]
    assert root.find(".//PLAYLIST").get("UUID") == "1"
    found = traktor.loads(data, "x.nml")
    assert found.playlists == new.playlists
    assert found.tracks[0].cues == (Cue(0.5, number=2, name="mine"),)
    assert traktor.dumps(new, data) == data


def test_what_is_no_nml_file_is_refused():
    with pytest.raises(FormatError, match="no whole XML"):
        traktor.loads(OTHERS[:-9], "x.nml")
    with pytest.raises(FormatError, match="Traktor writes NML"):
        traktor.loads(b"<DJ_PLAYLISTS/>", "x.nml")
    with pytest.raises(ParameterError, match="no whole path"):
        traktor.dumps(Collection([DJTrack("a.mp3")]))
