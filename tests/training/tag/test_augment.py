from dataclasses import replace

import numpy as np
import pytest
import signals

pytest.importorskip("torch")

from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.features import front_end
from mirkit.training.augment import shift_bands_by_parts
from mirkit.training.tag.augment import (
    UNCHANGED,
    PowerDomain,
    SampleDomain,
    TagAugmentation,
    cut_excerpt,
    draw_gains,
    draw_noise_powers,
    mix_equally,
    mix_over,
)

NAMES = ("mirkit_32k", "panns_32k", "efficientat", "vggish", "beats")


def domain(name="mirkit_32k", **changes):
    return PowerDomain.of(front_end(name), replace(UNCHANGED, **changes), 1.0)


def features(name="mirkit_32k", seconds=1.5):
    front = front_end(name)
    return front(signals.music(seconds, front.sample_rate)).values


@pytest.mark.parametrize("name", NAMES)
def test_powers_are_what_the_logarithm_was_taken_of(name):
    values = features(name)
    made = domain(name)
    np.testing.assert_allclose(made.features(made.powers(values)), values, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_unchanged_is_the_beginning_of_the_recording(name):
    values, made, rng = features(name), domain(name), np.random.default_rng(0)
    same = made.finish(made(values, rng), rng)
    np.testing.assert_allclose(same, values[: made.n_frames], atol=2e-3)


def test_mixing_powers_is_mixing_sounds():
    """Of noises, whose phases know nothing of each other; within the spread of such powers."""
    front, rng = front_end("mirkit_32k"), np.random.default_rng(0)
    a, b = (0.1 * rng.standard_normal(64000).astype(np.float32) for _ in range(2))
    made = PowerDomain.of(front, UNCHANGED, 1.9)
    heard = [made.powers(front(Audio(x[None], 32000)).values) for x in (a, 0.3 * b, a + 0.3 * b)]
    assert np.log(heard[0] + heard[1]).mean() == pytest.approx(np.log(heard[2]).mean(), abs=0.05)


def test_gain_of_features_is_gain_of_samples():
    front, made = front_end("mirkit_32k"), domain()
    audio = signals.music(1.0, 32000)
    quiet = front(Audio((0.25 * audio.samples).astype(np.float32), 32000)).values
    scaled = made.features(made.scale(made.powers(front(audio).values), 0.25))
    np.testing.assert_allclose(scaled, quiet, atol=0.05)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["powers", "samples"])
def test_the_share_decides_whatever_the_levels(kind, share):
    made = domain() if kind == "powers" else SampleDomain(32000, UNCHANGED, 1000)
    a = np.array([[1, 0]] * 50, np.float32) if kind == "powers" else np.sin(np.arange(1000.0))
    b = np.array([[0, 1]] * 50, np.float32) if kind == "powers" else np.cos(np.arange(1000.0))
    mixed = mix_equally(a, made.scale(b, 100.0), share, made)
    direction = np.vdot(mixed, a) / np.vdot(a, a), np.vdot(mixed, b) / np.vdot(b, b)
    expected = share / (1 - share) if share < 1 else np.inf
    ratio = direction[0] / direction[1] if abs(direction[1]) > 1e-3 * abs(direction[0]) else np.inf
    assert ratio == pytest.approx(expected**2 if kind == "powers" else expected, rel=1e-2, abs=1e-2)


def test_what_is_mixed_over_lies_so_many_decibels_below():
    made = SampleDomain(32000, UNCHANGED, 1000)
    a, b = np.ones(1000, np.float32), np.full(1000, 7, np.float32)
    np.testing.assert_allclose(mix_over(a, b, 20.0, made), 1.1, rtol=1e-5)


def test_mixtures_lie_between_their_parts_in_level():
    made = domain()
    a = np.full((20, 4), 4.0, np.float32)
    b = np.full((20, 4), 0.25, np.float32)
    assert made.power(mix_equally(a, b, 0.5, made)) == pytest.approx(1.0, rel=1e-4)


def test_an_excerpt_rolls_around():
    values = np.arange(10, dtype=np.float32)[:, None]
    how = replace(UNCHANGED, roll=True, fill="loop")
    rng = np.random.default_rng(0)
    steps = np.diff(cut_excerpt(values, 10, 1.0, how, rng, np.zeros)[:, 0])
    assert np.isclose(steps, 1, atol=1e-5).sum() >= 7  # all but the seam, which is interpolated
    assert cut_excerpt(values, 37, 1.0, how, rng, np.zeros).max() > 8


