from dataclasses import replace

import numpy as np
import pytest
import signals

torch = pytest.importorskip("torch")

from mirkit.audio import Audio  # noqa: E402
from mirkit.errors import ParameterError  # noqa: E402
from mirkit.features import FRONT_ENDS, LogSpectrogram  # noqa: E402
from mirkit.features.conditioning import Gain, PreEmphasis, RunningLevel  # noqa: E402
from mirkit.training.twin import TorchLogSpectrogram  # noqa: E402

SPECTROGRAMS = [each for each in FRONT_ENDS.values() if isinstance(each, LogSpectrogram)]


def has_twin(front_end):
    stft = front_end.stft
    is_plain = all(
        isinstance(step, Gain | PreEmphasis | RunningLevel) for step in front_end.conditioning
    )
    return is_plain and not (stft.remove_dc or stft.preemphasis)


def noisy(seconds, sample_rate):
    """Return music over noise: what lies 100 dB below the loudest bin is rounding alone."""
    samples = signals.music(seconds, sample_rate).samples
    noise = np.random.default_rng(0).normal(0, 0.01, samples.shape)
    return Audio((samples + noise).astype(np.float32), sample_rate)


@pytest.mark.parametrize(
    "front_end", [each for each in SPECTROGRAMS if has_twin(each)], ids=lambda each: each.name
)
@pytest.mark.parametrize("n_samples", [5000, 22051])
def test_twin_gives_the_numbers_of_the_front_end(front_end, n_samples):
    if front_end.stft.framing.padding == "ramp":
        pytest.skip("padding by ramps has no twin")
    audio = noisy(n_samples / front_end.sample_rate, front_end.sample_rate)
    expected = front_end(audio).values
    with torch.no_grad():
        actual = TorchLogSpectrogram(front_end)(torch.tensor(audio.samples))[0].numpy()
    assert actual.shape == expected.shape
    per_unit = max(1.0, front_end.log.factor)  # decibels are 4 to 9 to a natural logarithm
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * per_unit)


def test_there_are_twins_for_the_front_ends_of_beats():
    names = {each.name for each in SPECTROGRAMS if has_twin(each)}
    assert {"tcn_2020", "tcn_22k"} <= names


def test_there_are_twins_for_the_front_ends_of_tags():
    names = {each.name for each in SPECTROGRAMS if has_twin(each)}
    assert {"efficientat", "passt", "panns_32k", "mirkit_32k"} <= names


def test_another_hop_gives_the_features_of_another_tempo():
    front_end = FRONT_ENDS["tcn_22k"]
    slow = signals.click_track(100, 8, 22050).samples[0]
    twin, hop, length = TorchLogSpectrogram(front_end), 551, 1024
    padded = np.pad(slow, (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    features = twin.from_frames(torch.tensor(frames.copy())[None])[0].numpy()
    flux = np.maximum(np.diff(features, axis=0), 0).sum(1)
    peaks = np.flatnonzero(flux > 0.5 * flux.max())
    # 100 bpm framed at 551 instead of 441 samples passes at 125 bpm, 24 frames a beat.
    spacing = np.diff(peaks[np.insert(np.diff(peaks) > 5, 0, True)])
    assert np.abs(spacing - 24).max() <= 1


def test_gains_equalize_before_the_filters():
    front_end = FRONT_ENDS["tcn_22k"]
    audio = signals.music(0.5, 22050)
    twin = TorchLogSpectrogram(front_end)
    frames = torch.tensor(audio.samples).unfold(-1, 1024, 441)
    louder = twin.from_frames(2 * frames)
    gained = twin.from_frames(frames, torch.full((1, 513), 2.0))
    torch.testing.assert_close(gained, louder, rtol=0, atol=1e-4)
    cut = torch.ones(1, 513)
    cut[:, 200:] = 0
    muted = twin.from_frames(frames, cut)
    assert (muted[..., -5:] == 0).all()
    torch.testing.assert_close(muted[..., :20], twin.from_frames(frames)[..., :20])


def test_front_end_that_conditions_has_no_twin():
    front_end = FRONT_ENDS["tcn_22k"]
    stft = replace(front_end.stft, remove_dc=True)
    with pytest.raises(ParameterError, match="conditions its samples"):
        TorchLogSpectrogram(replace(front_end, stft=stft))


def test_silence_is_silence():
    twin = TorchLogSpectrogram(FRONT_ENDS["tcn_22k"])
    assert not twin(torch.zeros(1, 4000)).any()
