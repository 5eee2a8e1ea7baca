import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.music.beat.tempogram import Tempogram, local_salience, moving_mean

MODEL = Tempogram()


def best_bpm(audio):
    tempo = MODEL.activations([audio.samples])["tempo"]
    return float(tempo.labels[int(tempo.values[0].argmax())])


@pytest.mark.parametrize("bpm", [60, 80, 100, 120, 140, 160, 180])
def test_the_tempo_head_peaks_at_the_tempo_of_clicks(bpm):
    audio = signals.click_track(bpm, n_beats=bpm // 3, sample_rate=MODEL.sample_rate)
    assert best_bpm(audio) == pytest.approx(bpm, rel=0.02)


def test_the_beat_head_peaks_where_the_clicks_are():
    audio = signals.click_track(100, n_beats=20, sample_rate=MODEL.sample_rate, start=0.5)
    head = MODEL.activations([audio.samples])["beat"]
    frames = np.flatnonzero(head.values[:, 0] > 0.5 * head.values.max())
    times = head.grid.time_of(frames)
    distance = np.abs(times[:, None] - (0.5 + 0.6 * np.arange(20))).min(axis=1)
    assert distance.max() < 0.03
    assert len(frames) >= 20


def test_blocks_of_any_size_give_the_activations_of_the_whole():
    audio = signals.click_track(97, n_beats=12, sample_rate=MODEL.sample_rate, noise=0.01)
    whole = MODEL.activations([audio.samples])
    cuts = np.sort(np.random.default_rng(0).integers(0, audio.n_samples, 50))
    blocks = np.split(audio.samples, cuts, axis=1)
    pieces = MODEL.activations(blocks)
    for name in whole:
        np.testing.assert_allclose(pieces[name].values, whole[name].values, atol=1e-5)


@pytest.mark.parametrize("n_samples", [0, 1, 100, 22050])
def test_silence_of_any_length_has_no_tempo_and_no_salience(n_samples):
    activations = MODEL.activations([np.zeros((1, n_samples), np.float32)])
    assert "tempo" not in activations
    assert not activations["beat"].values.any()


@pytest.mark.parametrize("seconds", [5, 10, 30, 60])
@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_pulse(seconds, seed):
    noise = np.random.default_rng(seed).normal(0, 0.1, (1, seconds * MODEL.sample_rate))
    activations = MODEL.activations([noise.astype(np.float32)])
    assert "tempo" not in activations
    assert not activations["beat"].values.any()


@pytest.mark.parametrize("gain", [0.03, 3.0])
def test_loudness_does_not_change_the_tempo(gain):
    audio = signals.click_track(90, n_beats=15, sample_rate=MODEL.sample_rate, noise=0.001)
    assert best_bpm(Audio(audio.samples * gain, audio.sample_rate)) == best_bpm(audio)


def test_salience_is_relative_to_what_is_around():
    strength = np.zeros(1000, np.float32)
    strength[50:500:50] = 0.1
    strength[550::50] = 1.0
    salience = local_salience(strength, 200)
    assert 0.6 * salience[850] < salience[150] < salience[850]  # ten times softer
    assert salience.max() < 1


def test_moving_mean_agrees_with_its_definition():
    values = np.random.default_rng(1).normal(size=40)
    slow = [values[max(0, i - 3) : i + 4].mean() for i in range(40)]
    np.testing.assert_allclose(moving_mean(values, 7), slow)
