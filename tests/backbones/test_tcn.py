import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirkit.backbones.export import export_onnx  # noqa: E402
from mirkit.backbones.tcn.inference import Probabilities, fused, tcn_runner  # noqa: E402
from mirkit.backbones.tcn.network import TCN, TCNConfig, past_taps  # noqa: E402
from mirkit.errors import ParameterError  # noqa: E402
from mirkit.zoo.runtime import Session  # noqa: E402

SMALL = {"n_blocks": 3, "n_filters": 6, "conv_filters": (4, 5, 6), "n_tempi": 30}
VARIANTS = {
    "published": {},
    "normed": {"norm": "batch"},
    "summed": {"sum_head": True},
    "causal": {"lookahead": 0},
    "late": {"lookahead": 5},
    "wide": {"n_bins": 128},
    "without tempo": {"n_tempi": 0},
    "with tempo filters": {"tempo_filters": 12},
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def linear(net):
    """Make every path count: weights of one sign, in float64, no dropout."""
    net = net.double().eval()
    for parameter in net.parameters():
        parameter.data = parameter.data.abs() + 0.01
    return net


def reach(net, n_frames, frame):
    """Return how far before and after `frame` its beat logit looks, by gradient."""
    features = torch.full(
        (1, n_frames, net.config.n_bins), 0.5, dtype=torch.float64, requires_grad=True
    )
    net(features).beat[0, frame].backward()
    touched = np.flatnonzero(features.grad[0].abs().sum(1).numpy())
    return frame - touched[0], touched[-1] - frame


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_published_network_has_72_thousand_parameters():
    convs = (9 * 20 + 20) + (10 * 20 * 20 + 20) + (9 * 20 * 20 + 20)
    block = 2 * (5 * 20 * 20 + 20) + (40 * 20 + 20) + (20 * 20 + 20)
    heads = 2 * 21 + (20 * 300 + 300)
    assert count(TCN()) == convs + 11 * block + heads == 72_262


def test_published_dilated_part_sees_16377_frames():
    net = linear(TCN(TCNConfig(conv_filters=(1, 1, 1), n_filters=1, n_tempi=0)))
    middle = 8300
    before, after = reach(net, 2 * middle + 1, middle)
    # The dilated part spans 16 377 frames (164 s); the two 3 x 3 convolutions add 4.
    assert before + 1 + after == 16_377 + 4
    assert (before, after) == TCNConfig().receptive_field == (8190, 8190)


@pytest.mark.parametrize("lookahead", [None, 0, 5, 40])
def test_receptive_field_is_what_the_gradient_says(lookahead):
    net = linear(TCN(TCNConfig(**SMALL, lookahead=lookahead)))
    assert reach(net, 201, 100) == net.config.receptive_field


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n_frames", [1, 2, 97])
def test_output_keeps_the_number_of_frames(variant, n_frames):
    net = TCN(TCNConfig(**SMALL | VARIANTS[variant])).eval()
    beat, downbeat, tempo = net(torch.randn(2, n_frames, net.config.n_bins))
    assert beat.shape == downbeat.shape == (2, n_frames)
    assert (tempo is None) if variant == "without tempo" else (tempo.shape == (2, 30))


def test_weight_takes_frames_out_of_the_tempo():
    net = TCN(TCNConfig(**SMALL)).eval()
    features = torch.randn(1, 50, 81)
    _, reach_after = net.config.receptive_field
    weight = torch.ones(1, 50)
    weight[:, 10:] = 0
    changed = features.clone()
    changed[:, 10 + reach_after :] += 1
    tempo = net(features, weight).tempo
    torch.testing.assert_close(net(changed, weight).tempo, tempo, rtol=0, atol=1e-6)
    assert not torch.allclose(net(changed).tempo, net(features).tempo, atol=1e-3)
    torch.testing.assert_close(net(features, torch.ones(1, 50)).tempo, net(features).tempo)


def test_sum_head_never_doubts_the_beat_of_a_downbeat():
    torch.manual_seed(1)
    plain = TCN(TCNConfig(**SMALL)).eval()
    torch.manual_seed(1)
    summed = TCN(TCNConfig(**SMALL, sum_head=True)).eval()
    features = torch.randn(1, 40, 81)
    a, b = plain(features), summed(features)
    torch.testing.assert_close(b.beat, a.beat + a.downbeat)
    torch.testing.assert_close(b.downbeat, a.downbeat)


def test_pooling_before_elu_is_the_published_order():
    net = TCN(TCNConfig(**SMALL)).eval()
    x = torch.randn(1, 1, 9, 81)
    expected = x
    for layer in net.convs.layers:
        if isinstance(layer, torch.nn.Conv2d):
            expected = torch.nn.functional.max_pool2d(
                torch.nn.functional.elu(layer(expected)), (1, 3)
            )
    torch.testing.assert_close(net.convs(x[:, 0]), expected[..., 0])


def test_dropout_is_the_only_chance():
    net = TCN(TCNConfig(**SMALL))
    features = torch.randn(1, 40, 81)
    assert not torch.equal(net(features).beat, net(features).beat)
    net.eval()
    assert torch.equal(net(features).beat, net(features).beat)


@pytest.mark.parametrize("variant", VARIANTS)
def test_onnxruntime_gives_the_same_numbers(variant, tmp_path):
    net = trained(TCN(TCNConfig(**SMALL | VARIANTS[variant])).eval(), 1)
    path = tmp_path / "net.onnx"
    export_onnx(net, path, {"weights_sha256": "abc"})
    session = Session(path)
    assert session.metadata["weights_sha256"] == "abc"
    assert session.outputs == Probabilities(net).names
    for n_frames in (1, 3, 300):  # other lengths than the traced one
        features = torch.randn(n_frames, net.config.n_bins)
        weight = torch.rand(n_frames)
        inputs = {"features": features.numpy(), "weight": weight.numpy()}
        expected = tcn_runner(net)(**inputs)
        actual = session(**{name: inputs[name] for name in session.inputs})
        assert actual.keys() == expected.keys()
        for name, y in expected.items():
            np.testing.assert_allclose(actual[name], y, rtol=0, atol=1e-4)


def trained(net, sign):
    """Give norms statistics and scales as after training; `sign` is that of some scales."""
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)[::2] *= sign
            module.bias.data.normal_()
    return net


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sign", [1, -1])
def test_fused_networks_give_the_same(variant, sign):
    net = trained(TCN(TCNConfig(**SMALL | VARIANTS[variant])).eval(), sign)
    features, weight = torch.randn(2, 90, net.config.n_bins), torch.rand(2, 90)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    fast = fused(net)
    for expected, actual in zip(net(features, weight), fast(features, weight), strict=True):
        if expected is not None:
            torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    norms = [m for m in fast.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    # those between a convolution and its pooling stay where a scale turns the order round
    assert len(norms) == (3 if variant == "normed" and sign < 0 else 0)


def test_export_leaves_the_mode_as_it_was(tmp_path):
    net = TCN(TCNConfig(**SMALL)).train()
    export_onnx(net, tmp_path / "net.onnx")
    assert net.training


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"kernel": 4}, "odd"),
        ({"n_bins": 40}, "too few"),
        ({"dropout": 1.0}, "dropout"),
        ({"norm": "layer"}, "batch"),
        ({"lookahead": -1}, "lookahead"),
        ({"conv_filters": (1, 2)}, "conv_filters"),
        ({"n_blocks": 0}, "n_blocks"),
        ({"filters": 3}, "n_filters"),
    ],
)
def test_impossible_configuration_is_named(setting, word):
    with pytest.raises(ParameterError, match=word):
        TCNConfig.from_dict(setting)


