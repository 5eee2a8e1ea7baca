"""PANNs: their published sizes and names, their peers' numbers, and what their outputs mean."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.audio import Audio
from mirkit.backbones.panns import SILENCE, Cnn6, Cnn10, Cnn14, check_filterbank
from mirkit.errors import ParameterError, WeightsError
from mirkit.features.logmel import PANNS_16K, PANNS_32K

# Parameters [millions] and multiplications for 10 s [thousand millions] of the published networks;
# the latter with the published front end, which multiplies by a matrix of sines and cosines.
FRONT_END_MACS = (2 * 513 * 1024 + 513 * 64) * 1001
PUBLISHED = [(Cnn6, 4.837, 11.02), (Cnn10, 5.219, 14.10), (Cnn14, 80.754, 21.13)]
NETS = [net for net, _, _ in PUBLISHED]


def small(net, **settings):
    torch.manual_seed(0)
    return net(**{"n_classes": 5, "width": 2, **settings}).eval()


@pytest.mark.parametrize(("net", "millions", "macs"), PUBLISHED)
def test_sizes_are_the_published_ones(net, millions, macs):
    with torch.device("meta"):
        full = net(hears_frames=False).eval()
        features = torch.empty(1, 1001, 64)
    n_parameters = sum(p.numel() for p in full.parameters()) / 1e6
    assert n_parameters == pytest.approx(millions, abs=0.0005)
    with FlopCounterMode(display=False) as counter:
        full(features)
    total = (counter.get_total_flops() / 2 + FRONT_END_MACS) / 1e9
    assert total == pytest.approx(macs, abs=0.005)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("n_frames", [1, 31, 32, 33, 100])
def test_any_length_is_heard(net, n_frames):
    backbone = small(net)
    output = backbone(torch.randn(2, n_frames, 64))
    n_steps = max(n_frames, backbone.min_length[0]) // backbone.step
    assert output.logits.shape == (2, 5)
    assert output.embedding.shape == (2, backbone.n_embedding)
    assert output.frame_logits.shape == (2, n_steps, 5)
    assert output.frame_embedding.shape == (2, n_steps, backbone.n_embedding)


@pytest.mark.parametrize("net", NETS)
def test_a_clip_does_not_hear_its_neighbours(net):
    backbone, x = small(net), torch.randn(3, 70, 64)
    for alone, among in zip(backbone(x[1:2]), backbone(x), strict=True):
        assert torch.allclose(alone[0], among[1], atol=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_a_step_is_heard_as_a_clip_of_one_step(net):
    backbone = small(net)
    output = backbone(torch.randn(1, backbone.step, 64))
    assert torch.allclose(output.frame_logits[:, 0], output.logits, atol=1e-5)
    assert torch.allclose(output.frame_embedding[:, 0], output.embedding, atol=1e-5)


def test_frames_can_be_left_unheard():
    x = torch.randn(1, 64, 64)
    deaf, hearing = small(Cnn14, hears_frames=False)(x), small(Cnn14)(x)
    assert deaf.frame_logits is None
    assert deaf.frame_embedding is None
    assert torch.equal(deaf.logits, hearing.logits)


def test_silence_is_what_the_front_end_makes_of_it():
    for front_end in (PANNS_32K, PANNS_16K):
        silence = Audio(np.zeros((1, 32000), np.float32), front_end.sample_rate)
        assert front_end(silence).values == pytest.approx(SILENCE, abs=1e-4)


def test_weights_are_drawn_as_published():
    net = small(Cnn14, width=8)
    weight = net.conv_block2.conv1.weight  # (16, 8, 3, 3)
    bound = (6 / (9 * (8 + 16))) ** 0.5
    assert 0.95 * bound < weight.abs().max().item() <= bound
    assert not net.fc1.bias.any()
    assert not net.fc_audioset.bias.any()


def test_too_few_bins_are_refused():
    with pytest.raises(ParameterError, match=r"n_bins is 31; .* needs 32"):
        small(Cnn14, n_bins=31)


def test_other_mel_filters_are_refused():
    matrix = PANNS_32K.filterbank
    content = {"model": {"logmel_extractor.melW": torch.from_numpy(matrix.copy()).T}}
    check_filterbank(content, matrix)
    with pytest.raises(WeightsError, match=r"differ .* by 1\.\de-03"):
        check_filterbank(content, matrix * 1.001)
    with pytest.raises(WeightsError, match="another sample rate"):
        check_filterbank(content, PANNS_16K.filterbank)
    with pytest.raises(WeightsError, match=r"holds no 'logmel_extractor\.melW'"):
        check_filterbank({"model": {}}, matrix)
