import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirkit.backbones.export import export_live  # noqa: E402
from mirkit.backbones.tcn.live import LiveTCN, live_runner  # noqa: E402
from mirkit.backbones.tcn.network import TCN, TCNConfig  # noqa: E402
from mirkit.errors import NotStreamable  # noqa: E402
from mirkit.zoo.runtime import Session  # noqa: E402

SMALL = {"n_blocks": 3, "n_filters": 6, "conv_filters": (4, 5, 7), "n_tempi": 30}
VARIANTS = {
    "causal": {"lookahead": 0},
    "late": {"lookahead": 3},
    "normed and summed": {"lookahead": 3, "norm": "batch", "sum_head": True},
    "short kernel": {"lookahead": 2, "kernel": 3},
    "wide": {"lookahead": 3, "n_bins": 128},
    "without tempo": {"lookahead": 3, "n_tempi": 0},
    "tempo filters": {"lookahead": 3, "tempo_filters": 9},
}


def made_net(variant):
    torch.manual_seed(2)
    net = TCN(TCNConfig(**SMALL | VARIANTS[variant]))
    for module in net.modules():  # a norm that has learned something
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net.eval()


def begun(config, frame):
    states = {name: np.zeros(shape, np.float32) for name, shape in config.states.items()}
    states["front"][:] = frame
    return states


def in_blocks(run, config, features, sizes):
    """Run a network block by block, its last frame repeated; join what it says of the frames."""
    states, parts = begun(config, features[0]), []
    late = np.repeat(features[-1:], config.lookahead, axis=0)
    blocks = [*np.split(features, np.cumsum(sizes)[:-1]), late]
    for block in blocks:
        if len(block):
            outputs = run(features=block, **states)
            states = {name: outputs.pop(f"next_{name}") for name in states}
            parts.append(outputs)
    return {
        name: np.concatenate([part[name] for part in parts])[config.lookahead :]
        for name in parts[0]
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("by", ["torch", "onnxruntime"])
def test_blocks_of_any_length_give_what_the_whole_gives(variant, by, tmp_path):
    net = made_net(variant)
    run = live_runner(net)
    if by == "onnxruntime":
        export_live(net, tmp_path / "net.onnx", {"config": net.config.to_json()})
        run = Session(tmp_path / "net.onnx")
    features = np.random.default_rng(1).normal(size=(90, net.config.n_bins)).astype(np.float32)
    with torch.inference_mode():
        whole = net(torch.tensor(features)[None])
    for sizes in ([90], [1] * 90, [1, 2, 40, 3, 30, 14], [89, 1]):
        heads = in_blocks(run, net.config, features, sizes)
        for name in ("beat", "downbeat"):
            expected = getattr(whole, name)[0].sigmoid().numpy()
            np.testing.assert_allclose(heads[name], expected, rtol=0, atol=1e-5)
        assert ("tempo" in heads) == (variant != "without tempo")
        if "tempo" in heads:
            pooled = heads["tempo"].mean(axis=0)
            np.testing.assert_allclose(pooled, whole.tempo[0].numpy(), rtol=0, atol=1e-5)


def test_states_are_named_and_shaped_as_the_configuration_says(tmp_path):
    net = made_net("late")
    export_live(net, tmp_path / "net.onnx", {"config": net.config.to_json()})
    session = Session(tmp_path / "net.onnx")
    live = LiveTCN(net)
    assert session.inputs == live.inputs == ("features", "front", "block_0", "block_1", "block_2")
    assert session.outputs == live.outputs
    assert TCNConfig.from_dict(json.loads(session.metadata["config"])) == net.config
    outputs = session(features=np.zeros((1, 81), np.float32), **begun(net.config, 0))
    for name, shape in net.config.states.items():
        assert outputs[f"next_{name}"].shape == shape


def test_no_output_depends_on_what_is_later_than_the_lookahead():
    net = made_net("late")
    features = np.random.default_rng(1).normal(size=(60, 81)).astype(np.float32)
    changed = features.copy()
    changed[40:] += 1
    a, b = (in_blocks(live_runner(net), net.config, x, [60]) for x in (features, changed))
    differs = a["beat"] != b["beat"]
    assert not differs[: 40 - net.config.lookahead].any()
    assert differs[40 - net.config.lookahead]


def test_centred_network_does_not_stream():
    with pytest.raises(NotStreamable, match="centred"):
        LiveTCN(TCN(TCNConfig(**SMALL)))


def test_export_leaves_the_mode_as_it_was(tmp_path):
    net = made_net("late").train()
    export_live(net, tmp_path / "net.onnx")
    assert net.training
