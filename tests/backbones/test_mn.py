"""EfficientAT's MobileNets: their published sizes and names, and what their outputs mean."""

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirkit.audio import Audio
from mirkit.backbones.efficientat.mn import SILENCE, MobileNet
from mirkit.backbones.published import load_published
from mirkit.errors import ParameterError
from mirkit.features.logmel import EFFICIENTAT

# Width, parameters [millions], multiplications of 10 s [thousand millions]: measured on the
# published networks.
PUBLISHED = [
    (0.1, 0.124, 0.018),
    (0.2, 0.325, 0.040),
    (0.4, 0.984, 0.111),
    (0.5, 1.431, 0.160),
    (1.0, 4.877, 0.541),
    (2.0, 17.91, 2.06),
    (4.0, 68.43, 8.03),
]


def small(**settings):
    torch.manual_seed(0)
    return MobileNet(**{"n_classes": 5, "width": 0.1, **settings})


@pytest.mark.parametrize(("width", "millions", "macs"), PUBLISHED)
def test_sizes_are_the_published_ones(width, millions, macs):
    with torch.device("meta"):
        net = MobileNet(width=width, hears_frames=False).eval()
        features = torch.empty(1, 1000, 128)
    n_parameters = sum(p.numel() for p in net.parameters()) / 1e6
    assert n_parameters == pytest.approx(millions, abs=0.5 * 10 ** -(3 if millions < 10 else 2))
    with FlopCounterMode(display=False) as counter:
        net(features)
    assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.5 * 10 ** -(2 + (macs < 1)))


def test_embedding_is_960_times_the_width():
    with torch.device("meta"):
        assert [MobileNet(width=w).n_embedding for w in (0.5, 1.0, 2.0)] == [480, 960, 1920]


def test_names_are_the_published_ones():
    names = {name: tuple(x.shape) for name, x in MobileNet().state_dict().items()}
    assert names["features.0.0.weight"] == (16, 1, 3, 3)
    assert names["features.1.block.0.0.weight"] == (16, 1, 3, 3)
    assert names["features.1.block.1.1.running_var"] == (16,)
    assert names["features.4.block.2.conc_se_layers.0.fc1.weight"] == (24, 72)
    assert names["features.4.block.2.conc_se_layers.0.fc2.bias"] == (72,)
    assert names["features.15.block.3.0.weight"] == (160, 960, 1, 1)
    assert names["features.16.0.weight"] == (960, 160, 1, 1)
    assert names["classifier.2.weight"] == (1280, 960)
    assert names["classifier.5.bias"] == (527,)
    fc = MobileNet(head="fc").state_dict()
    assert [name for name in fc if name.startswith("classifier") and "weight" in name] == [
        "classifier.0.weight",
        "classifier.1.weight",
    ]


def test_every_block_has_its_place():
    roots = {
        name.split(".block.")[0] for name in MobileNet(width=0.1).state_dict() if "block" in name
    }
    assert roots == {f"features.{i}" for i in range(1, 16)}


def test_a_published_file_loads_strictly():
    net, other = small().eval(), small(n_classes=5).eval()
    torch.nn.init.normal_(other.classifier[2].weight)
    load_published(net, other.state_dict(), MobileNet.published)
    x = torch.randn(1, 64, 128)
    assert torch.equal(net(x).logits, other(x).logits)


def test_batch_norms_have_the_published_numbers():
    norms = [m for m in small().features.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}


def test_silence_is_what_the_front_end_makes_of_it():
    values = EFFICIENTAT(Audio(np.zeros((1, 32000), np.float32), 32000)).values
    assert values == pytest.approx(SILENCE, abs=1e-5)


@pytest.mark.parametrize("n_frames", [32, 33, 64, 100, 1000])
def test_there_is_one_step_for_every_stride_begun(n_frames):
    net = small().eval()
    output = net(torch.randn(2, n_frames, 128))
    n_steps = math.ceil(n_frames / net.step)
    assert output.frame_logits.shape == (2, n_steps, 5)
    assert output.frame_embedding.shape == (2, n_steps, net.n_embedding)
    assert output.embedding.shape == (2, net.n_embedding)


def test_row_i_is_centred_on_frame_step_times_i():
    """A click at a frame excites the rows around it alike."""
    net = MobileNet(n_classes=2, width=0.1, strides=(2, 1, 1, 1)).double().eval()
    for module in net.features.modules():  # symmetric filters, nothing that looks at the whole clip
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data.fill_(1 / module.weight[0].numel())
        if hasattr(module, "fc2"):
            module.fc2.weight.data.zero_()
    x = torch.zeros(1, 401, 8, dtype=torch.float64)
    x[0, 200] = 1.0
    rows = net(x).frame_embedding[0].sum(dim=1)
    change = rows - net(torch.zeros_like(x)).frame_embedding[0].sum(dim=1)
    assert net.first == 0.0
    assert int(change.abs().argmax()) == 200 // net.step
    assert torch.allclose(change, change.flip(0))


def test_mlp_head_hears_a_step_as_it_hears_a_clip():
    net = small().eval()
    output = net(torch.randn(1, 32, 128))
    assert torch.allclose(output.frame_logits[:, 0], output.logits, atol=1e-6)


def test_fc_head_hears_the_mean_of_its_steps():
    net = small(head="fc").eval()
    output = net(torch.randn(2, 150, 128))
    assert torch.allclose(output.frame_logits.mean(dim=1), output.logits, atol=1e-6)
    assert net.classifier(net.features(torch.randn(2, 1, 128, 150))).shape == (2, 5, 1, 1)


def test_head_in_place_and_head_on_its_own_agree():
    for head in ("mlp", "fc"):
        net = small(head=head).eval()
        x = torch.randn(2, 96, 128)
        whole = net.classifier(net.features(x.transpose(1, 2).unsqueeze(1))).flatten(1)
        assert torch.allclose(net(x).logits, whole, atol=1e-6)


def test_frames_can_be_left_unheard():
    output = small(hears_frames=False).eval()(torch.randn(1, 64, 128))
    assert output.frame_logits is None
    assert output.frame_embedding is not None


def test_strides_of_one_make_finer_steps():
    net = small(strides=(2, 2, 1, 1), first_stride=1).eval()
    assert net.step == 4
    assert net(torch.randn(1, 40, 64)).frame_logits.shape == (1, 10, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"strides": (2, 2, 3, 2)}, r"strides are \(2, 2, 3, 2\)"),
        ({"strides": (2, 2)}, "there are four"),
        ({"head": "lstm"}, "one of mlp, fc"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        MobileNet(**settings)
