import numpy as np
import pytest
import reference

from mirkit.decoding.dbn import tempo_changes
from mirkit.decoding.forward import BarFilter, PhaseBank, PhaseFilter, PhaseModel


@pytest.mark.parametrize("seen", [(0,), (-1, 0, 1), (-2, -1, 0)])
@pytest.mark.parametrize("restart", [1e-4, 0.1])
def test_phases_are_those_of_a_dense_forward_algorithm(seen, restart):
    lags = (4, 5, 7)
    odds = np.random.default_rng(0).lognormal(0, 2, 60)
    changes = np.exp(tempo_changes(np.array(lags), 3.0))
    expected = reference.forward_phases(lags, changes, seen, restart, odds)
    phases = PhaseFilter(PhaseModel(lags, 3.0, seen, restart))
    for each, row in zip(odds, expected, strict=True):
        phases.step(each)
        np.testing.assert_allclose(phases.weights, row, rtol=1e-9, atol=1e-15)


def test_bars_are_those_of_a_dense_forward_algorithm():
    meters = {3: 0.7, 4: 0.2, 5: 0.1}
    gains = np.random.default_rng(0).normal(0, 2, 40)
    bars = BarFilter(meters, change=0.05)
    for gain, row in zip(gains, reference.forward_bars(meters, 0.05, gains), strict=True):
        bars.weights = bars.after(gain)
        np.testing.assert_allclose(bars.weights, row, rtol=1e-9, atol=1e-15)


def test_reading_sums_the_states_of_each_interval():
    phases = PhaseFilter(PhaseModel((3, 4)))
    phases.weights = np.array([0.1, 0.2, 0.0, 0.3, 0.4, 0.0, 0.0])
    chances, phasors = phases.read()
    np.testing.assert_allclose(chances, [0.3, 0.7])
    expected = [0.1 + 0.2 * np.exp(2j * np.pi / 3), 0.3 + 0.4j]
    np.testing.assert_allclose(phasors, expected)


def test_pulse_is_found_with_its_interval_and_phase():
    phases = PhaseFilter(PhaseModel(tuple(range(20, 80))))
    for frame in range(600):
        phases.step(100.0 if frame % 50 in (13, 14, 15) else 0.5)
    chances, phasors = phases.read()
    assert 20 + chances.argmax() == 50
    phase = np.angle(phasors[30]) / (2 * np.pi) * 50
    assert phase % 50 == pytest.approx((599 - 14) % 50, abs=0.7)
    assert chances.sum() == pytest.approx(1)


def test_bank_keeps_the_phase_of_the_less_likely_level():
    bank = PhaseBank([PhaseModel(tuple(range(20, 36))), PhaseModel(tuple(range(40, 71)))], 300)
    for frame in range(600):  # a pulse of 25 frames of which every second beat is weaker
        bank.step({0: 1000.0, 25: 30.0}.get((frame - 7) % 50, 0.5))
    chances, phasors = bank.read()
    assert bank.lags[chances.argmax()] == 25
    slow = int(np.flatnonzero(bank.lags == 50)[0])
    assert 0 < chances[slow] < chances.max()
    phase = np.angle(phasors[slow]) / (2 * np.pi) * 50
    assert phase % 50 == pytest.approx((599 - 7) % 50, abs=1)
    assert abs(phasors[slow]) > 0.9 * chances[slow]


def test_bank_forgets():
    bank = PhaseBank([PhaseModel(tuple(range(20, 36))), PhaseModel(tuple(range(40, 71)))], 50)
    for frame in range(1200):
        lag = 25 if frame < 600 else 60
        bank.step(1000.0 if frame % lag == 0 else 0.5)
    assert bank.lags[bank.read()[0].argmax()] == 60


def test_filter_finds_back_after_the_beat_has_moved():
    phases = PhaseFilter(PhaseModel(tuple(range(20, 80))))
    for frame in range(900):
        beat = frame % 50 == 0 if frame < 400 else frame % 30 == 7
        phases.step(1000.0 if beat else 0.5)
    assert 20 + phases.read()[0].argmax() == 30


def test_downbeats_number_the_beats_of_the_bar():
    bars = BarFilter({3: 0.5, 4: 0.5})
    numbers = []
    for beat in range(40):
        gain = 2.0 if (beat % 4 == 1 if beat < 20 else beat % 3 == 0) else -1.0
        bars.weights = bars.after(gain)
        numbers.append(bars.number(bars.weights)[0])
    assert numbers[12:20] == [4, 1, 2, 3, 4, 1, 2, 3]
    assert numbers[33:] == [1, 2, 3, 1, 2, 3, 1]
