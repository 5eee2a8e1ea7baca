import numpy as np
import pytest
from signals import chords, music

from mirkit.peers.crema_cqt import (
    BINS_PER_OCTAVE,
    FMIN,
    HOP_LENGTH,
    N_BINS,
    SAMPLE_RATE,
    constant_q,
    decibels,
    harmonic_cqt,
)


def librosa_cqt(samples, harmonic):
    import librosa

    values = librosa.cqt(
        samples, sr=SAMPLE_RATE, hop_length=HOP_LENGTH, fmin=FMIN * harmonic, n_bins=N_BINS,
        bins_per_octave=BINS_PER_OCTAVE,
    )  # fmt: skip
    return np.abs(values).T[: len(samples) // HOP_LENGTH]


@pytest.fixture(scope="module")
def samples():
    sounds = music(6.0, SAMPLE_RATE).samples[0]
    tones = chords([("C:maj7", 3.0), ("F#:min", 3.0)], SAMPLE_RATE).samples[0]
    return sounds + tones


@pytest.mark.parametrize("harmonic", [1, 2])
def test_magnitudes_are_those_of_librosa(samples, harmonic):
    expected = librosa_cqt(samples, harmonic)
    first = (harmonic - 1) * BINS_PER_OCTAVE
    found = constant_q(samples)[: len(expected), first : first + N_BINS]
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


@pytest.mark.parametrize("harmonic", [1, 2])
def test_decibels_are_those_of_librosa(samples, harmonic):
    import librosa

    expected = librosa.amplitude_to_db(librosa_cqt(samples, harmonic), ref=np.max)
    found = harmonic_cqt(samples)[..., harmonic - 1]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert np.abs(found - expected).mean() < 1e-3


def test_a_tone_is_loudest_in_its_bin():
    t = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    for bin_ in (70, 100, 150, 200):
        tone = np.sin(2 * np.pi * FMIN * 2 ** (bin_ / BINS_PER_OCTAVE) * t).astype(np.float32)
        values = harmonic_cqt(tone)[10:-10].mean(axis=0)
        assert values[:, 0].argmax() == bin_
        assert values[:, 1].argmax() == bin_ - BINS_PER_OCTAVE


@pytest.mark.parametrize("n_samples", [1, 100, HOP_LENGTH - 1, HOP_LENGTH, 2 * HOP_LENGTH + 5])
def test_every_whole_hop_has_a_frame_and_a_short_recording_one(n_samples):
    values = harmonic_cqt(np.ones(n_samples, np.float32))
    assert values.shape == (max(1, n_samples // HOP_LENGTH), N_BINS, 2)
    assert np.isfinite(values).all()


def test_nothing_has_no_frames():
    assert harmonic_cqt(np.empty(0, np.float32)).shape == (0, N_BINS, 2)


def test_decibels_lie_within_80_of_the_loudest():
    values = decibels(np.array([[1.0, 0.1, 1e-4, 0.0]], np.float32))
    np.testing.assert_allclose(values, [[0, -20, -80, -80]], atol=1e-4)
    assert decibels(np.zeros((2, 3), np.float32)).tolist() == [[0] * 3] * 2
    assert decibels(np.full((1, 2), 1e-7, np.float32)).tolist() == [[0, 0]]  # below what counts
