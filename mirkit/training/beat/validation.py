"""Validation of beats: whole clips, decoded and scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from mirkit.activations import Activations, Features, Head, Provenance
from mirkit.annotation import Beats
from mirkit.backbones.tcn.inference import Probabilities
from mirkit.backbones.tcn.live import live_runner
from mirkit.backbones.tcn.network import TCN
from mirkit.metrics.beat import beat_scores
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.live import BeatTCNLive

MONITORED = ("f_measure", "cmlt", "downbeat_f_measure")
REPORTED = (*MONITORED, "amlt", "tempo_accuracy_1")

Decode = Callable[[Activations], Beats]


def find_decoder(name: str) -> Decode:
    """Return the decoder of a name, or the default one where it is empty."""
    return decoder(name or None)


def score_beats(reference: Beats, estimate: Beats) -> dict[str, float]:
    """Return the scores that are reported, where they are defined."""
    scores = beat_scores(reference, estimate)
    return {name: scores[name] for name in REPORTED if name in scores}


def average_scores(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each score, and ``score``: that of beat F, CMLt and downbeat F."""
    names = sorted(set().union(*rows))
    means = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
    return {"score": float(np.mean([means[name] for name in MONITORED if name in means]))} | means


@torch.no_grad()
def compute_activations(net: TCN, features: Features, origin: str) -> Activations:
    """Return the activations that a network gives for the features of a recording.

    A causal network gives them as it will be heard: with a tempo that knows no future.
    """
    if net.config.lookahead is not None:
        model = BeatTCNLive(live_runner(net), net.config, features.front_end, Provenance(origin))
        return model.activations(features)
    module = Probabilities(net).eval()
    x = torch.tensor(features.values, device=next(net.parameters()).device)[None]
    outputs = module(x, torch.ones(x.shape[:2], device=x.device))
    heads = {}
    for name, y in zip(module.names, outputs, strict=True):
        values = y.T.cpu().numpy()
        if name == "tempo":
            labels = tuple(map(str, range(len(values))))
            heads[name] = Head(values.T, labels, None, "softmax")
        else:
            heads[name] = Head(values, (name,), features.grid)
    return Activations(heads)
