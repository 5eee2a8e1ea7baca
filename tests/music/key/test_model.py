from dataclasses import replace

import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.features import front_end
from mirkit.music.key.model import KeyCRNN
from mirkit.vocab import KEYS
from mirkit.zoo.registry import card

FRONT = front_end("vqt_11k")
CADENCE = ([48, 55, 60, 64], [41, 57, 60, 65], [43, 55, 59, 62, 65], [48, 55, 60, 64])


def cadence(semitones=0, times=3):
    parts = [
        signals.chord([pitch + semitones for pitch in each], 1.0, FRONT.sample_rate).samples
        for each in CADENCE * times
    ]
    return Audio(np.concatenate(parts, axis=1), FRONT.sample_rate)


@pytest.fixture(scope="module")
def model():
    return KeyCRNN.from_card(card("key-crnn"))


@pytest.mark.parametrize("semitones", [0, 3, 6])
def test_a_cadence_tells_its_key(model, semitones):
    activations = model.activations(FRONT(cadence(semitones)))
    clip = activations["clip_key"]
    assert clip.grid is None
    assert KEYS[int(clip.values.argmax())] == KEYS[semitones]
    frames = activations["key"]
    assert frames.labels == KEYS
    assert (frames.values.argmax(axis=1) == semitones).mean() > 0.6


def test_noise_has_no_key(model):
    noise = 0.05 * np.random.default_rng(0).standard_normal(15 * FRONT.sample_rate)
    features = FRONT(Audio(noise.astype(np.float32), FRONT.sample_rate)), FRONT(cadence())
    values, music = (model.activations(each)["clip_key"].values for each in features)
    assert values.max() < 0.3
    assert music.max() > values.max() + 0.1


def test_the_clock_of_keys_is_the_middle_of_the_frames_they_are_of(model):
    features = FRONT(cadence())
    grid = model.activations(features)["key"].grid
    assert grid.rate * 8 == FRONT.grid.rate
    assert grid.start == pytest.approx(FRONT.grid.times(8).mean())


def test_windows_give_the_keys_of_the_whole():
    model = KeyCRNN.from_card(card("key-crnn"), "random")
    values = np.random.default_rng(0).uniform(0, 2, (6000, 252)).astype(np.float32)
    features = type(FRONT(cadence()))(values, FRONT.grid, FRONT.name)
    whole, parts = (each.activations(features) for each in (model, replace(model, hop=1600)))
    assert parts["key"].grid == whole["key"].grid
    np.testing.assert_allclose(parts["key"].values, whole["key"].values, atol=1e-3)
    np.testing.assert_allclose(parts["clip_key"].values, whole["clip_key"].values, atol=5e-3)
