"""What every registered front end promises."""

import dataclasses
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.errors import AudioError, MirkitError, ParameterError, UnknownName
from mirkit.features import FRONT_ENDS, front_end
from mirkit.features.conditioning import RunningLevel
from mirkit.features.onset import OnsetStrength
from mirkit.features.spectrogram import LogSpectrogram

every_front_end = pytest.mark.parametrize("name", FRONT_ENDS)


def stream(front_end, blocks):
    empty = np.empty((0, front_end.n_bins), np.float32)
    return np.concatenate([empty, *front_end.stream(blocks)])


@every_front_end
@pytest.mark.parametrize("longest", [700, 5_000, 200_000])
def test_stream_equals_batch(name, longest):
    front = front_end(name)
    audio = signals.music(3.1, front.sample_rate)
    blocks = signals.cut(audio.samples[0], np.random.default_rng(longest), longest)
    expected = front(audio).values
    values = stream(front, blocks)
    assert values.shape == expected.shape
    np.testing.assert_allclose(values, expected, atol=1e-5, rtol=1e-5)


@every_front_end
def test_one_sample_at_a_time_equals_batch(name):
    front = front_end(name)
    audio = signals.music(0.15, front.sample_rate)
    values = stream(front, iter(audio.samples[0][:, None]))
    np.testing.assert_allclose(values, front(audio).values, atol=1e-5, rtol=1e-5)


