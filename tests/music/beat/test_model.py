import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mirkit.activations import Features
from mirkit.errors import ParameterError, WeightsError
from mirkit.frames import FrameGrid
from mirkit.zoo import checkpoints
from mirkit.zoo.registry import Card, card, load_model

torch = pytest.importorskip("torch")

from mirkit.backbones.export import export_onnx  # noqa: E402
from mirkit.backbones.tcn.network import TCN, TCNConfig  # noqa: E402
from mirkit.music.beat.model import BeatTCN  # noqa: E402

CONFIG = {"n_blocks": 4, "n_filters": 6, "conv_filters": [4, 4, 6], "n_tempi": 60}


def made_card(**changes):
    values = {
        "name": "small",
        "task": "beats",
        "summary": "a small network",
        "entry": "mirkit.music.beat.model:BeatTCN",
        "sample_rate": 44100,
        "labels": ("beat", "downbeat", "tempo"),
        "license_code": "MIT",
        "license_weights": "none",
        "front_end": "tcn_2020",
        "config": CONFIG,
    }
    return Card(**values | changes)


def features(n_frames, front_end="tcn_2020", seed=0):
    values = np.random.default_rng(seed).normal(size=(n_frames, 81)).astype(np.float32)
    return Features(values, FrameGrid.from_fps(100), front_end)


@pytest.fixture
def files(tmp_path):
    """Write one network as .safetensors and as .onnx."""
    torch.manual_seed(3)
    net = TCN(TCNConfig.from_dict(CONFIG)).eval()
    kept = {"config": net.config.to_json(), "front_end": "tcn_2020"}
    tensors = tmp_path / "net.safetensors"
    checkpoints.save_tensors(tensors, net.state_dict(), kept)
    kept["weights_sha256"] = checkpoints.sha256_of(tensors)
    export_onnx(net, tmp_path / "net.onnx", kept)
    return tensors, tmp_path / "net.onnx"


def test_torch_and_onnxruntime_give_the_same_activations(files):
    by_torch, by_onnx = (BeatTCN.from_card(made_card(), path) for path in files)
    a, b = (each.activations(features(500)) for each in (by_torch, by_onnx))
    assert list(a) == list(b) == ["beat", "downbeat", "tempo", "kick"]
    for name in a:
        np.testing.assert_allclose(a[name].values, b[name].values, rtol=0, atol=1e-4)
        assert a[name].labels == b[name].labels
    assert a.provenance == b.provenance
    assert a.provenance.weights_hash == checkpoints.sha256_of(files[0])


def test_heads_know_their_clock_and_labels(files):
    activations = BeatTCN.from_card(made_card(), files[1]).activations(features(50))
    assert activations["beat"].grid == FrameGrid.from_fps(100)
    assert activations["beat"].values.shape == activations["downbeat"].values.shape == (50, 1)
    assert activations["tempo"].grid is None
    assert activations["tempo"].labels == tuple(map(str, range(60)))
    assert activations["tempo"].values.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [40, 300, 999])
def test_windowed_network_equals_whole(files, size):
    for path in files:
        model = BeatTCN.from_card(made_card(), path)
        whole, windowed = (
            each.activations(features(1000)) for each in (model, replace(model, hop=size))
        )
        for name in whole:
            np.testing.assert_allclose(windowed[name].values, whole[name].values, rtol=0, atol=1e-5)


def test_onnx_model_runs_without_torch(files):
    code = f"""
import sys, numpy as np
from mirkit.activations import Features
from mirkit.frames import FrameGrid
from mirkit.zoo.registry import load_model
model = load_model("beat-tcn-2020", weights={str(files[1])!r})
model.activations(Features(np.zeros((30, 81)), FrameGrid.from_fps(100), "tcn_2020"))
print(sorted({{"torch", "librosa", "numba"}} & {{*sys.modules}}))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_published_network_is_not_shipped_and_says_so():
    with pytest.raises(WeightsError, match=r"comes without weights.*'random'"):
        load_model("beat-tcn-2020")


def test_random_weights_follow_their_seed_alone():
    state = torch.get_rng_state()
    first, again, other = (load_model("beat-tcn-2020", weights="random", seed=s) for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert first.config == TCNConfig()
    a, b, c = (model.activations(features(60))["beat"].values for model in (first, again, other))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_card_of_the_published_network_is_the_published_network():
    assert TCNConfig.from_dict(card("beat-tcn-2020").config) == TCNConfig()


def test_checkpoint_of_another_network_is_refused(files, tmp_path):
    with pytest.raises(WeightsError, match="trained on the front end 'tcn_2020'"):
        BeatTCN.from_card(made_card(front_end="tcn_22k"), files[1])
    path = tmp_path / "other.safetensors"
    checkpoints.save_tensors(path, {"beat.weight": torch.ones(1)})
    with pytest.raises(WeightsError, match=r"other\.safetensors does not fit"):
        BeatTCN.from_card(made_card(), path)


def test_features_of_another_front_end_are_refused(files):
    model = BeatTCN.from_card(made_card(), files[1])
    with pytest.raises(ParameterError, match="come from 'tcn_22k'"):
        model.activations(features(10, front_end="tcn_22k"))
    with pytest.raises(ParameterError, match="no frames"):
        model.activations(features(0))
