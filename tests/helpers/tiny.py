"""Settings that make each backbone small enough to be tested in a second: one row a class."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import torch

from mirkit.backbones.base import Backbone
from mirkit.features import front_end
from mirkit.zoo import registry

N_CLASSES = 5


class Tiny(NamedTuple):
    """Keyword arguments of a class, and what is known to differ from one thread to two."""

    settings: Mapping[str, object]
    thread_tolerance: float = 1e-5


_PANNS = {"width": 4}
_VIT = {"dim": 16, "depth": 2, "n_heads": 2}

ROWS = {
    "mirkit.backbones.vit.ast:AST": Tiny(_VIT),
    "mirkit.backbones.beats.network:BEATs": Tiny(
        _VIT | {"embed": 8, "n_hidden": 32, "conv_width": 8, "conv_groups": 2}
    ),
    "mirkit.backbones.efficientat.dymn:DynamicMobileNet": Tiny({"width": 0.1}),
    "mirkit.backbones.htsat.network:HTSAT": Tiny(
        {"dim": 8, "depths": (1, 1, 1, 1), "n_heads": (1, 1, 2, 2)}
    ),
    "mirkit.backbones.efficientat.mn:MobileNet": Tiny({"width": 0.1}),
    "mirkit.backbones.panns.cnn:Cnn6": Tiny(_PANNS),
    "mirkit.backbones.panns.cnn:Cnn10": Tiny(_PANNS),
    "mirkit.backbones.panns.cnn:Cnn14": Tiny(_PANNS),
    "mirkit.backbones.panns.decision:Cnn14DecisionAtt": Tiny(_PANNS),
    "mirkit.backbones.panns.decision:Cnn14DecisionAvg": Tiny(_PANNS),
    "mirkit.backbones.panns.decision:Cnn14DecisionMax": Tiny(_PANNS),
    "mirkit.backbones.panns.mobilenet:MobileNetV1": Tiny({"width": 0.1}),
    "mirkit.backbones.panns.mobilenet:MobileNetV2": Tiny({"width": 0.1}),
    "mirkit.backbones.panns.resnet:ResNet22": Tiny(_PANNS),
    "mirkit.backbones.panns.resnet:ResNet38": Tiny(_PANNS),
    "mirkit.backbones.panns.resnet:ResNet54": Tiny(_PANNS),
    "mirkit.backbones.vit.passt:PaSST": Tiny(_VIT),
    "mirkit.backbones.raw.cnn:RawCNN": Tiny({"channels": (8, 8, 8, 8), "n_blocks": 1}),
    "mirkit.backbones.residual:ResidualCNN": Tiny({"widths": (4, 8)}),
    "mirkit.backbones.raw.sincnet:SincNet": Tiny({"n_filters": (8, 6, 6), "hidden": (16, 12)}),
    "mirkit.backbones.vggish:VGGish": Tiny({"width": 4, "n_hidden": 16}),
    "mirkit.backbones.panns.wavegram:WavegramLogmelCnn14": Tiny({"width": 16}),
}


def tagging_cards() -> list[registry.Card]:
    """The cards that name a backbone."""
    return [card for card in registry.models() if card.config.get("backbone")]


def registered() -> list[str]:
    """The classes that cards name."""
    return sorted({card.config["backbone"] for card in tagging_cards()})


def backbone(name: str) -> type[Backbone]:
    """The class that stands at ``"module:Name"``."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def make(name: str, seed: int = 0) -> Backbone:
    """A small network whose weights are all drawn: none is at rest where training starts."""
    torch.manual_seed(seed)
    net = backbone(name)(**{"n_classes": N_CLASSES, **ROWS[name].settings})
    for parameter in net.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return net.eval()


def lengths(net: Backbone, n: int) -> tuple[int, ...]:
    """The length of each input where its first has length `n`."""
    if len(net.inputs) == 1:
        return (n,)
    return tuple(
        n if name == "samples" else front_end(net.front_end).n_frames(n) for name in net.inputs
    )


def draw(net: Backbone, n: int, n_clips: int = 2, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Noise for each input, around what silence looks like, where its first has length `n`."""
    torch.manual_seed(seed)
    made = []
    for name, length, silence in zip(net.inputs, lengths(net, n), net.silence, strict=True):
        if name == "samples":
            made.append(0.1 * torch.randn(n_clips, length))
        else:
            shape = (n_clips, length, front_end(net.front_end).n_bins)
            made.append(silence / 2 + torch.randn(shape))
    return tuple(made)


def longest(net: Backbone, seconds: float = 60.0) -> int:
    """The length of the first input of a recording, or the most that is heard at once."""
    n = round(seconds * net.sample_rate)
    if net.inputs[0] != "samples":
        n = front_end(net.front_end).n_frames(n)
    return n if net.max_length is None else min(n, net.max_length)
