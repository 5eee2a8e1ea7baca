"""Serato's blocks: each beat keeps its place, others read what we write, and the rest stays."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from djtracks import COLORS, grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj import serato
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Cue

NAMES = st.text("aé日 ", max_size=8)
CUES = (
    Cue(0.25, number=0, name="Drop ä", color=(1, 2, 3)),
    Cue(1.5, number=7, color=(204, 0, 0)),
    Cue(2.0, 4.0, number=0, name="Loop"),
)


@settings(max_examples=30, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(lattice=x)), st.sampled_from([0.0, 0.024, 0.02612]))
def test_no_beat_moves(grid, shift):
    found = serato.read_grid(serato.grid_bytes(grid, shift), shift, grid.end)
    assert deviation(grid, found) <= 1e-3


@settings(max_examples=30, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(lattice=x)))
def test_the_markers_say_where_each_beat_is(grid):
    """By the words of the format: beats lie evenly between markers."""
    data = serato.grid_bytes(grid)
    n = int.from_bytes(data[2:6], "big")
    rows = [struct.unpack_from(">fI", data, 6 + 8 * i) for i in range(n)]
    placed = [rows[-1][0]]
    for (time, beats), (following, _) in pairwise(rows):
        placed += [time + k * (following - time) / beats for k in range(beats)]
    placed = np.sort(placed)
    beats = grid.beats().times
    beats = beats[beats >= placed[0] - 1e-3]
    assert len(placed) == max(len(beats), 2)
    assert np.max(np.abs(placed[: len(beats)] - beats)) <= 3e-4
    assert struct.unpack_from(">f", data, 2 + 8 * n)[0] == pytest.approx(grid.bpms[-1])


def test_one_tempo_is_two_markers_and_comes_back_as_one():
    grid = BeatGrid([0.25], [127.99], 600.0)
    data = serato.grid_bytes(grid)
    assert data[:6] == bytes.fromhex("010000000002")
    assert len(data) == 6 + 2 * 8 + 1
    found = serato.read_grid(data, end=600.0)
    assert len(found) == 1
    assert found.bpms[0] == pytest.approx(127.99, abs=1e-5)


def test_a_grid_of_one_beat_gets_another_that_mixxx_may_see():
    data = serato.grid_bytes(BeatGrid([1.0], [120.0], 1.0))
    assert struct.unpack(">2sIfIffx", data)[1:] == (2, 1.0, 1, 1.5, 120.0)


def test_markers_at_each_beat_become_the_tempi_they_mean():
    grid = BeatGrid([0.5, 30.5], [120.0, 100.0], 60.0)
    times = grid.beats().times
    rows = b"".join(struct.pack(">fI", time, 1) for time in times[:-1])
    data = b"\1\0" + struct.pack(">I", len(times)) + rows + struct.pack(">ffx", times[-1], 100.0)
    found = serato.read_grid(data, end=60.0)
    np.testing.assert_allclose(found.times, grid.times, atol=1e-5)
    np.testing.assert_allclose(found.bpms, grid.bpms)


def test_a_grid_that_serato_wrote_with_one_marker_is_read():
    found = serato.read_grid(bytes.fromhex("010000000001 3d4ccccd 42f00000 00"), end=10.0)
    assert (found.times[0], found.bpms[0]) == (pytest.approx(0.05), 120.0)
    assert serato.read_grid(bytes.fromhex("0100 00000000 00")) is None


def test_a_grid_that_begins_before_the_track_is_read_from_its_first_beat():
    grid = BeatGrid([0.01], [120.0], 60.0)
    found = serato.read_grid(serato.grid_bytes(grid), 0.1, 60.0)
    assert found.times[0] == pytest.approx(0.41)
    assert found.bpms[0] == 120


@pytest.mark.parametrize(
    "data",
    ["", "0101", "0100 00000002 3d4ccccd 42f00000 00", "0100 ffffffff",
     "0100 00000002 3f800000 00000001 3f000000 42f00000 00",
     "0100 00000002 3f000000 00000000 3f800000 42f00000 00",
     "0100 00000001 7fc00000 42f00000 00", "0100 00000001 3f800000 00000000 00"],
)  # fmt: skip
def test_damaged_grids_are_refused(data):
    with pytest.raises(FormatError, match="BeatGrid"):
        serato.read_grid(bytes.fromhex(data))


def test_cues_and_loops_come_back():
    marks = serato.read_marks(serato.marks_bytes(CUES, True))
    assert marks.locked
    assert marks.cues == CUES
    again = serato.read_marks(serato.marks_bytes(None, False, old=marks))
    assert (again.cues, again.locked) == (CUES, False)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda time, length, *rest: Cue(time, length and time + length, "hot", *rest),
            st.floats(0, 3000), st.none() | st.floats(0.01, 100), st.integers(0, 7), NAMES, COLORS,
        ), max_size=16, unique_by=lambda cue: (cue.end is not None, cue.number),
    ),
    st.booleans(),
)  # fmt: skip
def test_any_cues_come_back_to_a_millisecond(cues, locked):
    marks = serato.read_marks(serato.marks_bytes(cues, locked, 0.026), 0.026)
    assert marks.locked == locked
    cues = sorted(cues, key=lambda cue: (cue.end is not None, cue.number))
    for a, b in zip(cues, marks.cues, strict=True):
        assert (a.number, a.name, a.end is None) == (b.number, b.name, b.end is None)
        assert b.time == pytest.approx(a.time, abs=6e-4)
        assert a.end is not None or a.color == b.color
        assert a.end is None or b.end == pytest.approx(a.end, abs=6e-4)


def test_what_has_no_button_is_left_out_and_unknown_entries_stay():
    cues = [Cue(1, number=9), Cue(1, kind="memory"), Cue(2, number=1), Cue(3, number=1)]
    old = serato.Marks(entries=(("COLOR", b"\0\1\2\3"), ("FLIP", b"abc"), ("CUE", b"odd")))
    marks = serato.read_marks(serato.marks_bytes(cues, None, old=old))
    assert [(cue.number, cue.time) for cue in marks.cues] == [(1, 2.0)]
    assert marks.entries[:2] == old.entries[:2]
    assert not marks.locked


@pytest.mark.parametrize("cut", range(2, 80, 7))
def test_markers_that_are_cut_off_are_refused_or_read_in_part(cut):
    inner = serato.from_base64(serato.marks_bytes(CUES)[2:].partition(b"\0")[0])
    data = b"\1\1" + serato.base64_lines(inner[:cut])
    try:
        assert set(serato.read_marks(data).cues) <= set(CUES)
    except FormatError as error:
        assert "Markers2" in str(error)  # noqa: PT017
    with pytest.raises(FormatError, match="base64"):
        serato.read_marks(b"\1\1!!!!")


def test_autotags_come_back():
    values = serato.Autotags(127.99, -3.257, 1.5)
    assert serato.read_autotags(serato.autotags_bytes(values)) == values
    for data in (b"\1\1x\0y\0z\0", b"\2\1"):
        with pytest.raises(FormatError, match="Autotags"):
            serato.read_autotags(data)


def test_serato_tools_reads_our_blocks():
    """Another reader of the same blocks, written by others."""
    pytest.importorskip("serato_tools")
    from serato_tools.track_autotags import TrackAutotags
    from serato_tools.track_beatgrid import TrackBeatgrid
    from serato_tools.track_cues_v2 import TrackCuesV2

    found = TrackBeatgrid(serato.grid_bytes(BeatGrid([0.25, 30.5], [128, 120], 60))).entries
    assert found[0].beats_till_next_marker > 60
    assert found[-2].bpm == 120
    cue, other, loop, lock = TrackCuesV2(serato.marks_bytes(CUES, True)).entries
    assert (cue.index, cue.position, cue.color, cue.name) == (0, 250, b"\1\2\3", "Drop ä")
    assert other.index == 7
    assert (loop.index, loop.startposition, loop.endposition, loop.name) == (0, 2000, 4000, "Loop")
    assert lock.enabled is True
    tags = TrackAutotags(serato.autotags_bytes(serato.Autotags(128, -3.25, 0)))
    assert (tags.bpm, tags.autogain, tags.gaindb) == (128, -3.25, 0)


def test_serato_tools_writes_what_we_read():
    pytest.importorskip("serato_tools")
    from serato_tools.track_beatgrid import TrackBeatgrid
    from serato_tools.track_cues_v2 import TrackCuesV2

    grid = TrackBeatgrid(serato.grid_bytes(BeatGrid([0.25], [128], 60)))
    grid._dump()
    assert serato.read_grid(grid.raw_data, end=60).bpms[0] == 128
    cues = TrackCuesV2(serato.marks_bytes(CUES, True))
    cues._dump()
    assert serato.read_marks(cues.raw_data).cues == CUES
