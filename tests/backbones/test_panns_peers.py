"""PANNs as their authors run them, from the waveform on: the oracle of ours.

Where panns_inference and torchlibrosa are not installed these tests are skipped; where
MIRKIT_REQUIRE_PANNS=1, they fail.
"""

import importlib
import importlib.util
import os
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from mirkit.audio import Audio
from mirkit.backbones.panns.cnn import Cnn14, check_filterbank
from mirkit.backbones.panns.decision import Cnn14DecisionMax
from mirkit.backbones.published import load_published
from mirkit.features.logmel import PANNS_16K, PANNS_32K

INSTALL = "pip install --no-deps torchlibrosa==0.1.0 panns_inference==0.1.1"
SETTINGS = {
    "panns_32k": (32000, 1024, 320, 64, 50, 14000),
    "panns_16k": (16000, 512, 160, 64, 50, 8000),
}
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def theirs():
    """The networks of panns_inference; importing the package itself would fetch a file."""
    specs = [importlib.util.find_spec(name) for name in ("panns_inference", "torchlibrosa")]
    if None in specs:
        if os.environ.get("MIRKIT_REQUIRE_PANNS") == "1":
            pytest.fail(f"PANNs' own code is required here and not installed: {INSTALL}")
        pytest.skip(f"PANNs' own code is not installed: {INSTALL}")
    package = types.ModuleType("panns_inference")
    package.__path__ = list(specs[0].submodule_search_locations)
    before = set(sys.modules)
    sys.modules["panns_inference"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = importlib.import_module("panns_inference.models")
    yield models
    for name in set(sys.modules) - before:
        if name.startswith("panns_inference"):
            del sys.modules[name]


def trained(theirs, network, front_end):
    """A network of theirs in full size, whose norms have seen something."""
    torch.manual_seed(0)
    net = getattr(theirs, network)(*SETTINGS[front_end.name], classes_num=527)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.2)
            nn.init.normal_(layer.running_mean, 0, 0.2)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    nn.init.normal_(net.bn0.running_mean, -40, 5)
    nn.init.uniform_(net.bn0.running_var, 100, 300)
    return net.eval()


def ours_like(peer, network):
    """A network of ours with their tensors: made without numbers, so that all come from them."""
    with torch.device("meta"):
        net = network()
    net = net.to_empty(device="cpu")
    load_published(net, {"iteration": 600000, "model": peer.state_dict()}, network.published)
    return net.eval()


def waveform(sample_rate, n_samples):
    rng = np.random.default_rng(0)
    t = np.arange(n_samples) / sample_rate
    sweep = np.sin(2 * np.pi * (200 + 2000 * t) * t) * np.hanning(n_samples)
    return (0.4 * sweep + 0.05 * rng.standard_normal(n_samples)).astype(np.float32)


def heard(front_end, net, samples):
    features = front_end(Audio(samples[None], front_end.sample_rate)).values
    with torch.inference_mode():
        return net(torch.from_numpy(np.array(features))[None])


def heard_by(peer, samples):
    with torch.inference_mode():
        return peer(torch.from_numpy(samples)[None])


def worst(a, b):
    assert a.shape == b.shape
    assert a.std() > 0.05, "all outputs alike would agree with anything"
    return float((a - b).abs().max())


@pytest.mark.parametrize("front_end", [PANNS_32K, PANNS_16K])
def test_cnn14_is_theirs_from_the_waveform_on(theirs, front_end):
    peer = trained(theirs, "Cnn14", front_end)
    check_filterbank({"model": peer.state_dict()}, front_end.filterbank)
    net = ours_like(peer, Cnn14)
    for n_samples in (front_end.sample_rate // 2, 12345):
        samples = waveform(front_end.sample_rate, n_samples)
        ours, expected = heard(front_end, net, samples), heard_by(peer, samples)
        assert worst(ours.logits.sigmoid(), expected["clipwise_output"]) <= TOLERANCE
        assert worst(ours.embedding, expected["embedding"]) <= TOLERANCE


def test_decision_level_cnn14_is_theirs_frame_by_frame(theirs):
    peer = trained(theirs, "Cnn14_DecisionLevelMax", PANNS_32K)
    net = ours_like(peer, Cnn14DecisionMax)
    for n_samples in (16000, 12345):
        samples = waveform(32000, n_samples)
        ours, expected = heard(PANNS_32K, net, samples), heard_by(peer, samples)
        assert worst(ours.logits.sigmoid(), expected["clipwise_output"]) <= TOLERANCE
        assert worst(ours.frame_logits.sigmoid(), expected["framewise_output"]) <= TOLERANCE
