import numpy as np
import pytest

from mirkit.training.beat.targets import frame_targets, tempo_target


def test_events_are_one_and_their_neighbours_half():
    target = frame_targets(np.array([0.1, 0.24]), fps=50, n_frames=15)
    expected = np.zeros(15)
    expected[[4, 6, 11, 13]] = 0.5
    expected[[5, 12]] = 1
    np.testing.assert_array_equal(target, expected)


def test_events_beyond_the_ends_leave_only_their_neighbours():
    np.testing.assert_array_equal(
        frame_targets(np.array([-0.01, 0.05, -7.0, 9.0]), fps=100, n_frames=5),
        [0.5, 0, 0, 0, 0.5],
    )


def test_an_event_beats_its_neighbours_half():
    target = frame_targets(np.array([0.02, 0.01]), fps=100, n_frames=4)
    np.testing.assert_array_equal(target, [0.5, 1, 1, 0.5])


def test_no_neighbours_where_none_are_wanted():
    assert frame_targets(np.array([0.02]), 100, 5, neighbour=0).tolist() == [0, 0, 1, 0, 0]
    assert not frame_targets(np.empty(0), 100, 5).any()


@pytest.mark.parametrize("bpm", [60, 119.5, 240])
@pytest.mark.parametrize("stretch", [0.9, 1.0, 1.2])
def test_steady_tempo_is_a_narrow_hill_at_the_tempo_heard(bpm, stretch):
    target = tempo_target(np.arange(9) * 60 / bpm, stretch, 300)
    assert target.sum() == pytest.approx(1)
    assert target @ np.arange(300) == pytest.approx(bpm * stretch, abs=0.01)
    assert np.count_nonzero(target) <= 6


def test_drifting_tempo_is_a_broad_hill():
    intervals = 60 / np.linspace(90, 110, 30)
    target = tempo_target(np.cumsum(intervals), 1.0, 300)
    assert np.count_nonzero(target) > 15
    assert 95 < target @ np.arange(300) < 105


def test_no_tempo_without_two_beats_or_beyond_the_bins():
    assert tempo_target(np.array([1.0]), 1.0, 300) is None
    assert tempo_target(np.array([1.0, 1.1]), 1.0, 300) is None
