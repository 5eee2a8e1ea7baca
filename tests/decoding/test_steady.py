import numpy as np
import pytest
from signals import click_activation, ramp_beats, steady_beats

from mirkit.decoding.steady import Spectrum, drifted, find_pulse, fold

FPS = 100


def pulse_of(curve, path):
    return find_pulse(curve, np.asarray(path, float), FPS, Spectrum.of(curve))


@pytest.mark.parametrize("bpm", [61.3, 95.1, 128.0, 174.01])
def test_the_period_is_known_much_finer_than_a_frame(bpm):
    beats = steady_beats(bpm, 120)
    curve = click_activation(beats, duration=120, noise=0.1)
    pulse = pulse_of(curve, np.rint(FPS * beats))
    assert 60 * FPS / pulse.period == pytest.approx(bpm, rel=1e-5)
    assert abs((pulse.phase / FPS - 0.3 + 0.1) % (60 / bpm) - 0.1) < 0.01
    assert pulse.coverage == pytest.approx(1)


def test_slips_to_the_offbeat_stay_on_the_grid():
    beats = steady_beats(120, 60)
    curve = click_activation(np.sort(np.r_[beats, beats + 0.25]), duration=60)
    slipped = np.r_[beats[:40], beats[40:80] + 0.25, beats[82:]]
    pulse = pulse_of(curve, FPS * slipped)
    assert pulse.coverage > 0.98
    assert pulse.period == pytest.approx(50, abs=0.01)


def test_slips_by_a_third_do_not():
    beats = steady_beats(120, 60)
    slipped = np.r_[beats[:60], beats[60:] + 0.5 / 3]
    curve = click_activation(slipped, duration=61)
    assert pulse_of(curve, FPS * slipped).coverage < 0.8


def test_a_tempo_that_changes_is_no_pulse():
    beats = ramp_beats(100, 130, 60)
    curve = click_activation(beats, duration=60)
    assert pulse_of(curve, FPS * beats).coverage < 0.6


def test_a_few_beats_tell_nothing():
    assert pulse_of(np.ones(500), np.arange(0, 350, 50)) is None
    assert pulse_of(np.zeros(1000), np.arange(0, 1000, 50)) is None


def test_beats_of_a_pulse_span_the_path():
    curve = click_activation(steady_beats(120, 30), duration=30)
    frames = pulse_of(curve, np.arange(530, 2500, 50)).frames(530, 2480)
    assert np.allclose(frames, np.arange(530, 2500, 50), atol=1)


def test_a_shifted_pulse_lies_halfway_and_swaps_what_beats_are_worth():
    beats = steady_beats(120, 30)
    curve = click_activation(beats, duration=30) + 0.5 * click_activation(beats + 0.25, duration=30)
    pulse = pulse_of(curve, FPS * beats)
    shifted = pulse.shifted()
    assert (shifted.phase - pulse.phase) % pulse.period == pytest.approx(25, abs=0.01)
    assert (shifted.worth, shifted.offbeat) == (pulse.offbeat, pulse.worth)
    assert pulse.offbeat / pulse.worth == pytest.approx(0.5, abs=0.05)


def test_folding_is_the_mean_over_beats():
    rng = np.random.default_rng(0)
    curve = rng.random(400)
    assert np.allclose(fold(curve, 20.0, 0, 399), curve.reshape(20, 20).mean(axis=0))


def test_a_machine_has_no_drift_and_players_do():
    grid = 30 + 50.0 * np.arange(60)
    machine = click_activation(grid / FPS, duration=31)
    assert np.array_equal(drifted(machine, grid, FPS), grid)
    player = grid + 3 * np.sin(np.arange(60) / 10)
    moved = drifted(click_activation(player / FPS, duration=31), grid, FPS)
    assert np.abs(moved - player).max() < 1.2
