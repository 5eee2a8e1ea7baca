import numpy as np
import pytest
import signals

from mirkit.errors import ParameterError
from mirkit.features import LogBank, front_end
from mirkit.peers import madmom_shim


@pytest.fixture(scope="module")
def madmom_audio(madmom):
    return {
        part: madmom_shim.load(f"madmom.audio.{part}")
        for part in ("signal", "stft", "filters", "spectrogram")
    }


def madmom_filtered(modules, samples):
    signal = modules["signal"].Signal(samples, sample_rate=44100)
    frames = modules["signal"].FramedSignal(signal, frame_size=2048, fps=100)
    spectra = modules["stft"].ShortTimeFourierTransform(frames)
    return modules["spectrogram"].FilteredSpectrogram(
        spectra,
        filterbank=modules["filters"].LogarithmicFilterbank,
        num_bands=12,
        fmin=30,
        fmax=17000,
        norm_filters=True,
    )


@pytest.mark.parametrize("n_samples", [1, 440, 441, 442, 30_000, 88_200])
def test_the_81_bands_are_madmoms(madmom_audio, n_samples):
    audio = signals.music(2.0, 44100)
    samples = audio.samples[0, :n_samples].copy()
    expected = np.log(np.asarray(madmom_filtered(madmom_audio, samples)) + 1e-6)
    values = np.concatenate(list(front_end("tcn_2020").stream([samples])))
    assert values.shape == expected.shape
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize(
    ("bands", "fmin", "fmax", "sample_rate", "n_fft"),
    [
        (12, 30, 17000, 44100, 2048),
        (6, 30, 17000, 44100, 1024),
        (3, 27.5, 16000, 44100, 4096),
        (24, 65, 2100, 44100, 8192),
        (13.8, 30, 10500, 22050, 1024),
        (12, 30, 30000, 44100, 2048),
    ],
)
def test_log_filters_are_madmoms(madmom_audio, bands, fmin, fmax, sample_rate, n_fft):
    frequencies = np.arange(n_fft // 2) * sample_rate / n_fft
    theirs = madmom_audio["filters"].LogarithmicFilterbank(
        frequencies, num_bands=bands, fmin=fmin, fmax=fmax, norm_filters=True
    )
    ours = LogBank(bands, fmin, fmax).matrix(sample_rate, n_fft)
    np.testing.assert_allclose(ours[:, :-1].T, np.asarray(theirs), atol=1e-6)
    assert not ours[:, -1].any()


def test_each_log_filter_sums_to_one():
    for name in ("tcn_2020", "tcn_22k"):
        weights = front_end(name).filterbank
        assert weights.shape[0] == 81
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)


def test_a_tone_is_loudest_in_the_filter_of_its_pitch():
    front = front_end("tcn_22k")
    samples = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050).astype(np.float32)
    loudest = np.concatenate(list(front.stream([samples])))[20:-20].mean(axis=0).argmax()
    weighed = front.filterbank[loudest]
    center = weighed.argmax() * 22050 / 1024
    assert abs(center - 1000) < 22050 / 1024


def test_impossible_log_filters_are_refused():
    with pytest.raises(ParameterError, match="fmin"):
        LogBank(12, 0, 1000)
    with pytest.raises(ParameterError, match="bands_per_octave"):
        LogBank(0, 30, 1000)
    with pytest.raises(ParameterError, match="at least 3"):
        LogBank(1, 3000, 4000).matrix(22050, 1024)
