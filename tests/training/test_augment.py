import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirkit.errors import ParameterError  # noqa: E402
from mirkit.training.augment import (  # noqa: E402
    add_noise,
    clip_softly,
    shift_bands,
)
from mirkit.training.beat.augment import (  # noqa: E402
    NONE,
    BeatAugmentation,
    change_features,
    change_samples,
    draw_equalizer,
    draw_hop,
)
from mirkit.training.beat.task import mix_batch  # noqa: E402


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_no_augmentation_changes_nothing(rng):
    samples = rng.standard_normal(1000).astype(np.float32)
    features = torch.randn(50, 20)
    np.testing.assert_array_equal(change_samples(samples, NONE, rng), samples)
    assert torch.equal(change_features(features, NONE, rng), features)
    np.testing.assert_allclose(draw_equalizer(513, NONE, rng), 1)
    assert draw_hop(441, 0, rng) == 441


def test_hops_spread_tempi_evenly_within_their_range(rng):
    hops = np.array([draw_hop(441, 0.2, rng) for _ in range(2000)])
    assert hops.min() >= round(441 / 1.2)
    assert hops.max() <= round(441 * 1.2)
    assert np.log(hops / 441).mean() == pytest.approx(0, abs=0.01)


def test_gain_stays_within_its_range(rng):
    settings = BeatAugmentation(gain=6, noise=0, clipping=0)
    ones = np.ones(10, np.float32)
    levels = [20 * np.log10(change_samples(ones, settings, rng)[0]) for _ in range(200)]
    assert -6 <= min(levels) < -5
    assert 5 < max(levels) <= 6


@pytest.mark.parametrize("snr", [10, 30])
def test_noise_has_the_level_asked_for(rng, snr):
    samples = np.sin(np.arange(50_000) / 7).astype(np.float32)
    noise = add_noise(samples, np.sqrt(np.mean(samples**2)) * 10 ** (-snr / 20), rng) - samples
    measured = 10 * np.log10(np.mean(samples**2) / np.mean(noise**2))
    assert measured == pytest.approx(snr, abs=0.2)


def test_clipping_keeps_the_peak_and_raises_what_is_below(rng):
    samples = 0.5 * np.sin(np.arange(5000) / 7).astype(np.float32)
    bent = clip_softly(samples, drive=12)
    assert np.abs(bent).max() == pytest.approx(np.abs(samples).max(), rel=1e-3)
    assert np.mean(bent**2) > 1.3 * np.mean(samples**2)
    np.testing.assert_array_equal(clip_softly(np.zeros(9, np.float32), 12), np.zeros(9))


def test_equalizer_is_smooth_and_bounded(rng):
    settings = BeatAugmentation(equalizer=12, lowpass=0)
    for _ in range(50):
        decibels = 20 * np.log10(draw_equalizer(513, settings, rng))
        assert np.abs(decibels).max() <= 12
        assert np.abs(np.diff(decibels[20:])).max() < 1.5


def test_lowpass_cuts_the_highs_alone(rng):
    gains = draw_equalizer(513, BeatAugmentation(equalizer=0, lowpass=1.0), rng)
    np.testing.assert_allclose(gains[:50], 1)
    assert gains[-1] < 0.01 or gains.min() == 1


@pytest.mark.parametrize("steps", [-3, 0, 2])
def test_bands_are_shifted_and_edges_repeated(steps):
    features = torch.arange(10.0).expand(4, 10)
    expected = np.clip(np.arange(10) - steps, 0, 9)
    np.testing.assert_array_equal(shift_bands(features, steps)[0], expected)


def test_stripes_are_muted_no_wider_than_asked(rng):
    settings = BeatAugmentation(
        pitch=0, band_masks=1, band_mask_width=5, time_masks=1, time_mask_width=7
    )
    widths = set()
    for _ in range(200):
        features = torch.rand(40, 30) + 1
        muted = change_features(features, settings, rng)
        changed = muted != features
        bands = int(changed.all(dim=0).sum())
        frames = int(changed.all(dim=1).sum())
        widths |= {(bands, frames)}
        assert (muted[changed] == features.min()).all()
    assert max(bands for bands, _ in widths) == 5
    assert max(frames for _, frames in widths) == 7


def test_stripes_fit_short_excerpts(rng):
    assert change_features(torch.rand(2, 3), BeatAugmentation(), rng).shape == (2, 3)


def test_mixing_mixes_features_and_targets_alike(rng):
    batch = {
        "features": torch.eye(4)[:, None],
        "beat": torch.eye(4),
        "downbeat_mask": torch.tensor([[1.0], [1], [0], [1]]),
    }
    out = mix_batch(batch, 0.5, rng)
    torch.testing.assert_close(out["features"][:, 0], out["beat"])
    torch.testing.assert_close(out["beat"].sum(1), torch.ones(4))
    assert (out["downbeat_mask"] <= batch["downbeat_mask"]).all()


def test_senseless_settings_are_refused():
    with pytest.raises(ParameterError, match="gain"):
        BeatAugmentation(gain=-1)
    with pytest.raises(ParameterError, match="rate"):
        BeatAugmentation(rate=1.5)
