"""From beats to the simplest grid: minimal, within tolerance, and honest about what it is not."""

from itertools import pairwise

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import ramp_beats, steady_beats

from mirkit.annotation import Beats
from mirkit.decoding.counting import count_beats
from mirkit.decoding.gridfit import borders, fit_grid, reach
from mirkit.errors import ParameterError


@st.composite
def tempo_curves(draw, max_beats=60):
    """Beats of a tempo that stays, glides, jumps or wanders, with jitter [s]."""
    periods = []
    period = draw(st.floats(0.3, 1.0))
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, max_beats // 4))
        glide = draw(st.sampled_from([0, 0, 0.0005, -0.0005, 0.003]))
        periods += [period + glide * i for i in range(n)]
        period = min(1.0, max(0.3, period * draw(st.sampled_from([1, 1, 0.8, 1.1, 1.25]))))
    seed, noise = draw(st.integers(0, 99)), draw(st.sampled_from([0, 0.001, 0.004, 0.01]))
    jitter = np.random.default_rng(seed).uniform(-noise, noise, len(periods) + 1)
    return np.maximum(draw(st.floats(0.02, 2)) + np.cumsum([0, *periods]) + jitter, 0)


def counted(n_beats, meter=4, first=1):
    return (np.arange(n_beats) + first - 1) % meter + 1


@settings(max_examples=30, deadline=None)
@given(tempo_curves(24), st.sampled_from([0.003, 0.010, 0.025]), st.sampled_from([0.5, 2.0]))
def test_no_partition_has_fewer_segments(times, tolerance, resolution):
    kept, index = count_beats(times)
    times = times[kept]
    lattice = resolution * np.arange(1, round(500 / resolution))
    least = reference.fewest_segments(times, index, tolerance, lattice)
    assert len(borders(times, index, tolerance, resolution)) - 1 == least


def test_no_partition_of_wandering_beats_has_fewer_segments():
    lattice = 0.05 * np.arange(1600, 3400)  # 80 to 170 bpm
    counts = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        times = 1 + np.cumsum(0.5 + rng.normal(0, 0.012, 16))
        index = np.arange(16)
        least = reference.fewest_segments(times, index, 0.01, lattice)
        assert len(borders(times, index, 0.01, 0.05)) - 1 == least
        counts.append(least)
    assert len(set(counts)) > 2


@settings(max_examples=60, deadline=None)
@given(tempo_curves(), st.sampled_from([0.003, 0.010, 0.025]), st.sampled_from([0.01, None, 1.0]))
def test_every_beat_keeps_its_place(times, tolerance, resolution):
    fit = fit_grid(Beats(times), tolerance, resolution=resolution)
    assert fit.max_error <= tolerance + 1e-6
    assert len(fit.residuals) + fit.n_extra + fit.n_wrong == len(times)
    assert 0 <= fit.quality <= 1
    if resolution:
        np.testing.assert_allclose(np.rint(fit.grid.bpms / resolution) * resolution, fit.grid.bpms)
    grid = fit.grid.beats().times
    kept, _ = count_beats(times)
    off = np.min(np.abs(times[kept][:, None] - grid[None]), axis=1)
    assert np.count_nonzero(off > tolerance + 1e-6) <= fit.n_wrong


@settings(max_examples=25, deadline=None)
@given(tempo_curves())
def test_borders_move_only_to_where_the_tolerance_still_holds(times):
    kept, index = count_beats(times)
    times = times[kept]
    cuts = borders(times, index, 0.01, 0.01)
    for a, b in pairwise(cuts):
        assert b <= reach(times, index, a, 0.01, 0.01)


@pytest.mark.parametrize("bpm", [60.0, 93.33, 120.0, 128.0, 174.5, 127.99])
def test_a_steady_tempo_is_found_to_a_hundredth(bpm):
    rng = np.random.default_rng(0)
    times = steady_beats(bpm, 300) + rng.normal(0, 0.002, len(steady_beats(bpm, 300)))
    fit = fit_grid(Beats(times, counted(len(times), first=3)))
    assert fit.constant
    assert fit.grid.bpm == pytest.approx(bpm, abs=1e-6)
    assert fit.grid.times[0] == pytest.approx(0.3, abs=0.001)
    assert (fit.grid.positions.tolist(), fit.grid.meters.tolist()) == ([3], [4])
    assert fit.rms < 0.0025
    assert fit.quality > 0.9


