"""Engine DJ's grid: by the words of its format, and back."""

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
from djtracks import grids
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import FormatError
from mirkit.formats.dj import engine
from mirkit.formats.dj.anchors import deviation


def markers(data):
    """Plain decoding of the DJ's grid: frame, number of the beat, beats to the next."""
    inner = zlib.decompress(data[4:])
    assert len(inner) == int.from_bytes(data[:4], "big")
    rate, length, is_set = struct.unpack_from(">ddB", inner)
    (n,) = struct.unpack_from(">q", inner, 17)
    rows = [struct.unpack_from("<dqii", inner, 25 + 24 * i) for i in range(n)]
    assert inner[17 : 25 + 24 * n] == inner[25 + 24 * n :]  # the analyzer's and the DJ's
    assert is_set == 1
    return rate, length, rows


def test_one_tempo_is_two_markers_from_a_bar_before_to_a_beat_behind():
    data = engine.beat_data(BeatGrid([0.25], [120.0], 10.0), 44100, 441000)
    rate, length, rows = markers(data)
    assert (rate, length) == (44100, 441000)
    assert [row[1:] for row in rows] == [(-4, 24, 0), (20, 0, 0)]
    assert [row[0] / 44100 for row in rows] == pytest.approx([0.25 - 2.0, 10.25])


@settings(max_examples=15, deadline=None)
@given(st.booleans().flatmap(lambda x: grids(max_segments=4, lattice=x)),
       st.sampled_from([22050, 44100, 48000, 96000]))  # fmt: skip
def test_no_beat_moves(grid, sample_rate):
    data = engine.beat_data(grid, sample_rate)
    _, _, rows = markers(data)
    placed = [
        (frame + k * (after[0] - frame) / n) / sample_rate
        for (frame, _, n, _), after in pairwise(rows) for k in range(n)
    ]  # fmt: skip
    beats = grid.beats().times
    beats = beats[beats >= placed[4] - 1e-3]
    assert np.max(np.abs(np.array(placed[4 : 4 + len(beats)]) - beats)) <= 3e-4
    assert deviation(grid, engine.read_beat_data(data)) <= 1e-3


def test_bars_come_back():
    grid = BeatGrid([0.25, 30.25], [120.0, 90.0], 60.0, [3, 3], [4, 4])
    found = engine.read_beat_data(engine.beat_data(grid, 48000)).beats()
    beats = grid.beats()
    near = np.argmin(np.abs(found.times[:, None] - beats.times), axis=0)
    np.testing.assert_array_equal(found.positions[near], beats.positions)


def test_nothing_is_no_grid():
    assert engine.read_beat_data(b"") is None
    inner = struct.pack(">ddBqq", 44100, 1e6, 0, 0, 0)
    assert engine.read_beat_data(struct.pack(">i", len(inner)) + zlib.compress(inner)) is None


@pytest.mark.parametrize("cut", [5, 20, -1])
def test_damaged_blocks_are_refused(cut):
    data = engine.beat_data(BeatGrid([0.25], [120.0], 10.0), 44100)
    with pytest.raises(FormatError, match="Engine"):
        engine.read_beat_data(data[:cut])
    inner = zlib.decompress(data[4:])[: cut + 20]
    with pytest.raises(FormatError, match="Engine"):
        engine.read_beat_data(struct.pack(">i", len(inner)) + zlib.compress(inner))
    rows = struct.pack(">ddBq", 44100, 1e6, 1, 2) + struct.pack("<dqiidqii", 9, 1, 1, 0, 8, 2, 0, 0)
    inner = rows + struct.pack(">q", 0)
    with pytest.raises(FormatError, match="out of order"):
        engine.read_beat_data(struct.pack(">i", len(inner)) + zlib.compress(inner))
