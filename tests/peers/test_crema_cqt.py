import numpy as np
import pytest
from signals import chords, cut, music

from mirkit.peers.crema_cqt import (
    BINS_PER_OCTAVE,
    FMIN,
    HOP_LENGTH,
    N_BINS,
    SAMPLE_RATE,
    CremaCQT,
    decibels,
    harmonics,
)


def constant_q(*blocks):
    """The magnitudes of a recording, ``(n_frames, 252)``."""
    return np.concatenate([np.empty((0, 252), np.float32), *CremaCQT().stream(blocks)])


def harmonic_cqt(samples):
    """The decibels of each harmonic, ``(n_frames, 216, 2)``."""
    return harmonics(constant_q(samples))


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
    assert constant_q(np.empty(0, np.float32)).shape == (0, 252)


@pytest.mark.parametrize("longest", [50, 3000, 100_000])
def test_stream_equals_batch(samples, longest):
    whole = constant_q(samples)
    assert CremaCQT().n_frames(len(samples)) == len(whole)
    parts = constant_q(*cut(samples, np.random.default_rng(longest), longest))
    np.testing.assert_array_equal(parts, whole)


def test_frames_come_within_the_latency():
    front_end, n_samples, heard, given, waits = CremaCQT(), 30 * SAMPLE_RATE, 0, 0, []

    def blocks():
        nonlocal heard
        for start in range(0, n_samples, 500):
            heard = start + 500
            yield np.ones(500, np.float32)

    for part in front_end.stream(blocks()):
        waits.append(heard / SAMPLE_RATE - front_end.grid.time_of(given))
        given += len(part)
    assert given == front_end.n_frames(n_samples)
    assert front_end.latency / 2 < max(waits) <= front_end.latency


def test_decibels_lie_within_80_of_the_loudest():
    values = decibels(np.array([[1.0, 0.1, 1e-4, 0.0]], np.float32))
    np.testing.assert_allclose(values, [[0, -20, -80, -80]], atol=1e-4)
    assert decibels(np.zeros((2, 3), np.float32)).tolist() == [[0] * 3] * 2
    assert decibels(np.full((1, 2), 1e-7, np.float32)).tolist() == [[0, 0]]  # below what counts
