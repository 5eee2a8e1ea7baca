import numpy as np
import pytest
import signals

from mirkit.activations import Activations, Features, Head
from mirkit.audio import Audio
from mirkit.features import front_end
from mirkit.frames import FrameGrid
from mirkit.music.beat.attacks import FRONT_END, Attacks, attack_head
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.kick import kick_head
from mirkit.system import load


def attacks_of(audio):
    return Attacks.of(attack_head(front_end(FRONT_END)(audio)))


@pytest.mark.parametrize("shift", [0.0, 0.0007, 0.0111, 0.019])
def test_an_attack_is_placed_to_the_millisecond(shift):
    audio = signals.click_track(120, 20, 22050, start=0.5 + shift, noise=1e-3)
    truth = 0.5 + shift + 0.5 * np.arange(20)
    rough = truth + np.random.default_rng(0).uniform(-0.02, 0.02, 20)
    off = rough + attacks_of(audio).offsets(rough) - truth
    assert np.abs(off).max() < 0.0015
    assert abs(np.median(off)) < 0.0005


def test_without_a_sharp_attack_beats_stay():
    swelling = np.sin(np.arange(22050 * 8) / 20) * np.hanning(22050 * 8)
    times = np.arange(0.5, 7, 0.53)
    attacks = attacks_of(Audio(0.3 * swelling.astype(np.float32), 22050))
    assert np.isnan(attacks.offsets(times)).all()
    assert np.array_equal(attacks.place(times), times)


def test_a_grid_moves_as_a_whole_and_a_few_loose_attacks_do_not_move_it():
    truth = 0.5 + 0.5 * np.arange(40)
    heard = np.r_[truth[:6], truth[6:12] + 0.025, truth[12:]]
    audio = signals.ticks(heard, 21, 22050)
    placed = attacks_of(audio).place(truth - 0.012)
    assert np.abs(placed - truth).max() < 0.001
    assert np.ptp(np.diff(placed)) < 1e-9


def test_beats_that_are_not_even_move_each():
    truth = 0.5 + np.cumsum(np.random.default_rng(1).uniform(0.45, 0.55, 30))
    audio = signals.ticks(truth, 18, 22050)
    assert np.abs(attacks_of(audio).place(truth - 0.011) - truth).max() < 0.0015


def test_beats_never_cross():
    audio = signals.ticks([1.0], 2, 22050)
    times = np.array([0.98, 1.02])
    assert np.all(np.diff(attacks_of(audio).place(times)) > 0)


def test_a_head_that_holds_nothing_tells_no_place():
    assert (
        Attacks.of(Head(np.zeros((0, 1)), ("attack",), FrameGrid.from_fps(400), "measure")) is None
    )


@pytest.mark.parametrize("bpm", [60, 93, 128, 174, 200])
@pytest.mark.parametrize("shift", [0.0, 0.009, 0.019])
def test_beats_follow_shifts_below_a_frame(bpm, shift):
    n = 20 * bpm // 60
    audio = signals.click_track(bpm, n, 22050, start=0.5 + shift)
    truth = 0.5 + shift + np.arange(n) * 60 / bpm
    times = load("beat-tcn")(audio).times
    off = times - truth[np.abs(times[:, None] - truth).argmin(axis=1)]
    assert abs(np.median(off)) <= 0.001
    assert np.mean(np.abs(off) <= 0.005) >= 0.9


@pytest.mark.data
@pytest.mark.parametrize(("name", "third"), [("00", 0.980), ("14", 0.994)])
def test_a_shift_of_14_ms_is_heard(cases, name, third):
    beats = load("beat-tcn")(cases / f"r08_125bpm_shift{name}ms.flac")
    assert np.abs(beats.times - third).min() <= 0.001


def test_the_bass_rises_with_the_lowest_bands_only():
    rng = np.random.default_rng(0)
    values = rng.random((50, 81)).astype(np.float32)
    grid = FrameGrid.from_fps(50)
    head = kick_head(Features(values, grid, "tcn_22k"))
    values[:, 6:] = 0
    assert kick_head(Features(values, grid, "tcn_22k")) == head
    expected = np.maximum(values[1:, :6] - values[:-1, :6], 0).sum(axis=1)
    np.testing.assert_allclose(head.values[:, 0], np.r_[0, expected], atol=1e-6)


@pytest.mark.parametrize("kick_at", [0.0, 0.25])
def test_of_beats_and_offbeats_alike_the_bass_tells(kick_at):
    beats = 0.5 + 0.5 * np.arange(60)
    curve, low = np.zeros((1600, 1)), np.zeros((1600, 1))
    curve[np.rint(50 * beats).astype(int)] = 0.8
    curve[np.rint(50 * (beats + 0.25)).astype(int)] = 0.78
    low[np.rint(50 * (beats + kick_at)).astype(int)] = 3.0
    grid = FrameGrid.from_fps(50)
    heads = {"beat": Head(curve, ("beat",), grid), "kick": Head(low, ("kick",), grid, "measure")}
    found = decoder(bpm_range=(100, 140))(Activations(heads)).times
    assert np.abs((found - 0.5 - kick_at + 0.1) % 0.5 - 0.1).max() < 0.02
