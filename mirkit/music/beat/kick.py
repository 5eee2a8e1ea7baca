"""Rises of the bass: kick drums and bass notes fall on beats more often than between them.

A network may find the off-beats of hats, guitars and claps as likely as beats. What of a bar is low
then tells them apart.
"""

from __future__ import annotations

import numpy as np

from mirkit.activations import Features, Head
from mirkit.arrays import Floats

HEAD = "kick"
"""Name of the head that holds the rises of the lowest bands."""

N_BANDS = 6
"""The lowest bands of the front ends of beat networks: 43 to 151 Hz."""

TRUST = 0.5
"""Log odds that beats are those of more bass, for each log ratio of it."""

QUIET = 1e-2
"""Added to rises before their logarithm."""


def kick_head(features: Features) -> Head:
    """Return how much the lowest bands rise from frame to frame, shape ``(n_frames, 1)``.

    Parameters
    ----------
    features
        Of the front end of a beat network, the lowest band first: logarithms of magnitudes.
    """
    low = features.values[:, :N_BANDS]
    rises = np.maximum(np.diff(low, axis=0, prepend=low[:1]), 0).sum(axis=1, keepdims=True)
    return Head(rises, (HEAD,), features.grid, "measure")


def log_ratio(kick: Floats, beats: Floats, offbeats: Floats) -> float:
    """Return the logarithm of how much more the bass rises at beats than at off-beats.

    Parameters
    ----------
    kick
        The rises, shape ``(n_frames,)``.
    beats, offbeats
        Frames; they may be fractions.
    """
    near = np.maximum(kick, np.maximum(np.roll(kick, 1), np.roll(kick, -1)))
    means = [np.interp(x, np.arange(len(near)), near).mean() + QUIET for x in (beats, offbeats)]
    return float(np.log(means[0] / means[1]))
