"""Small backbones and their cards, for whatever needs a tagger and not a good one."""

from __future__ import annotations

import torch
from torch import nn

from mirkit import system
from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap
from mirkit.zoo import registry
from mirkit.zoo.registry import Card

LABELS = ("Dog", "Rain", "Music")


def made_card(net, **changes):
    """A card of one of the networks below."""
    config = {"backbone": f"taggers:{net.__name__}", "labels": list(LABELS)}
    config |= changes.pop("config", {})
    values = {
        "name": "small",
        "task": "tags",
        "summary": "a small network",
        "entry": "mirkit.sound.tag.model:Tagger",
        "sample_rate": net.sample_rate,
        "labels": ("tags", "frames", "embedding"),
        "license_code": "MIT",
        "license_weights": "none",
        "front_end": net.front_end,
        "config": config,
    }
    return Card(**values | changes)


class Frames(Backbone):
    """By frame and by clip, every fourth frame of 16 kHz mels; published ones call ``out`` fc."""

    front_end, n_bins = "panns_16k", 64
    sample_rate = 16000
    min_length = (8,)
    silence = (-100.0,)
    step = 4
    published = KeyMap(rules=((r"mel\.", None), (r"fc\.", "out.")))

    def __init__(self, n_classes=3, width=5):
        super().__init__()
        self.n_classes, self.n_embedding = n_classes, width
        self.conv = nn.Conv1d(64, width, 4, stride=4)
        self.out = nn.Linear(width, n_classes)

    def listen(self, features):
        rows = self.conv(features.transpose(1, 2) / 50).tanh().transpose(1, 2)
        mean = rows.mean(1)
        return Output(self.out(mean), mean, self.out(rows), rows)


class Clips(Backbone):
    """By clip alone, and no longer than three seconds of Kaldi's frames at once."""

    front_end, n_bins = "ast", 128
    sample_rate = 16000
    max_length = 300

    def __init__(self, n_classes=3):
        super().__init__()
        self.n_classes, self.n_embedding = n_classes, 4
        self.inner = nn.Linear(128, 4)
        self.out = nn.Linear(4, n_classes)

    def listen(self, features):
        mean = self.inner(features).tanh().mean(1)
        return Output(self.out(mean), mean)


class Samples(Backbone):
    """From samples at 8 kHz."""

    inputs = ("samples",)
    sample_rate = 8000
    min_length = (160,)
    step = 80

    def __init__(self, n_classes=3):
        super().__init__()
        self.n_classes, self.n_embedding = n_classes, 6
        self.conv = nn.Conv1d(1, 6, 160, stride=80)
        self.out = nn.Linear(6, n_classes)

    def listen(self, samples):
        rows = self.conv(samples[:, None]).abs().transpose(1, 2)
        mean = rows.mean(1)
        return Output(self.out(mean), mean, self.out(rows), rows)


class Both(Backbone):
    """From samples and features together, by frame too, as Wavegram-Logmel networks."""

    inputs = ("samples", "features")
    front_end, n_bins = "panns_16k", 64
    sample_rate = 16000
    min_length = (160, 1)
    silence = (0.0, -100.0)
    step = 160

    def __init__(self, n_classes=3):
        super().__init__()
        self.n_classes, self.n_embedding = n_classes, 2
        self.mel = nn.Linear(64, 2)
        self.out = nn.Linear(2, n_classes)

    def listen(self, samples, features):
        rows = nn.functional.avg_pool1d(samples[:, None].abs(), 160).transpose(1, 2)
        rows = rows + self.mel(features / 50).mean(1, keepdim=True)
        mean = rows.mean(1)
        return Output(self.out(mean), mean, self.out(rows), rows)


class Vectors(Backbone):
    """An embedding and no classes."""

    front_end, n_bins = "panns_16k", 64
    sample_rate = 16000

    def __init__(self, n_classes=0):
        super().__init__()
        self.n_classes, self.n_embedding = n_classes, 4
        self.inner = nn.Linear(64, 4)

    def listen(self, features):
        mean = self.inner(features / 50).mean(1)
        return Output(mean[:, :0], mean)


def trained(net_class, seed=0, **settings):
    """A network whose outputs differ well from class to class."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = net_class(**settings).eval()
        for parameter in net.out.parameters() if hasattr(net, "out") else ():
            nn.init.normal_(parameter)
    return net


def install(monkeypatch, weights=None):
    """Make small networks the models of the registry, the default tagger among them.

    With `weights` these are the own weights of all of them.
    """
    cards = small_models()
    cards["tag-mn"] = cards["small"]
    load_model = registry.load_model
    monkeypatch.setattr(registry, "_cards", lambda: cards)
    monkeypatch.setattr(system, "_MODELS", system.ModelCache())
    if weights is not None:
        monkeypatch.setattr(
            registry,
            "load_model",
            lambda card, given=None, **settings: load_model(card, given or weights, **settings),
        )


def small_models():
    """Cards of small networks by name: a default, one that only embeds, one with calibration."""
    return {
        "small": made_card(Frames),
        "clips": made_card(Clips, name="clips", task="embed"),
        "honest": made_card(Frames, name="honest", confidence={"temperature": 3.0}),
        "beats": made_card(Frames, name="beats", task="beats"),
    }
