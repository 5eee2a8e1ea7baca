"""The grid as a value: its beats, and what a user does to it by hand."""

import numpy as np
import pytest

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import ParameterError

STEADY = BeatGrid([0.25], [120.0], 10.25, [1], [4])
TWO = BeatGrid([1.0, 5.0], [120.0, 100.0], 8.0, [3, 3], [4, 4])


def test_a_segment_holds_until_the_next_begins():
    beats = TWO.beats()
    np.testing.assert_allclose(beats.times, [*np.arange(1, 5, 0.5), *np.arange(5, 8.01, 0.6)])
    assert beats.positions.tolist() == [3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    assert TWO.counts.tolist() == [8, 6]


@pytest.mark.parametrize("off", [-0.15, -0.02, 0, 0.02, 0.15])
def test_no_beat_is_lost_or_doubled_where_the_next_segment_is_a_little_off(off):
    grid = BeatGrid([1.0, 5.0 + off], [120.0, 100.0], 8.0)
    assert grid.counts[0] == 8


def test_the_tempo_is_that_which_holds_longest():
    assert TWO.bpm == 120
    assert not TWO.constant
    assert BeatGrid([0, 1, 5, 9], [120, 100, 90, 100], 10).bpm == 100


def test_downbeats_are_known_only_with_bars():
    assert STEADY.first_downbeat == 0.25
    assert TWO.first_downbeat == 2.0
    assert BeatGrid([1], [120], 2).first_downbeat is None


def test_twice_the_tempo_keeps_every_beat_and_downbeat():
    for grid in (STEADY, TWO):
        twice = grid.double().beats()
        assert set(grid.beats().times.round(6)) <= set(twice.times.round(6))
        assert set(grid.beats().downbeats.round(6)) <= set(twice.downbeats.round(6))
        assert len(twice) >= 2 * len(grid.beats()) - 1


def test_half_the_tempo_keeps_every_other_beat_and_the_first_downbeat():
    half = STEADY.halve()
    np.testing.assert_allclose(half.beats().times, STEADY.beats().times[::2])
    np.testing.assert_allclose(half.beats().downbeats, STEADY.beats().downbeats[::2])
    moved = BeatGrid([0.25], [120.0], 10.25, [4], [4]).halve()
    assert moved.times[0] == 0.75  # the beat before the downbeat goes
    assert moved.positions.tolist() == [1 + 4 // 2]
    assert set(TWO.halve().beats().times.round(6)) <= set(TWO.beats().times.round(6))


def test_half_of_twice_is_the_same_grid():
    for grid in (STEADY, TWO, BeatGrid([1.0, 3.0], [120.0, 90.0], 8.0)):
        again = grid.double().halve()
        np.testing.assert_allclose(again.beats().times, grid.beats().times)


def test_halving_a_grid_of_short_segments_keeps_beats_of_the_grid():
    times = np.cumsum([0.5] * 9)
    grid = BeatGrid(times, [120.0] * 9, 4.6, [1, 2, 3, 4, 1, 2, 3, 4, 1], [4] * 9)
    np.testing.assert_allclose(grid.halve().beats().times, times[::2])


@pytest.mark.parametrize("grid", [STEADY, TWO])
def test_a_shift_of_half_a_beat_moves_beats_and_bars(grid):
    moved = grid.shift(0.5)
    np.testing.assert_allclose(moved.times, grid.times + 0.5 * grid.periods)
    assert moved.positions.tolist() == grid.positions.tolist()
    again = moved.shift(0.5)
    assert set(grid.beats().times.round(6)[1:]) <= set(again.beats().times.round(6))


@pytest.mark.parametrize("grid", [STEADY, TWO])
def test_a_shift_of_whole_beats_moves_the_bars_alone(grid):
    moved = grid.shift(1)
    np.testing.assert_array_equal(moved.times, grid.times)
    downbeats = np.flatnonzero(grid.beats().positions == 1) + 1
    now = np.flatnonzero(moved.beats().positions == 1)
    assert set(downbeats[:-1]) <= set(now)
    assert moved.shift(-1) == grid
    assert grid.shift(4) == grid


def test_a_grid_is_extended_over_the_whole_track():
    whole = TWO.extend(20.0)
    assert whole.times[0] == 0.0
    assert whole.end == 20
    beats, before = whole.beats(), TWO.beats()
    shared = np.isin(beats.times.round(6), before.times.round(6))
    assert shared.sum() == len(before)
    assert beats.positions[shared].tolist() == before.positions.tolist()


def test_grids_are_checked():
    for wrong, match in [
        (([], [], 1), "at least one segment"),
        (([1], [120, 100], 1), "1 are needed"),
        (([1], [0], 2), "above 0"),
        (([2, 1], [120, 100], 3), "increase"),
        (([1], [120], 0.5), "end is 0.5"),
        (([1], [120], 2, [5], [4]), "positions"),
        (([1], [120], 2, [1]), "both given"),
    ]:
        with pytest.raises(ParameterError, match=match):
            BeatGrid(*wrong)


def test_a_grid_becomes_a_tempo_map():
    tempos = TWO.tempo_map()
    assert tempos.bpms.tolist() == [120, 100]
    assert tempos.meters.tolist() == [4, 4]
