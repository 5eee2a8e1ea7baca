from dataclasses import replace

import librosa
import numpy as np
import pytest
import signals

from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.features import estimate_tuning, front_end, tune, tuning_of
from mirkit.features.tuning import shift

FRONT = replace(front_end("vqt_11k"), conditioning=())  # at the level of the samples
CHORDS = ([48, 52, 55, 59], [45, 52, 57, 60], [50, 53, 57, 60], [43, 50, 55, 59, 65])


def progression(cents, sample_rate=11025):
    parts = [signals.chord(each, 1.0, sample_rate, cents).samples for each in CHORDS]
    return Audio(np.concatenate(parts, axis=1), sample_rate)


@pytest.mark.parametrize("cents", [-45, -40, -25, -3, 0, 12, 30, 40, 48])
def test_tuning_is_found_and_is_librosas(cents):
    audio = progression(cents)
    found = estimate_tuning(audio)
    assert found == pytest.approx(cents, abs=2.5)
    theirs = 100 * librosa.estimate_tuning(y=audio.samples[0], sr=audio.sample_rate, n_fft=8192)
    assert found == pytest.approx(theirs, abs=4)


def test_half_a_semitone_is_either_half():
    assert abs(estimate_tuning(progression(50))) > 45


def test_any_sample_rate_is_taken():
    assert estimate_tuning(progression(17, 44100)) == pytest.approx(17, abs=2.5)


def test_tuning_is_found_in_noise():
    audio = progression(30)
    noise = 0.05 * np.random.default_rng(0).standard_normal(audio.samples.shape)
    noisy = Audio((audio.samples + noise).astype(np.float32), 11025)
    assert estimate_tuning(noisy) == pytest.approx(30, abs=5)


def test_what_has_no_pitch_has_no_tuning():
    noise = np.random.default_rng(0).standard_normal(20 * 11025)
    assert estimate_tuning(Audio(0.1 * noise.astype(np.float32), 11025)) == 0
    assert estimate_tuning(signals.silence(1.0, 11025)) == 0
    assert estimate_tuning(signals.silence(0.0, 11025)) == 0


@pytest.mark.parametrize("cents", [-40, -20, 20, 40])
def test_tuned_features_are_those_of_a_recording_in_tune(cents):
    expected = FRONT(progression(0)).values
    detuned = FRONT(progression(cents))
    values = tune(detuned, tuning_of(detuned)).values
    loud = expected > 1
    error = np.abs(values - expected)[loud]
    assert error.mean() < 0.1
    assert np.quantile(error, 0.95) < 0.35
    assert np.abs(detuned.values - expected)[loud].mean() > 3 * error.mean()


def test_shifting_by_whole_bins_moves_them():
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_allclose(shift(values, 2)[:, :4], values[:, 2:])
    np.testing.assert_allclose(shift(values, -1)[:, 1:], values[:, :-1])
    np.testing.assert_allclose(shift(values, 0), values)


def test_shifting_a_line_by_half_a_bin_is_exact():
    line = np.linspace(1, 2, 21, dtype=np.float32)
    np.testing.assert_allclose(shift(line, 0.5)[2:-3], line[2:-3] + 0.025, rtol=1e-5)


def test_features_of_another_front_end_are_refused():
    other = front_end("onset")(signals.music(1.0, 22050))
    with pytest.raises(ParameterError, match="'onset'"):
        tuning_of(other)
    with pytest.raises(ParameterError, match="hertz"):
        tune(FRONT(progression(0)), 440)
