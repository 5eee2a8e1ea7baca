"""EfficientAT's dynamic MobileNets: published sizes and names, and that clips differ."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from mirkit.backbones.efficientat.dymn import (
    N_KERNELS,
    ContextMaker,
    DynamicConv,
    DynamicMobileNet,
    DynamicReLU,
)
from mirkit.backbones.published import load_published
from mirkit.errors import ParameterError, WeightsError

# Width, parameters [millions], multiplications of 10 s [thousand millions].
PUBLISHED = [(0.4, 1.96, 0.117), (1.0, 10.55, 0.582), (2.0, 39.97, 2.22)]


def small(**settings):
    torch.manual_seed(0)
    return DynamicMobileNet(**{"n_classes": 5, "width": 0.1, **settings})


@pytest.mark.parametrize(("width", "millions", "macs"), PUBLISHED)
def test_sizes_are_the_published_ones(width, millions, macs):
    with torch.device("meta"):
        net = DynamicMobileNet(width=width, hears_frames=False).eval()
        features = torch.empty(1, 1000, 128)
    n_parameters = sum(p.numel() for p in net.parameters()) / 1e6
    assert n_parameters == pytest.approx(millions, abs=0.005)
    with FlopCounterMode(display=False) as counter:
        net(features)
    assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.5 * 10 ** -(2 + (macs < 1)))


def test_names_are_the_published_ones():
    with torch.device("meta"):
        names = {name: tuple(x.shape) for name, x in DynamicMobileNet().state_dict().items()}
    expected = {
        "in_c.0.weight": (16, 1, 3, 3),
        "layers.0.depth_conv.weight": (1, 1, 4, 16 * 3 * 3),
        "layers.0.depth_conv.residuals.0.weight": (4, 32),
        "layers.1.exp_conv.weight": (1, 1, 4, 64 * 16),
        "layers.1.exp_norm.running_mean": (64,),
        "layers.1.depth_act.coef_net.0.weight": (4 * 64, 32),
        "layers.1.context_gen.joint_conv.weight": (32, 16, 1, 1),
        "layers.1.context_gen.joint_norm.weight": (32,),
        "layers.1.context_gen.conv_f.bias": (64,),
        "layers.14.proj_conv.weight": (1, 1, 4, 160 * 960),
        "layers.14.proj_norm.bias": (160,),
        "out_c.0.weight": (960, 160, 1, 1),
        "classifier.2.weight": (1280, 960),
        "classifier.5.bias": (527,),
    }
    assert {name: names[name] for name in expected} == expected
    assert not any(name.startswith("layers.0.exp") for name in names)


def test_a_published_file_loads_strictly_without_the_constants_in_it():
    net, other = small().eval(), small(temperature=1.0).eval()
    torch.nn.init.normal_(other.classifier[2].weight)
    content = dict(other.state_dict())
    content |= {f"layers.{i}.depth_act.lambdas": torch.ones(4) for i in range(15)}
    content |= {f"layers.{i}.depth_act.init_v": torch.ones(4) for i in range(15)}
    load_published(net, content, DynamicMobileNet.published)
    x = torch.randn(1, 64, 128)
    assert torch.equal(net(x).logits, other(x).logits)
    with pytest.raises(WeightsError, match="holds too much: stray"):
        load_published(net, content | {"stray": torch.ones(1)}, DynamicMobileNet.published)


def test_dynamic_convolution_is_a_convolution_with_each_clips_mixture():
    torch.manual_seed(0)
    for n_in, n_out, kernel, stride, groups in ((6, 10, 1, 1, 1), (6, 6, 5, 2, 6), (6, 4, 3, 1, 2)):
        conv = DynamicConv(n_in, n_out, 8, kernel, stride, groups)
        x, context = torch.randn(3, n_in, 9, 11), torch.randn(3, 8)
        shares = conv.residuals(context).softmax(dim=1)
        bank = conv.weight.view(N_KERNELS, n_out, n_in // groups, kernel, kernel)
        plain = [
            F.conv2d(
                x[i : i + 1],
                sum(shares[i, k] * bank[k] for k in range(N_KERNELS)),
                None, stride, kernel // 2, 1, groups,
            )
            for i in range(3)
        ]  # fmt: skip
        assert torch.allclose(conv(x, context), torch.cat(plain), atol=1e-5)


def test_hot_mixture_is_even_and_cold_one_chooses():
    net = small()
    conv = net.layers[3].depth_conv
    torch.nn.init.normal_(conv.residuals[0].weight)
    context = torch.randn(1, conv.residuals[0].in_features)
    x = torch.randn(1, conv.shape[0], 8, 8)
    bank = conv.weight.view(N_KERNELS, *conv.shape)
    net.heat(1e6)
    even = F.conv2d(x, bank.mean(dim=0), None, conv.stride, 2, 1, conv.groups)
    assert torch.allclose(conv(x, context), even, atol=1e-4)
    net.heat(1e-4)
    best = bank[conv.residuals(context).argmax()]
    chosen = F.conv2d(x, best, None, conv.stride, 2, 1, conv.groups)
    assert torch.allclose(conv(x, context), chosen, atol=1e-4)


def test_dynamic_relu_of_a_context_that_says_nothing_is_a_relu():
    act = DynamicReLU(6, 8)
    torch.nn.init.zeros_(act.coef_net[0].weight)
    torch.nn.init.zeros_(act.coef_net[0].bias)
    x = torch.randn(2, 6, 3, 4)
    assert torch.equal(act(x, torch.randn(2, 8)), x.relu())


def test_dynamic_relu_takes_the_larger_line():
    act, x, context = DynamicReLU(1, 1), torch.randn(1, 1, 5, 5), torch.ones(1, 1)
    act.coef_net[0].weight.data = torch.tensor([[0.3], [-2.0], [0.7], [1.1]])
    act.coef_net[0].bias.data.zero_()
    a1, a2, b1, b2 = (2 * torch.tensor([0.3, -2.0, 0.7, 1.1]).sigmoid() - 1).tolist()
    expected = torch.maximum((1 + a1) * x + b1 / 2, a2 * x + b2 / 2)
    assert torch.allclose(act(x, context), expected, atol=1e-6)


@pytest.mark.parametrize(("n_bins", "n_frames"), [(16, 40), (15, 41), (1, 1)])
def test_context_has_a_weight_for_each_band_and_frame_left(n_bins, n_frames):
    context = ContextMaker(3, 12, 8, stride=2).eval()(torch.randn(2, 3, n_bins, n_frames))
    assert context.mean.shape == (2, 8)
    assert context.bands.shape == (2, 12, -(-n_bins // 2), 1)
    assert context.frames.shape == (2, 12, 1, -(-n_frames // 2))


def test_only_blocks_that_would_be_excited_can_be_dynamic():
    net = small(dynamic="excited").eval()
    dynamic = [i for i, layer in enumerate(net.layers) if hasattr(layer, "depth_conv")]
    assert dynamic == [3, 4, 5, 10, 11, 12, 13, 14]
    assert net(torch.randn(1, 50, 64)).frame_logits.shape == (1, 2, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"temperature": 0.0}, "temperature is 0"), ({"dynamic": "some"}, "all or excited")],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        small(**settings)
