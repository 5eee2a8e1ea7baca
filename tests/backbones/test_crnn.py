import numpy as np
import onnxruntime
import pytest
import torch

from mirkit.backbones.crnn.config import CRNNConfig
from mirkit.backbones.crnn.export import CRNNProbabilities, crnn_runner, export_crnn
from mirkit.backbones.crnn.network import CRNN, IntervalSums, Registers, pooled, pooled_weight
from mirkit.errors import ParameterError

SMALL = {"conv_filters": (4, 5), "n_channels": 6, "n_hidden": 7}


def network(task="chords", **settings):
    torch.manual_seed(0)
    net = CRNN(CRNNConfig(task=task, **SMALL, **settings)).eval()
    with torch.no_grad():  # so that nothing is trivially 0; silence stays 0 up to the registers
        for part in (net.before, net.after, net.heads):
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return net


@pytest.mark.parametrize("n_frames", [1, 7, 64])
def test_chord_heads_have_these_shapes(n_frames):
    heads = network()(torch.rand(2, n_frames, 252))
    shapes = {name: tuple(x.shape) for name, x in heads.items()}
    assert shapes == {
        "root": (2, n_frames, 13),
        "bass": (2, n_frames, 13),
        "pitch": (2, n_frames, 12),
        "tag": (2, n_frames, 170),
    }


@pytest.mark.parametrize(("n_frames", "n_pooled"), [(1, 1), (7, 1), (8, 1), (9, 2), (64, 8)])
def test_key_heads_have_these_shapes(n_frames, n_pooled):
    heads = network("key", pool=8)(torch.rand(2, n_frames, 252))
    shapes = {name: tuple(x.shape) for name, x in heads.items()}
    assert shapes == {"key": (2, n_pooled, 24), "clip_key": (2, 24)}


def music_of_the_middle(seed=0):
    """Features that are silent but for two octaves, so that nothing is shifted past an end."""
    x = torch.zeros(1, 20, 252)
    x[..., 108:180] = torch.rand(1, 20, 72, generator=torch.Generator().manual_seed(seed))
    return x


def even_registers(net):
    """Make registers that do not tell octaves apart, which alone know absolute pitch."""
    with torch.no_grad():
        net.registers.weights.copy_(net.registers.weights.mean(dim=1, keepdim=True))
    return net


@pytest.mark.parametrize("semitones", [1, 5, 7])  # more would push the music to the edge
def test_what_is_heard_moves_with_the_music(semitones):
    net = even_registers(network())
    x = music_of_the_middle()
    before, after = net(x), net(torch.roll(x, 3 * semitones, dims=-1))
    for name in ("root", "bass"):
        moved = torch.roll(before[name][..., :12], semitones, dims=-1)
        torch.testing.assert_close(after[name][..., :12], moved, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(after[name][..., 12], before[name][..., 12])
    pitch = torch.roll(before["pitch"], semitones, dims=-1)
    torch.testing.assert_close(after["pitch"], pitch, atol=1e-4, rtol=1e-4)
    tags = torch.roll(before["tag"][..., :168], 14 * semitones, dims=-1)
    torch.testing.assert_close(after["tag"][..., :168], tags, atol=1e-4, rtol=1e-4)
    assert (before["root"] - after["root"]).abs().max() > 1e-3


def test_keys_move_with_the_music():
    net = even_registers(network("key", pool=4))
    x = music_of_the_middle()
    before, after = net(x)["key"], net(torch.roll(x, 21, dims=-1))["key"]
    for mode in (slice(0, 12), slice(12, 24)):
        moved = torch.roll(before[..., mode], 7, dims=-1)
        torch.testing.assert_close(after[..., mode], moved, atol=1e-4, rtol=1e-4)


def test_interval_sums_are_sums_over_intervals():
    sums = IntervalSums(3, 4)
    x = torch.rand(2, 5, 3, 12)
    y = sums(x)
    expected = torch.zeros_like(y)
    for pitch in range(12):
        for interval in range(12):
            source = x[..., (pitch + interval) % 12]
            expected[..., pitch] += source @ sums.weight[:, :, interval]
    torch.testing.assert_close(y, expected)


def test_registers_add_octaves_up():
    registers = Registers(CRNNConfig(n_registers=2))
    x = torch.rand(1, 3, 4, 84)
    y = registers(x)
    assert y.shape == (1, 4, 6, 12)
    octaves = (x * registers.weights[1]).reshape(1, 3, 4, 7, 12).sum(dim=3)
    torch.testing.assert_close(y[:, :, 1::2], octaves.transpose(1, 2))


def test_pooling_repeats_the_last_frame():
    x = torch.arange(5.0).reshape(1, 5, 1, 1).expand(1, 5, 1, 12)
    assert pooled(x, 2)[0, :, 0, 0].tolist() == [0.5, 2.5, 4.0]
    assert pooled_weight(torch.ones(1, 5), 2).tolist() == [[2, 2, 1]]


def test_frames_without_weight_do_not_count_in_the_clip():
    net = network("key", pool=4)
    x = torch.rand(1, 40, 252)
    weight = torch.ones(1, 40)
    weight[:, 20:] = 0
    frames = net(x)["clip_key"]
    torch.testing.assert_close(net(x, torch.ones(1, 40))["clip_key"], frames)
    assert (net(x, weight)["clip_key"] - frames).abs().max() > 1e-5


@pytest.mark.parametrize(("task", "pool"), [("chords", 1), ("key", 8)])
@pytest.mark.parametrize("n_frames", [1, 8, 75])
def test_onnx_is_torch(task, pool, n_frames, tmp_path):
    net = network(task, pool=pool)
    export_crnn(net, tmp_path / "net.onnx", {"note": "kept"})
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    x = np.random.default_rng(0).uniform(0, 3, (n_frames, 252)).astype(np.float32)
    weight = np.ones(n_frames, np.float32)
    names = CRNNProbabilities(net).names
    inputs = {"features": x[None], "weight": weight[None]}
    asked = {each.name: inputs[each.name] for each in session.get_inputs()}
    theirs = session.run(list(names), asked)
    ours = crnn_runner(net)(features=x, weight=weight)
    for name, values in zip(names, theirs, strict=True):
        np.testing.assert_allclose(values[0], ours[name], atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map["note"] == "kept"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool": 2}, "pool"),
        ({"harmonics": [12]}, "harmonic"),
        ({"task": "beats"}, "chords, key"),
        ({"dropout": 1}, "dropout"),
        ({"n_hidden": 0}, "n_hidden"),
        ({"depth": 3}, "depth"),
    ],
)
def test_impossible_networks_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        CRNNConfig.from_dict(settings)


def test_the_table_of_endings_is_what_the_network_has():
    from mirkit.backbones.crnn.config import ENDINGS
    from mirkit.backbones.crnn.network import HEADS
    from mirkit.tasks import TASKS

    assert HEADS.keys() == ENDINGS.keys() <= TASKS.keys()
    for task, ending in ENDINGS.items():
        net = network(task)
        assert tuple(net(torch.randn(1, 9, net.config.n_bins))) == ending.outputs