def test_near_a_whole_tempo_the_evidence_decides():
    times = steady_beats(128, 15)
    noisy = [times + np.random.default_rng(i).normal(0, 0.003, len(times)) for i in range(20)]
    with_snap = [fit_grid(Beats(x)).grid.bpm for x in noisy]
    without = [fit_grid(Beats(x), snap=False).grid.bpm for x in noisy]
    assert with_snap.count(128.0) >= 17
    assert without.count(128.0) <= 10
    exact = steady_beats(127.9, 15)  # within tolerance of 128, but no noise hides the difference
    assert fit_grid(Beats(exact)).grid.bpm == pytest.approx(127.9)


def test_a_change_of_tempo_is_found_where_it_is():
    for seed in range(5):
        jitter = np.random.default_rng(seed).normal(0, 0.001, 201)
        times = np.cumsum([1, *[0.5] * 100, *[0.47] * 100]) + jitter
        fit = fit_grid(Beats(times))
        assert len(fit.grid) == 2
        assert fit.grid.bpms[0] == 120
        assert fit.grid.bpms[1] == pytest.approx(60 / 0.47, abs=0.02)
        assert fit.grid.times[1] == pytest.approx(51, abs=0.48)


def test_missing_beats_are_put_back_and_extra_ones_left_out():
    whole = steady_beats(120, 60)
    gone = np.r_[10, 20, 21, 60:90]
    times = np.sort(np.append(np.delete(whole, gone), [7.12, 25.9]))
    fit = fit_grid(Beats(times))
    assert fit.constant
    assert (fit.n_missing, fit.n_extra) == (len(gone), 2)
    np.testing.assert_allclose(fit.grid.beats().times, whole, atol=1e-6)
    assert fit.quality < fit_grid(Beats(whole)).quality


def test_a_glide_is_no_constant_tempo_and_scores_low():
    fit = fit_grid(Beats(ramp_beats(100, 130, 120)))
    assert not fit.constant
    assert len(fit.grid) > 10
    assert np.all(np.diff(fit.grid.bpms) > 0)
    assert fit.quality < 0.6


def test_quality_falls_with_every_kind_of_doubt():
    rng = np.random.default_rng(2)
    steady = steady_beats(120, 100)
    n = len(steady)
    sure = fit_grid(Beats(steady, counted(n))).quality
    assert sure == 1
    odd_bars = counted(n)
    odd_bars[50:] = np.roll(odd_bars[50:], 1)
    doubts = {
        "loose": Beats(steady + rng.normal(0, 0.003, n), counted(n)),
        "missing": Beats(np.delete(steady, [30, 60]), np.delete(counted(n), [30, 60])),
        "jump": Beats(np.where(np.arange(n) < 50, steady, steady + 0.13)),
        "bars": Beats(steady, odd_bars),
        "wandering": Beats(np.sort(steady + np.cumsum(rng.normal(0, 0.008, n)))),
    }
    for name, beats in doubts.items():
        assert fit_grid(beats).quality < sure or name == "jump", name
    assert fit_grid(doubts["wandering"]).quality < 0.5


def test_bars_go_on_counting_where_a_segment_names_none():
    times = np.cumsum([1, *[0.5] * 20, *[0.45] * 20])
    positions = counted(41, meter=3)
    positions[20:] = 0
    fit = fit_grid(Beats(times, positions))
    assert fit.grid.meters.tolist() == [3, 3]
    np.testing.assert_array_equal(fit.grid.beats().positions, counted(41, meter=3))


def test_one_wrong_downbeat_does_not_move_the_bars():
    positions = counted(64)
    positions[30:34] = [1, 1, 2, 3]
    fit = fit_grid(Beats(steady_beats(120, 32)[:64], positions))
    assert fit.grid.positions.tolist() == [1]
    assert 0.9 < fit.quality < 1


def test_the_grid_runs_to_the_end_that_is_named():
    fit = fit_grid(Beats([0.5, 1.0, 1.5]), end=10.0)
    assert fit.grid.beats().times[-1] == 10.0
    assert fit.n_missing == 0


def test_what_makes_no_grid_is_refused():
    with pytest.raises(ParameterError, match="at least two"):
        fit_grid(Beats([1.0]))
    with pytest.raises(ParameterError, match=r"lie 0\.020 s apart"):
        fit_grid(Beats([1.0, 1.02, 1.04]))
    with pytest.raises(ParameterError, match="tolerance"):
        fit_grid(Beats([1.0, 1.5]), 0)