def test_configuration_survives_json():
    config = TCNConfig(**SMALL, lookahead=3)
    assert TCNConfig.from_dict(json.loads(config.to_json())) == config


@pytest.mark.parametrize(("kernel", "n_blocks"), [(3, 3), (5, 2), (7, 3)])
def test_causal_network_begins_with_the_past_taps_of_a_centred_one(kernel, n_blocks):
    centred = TCN(TCNConfig(**SMALL)).eval()
    config = TCNConfig(**SMALL | {"n_blocks": n_blocks, "kernel": kernel}, lookahead=2)
    causal = TCN(config).eval()
    causal.load_state_dict(past_taps(centred.state_dict(), config))
    x = torch.randn(1, 6, 40)
    for a, b in zip(centred.blocks[1:n_blocks], causal.blocks[1:], strict=True):
        for old, new in ((a.narrow, b.narrow), (a.wide, b.wide)):
            old.weight.data[..., 3:] = 0  # the future
            torch.testing.assert_close(b.same(new, x), a.same(old, x), rtol=0, atol=1e-6)


def test_widest_convolution_reaches_as_far_as_its_state():
    config = TCNConfig(**SMALL, lookahead=2)
    assert config.farthest_tap == config.states["block_2"][1] == 2 * TCNConfig(**SMALL).farthest_tap
