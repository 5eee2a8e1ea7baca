"""PANNs: their published sizes and names, their peers' numbers, and what their outputs mean."""

import math

import numpy as np
import panns_published
import pytest
import torch
from panns_plain import Plain
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mirkit.audio import Audio
from mirkit.backbones.panns.cnn import SILENCE, Cnn6, Cnn10, Cnn14, check_filterbank
from mirkit.backbones.panns.decision import (
    Cnn14DecisionAtt,
    Cnn14DecisionAvg,
    Cnn14DecisionMax,
    logit_of_mean,
)
from mirkit.backbones.panns.mobilenet import MobileNetV1, MobileNetV2
from mirkit.backbones.panns.resnet import (
    BasicBlock,
    Bottleneck,
    ResNet22,
    ResNet38,
    ResNet54,
)
from mirkit.backbones.panns.wavegram import WavegramLogmelCnn14
from mirkit.backbones.published import load_published
from mirkit.errors import ParameterError, WeightsError
from mirkit.features.logmel import PANNS_16K, PANNS_32K

# Parameters [millions] and multiplications for 10 s [thousand millions] of the published networks;
# the latter with the published front end, which multiplies by a matrix of sines and cosines.
FRONT_END_MACS = (2 * 513 * 1024 + 513 * 64) * 1001
PUBLISHED = [
    (Cnn6, 4.837, 11.02),
    (Cnn10, 5.219, 14.10),
    (Cnn14, 80.754, 21.13),
    (ResNet22, 63.675, 15.05),
    (ResNet38, 73.783, 24.48),
    (ResNet54, 104.318, 27.21),
    (MobileNetV1, 4.796, 1.82),
    (MobileNetV2, 4.075, 1.43),
    (WavegramLogmelCnn14, 81.065, 26.75),
]
DECISIONS = [Cnn14DecisionMax, Cnn14DecisionAvg, Cnn14DecisionAtt]
NETS = [net for net, _, _ in PUBLISHED] + DECISIONS
NARROW = {
    MobileNetV1: {"width": 1 / 16},
    MobileNetV2: {"width": 1 / 16},
    **{net: {"width": 2, "spreads": False} for net in DECISIONS},
}
PUBLISHED_AS = {
    Cnn14DecisionMax: "Cnn14_DecisionLevelMax",
    Cnn14DecisionAvg: "Cnn14_DecisionLevelAvg",
    Cnn14DecisionAtt: "Cnn14_DecisionLevelAtt",
    WavegramLogmelCnn14: "Wavegram_Logmel_Cnn14",
}


def small(net, **settings):
    torch.manual_seed(0)
    return net(**{"n_classes": 5, **NARROW.get(net, {"width": 2}), **settings}).eval()


def inputs_of(net, n_frames, batch=1):
    """Noise; the samples are the most that have `n_frames` frames."""
    torch.manual_seed(1)
    features = torch.randn(batch, n_frames, net.bn0.num_features)
    if net.inputs == ("features",):
        return (features,)
    return torch.randn(batch, n_frames * 320 - 1), features


def frames_a_step(net):
    return net.min_length[-1]


@pytest.mark.parametrize(("net", "millions", "macs"), PUBLISHED)
def test_sizes_are_the_published_ones(net, millions, macs):
    with torch.device("meta"):
        full = net(hears_frames=False).eval()
        inputs = (torch.empty(1, 320000), torch.empty(1, 1001, 64))[-len(full.inputs) :]
    n_parameters = sum(p.numel() for p in full.parameters()) / 1e6
    assert n_parameters == pytest.approx(millions, abs=0.0005)
    with FlopCounterMode(display=False) as counter:
        full(*inputs)
    total = (counter.get_total_flops() / 2 + FRONT_END_MACS) / 1e9
    assert total == pytest.approx(macs, abs=0.005)


