import numpy as np
import pytest
from signals import cut

from mirkit.peers import octaves
from mirkit.peers.octaves import Framer, Octave, transform, unchanged


def framed(samples, length, hop, mirrored):
    """All frames of a signal, from its definition."""
    half = length // 2
    mode = "reflect" if mirrored and samples.size > half else "constant"
    padded = np.pad(samples, half, mode=mode)
    return np.array([padded[start : start + length] for start in range(0, samples.size + 1, hop)])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("length", "hop"), [(8, 4), (8, 8), (8, 64), (64, 3)])
@pytest.mark.parametrize("n_samples", [1, 4, 5, 33, 64, 1000])
def test_frames_lie_at_every_hop_whatever_the_pieces(n_samples, length, hop, mirrored):
    rng = np.random.default_rng(n_samples)
    samples = rng.standard_normal(n_samples).astype(np.float32)
    for longest in (1, 7, 100, 5000):
        pieces = cut(samples, rng, longest)
        framer = Framer(length, hop, mirrored)
        found = [framer(x, i == len(pieces) - 1).copy() for i, x in enumerate(pieces)]
        expected = framed(samples, length, hop, mirrored)
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_a_framer_keeps_no_more_than_a_frame_and_a_piece():
    for length, hop in ((64, 16), (64, 512)):
        framer = Framer(length, hop, mirrored=True)
        for _ in range(50):
            framer(np.ones(100, np.float32), is_last=False)
            assert framer._kept.size < length + 100


def test_octaves_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(octaves, "SLICE", 50)

    def halved(samples, is_last):
        return samples[::2]

    kernels = np.eye(8, 4, dtype=np.float32)  # of two bins, each the hypotenuse of two samples
    makers = ((unchanged, 4), (halved, 2))
    samples = np.random.default_rng(0).standard_normal(400).astype(np.float32)
    both = [Octave(lower, Framer(8, hop), kernels) for lower, hop in makers]
    found = np.concatenate(list(transform(both, [samples[:130], samples[130:]])))
    frames = framed(samples, 8, 4, False), framed(samples[::2], 8, 2, False)
    values = [np.hypot(x[:, :2], x[:, 2:4]) for x in frames]
    np.testing.assert_allclose(found, np.concatenate(values[::-1], axis=1), rtol=1e-6)