def test_denominators_go_into_the_grid_as_most_beats_have_them():
    times = np.concatenate([np.arange(20) * 0.25, 5 + np.arange(20) * 0.5]) + 1
    notes = np.array([8] * 20 + [4] * 20)
    notes[3] = 4
    fit = fit_grid(Beats(times, counted(40, meter=3), denominators=notes))
    assert fit.grid.denominators.tolist() == [8, 4]
    assert fit.grid.beats().denominators.tolist() == [8] * 20 + [4] * 20
    assert fit_grid(Beats(times, counted(40, meter=3))).grid.denominators.tolist() == [4, 4]


def bars(*meters):
    return np.concatenate([np.arange(meter) + 1 for meter in meters])


@pytest.mark.parametrize(
    ("meters", "found"),
    [
        ([4] * 8 + [3] * 8, [4, 3]),
        ([3] * 5 + [4] * 5 + [7] * 5, [3, 4, 7]),
        ([4] * 8 + [2] + [4] * 8, [4]),  # one short bar is no other meter
        ([4] * 8 + [3] * 3 + [4] * 8, [4]),
        ([6] * 10, [6]),
    ],
)
def test_a_change_of_meter_without_one_of_tempo_is_kept(meters, found):
    positions = bars(*meters)
    beats = Beats(0.3 + np.arange(len(positions)) * 0.5, positions)
    fit = fit_grid(beats)
    assert fit.grid.meters.tolist() == found
    assert (fit.constant, set(fit.grid.bpms.tolist())) == (True, {120.0})
    again = fit.grid.beats()
    np.testing.assert_allclose(again.times, beats.times, atol=1e-9)
    if len(found) > 1 or len(set(meters)) == 1:
        assert again.positions.tolist() == positions.tolist()
        assert again.meters.tolist() == np.repeat(meters, meters).tolist()


def test_notes_that_change_alone_are_another_meter():
    positions, notes = bars(*[4] * 10), np.repeat([4, 8], 20)
    fit = fit_grid(Beats(np.arange(40) * 0.5, positions, denominators=notes))
    assert fit.grid.denominators.tolist() == [4, 8]
    assert fit.constant


def test_a_few_wrong_beats_make_no_segment_of_their_own():
    times = steady_beats(128, 120)
    wrong = np.r_[20, 60:66, 180]
    times[wrong] += 0.1
    fit = fit_grid(Beats(times, counted(len(times))))
    assert fit.constant
    assert (fit.grid.bpm, len(fit.grid), fit.n_wrong) == (128.0, 1, len(wrong))
    assert fit.grid.times[0] == pytest.approx(0.3, abs=1e-6)
    assert fit.grid.positions.tolist() == [1]
    assert fit.max_error <= 0.01
    assert 0.85 < fit.quality < 0.99


def test_a_flip_to_the_offbeat_and_back_is_seen_by_the_quality():
    times = steady_beats(150, 120)
    times[100:200] += 0.2
    fit = fit_grid(Beats(times))
    assert len(fit.grid) == 3
    assert fit.quality < 0.95 * fit_grid(Beats(steady_beats(150, 120))).quality
    assert fit.quality > fit_grid(Beats(np.r_[times[:150], times[150:] + 0.1])).quality


def test_half_the_beats_missing_for_a_while_is_a_change_of_tempo():
    times = np.r_[steady_beats(140, 40), steady_beats(70, 40) + 40]
    assert set(fit_grid(Beats(times)).grid.bpms.tolist()) == {140.0, 70.0}


def test_one_tempo_is_found_whatever_the_beats_do():
    times = steady_beats(95.1, 120)
    times[:70] += 0.11
    assert len(fit_grid(Beats(times)).grid) == 2
    fit = fit_grid(Beats(times, counted(len(times))), one_tempo=True)
    assert len(fit.grid) == 1
    assert fit.grid.bpm == pytest.approx(95.1)
    assert fit.n_wrong == 70
    glide = fit_grid(Beats(ramp_beats(100, 130, 60)), one_tempo=True)
    assert len(glide.grid) == 1
    assert glide.quality < 0.4


def test_beats_off_by_more_than_the_tolerance_keep_to_one_tempo():
    rng = np.random.default_rng(3)
    times = steady_beats(124, 180) + rng.normal(0, 0.0055, len(steady_beats(124, 180)))
    fit = fit_grid(Beats(times))
    assert fit.constant
    assert fit.grid.bpm == 124.0
    assert 10 < fit.n_wrong < 60