@pytest.mark.parametrize("net", NETS)
def test_a_published_checkpoint_loads_strictly(net):
    """All tensors of the full size are in their places, and those of the front end dropped."""
    shapes = panns_published.shapes(PUBLISHED_AS.get(net, net.__name__))
    with torch.device("meta"):
        full = net()
        tensors = {name: torch.empty(shape) for name, shape in shapes.items()}
        load_published(full, {"iteration": 600000, "model": tensors}, net.published)
        assert set(full.state_dict()) == set(shapes) - set(panns_published.FRONT_END)
        tensors["fc1.weight"] = torch.empty(7, 7)
        with pytest.raises(WeightsError, match=r"other shapes: fc1\.weight \(7, 7\)"):
            load_published(full, {"model": tensors}, net.published)
        del tensors["fc1.weight"]
        with pytest.raises(WeightsError, match=r"lacks fc1\.weight"):
            load_published(full, {"model": tensors}, net.published)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("n_frames", [1, 33, 100])
def test_any_length_is_heard(net, n_frames):
    backbone = small(net)
    output = backbone(*inputs_of(backbone, n_frames, batch=2))
    n_steps = max(n_frames, frames_a_step(backbone)) // frames_a_step(backbone)
    assert output.logits.shape == (2, 5)
    assert output.embedding.shape == (2, backbone.n_embedding)
    assert output.frame_logits.shape == (2, n_steps, 5)
    assert output.frame_embedding.shape == (2, n_steps, backbone.n_embedding)


@pytest.mark.parametrize("net", NETS)
def test_a_clip_does_not_hear_its_neighbours(net):
    backbone = small(net)
    inputs = inputs_of(backbone, 70, batch=3)
    for alone, among in zip(backbone(*(x[1:2] for x in inputs)), backbone(*inputs), strict=True):
        assert torch.allclose(alone[0], among[1], atol=1e-5)


@pytest.mark.parametrize("net", [net for net in NETS if net not in DECISIONS])
def test_a_step_is_heard_as_a_clip_of_one_step(net):
    backbone = small(net)
    output = backbone(*inputs_of(backbone, frames_a_step(backbone)))
    assert torch.allclose(output.frame_logits[:, 0], output.logits, atol=1e-5)
    assert torch.allclose(output.frame_embedding[:, 0], output.embedding, atol=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_row_i_is_centred_where_its_clock_says(net):
    """What sounds in the two frames around the center of a row excites the rows around it alike."""
    backbone = small(net).double()
    for module in backbone.modules():  # symmetric filters
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, BasicBlock | Bottleneck):
            nn.init.ones_((module.bn3 if hasattr(module, "bn3") else module.bn2).weight)
    n = frames_a_step(backbone)
    frame = backbone.first * n / backbone.step
    assert frame == (n - 1) / 2
    center = 6 * n + frame
    *samples, features = (torch.zeros_like(x).double() for x in inputs_of(backbone, 13 * n))
    click = features.clone()
    click[:, [int(center), int(center) + 1]] = 1.0
    heard = backbone(*samples, click).frame_embedding - backbone(*samples, features).frame_embedding
    change = heard[0].abs().sum(dim=1)
    assert int(change.argmax()) == 6
    assert change[5] > 0
    assert torch.allclose(change, change.flip(0), atol=1e-12)


@pytest.mark.parametrize("net", NETS)
def test_gradients_reach_what_is_used(net):
    backbone = small(net).train()
    output = backbone(*inputs_of(backbone, 64, batch=2))
    output.logits.sum().backward()
    for name, parameter in backbone.named_parameters():
        assert (parameter.grad is not None) == backbone.is_used(name), name


def seen(net, **settings):
    """A small network whose norms and scores are none that training starts with."""
    backbone = small(net, **settings)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    for name, parameter in backbone.named_parameters():
        if name in ("fc_audioset.weight", "att_block.cla.weight"):
            parameter.data *= 30
    return backbone