@every_front_end
@pytest.mark.parametrize("n_samples", [0, 1, 2, 399, 400, 512, 513, 1025])
def test_short_signals_stream_as_they_run_and_stay_finite(name, n_samples):
    front = front_end(name)
    samples = signals.music(0.1, front.sample_rate).samples[0, :n_samples]
    features = front(Audio(samples, front.sample_rate))
    assert features.values.shape[1] == front.n_bins
    assert np.isfinite(features.values).all()
    halves = stream(front, [samples[: n_samples // 2], samples[n_samples // 2 :]])
    np.testing.assert_allclose(halves, features.values, atol=1e-5, rtol=1e-5)
    assert n_samples or features.n_frames == 0


@every_front_end
@pytest.mark.parametrize("n_samples", [0, 1, 399, 400, 512, 5120, 7777])
def test_the_number_of_frames_is_known_beforehand(name, n_samples):
    front = front_end(name)
    audio = Audio(np.zeros(n_samples, np.float32), front.sample_rate)
    assert front(audio).n_frames == front.n_frames(n_samples)


@every_front_end
def test_memory_is_bounded_by_the_result(name):
    front = front_end(name)
    audio = signals.silence(40.0, front.sample_rate)
    front(audio)
    tracemalloc.start()
    values = front(audio).values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * values.nbytes + 4e6  # all frames at once would take 10 to 50 MB


@every_front_end
def test_channels_are_averaged(name):
    front = front_end(name)
    left, right = (signals.music(0.5, front.sample_rate, seed).samples[0] for seed in (0, 1))
    both = np.stack((left, right))
    mono = front(Audio((left + right) / 2, front.sample_rate)).values
    np.testing.assert_allclose(front(Audio(both, front.sample_rate)).values, mono, atol=1e-5)
    np.testing.assert_allclose(stream(front, np.array_split(both, 7, axis=1)), mono, atol=1e-5)


def without_level(front):
    """The steps of a front end but its running level, which makes noise before a click loud."""
    return tuple(step for step in front.conditioning if not isinstance(step, RunningLevel))


@pytest.mark.parametrize(
    "name", [name for name, each in FRONT_ENDS.items() if isinstance(each, LogSpectrogram)]
)
@pytest.mark.parametrize("at", [0.5, 0.7123, 1.3337])
def test_a_click_peaks_at_the_frame_the_grid_says(name, at):
    front = dataclasses.replace(front_end(name), conditioning=without_level(front_end(name)))
    loudness = front(signals.click(at, 2.0, front.sample_rate)).values.mean(axis=1)
    assert loudness.argmax() == front.grid.frame_at(at)
    audible = np.flatnonzero(loudness > (loudness.max() + np.median(loudness)) / 2)
    middle = front.grid.time_of((audible[0] + audible[-1]) / 2)
    assert abs(middle - at) <= front.grid.period / 2 + 1 / front.sample_rate


@every_front_end
def test_silence_is_finite_and_the_same_in_every_frame(name):
    front = front_end(name)
    values = front(signals.silence(1.0, front.sample_rate)).values
    assert len(values)
    assert np.isfinite(values).all()
    assert np.ptp(values, axis=0).max() == 0


@every_front_end
def test_results_are_the_same_each_time(name):
    front = front_end(name)
    audio = signals.music(1.0, front.sample_rate)
    assert front(audio) == front(audio)


@every_front_end
def test_frames_come_within_the_latency(name):
    front = front_end(name)
    long = front.latency > 0.25
    step = 64 if long else 1
    samples = signals.music(max(0.3, 1.45 * front.latency), front.sample_rate).samples[0]
    sent = n_frames = 0

    def blocks():
        nonlocal sent
        for start in range(0, samples.size, step):
            sent = start + step
            yield samples[start : start + step]

    waits = []
    for values in front.stream(blocks()):
        if sent >= samples.size:
            break
        waits.append(sent / front.sample_rate - front.grid.time_of(n_frames))
        n_frames += len(values)
    assert max(waits) == pytest.approx(front.latency, abs=(step - 0.5) / front.sample_rate)


@every_front_end
def test_features_carry_grid_name_and_float32(name):
    front = front_end(name)
    features = front(signals.silence(1.0, front.sample_rate))
    assert (features.grid, features.front_end) == (front.grid, name)
    assert features.values.dtype == np.float32
    assert abs(features.n_frames - front.grid.fps) <= 3


@every_front_end
def test_front_ends_are_frozen_and_hashable(name):
    front = front_end(name)
    assert hash(dataclasses.replace(front)) == hash(front)
    assert dataclasses.replace(front, name="other") != front
    with pytest.raises(dataclasses.FrozenInstanceError):
        front.name = "other"


@every_front_end
def test_another_sample_rate_is_refused_with_both_rates_named(name):
    front = front_end(name)
    with pytest.raises(ParameterError, match=rf"8001 Hz.*{front.sample_rate} Hz"):
        front(signals.silence(0.1, 8001))


@every_front_end
@pytest.mark.parametrize("n_axes", [1, 2])
def test_a_nan_in_a_stream_is_named(name, n_axes):
    samples = np.zeros(4000, np.float32)
    samples[2600] = np.nan
    with pytest.raises(AudioError, match="sample 2600"):
        list(front_end(name).stream(samples.reshape((4, *(1,) * (n_axes - 1), 1000))))


@pytest.mark.parametrize(
    "block",
    [
        np.zeros(10, np.int64),
        np.zeros(10, bool),
        np.zeros(10, complex),
        np.zeros((1, 1, 10)),
        np.zeros((0, 10)),
        np.float32(0),
    ],
)
def test_blocks_of_other_shapes_and_types_are_refused(block):
    with pytest.raises(ParameterError, match="block"):
        list(front_end("onset").stream([block]))


def test_integer_blocks_are_scaled_by_their_type():
    samples = np.round(signals.music(0.5, 22050).samples[0] * 100) / 128
    integers = (samples * 32768).astype(np.int16)
    np.testing.assert_array_equal(
        stream(front_end("onset"), [integers]), stream(front_end("onset"), [samples])
    )


def test_double_precision_blocks_are_taken():
    samples = signals.music(0.5, 22050).samples[0]
    np.testing.assert_array_equal(
        stream(front_end("onset"), [samples.astype(float)]), stream(front_end("onset"), [samples])
    )


def test_unknown_names_are_answered_with_close_ones():
    with pytest.raises(UnknownName, match="Did you mean 'tcn_2020'"):
        front_end("tcn2020")
    with pytest.raises(MirkitError):
        front_end("")


def test_every_name_is_its_front_ends_name():
    assert {name: front.name for name, front in FRONT_ENDS.items()} == {n: n for n in FRONT_ENDS}
    assert isinstance(FRONT_ENDS["onset"], OnsetStrength)


def test_front_ends_load_neither_scipy_nor_librosa_nor_torch():
    code = (
        "import sys, numpy as np, mirkit.features as f;"
        "list(f.front_end('tempogram').stream([np.zeros(22050, np.float32)]));"
        "print([m for m in ('scipy', 'librosa', 'torch', 'numba') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
