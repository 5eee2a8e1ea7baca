import numpy as np
import published
import pytest
import torch
from signals import cut

from mirkit.peers.skey_vqt import Halver, OctaveVQT


def halved(samples, lowpass):
    return Halver(lowpass)(samples, is_last=True)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_samples", [2, 3, 100, 255, 256, 257, 511, 512, 513, 10_001])
@pytest.mark.parametrize("n_taps", [4, 256])
def test_halving_is_a_convolution_with_a_stride(rng, n_samples, n_taps):
    samples = rng.standard_normal(n_samples).astype(np.float32)
    taps = rng.standard_normal(n_taps).astype(np.float32) / n_taps
    expected = torch.nn.functional.conv1d(
        torch.from_numpy(samples)[None, None],
        torch.from_numpy(taps)[None, None],
        stride=2,
        padding=(n_taps - 1) // 2,
    )[0, 0].numpy()
    found = halved(samples, taps)
    assert len(found) == n_samples // 2
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-6)
    halver, pieces = Halver(taps), cut(samples, rng, 400)
    parts = [halver(piece, i == len(pieces) - 1) for i, piece in enumerate(pieces)]
    np.testing.assert_allclose(np.concatenate(parts), found, atol=1e-6)


def vqt(rng, n_bins=30, length=16, hop_length=8):
    kernels = rng.standard_normal((12, length)) + 1j * rng.standard_normal((12, length))
    lowpass = np.hanning(10)[1:-1] / np.hanning(10).sum()
    lengths = np.arange(n_bins, 0, -1)
    return OctaveVQT(
        "vqt", 8000, kernels.astype(np.complex64), lowpass.astype(np.float32),
        lengths.astype(np.float32), hop_length,
    )  # fmt: skip


def transformed(transform, *blocks):
    parts = list(transform.stream(blocks))
    return np.concatenate([np.empty((0, transform.n_bins), np.float32), *parts])


def plain(transform, samples):
    """The transform frame by frame and bin by bin, with loops."""
    length, n_bins = transform.kernels.shape[1], len(transform.lengths)
    rows, hop = [], transform.hop_length
    for i in range(3):
        if i:
            samples, hop = halved(samples, transform.lowpass), hop // 2
        mode = "reflect" if len(samples) > length // 2 else "constant"
        padded = np.pad(samples, length // 2, mode=mode)
        starts = range(0, len(padded) - length + 1, hop)
        rows.insert(0, [
            [abs(padded[s : s + length] @ kernel) for s in starts] for kernel in transform.kernels
        ])  # fmt: skip
    n_frames = min(len(octave[0]) for octave in rows)
    values = np.array([bin_[:n_frames] for octave in rows for bin_ in octave])[-n_bins:]
    return values.T * np.sqrt(transform.lengths)


@pytest.mark.parametrize("n_samples", [1, 5, 31, 64, 1000])
def test_the_transform_is_its_definition(rng, n_samples):
    transform = vqt(rng)
    samples = rng.standard_normal(n_samples).astype(np.float32)
    found = transformed(transform, samples)
    assert found.shape == (n_samples // 8 + 1, 30)
    assert transform.n_frames(n_samples) == len(found)
    np.testing.assert_allclose(found, plain(transform, samples), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("longest", [300, 5000, 70_000])
def test_stream_equals_batch(rng, longest):
    transform = vqt(rng)
    samples = rng.standard_normal(100_001).astype(np.float32)
    whole = transformed(transform, samples)
    parts = transformed(transform, *cut(samples, rng, longest))
    np.testing.assert_array_equal(parts, whole)


def test_nothing_has_no_frames(rng):
    assert vqt(rng).n_frames(0) == 0
    assert transformed(vqt(rng)).shape == (0, 30)


def test_a_tone_is_loudest_in_its_bin():
    transform = published.model("s-key").front_end
    t = np.arange(4 * 22050) / 22050
    for bin_ in (24, 40, 57, 80):
        frequency = 27.5 * 2 ** (bin_ / 12)
        values = transformed(transform, np.sin(2 * np.pi * frequency * t).astype(np.float32))
        assert values[60:-60].mean(axis=0).argmax() == bin_


def test_frames_come_within_the_latency():
    front_end, rate = published.model("s-key").front_end, 22050
    heard, given, waits = 0, 0, []

    def blocks():
        nonlocal heard
        for start in range(0, 12 * rate, 500):
            heard = start + 500
            yield np.ones(500, np.float32)

    for part in front_end.stream(blocks()):
        waits.append(heard / rate - front_end.grid.time_of(given))
        given += len(part)
    assert given == front_end.n_frames(heard)
    assert front_end.latency / 2 < max(waits) <= front_end.latency