def test_a_faster_excerpt_moves_on_faster():
    values = np.arange(100, dtype=np.float32)[:, None]
    fast = cut_excerpt(values, 20, 1.5, UNCHANGED, np.random.default_rng(0), np.zeros)
    np.testing.assert_allclose(np.diff(fast[:, 0]), 1.5, atol=1e-5)


def test_a_short_recording_is_padded_with_silence_somewhere():
    made = domain(fill="pad", roll=True)
    values = features(seconds=0.3)
    padded = made.finish(made(values, np.random.default_rng(1)), np.random.default_rng(1))
    silent = np.isclose(padded, np.log(1e-5), atol=1e-3).all(axis=1)
    assert silent.sum() > len(padded) - len(values) - 3
    assert not silent.all()


def test_bands_shift_by_parts_and_edges_stay():
    x = np.random.default_rng(0).random((5, 8)).astype(np.float32)
    np.testing.assert_allclose(shift_bands_by_parts(x, 2.0)[:, 2:], x[:, :-2], rtol=1e-6)
    np.testing.assert_allclose(shift_bands_by_parts(x, 2.0)[:, 0], x[:, 0])
    np.testing.assert_allclose(
        shift_bands_by_parts(x, 0.5)[:, 4], (x[:, 3] + x[:, 4]) / 2, rtol=1e-5
    )


def test_noise_lies_so_many_decibels_below():
    x, rng = np.ones((400, 64), np.float32), np.random.default_rng(0)
    noise = draw_noise_powers(x, 20.0, rng)
    assert 10 * np.log10(noise.mean()) == pytest.approx(-20, abs=0.3)
    assert noise.min() >= 0


def test_an_equalizer_is_smooth_and_stays_within_its_bounds():
    rng = np.random.default_rng(0)
    for _ in range(20):
        curve = draw_gains(64, replace(UNCHANGED, equalizer=8.0), rng)
        assert np.abs(curve).max() <= 8
        assert np.abs(np.diff(curve)).max() < 3
    assert draw_gains(64, replace(UNCHANGED, lowpass=1.0), rng)[-1] <= -50


def test_chance_follows_the_generator_alone():
    made = PowerDomain.of(front_end("mirkit_32k"), TagAugmentation(), 1.0)
    values = features()

    def example(seed):
        rng = np.random.default_rng(seed)
        return made.finish(made(values, rng), rng)

    np.testing.assert_array_equal(example(3), example(3))
    assert np.abs(example(3) - example(4)).max() > 0.1


def test_samples_keep_their_length_and_lose_their_highs():
    made = SampleDomain(32000, replace(UNCHANGED, lowpass=1.0), 4000)
    x = made(np.random.default_rng(0).standard_normal((9000, 1)), np.random.default_rng(0))
    assert x.shape == (4000,)
    power = np.abs(np.fft.rfft(x)) ** 2
    assert power[-50:].mean() < 1e-3 * power[:500].mean()


def test_changes_out_of_range_are_refused():
    with pytest.raises(ParameterError, match="gain is -1"):
        TagAugmentation(gain=-1)
    with pytest.raises(ParameterError, match="probability"):
        TagAugmentation(noise=2)
    with pytest.raises(ParameterError, match="lower is first"):
        TagAugmentation(snr_low=9, snr_high=3)
    with pytest.raises(ParameterError, match="no log spectrogram"):
        PowerDomain.of(front_end("vqt_11k"), UNCHANGED, 1.0)


def test_an_excerpt_is_played_backward_as_often_as_asked():
    settings = replace(UNCHANGED, flip=0.5)
    values, rng = np.arange(7.0)[:, None], np.random.default_rng(0)
    made = [cut_excerpt(values, 6, 1.0, settings, rng, np.zeros)[:, 0].tolist() for _ in range(200)]
    backward = sum(each == [6, 5, 4, 3, 2, 1] for each in made)
    assert 80 < backward < 120
    assert all(each in ([0, 1, 2, 3, 4, 5], [6, 5, 4, 3, 2, 1]) for each in made)
