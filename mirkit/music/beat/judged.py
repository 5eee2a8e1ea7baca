"""Beats that are judged: none where nothing pulses, and a confidence for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mirkit.activations import Activations
from mirkit.annotation import Beats
from mirkit.music.beat.confidence import Confidence

Decoder = Callable[[Activations], Beats]

# Beats of one grid are fewer than these by chance alone; so much less activation they need.
N_STEADY = 16
STEADY = 0.7
EVEN = 1e-6


@dataclass(frozen=True)
class Judged:
    """A decoder whose beats are judged: none where nothing pulses, and a confidence for the rest.

    Parameters
    ----------
    decoder
        From activations to beats.
    min_activation
        Mean activation at the stronger half of the beats below which nothing pulses. Where
        `N_STEADY` beats or more are those of one grid, `STEADY` times as much will do: what is no
        music seldom keeps a tempo.
    confidence
        The fit, or None.
    """

    decoder: Decoder
    min_activation: float = 0.0
    confidence: Confidence | None = None

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats."""
        found = self.decoder(activations)
        least = self.min_activation * (STEADY if is_steady(found) else 1.0)
        if strength_of(found, activations) < least:
            return Beats(provenance=found.provenance)
        return found if self.confidence is None else self.confidence(found, activations)


def is_steady(beats: Beats) -> bool:
    """Return whether there are many beats, and all evenly spaced; the first may be cut off."""
    return len(beats) >= N_STEADY and float(np.ptp(np.diff(beats.times[1:]))) < EVEN


def strength_of(beats: Beats, activations: Activations) -> float:
    """Return the mean of the beat head at the stronger half of the beats.

    The half, because at twice the tempo every other beat is none. It is 1 where there are no beats,
    or the head has no clock.
    """
    head = activations["beat"]
    if not len(beats) or head.grid is None:
        return 1.0
    frames = np.clip(head.grid.frame_at(beats.times), 0, head.n_frames - 1)
    activation = np.sort(head.probabilities()[frames, 0])
    return float(activation[len(activation) // 2 :].mean())