@pytest.mark.parametrize(
    ("net", "run"),
    [
        (Cnn6, lambda plain, x: plain.cnn(plain.image(x), 4, 4)),
        (Cnn10, lambda plain, x: plain.cnn(plain.image(x), 4, 4)),
        (ResNet22, lambda plain, x: plain.resnet(plain.image(x))),
        (ResNet38, lambda plain, x: plain.resnet(plain.image(x))),
        (ResNet54, lambda plain, x: plain.resnet(plain.image(x))),
        (MobileNetV1, lambda plain, x: plain.mobilenet_v1(plain.image(x))),
        (MobileNetV2, lambda plain, x: plain.mobilenet_v2(plain.image(x))),
        (WavegramLogmelCnn14, lambda plain, *xs: plain.wavegram(*xs)),
    ],
)
def test_networks_are_their_plain_twins(net, run):
    backbone = seen(net)
    inputs = inputs_of(backbone, 100, batch=2)
    plain = Plain(backbone.state_dict())
    logits, embedding = plain.clip(run(plain, *inputs))
    assert min(embedding.std(), logits.std()) > 0.01
    output = backbone(*inputs)
    assert torch.allclose(output.embedding, embedding, atol=1e-5)
    assert torch.allclose(output.logits, logits, atol=1e-5)


@pytest.mark.parametrize("net", DECISIONS)
def test_decisions_are_pooled_as_published(net):
    backbone = seen(net)
    if net is Cnn14DecisionAtt:
        backbone.att_block.att.weight.data *= 100  # scores beyond the range that they are cut to
    (features,) = inputs_of(backbone, 170)
    plain = Plain(backbone.state_dict())
    rows = plain.steps(plain.cnn(plain.image(features), 6, 5))
    if net is Cnn14DecisionAtt:
        clip, steps = plain.attended(rows)
    else:
        steps = plain.linear("fc_audioset", rows).sigmoid()
        clip = steps.amax(dim=1) if net is Cnn14DecisionMax else steps.mean(dim=1)
    output = backbone(features)
    assert rows.shape[1] == 5
    assert min(rows.std(), steps.std(), clip.std()) > 0.01
    assert torch.allclose(output.frame_embedding, rows, atol=1e-5)
    assert torch.allclose(output.frame_logits.sigmoid(), steps, atol=1e-5)
    assert torch.allclose(output.logits.sigmoid(), clip, atol=1e-5)
    assert torch.allclose(output.embedding, rows.mean(dim=1), atol=1e-5)


def test_each_frame_has_the_decision_of_its_step_and_the_last_lasts():
    by_step, by_frame = (small(Cnn14DecisionMax, spreads=spreads) for spreads in (False, True))
    (features,) = inputs_of(by_step, 4 * 32 + 9)
    steps, frames = by_step(features).frame_logits[0], by_frame(features).frame_logits[0]
    assert by_frame.step == 1
    assert torch.equal(frames[:32], steps[0].expand(32, -1))
    assert torch.equal(frames[32:64], steps[1].expand(32, -1))
    assert torch.equal(frames[96:], steps[3].expand(32 + 9, -1))
    assert not torch.equal(steps[0], steps[1])


def test_a_mean_of_certainties_is_no_certainty():
    """Where probabilities round to 0 or 1, the logit of their mean is still right."""
    logits = torch.tensor([[[-200.0, 200.0], [-202.0, 202.0]]])
    expected = math.log((1 + math.exp(-2)) / 2)
    assert logit_of_mean(logits).flatten().tolist() == pytest.approx(
        [-200 + expected, 200 - expected]
    )


def test_the_features_of_a_wavegram_may_have_begun_one_row_more():
    net = small(WavegramLogmelCnn14)
    samples, features = torch.randn(1, 33 * 320), torch.randn(1, 34, 64)
    assert net.wavegram(samples).shape[2] == 16
    assert net.halved(1, net.image(features)).shape[2] == 17
    assert net(samples, features).frame_logits.shape == (1, 1, 5)
    with pytest.raises(ParameterError, match="the samples make 16 rows and the features 18"):
        net(samples, torch.randn(1, 36, 64))


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
        check_filterbank({"model": {"fc1.bias": torch.zeros(3)}}, matrix)
