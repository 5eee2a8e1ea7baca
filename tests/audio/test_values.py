from pathlib import Path

import numpy as np
import pytest

from mirkit.audio import Audio, Track
from mirkit.audio.values import mix_to_mono
from mirkit.errors import AudioError, ParameterError


def test_one_axis_is_one_channel_and_mono_is_the_mean():
    assert Audio(np.zeros(4, np.float32), 8000).n_channels == 1
    stereo = Audio([[1.0, 0.0], [0.0, -0.5]], 8000)
    np.testing.assert_array_equal(stereo.mono().samples, [[0.5, -0.25]])


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_mono_is_the_sum_divided(n_channels):
    samples = np.random.default_rng(0).normal(size=(n_channels, 999)).astype(np.float32)
    total = samples[0].copy()
    for channel in samples[1:]:
        total += channel
    expected = (total / np.float32(n_channels))[None]
    for given in (samples, np.asfortranarray(samples)):
        np.testing.assert_array_equal(mix_to_mono(given), expected)
        np.testing.assert_array_equal(mix_to_mono(given[:, ::2]), expected[:, ::2])


def test_huge_samples_are_finite():
    assert Audio([1e25, -1e30, 0.0], 8000).n_samples == 3


def test_the_first_sample_that_is_not_finite_is_named():
    samples = np.zeros((2, 100), np.float32)
    samples[1, 42] = np.nan
    with pytest.raises(AudioError, match="sample 42 of channel 1 is nan"):
        Audio(samples, 8000)


def test_likely_mistakes_are_guessed():
    with pytest.raises(ParameterError, match="Divide 16-bit samples by 32768"):
        Audio(np.zeros(4, np.int16), 8000)
    with pytest.raises(ParameterError, match="Transpose"):
        Audio(np.zeros((44100, 2), np.float32), 44100)
    with pytest.raises(ParameterError, match="sample_rate"):
        Audio(np.zeros(4, np.float32), 0)


@pytest.mark.parametrize("shape", [(0, 2), (0, 0), (0, 44100)])
def test_samples_without_a_channel_are_refused(shape):
    with pytest.raises(ParameterError, match=r"no channel in them; they are \(n_channels"):
        Audio(np.zeros(shape, np.float32), 44100)


def test_tracks_have_a_name_for_messages():
    assert Track(Path("a/b.wav")).name == "a/b.wav"
    assert Track(Audio(np.zeros(4, np.float32), 8000)).name == "<samples>"
