"""VirtualDJ's database, read back, and held against a file kept by hand."""

import xml.etree.ElementTree as ET

import pytest
from djtracks import collections, grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj import virtualdj
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Collection, Cue, DJTrack

GRID = BeatGrid([0.25, 60.25], [128.0, 120.0], 100.0, [1, 1], [4, 4])


@settings(max_examples=20, deadline=None)
@given(collections())
def test_tracks_come_back(collection):
    found = virtualdj.loads(virtualdj.dumps(collection), "database.xml")
    assert [x.location for x in found.tracks] == [x.location for x in collection.tracks]
    for a, b in zip(collection.tracks, found.tracks, strict=True):
        for name in ("title", "artist", "album", "genre", "key", "size", "bit_rate"):
            assert getattr(a, name) == getattr(b, name), name
        assert b.comment == a.comment.strip()
        for x, y in zip(a.cues, b.cues, strict=True):
            assert (x.kind, x.number, x.name, x.color) == (y.kind, y.number, y.name, y.color)
            assert y.time == pytest.approx(x.time, abs=1e-6)
            assert (y.end is None) == (x.end is None)
            if x.end is not None:
                assert y.end == pytest.approx(x.end, rel=1e-5, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(lattice=x, meters=(4,))))
def test_no_beat_moves_by_more_than_a_millisecond(grid):
    track = DJTrack("/a.mp3", duration=grid.end + 1, grid=grid)
    (found,) = virtualdj.loads(virtualdj.dumps(Collection([track])), "x").tracks
    assert deviation(grid, found.grid) <= 1e-3


def test_the_file_is_as_virtualdj_has_it():
    track = DJTrack(
        "C:/Music/a & b.mp3", "T", "A", "L", "G", "words", 100.0, size=99, bit_rate=320000,
        key="A minor", grid=GRID,
        cues=(Cue(0.25, number=0, name="in", color=(255, 0, 1)), Cue(8, 16, number=1)),
    )  # fmt: skip
    assert virtualdj.dumps(Collection([track])).decode() == (
        """<?xml version="1.0" encoding="UTF-8"?>
<VirtualDJ_Database Version="8.5">
  <Song FilePath="C:\\Music\\a &amp; b.mp3" FileSize="99">
    <Tags Author="A" Title="T" Genre="G" Album="L" Bpm="0.468750" Key="Am" />
    <Infos SongLength="100.000000" Bitrate="320" />
    <Comment>words</Comment>
    <Scan Bpm="0.468750" Key="Am" Version="801" Phase="0.250000" />
    <Poi Pos="0.250000" Type="beatgrid" Bpm="0.468750" />
    <Poi Pos="60.250000" Type="beatgrid" Bpm="0.500000" />
    <Poi Pos="0.250000" Type="cue" Num="1" Name="in" Color="4294901761" />
    <Poi Pos="8.000000" Type="loop" Size="17.066667" Num="2" />
  </Song>
</VirtualDJ_Database>
"""
    )


OTHERS = rb"""<?xml version="1.0" encoding="UTF-8"?>
<VirtualDJ_Database Version="2023">
 <Song FilePath="C:\Music\x.mp3" FileSize="5"><Tags Author="A" Bpm="0.5" Stars="3"/>
  <Scan Version="801" Bpm="0.468750" Volume="0.9" Key="8A" Phase="0.1" Flag="32768"/>
  <Poi Pos="20.5" Type="automix" Point="realStart"/><Poi Pos="3" Type="cue" Num="1"/>
  <Link NetSearch="x"/></Song>
 <Song FilePath="/y.mp3"/></VirtualDJ_Database>"""


def test_merging_changes_what_is_known_and_loses_nothing():
    old = virtualdj.loads(OTHERS, "x").track("C:/Music/x.mp3")
    assert (old.key, old.tempo, old.grid.times[0]) == ("A minor", 128, 0.1)
    assert old.cues == (Cue(3, number=0),)
    new = Collection([DJTrack("C:/Music/x.mp3", grid=GRID, key="C minor")])
    data = virtualdj.dumps(new, OTHERS)
    root = ET.fromstring(data)
    assert root.get("Version") == "2023"
    song = root.find("Song")
    assert song.find("Tags").attrib["Stars"] == "3"
    assert song.find("Scan").attrib["Volume"] == "0.9"
    types = [poi.get("Type") for poi in song.findall("Poi")]
    assert types == ["automix", "cue", "beatgrid", "beatgrid"]
    assert song.find("Link") is not None
    assert len(root.findall("Song")) == 2
    assert virtualdj.dumps(new, data) == data


def test_what_is_no_database_is_refused():
    with pytest.raises(FormatError, match="VirtualDJ writes VirtualDJ_Database"):
        virtualdj.loads(b"<NML/>", "x")
