from pathlib import Path

import numpy as np
import pytest

from mirkit.audio import Audio, Track
from mirkit.audio.mixing import mix_to_mono
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
        np.testing.assert_array_equal(mix_to_mono(given, 8000), expected)
        np.testing.assert_array_equal(mix_to_mono(given[:, ::2], 8000), expected[:, ::2])


def test_huge_samples_are_finite():
    assert Audio([1e25, -1e30, 0.0], 8000).n_samples == 3


def test_the_first_sample_that_is_not_finite_is_named():
    samples = np.zeros((2, 100), np.float32)
    samples[1, 42] = np.nan
    with pytest.raises(AudioError, match="sample 42 of channel 1 is nan"):
        Audio(samples, 8000)


def test_likely_mistakes_are_guessed():
    with pytest.raises(ParameterError, match=r"samples are int64.*Divide integers of another"):
        Audio(np.zeros(4, np.int64), 8000)
    with pytest.raises(ParameterError, match="Transpose"):
        Audio(np.zeros((44100, 2), np.float32), 44100)
    with pytest.raises(ParameterError, match="sample_rate"):
        Audio(np.zeros(4, np.float32), 0)


@pytest.mark.parametrize("shape", [(0, 2), (0, 0), (0, 44100)])
def test_samples_without_a_channel_are_refused(shape):
    with pytest.raises(ParameterError, match=r"no channel in them; they are \(n_channels"):
        Audio(np.zeros(shape, np.float32), 44100)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        (np.int8, [-128, 0, 64], [-1, 0, 0.5]),
        (np.int16, [-32768, 0, 16384], [-1, 0, 0.5]),
        (">i2", [-32768, 0, 16384], [-1, 0, 0.5]),
        (np.int32, [-(2**31), 0, 2**30], [-1, 0, 0.5]),
        (np.uint8, [0, 128, 192], [-1, 0, 0.5]),
        (np.float16, [-1, 0, 0.5], [-1, 0, 0.5]),
        (np.float64, [-1, 0, 0.5], [-1, 0, 0.5]),
        (np.longdouble, [-1, 0, 0.5], [-1, 0, 0.5]),
    ],
)
def test_samples_are_scaled_by_their_type(dtype, values, expected):
    audio = Audio(np.array([values, values[::-1]], dtype), 8000)
    expected = np.array([expected, expected[::-1]], np.float32)
    np.testing.assert_array_equal(audio.samples, expected, strict=True)
    assert not audio.samples.flags.writeable


@pytest.mark.parametrize(
    ("samples", "match"),
    [
        (np.zeros(4, np.complex64), r"are complex64.*Is this a spectrum"),
        (np.zeros(4, bool), r"are bool.*Is this a mask"),
        (np.zeros(4, object), r"are object.*all samples numbers"),
        (np.array(["a", "b"]), r"are <U1.*all samples numbers"),
        (np.zeros(4, np.uint16), r"are uint16.*Subtract the middle"),
        (np.zeros(4, np.uint32), "are uint32"),
        (np.zeros(4, "datetime64[s]"), "are datetime64"),
        ([[0.0, 1.0], [0.0]], r"make no array.*one length"),
        ([None, 1.0], "are object"),
        ([1, 0, -1], "are int64"),
        ({"a": 1}, "are object"),
        (np.zeros((0, 2)), r"shape \(0, 2\)"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (0.5, r"shape \(\)"),
        ([1e300], "sample 0 of channel 0 is inf"),
    ],
    ids=range(15),
)
def test_what_are_no_samples_is_told(samples, match):
    with pytest.raises((ParameterError, AudioError), match=match):
        Audio(samples, 8000)


def test_a_column_is_one_channel():
    assert Audio(np.zeros((44100, 1), np.float32), 44100).samples.shape == (1, 44100)
    assert Audio(np.zeros((500, 1), np.int16), 44100).samples.shape == (1, 500)
    assert Audio(np.zeros((8, 1), np.float32), 44100).samples.shape == (8, 1)


def test_tracks_have_a_name_for_messages():
    assert Track(Path("a/b.wav")).name == "a/b.wav"
    assert Track(Audio(np.zeros(4, np.float32), 8000)).name == "<samples>"
