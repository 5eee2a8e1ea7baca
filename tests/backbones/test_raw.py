"""Networks on samples: SincNet's filters are band-passes, and both know where they listen."""

import math

import numpy as np
import pytest
import torch

from mirkit.backbones.raw.cnn import RawCNN
from mirkit.backbones.raw.sincnet import MIN_BAND, MIN_LOW, SequenceNorm, SincConv, SincNet, windows
from mirkit.errors import ParameterError


def small_sinc(**settings):
    torch.manual_seed(0)
    return SincNet(**{"n_classes": 3, "n_filters": (8, 6, 6), "hidden": (16, 12), **settings})


def small_raw(**settings):
    torch.manual_seed(0)
    return RawCNN(**{"n_classes": 3, "channels": (8, 8, 8), "n_blocks": 1, **settings})


def test_band_passes_pass_their_band():
    conv = SincConv(80, 251, 16000)
    low, high = (x.detach().numpy()[:, 0] for x in conv.edges())
    response = np.abs(np.fft.rfft(conv.filters().detach().numpy()[:, 0], 1 << 14))
    frequency = np.fft.rfftfreq(1 << 14, 1 / 16000)
    peak = response.max(axis=1)
    for i in range(80):
        center = (low[i] + high[i]) / 2
        at_center = np.interp(center, frequency, response[i]) / peak[i]
        assert at_center > 0.9
        # A window of 251 samples blurs an edge by some 2 * 16000 / 251 Hz.
        far = (frequency < low[i] - 260) | (frequency > high[i] + 260)
        assert response[i][far].max() < 0.02 * peak[i]


def test_band_passes_are_sincs_by_the_definition():
    conv = SincConv(5, 31, 16000)
    low, high = (x.detach().numpy() for x in conv.edges())
    n = np.arange(-15, 16) / 16000
    ideal = 2 * high * np.sinc(2 * high * n) - 2 * low * np.sinc(2 * low * n)
    ideal /= 2 * (high - low)
    k = np.linspace(0, 31 / 2 - 1, 15)
    half = 0.54 - 0.46 * np.cos(2 * np.pi * k / 31)
    taper = np.concatenate([half, [1.0], half[::-1]])
    np.testing.assert_allclose(conv.filters()[:, 0].detach(), ideal * taper, atol=1e-5)


def test_bands_start_as_mels_and_stay_possible():
    conv = SincConv(80, 251, 16000)
    assert conv.low_hz_.shape == conv.band_hz_.shape == (80, 1)
    assert conv.low_hz_[0].item() == pytest.approx(30, abs=0.01)
    assert (conv.low_hz_[-1] + conv.band_hz_[-1]).item() == pytest.approx(7900, rel=1e-4)
    mel = 2595 * torch.log10(1 + conv.low_hz_[:, 0] / 700)
    assert torch.allclose(mel.diff(), mel.diff()[0], rtol=1e-3)
    torch.nn.init.constant_(conv.low_hz_, -9000.0)  # learned beyond reason
    low, high = conv.edges()
    assert (high <= 8000).all()
    assert (high - low >= MIN_BAND).all()
    torch.nn.init.zeros_(conv.low_hz_)
    torch.nn.init.zeros_(conv.band_hz_)
    low, high = conv.edges()
    assert low[0].item() == MIN_LOW
    assert (high - low)[0].item() == MIN_BAND


def test_sincnet_has_the_layers_of_its_paper():
    with torch.device("meta"):
        net = SincNet(n_classes=462)
    shapes = {name: tuple(x.shape) for name, x in net.state_dict().items()}
    assert shapes["ln0.gamma"] == (3200,)
    assert shapes["conv.0.low_hz_"] == (80, 1)
    assert shapes["conv.1.weight"] == (60, 80, 5)
    assert shapes["ln.0.gamma"] == (80, 983)
    assert shapes["ln.2.gamma"] == (60, 107)
    assert shapes["perceptron.1.weight"] == (2048, 60 * 107)
    assert shapes["head.weight"] == (462, 2048)


def test_norm_of_silence_is_its_offset_and_has_a_gradient():
    norm = SequenceNorm(50)
    x = torch.zeros(2, 50, requires_grad=True)
    norm(x).sum().backward()
    assert torch.equal(norm(x), torch.zeros(2, 50))
    assert torch.isfinite(x.grad).all()


def test_sincnet_does_not_hear_how_loud_it_is():
    net = small_sinc().eval()
    x = torch.randn(1, 8000)
    assert torch.allclose(net(x).logits, net(0.25 * x).logits, atol=1e-4)


@pytest.mark.parametrize("n_samples", [3200, 3201, 4800, 4801, 16000])
def test_windows_cover_every_sample(n_samples):
    cut = windows(torch.arange(1.0, n_samples + 1)[None], 3200, 1600)[0]
    assert set(range(1, n_samples + 1)) <= {int(x) for x in cut.flatten()}
    assert len(cut) == 1 + math.ceil((n_samples - 3200) / 1600)
    assert (cut[:, 0] == 1 + 1600 * torch.arange(len(cut))).all()


def test_a_window_is_heard_alike_wherever_it_stands():
    net = small_sinc().eval()
    x = torch.randn(1, 9600)
    rows = net(x).frame_logits
    for i in range(rows.shape[1]):
        alone = net(x[:, 1600 * i : 1600 * i + 3200]).logits
        assert torch.allclose(rows[:, i], alone, atol=1e-5)
    assert net.first == 1600


def test_raw_cnn_step_i_is_centred_on_its_sample():
    net = small_raw(kernel=9).double().eval()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv1d):
            module.weight.data.fill_(1 / module.weight[0].numel())
    at = 16 * net.step
    x = torch.zeros(1, 2 * at + 1, dtype=torch.float64)
    x[0, at] = 1.0
    change = (net(x).frame_embedding - net(torch.zeros_like(x)).frame_embedding)[0].sum(dim=1)
    assert int(change.argmax()) == 16
    assert torch.allclose(change, change.flip(0))


def test_raw_cnn_hears_the_mean_of_its_steps():
    net = small_raw().eval()
    output = net(torch.randn(2, 5000))
    assert output.frame_logits.shape == (2, math.ceil(5000 / net.step), 3)
    assert torch.allclose(output.frame_logits.mean(dim=1), output.logits, atol=1e-6)


def test_raw_cnn_is_as_large_as_documented():
    with torch.device("meta"):
        net = RawCNN()
    n_parameters = sum(p.numel() for p in net.parameters())
    assert net.step == 1024
    assert 3.5e6 < n_parameters < 4.5e6


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (small_sinc, {"hop": 1500}, "hop is 1500"),
        (small_sinc, {"pools": (3, 3)}, "one number a convolution"),
        (small_sinc, {"kernels": (250, 5, 5)}, "begin with 250"),
        (small_sinc, {"window": 300, "hop": 100}, "too short"),
        (small_raw, {"kernel": 80}, "kernel 80"),
    ],
)
def test_impossible_settings_are_refused(make, settings, message):
    with pytest.raises(ParameterError, match=message):
        make(**settings)
