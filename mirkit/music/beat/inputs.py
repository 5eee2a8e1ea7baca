"""Inputs of beat decoders, checked once for all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Activations, Head, Provenance
from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.music.beat import kick
from mirkit.music.beat.attacks import HEAD as ATTACK
from mirkit.music.beat.attacks import Attacks
from mirkit.music.beat.harmony import HEAD as CHROMA
from mirkit.music.beat.harmony import Harmony

# Below this rate a frame is too coarse a step of tempo: 50 frames a second know 200 and 214 bpm,
# and nothing between.
MIN_FPS = 80


@dataclass(frozen=True, eq=False)
class BeatInput:
    """Beat activations as plain arrays.

    Parameters
    ----------
    beat
        Probability of a beat, shape ``(n_frames,)``.
    downbeat
        Probability of a downbeat, shape ``(n_frames,)``, or None.
    tempo
        Probability of each tempo, shape ``(n_tempi,)``, or None.
    bpms
        The tempi, increasing, shape ``(n_tempi,)`` [bpm], or None.
    grid
        The clock of the frames.
    provenance
        Which model made them, or None.
    harmony
        Pitch classes over time on a clock of their own, or None.
    attacks
        How fast the envelope of attacks rises, on a clock of its own, or None.
    kick
        How much the bass rises, shape ``(n_frames,)``, or None.
    """

    beat: Floats
    downbeat: Floats | None
    tempo: Floats | None
    bpms: Floats | None
    grid: FrameGrid
    provenance: Provenance | None = None
    harmony: Harmony | None = None
    attacks: Attacks | None = None
    kick: Floats | None = None

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.grid.fps


def read(activations: Activations, upsample: bool = True) -> BeatInput:
    """Return the beat, downbeat and tempo heads of `activations`, on one clock, and the chroma.

    Frames that are far apart are interpolated linearly, to at least 80 frames a second.

    Raises
    ------
    UnknownName
        Where there is no beat head.
    ParameterError
        Where a head is no probability, or the heads differ in clock or length.
    """
    head = activations["beat"]
    if head.grid is None:
        raise ParameterError("the beat head has no grid; it needs one probability a frame")
    beat, grid = _probability("beat", head), head.grid
    downbeat = None
    if "downbeat" in activations:
        downbeat = _same_clock(activations["downbeat"], head)
    low = _rises(activations, head)
    times = math.ceil(MIN_FPS / grid.fps) if upsample else 1
    if times > 1 and len(beat) > 1:
        grid = FrameGrid(grid.rate * times, grid.start)
        beat = _interpolate(beat, times)
        downbeat = None if downbeat is None else _interpolate(downbeat, times)
        low = None if low is None else _interpolate(low, times)
    tempo, bpms = _tempo(activations)
    harmony = Harmony.of(activations[CHROMA]) if CHROMA in activations else None
    attacks = Attacks.of(activations[ATTACK]) if ATTACK in activations else None
    return BeatInput(
        beat, downbeat, tempo, bpms, grid, activations.provenance, harmony, attacks, low
    )


def _rises(activations: Activations, beat: Head) -> Floats | None:
    """Return how much the bass rises, where that is known on the clock of the beats."""
    if kick.HEAD not in activations:
        return None
    head = activations[kick.HEAD]
    if head.grid != beat.grid or head.n_frames != beat.n_frames:
        return None
    return head.values[:, 0].astype(np.float64)


def _probability(name: str, head: Head) -> Floats:
    values = head.probabilities()
    if values.shape[1] != 1:
        raise ParameterError(f"the {name} head has {values.shape[1]} classes; it needs one")
    column = values[:, 0].astype(np.float64)
    _check_probabilities(name, column)
    return column


def _check_probabilities(name: str, values: Floats) -> None:
    # float32 sums may exceed 1 by a few roundings
    bad = np.flatnonzero(~((values >= 0) & (values <= 1 + 1e-3)))
    if bad.size:
        value = values[bad[0]]
        hint = (
            "the model or its input is broken"
            if np.isnan(value)
            else "are these logits? Then give the head kind='sigmoid_logits'"
        )
        raise ParameterError(f"{name}[{bad[0]}] is {value:g}; probabilities lie in [0, 1]: {hint}")


def _same_clock(head: Head, beat: Head) -> Floats:
    if head.grid != beat.grid or head.n_frames != beat.n_frames:
        raise ParameterError(
            f"the downbeat head has {head.n_frames} frames on {head.grid}, the beat head "
            f"{beat.n_frames} on {beat.grid}; both come from one clock"
        )
    return _probability("downbeat", head)


def _interpolate(curve: Floats, times: int) -> Floats:
    frames = np.arange((len(curve) - 1) * times + 1) / times
    dense: Floats = np.interp(frames, np.arange(len(curve)), curve)
    return dense


def tempo_rows(activations: Activations) -> tuple[Floats, Floats, Floats]:
    """Return when each row of the tempo head begins to hold [s], the rows, and the tempi [bpm].

    A row of a head without clock holds always.
    """
    if "tempo" not in activations:
        return np.empty(0), np.empty((0, 0)), np.empty(0)
    head = activations["tempo"]
    values = head.probabilities().astype(np.float64)
    _check_probabilities("tempo", values.ravel())
    bpms, order = _bpms(head)
    times = np.array([-np.inf]) if head.grid is None else head.grid.times(len(values))
    return times, values[:, order], bpms


def _tempo(activations: Activations) -> tuple[Floats | None, Floats | None]:
    _, rows, bpms = tempo_rows(activations)
    return (rows.mean(axis=0), bpms) if len(rows) else (None, None)


def _bpms(head: Head) -> tuple[Floats, NDArray[np.int64]]:
    """Return the tempi of a tempo head, increasing, and the order that this takes."""
    try:
        bpms = np.array([float(label) for label in head.labels])
    except ValueError:
        raise ParameterError(
            f"the tempo head has labels such as {head.labels[0]!r}; they are tempi [bpm]"
        ) from None
    order = np.argsort(bpms)
    return bpms[order], order
