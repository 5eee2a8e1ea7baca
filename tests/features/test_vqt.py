import dataclasses

import librosa
import numpy as np
import pytest
import signals

from mirkit.errors import ParameterError
from mirkit.features import VQT, front_end
from mirkit.features.vqt import _octaves

FRONT = dataclasses.replace(front_end("vqt_11k"), conditioning=())  # at the level of the samples


def librosa_kernels(front):
    kernels, lengths = librosa.filters.wavelet(
        freqs=front.frequencies,
        sr=front.sample_rate,
        filter_scale=front.filter_scale,
        gamma=front.gamma,
        alpha=front._relative_bandwidth,
        pad_fft=False,
    )
    np.testing.assert_allclose(front.lengths, lengths)
    return kernels


def test_kernels_are_librosas():
    theirs = librosa_kernels(FRONT)
    middle = theirs.shape[1] // 2 + 1
    for i, octave in enumerate(_octaves(FRONT)):
        real = np.concatenate((octave.even[:0:-1], octave.even)).T / 2
        imaginary = np.concatenate((-octave.odd[::-1], np.zeros((1, 36)), octave.odd)).T / 2
        near = theirs[36 * i : 36 * i + 36, middle - octave.half : middle + octave.half + 1]
        near = np.pad(near, ((0, 0), (0, 2 * octave.half + 1 - near.shape[1])))
        scale = np.abs(near).max(axis=1, keepdims=True)
        # librosa's windows begin at a whole sample, ours at their exact length.
        assert np.abs((real + 1j * imaginary - near) / scale).max() < 0.03


def pooled(fine, n_frames, n_parts):
    """Mean power around each of our frames of librosa's, which are 64 samples apart."""
    step = 16 // n_parts
    padded = np.pad(fine**2, ((8, 24), (0, 0)))
    at = 8 + 16 * np.arange(n_frames)
    parts = [padded[at + (2 * j - n_parts + 1) * step // 2] for j in range(n_parts)]
    return np.sqrt(np.mean(parts, axis=0))


def test_the_transform_is_librosas_pooled_over_the_hop():
    audio = signals.music(8.0, FRONT.sample_rate)
    ours = FRONT.magnitudes(FRONT(audio).values)
    for i, octave in enumerate(_octaves(FRONT)):
        late = 32 if octave.n_parts == 16 else 0  # so that librosa's frames fall on ours
        fine = librosa.vqt(
            np.roll(audio.samples[0], late),
            sr=FRONT.sample_rate,
            hop_length=64,
            fmin=FRONT.fmin,
            n_bins=252,
            bins_per_octave=36,
            gamma=FRONT.gamma,
            filter_scale=FRONT.filter_scale,
        )
        bins = slice(36 * i, 36 * i + 36)
        theirs = np.abs(fine[bins]).T * 2 / np.sqrt(FRONT.lengths[bins])
        if octave.n_parts == 16:
            theirs = np.concatenate((theirs[1:], theirs[-1:]))
            expected = pooled_late(theirs, len(ours))
        else:
            expected = pooled(theirs, len(ours), octave.n_parts)
        inner = slice(6, -6)
        error = np.abs(ours[inner, bins] - expected[inner]).max()
        assert error < 0.03 * expected[inner].max()


def pooled_late(fine, n_frames):
    padded = np.pad(fine**2, ((8, 24), (0, 0)))
    at = 8 + 16 * np.arange(n_frames)
    return np.sqrt(np.mean([padded[at + j] for j in range(-8, 8)], axis=0))


@pytest.mark.parametrize("pitch", [28, 40, 52, 64, 76, 88, 100])
def test_a_tone_of_full_scale_gives_1_in_its_bin(pitch):
    audio = signals.chord([pitch], 2.0, FRONT.sample_rate, n_partials=1)
    values = FRONT.magnitudes(FRONT(audio).values)[8:-8] * 10
    assert set(values.argmax(axis=1)) == {3 * (pitch - 24) + 1}
    np.testing.assert_allclose(values.max(axis=1), 1, atol=0.02)


def test_no_part_of_the_signal_goes_unheard():
    sounds = []
    for at in np.linspace(0.5, 0.7, 23):
        values = FRONT.magnitudes(FRONT(signals.click(at, 1.2, FRONT.sample_rate, 0)).values)
        sounds.append((values**2).sum(axis=0))
    sounds = np.stack(sounds)
    assert (sounds.min(axis=0) > 0.1 * sounds.max(axis=0)).all()


def test_bins_move_with_the_tuning():
    sharp = dataclasses.replace(FRONT, tuning=40.0)
    values = FRONT(signals.chord([48, 52, 55], 2.0, FRONT.sample_rate)).values
    moved = sharp(signals.chord([48, 52, 55], 2.0, FRONT.sample_rate, cents=40)).values
    loud = values[8:-8] > 0.5
    assert np.abs(moved - values)[8:-8][loud].mean() < 0.05
    unmoved = FRONT(signals.chord([48, 52, 55], 2.0, FRONT.sample_rate, cents=40)).values
    assert np.abs(unmoved - values).max() > 1


def test_magnitudes_undo_the_logarithm():
    magnitudes = np.array([[0, 1e-4, 0.1, 1.0]], np.float32)
    np.testing.assert_allclose(FRONT.magnitudes(FRONT.log(magnitudes.copy())), magnitudes, 1e-4)


def test_gamma_0_is_the_constant_q_transform():
    front = VQT("cqt", gamma=0.0)
    ratios = front.lengths * front.frequencies
    np.testing.assert_allclose(ratios, ratios[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_octaves": 8}, "half the sample rate"), ({"gamma": -1}, "gamma"), ({"fmin": 0}, "fmin")],
)
def test_impossible_transforms_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        VQT("wrong", **options)
