"""The running level: what is heard does not depend on how loud a recording is."""

import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.features import FRONT_ENDS
from mirkit.features.conditioning import RunningLevel
from mirkit.music.beat.tempogram import ONSET

STEP = RunningLevel()
LEVELED = [FRONT_ENDS[name] for name in ("tcn_22k", "semitones_22k", "vqt_11k")] + [ONSET]


def through(*blocks, step=STEP):
    return np.concatenate(list(step(np.asarray(block, np.float32) for block in blocks)))


def slow(samples, step):
    """The rule, sample by sample."""
    found = []
    for i, sample in enumerate(samples):
        heard = np.abs(samples[: i + step.lookahead + 1])
        found.append(sample / max(np.float32(step.floor), heard.max()))
    return np.array(found, np.float32)


every_step = pytest.mark.parametrize(
    "step", [STEP, RunningLevel(lookahead=1), RunningLevel(lookahead=333)], ids=str
)


@every_step
def test_each_sample_is_divided_by_the_largest_so_far(step):
    samples = signals.music(0.3, 8000).samples[0]
    np.testing.assert_array_equal(through(samples, step=step), slow(samples, step))


@every_step
@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_blocks_of_any_size_give_the_same(step, size):
    samples = signals.music(0.5, 8000).samples[0]
    blocks = np.split(samples, range(size, len(samples), size))
    np.testing.assert_array_equal(through(*blocks, [], step=step), through(samples, step=step))


def test_what_rings_before_the_first_sound_stays_quiet():
    """A resampler and a codec smear a click to both sides, some 0.05 s far."""
    samples = np.zeros(8000)
    samples[3600:4000], samples[4000] = 1e-5, 0.5
    assert np.abs(through(samples, step=RunningLevel(lookahead=2000))[:4000]).max() <= 2.1e-5
    assert np.abs(through(samples)[:4000]).max() == 1.0


def test_the_future_changes_nothing():
    samples = signals.music(0.5, 8000).samples[0]
    louder = samples.copy()
    louder[2000:] *= 4
    np.testing.assert_array_equal(through(samples)[:2000], through(louder)[:2000])


def test_silence_and_a_fade_stay_quiet():
    assert not through(np.zeros(100)).any()
    faint = np.full(100, 1e-9)
    assert np.abs(through(faint)).max() <= 0.01
    np.testing.assert_array_equal(through([1.0, 0.01, 0.001]), np.float32([1.0, 0.01, 0.001]))


@pytest.mark.parametrize("front", LEVELED, ids=lambda front: front.name)
@pytest.mark.parametrize("decibels", [0, -20, -40, -60])
def test_features_do_not_depend_on_the_level(front, decibels):
    samples = signals.music(3.0, front.sample_rate).samples
    samples = samples / np.abs(samples).max()
    whole = front(Audio(0.5 * samples, front.sample_rate)).values
    quiet = front(Audio(np.float32(10 ** (decibels / 20)) * samples, front.sample_rate)).values
    np.testing.assert_allclose(quiet, whole, rtol=0, atol=2e-3 * max(1.0, np.abs(whole).max()))
