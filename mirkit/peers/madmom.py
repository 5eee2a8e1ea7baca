"""madmom's recurrent networks and its bar tracker, as a peer.

Its models are licensed CC BY-NC-SA 4.0: for comparison and for non-commercial use only.

References
----------
S. Böck, F. Krebs, G. Widmer: Joint beat and downbeat tracking with recurrent neural networks.
ISMIR 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mirkit.activations import Activations, Provenance, beat_activations
from mirkit.annotation import Beats, TempoHypothesis
from mirkit.arrays import Blocks
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.peers import madmom_shim

FPS = 100


@dataclass(frozen=True)
class MadmomRNN:
    """The ensemble of eight bidirectional networks that finds beats and downbeats.

    `sample_rate` is what it listens to [Hz]; call it with `Audio` at that rate.
    """

    sample_rate: int = 44100

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of the recording that the blocks are of; it is kept whole."""
        return self(Audio(np.concatenate(list(x), axis=1), self.sample_rate))

    def __call__(self, audio: Audio) -> Activations:
        """Return the heads ``beat`` (any beat) and ``downbeat``, at 100 frames a second."""
        if audio.sample_rate != self.sample_rate:
            raise ParameterError(
                f"audio is at {audio.sample_rate} Hz; madmom listens at {self.sample_rate} Hz"
            )
        downbeats = madmom_shim.load("madmom.features.downbeats")
        signals = madmom_shim.load("madmom.audio.signal")
        signal = signals.Signal(audio.mono().samples[0], sample_rate=self.sample_rate)
        beat, downbeat = downbeats.RNNDownBeatProcessor()(signal).T
        any_beat = np.clip(beat + downbeat, 0, 1)
        return beat_activations(any_beat, downbeat, fps=FPS, provenance=provenance())


@dataclass(frozen=True)
class MadmomDBN:
    """madmom's dynamic Bayesian networks: of bars where there is a downbeat head, else of beats.

    Parameters
    ----------
    hint_bpm
        Look for tempi within a factor of the square root of two around this [bpm].
    bpm_range
        Look for tempi in this range [bpm].
    meter
        Beats in a bar, one number or several.
    """

    hint_bpm: float | None = None
    bpm_range: tuple[float, float] = (55.0, 215.0)
    meter: int | Sequence[int] | None = None

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats."""
        beat = _column(activations, "beat")
        fps = _fps(activations)
        if "downbeat" not in activations:
            times = self._processor("beats", "DBNBeatTrackingProcessor", fps)(beat)
            return _beats(times, None, activations)
        downbeat = _column(activations, "downbeat")
        both = np.stack([np.maximum(beat - downbeat, np.finfo(np.float64).eps), downbeat], axis=1)
        bars = self._processor("downbeats", "DBNDownBeatTrackingProcessor", fps, self._bars())
        rows = np.asarray(bars(both)).reshape(-1, 2)
        return _beats(rows[:, 0], rows[:, 1].astype(np.int64), activations)

    def _processor(self, module: str, name: str, fps: float, bars: list[int] | None = None) -> Any:
        low, high = self.bpm_range
        if self.hint_bpm is not None:
            low, high = self.hint_bpm / np.sqrt(2), self.hint_bpm * np.sqrt(2)
        options: dict[str, Any] = {"min_bpm": low, "max_bpm": high, "fps": fps}
        if bars is not None:
            options["beats_per_bar"] = bars
        return getattr(madmom_shim.load(f"madmom.features.{module}"), name)(**options)

    def _bars(self) -> list[int]:
        if self.meter is None:
            return [3, 4]
        return [self.meter] if isinstance(self.meter, int) else list(self.meter)


def provenance() -> Provenance:
    """Return the version of madmom that runs."""
    from importlib import metadata

    return Provenance("madmom", metadata.version("madmom"))


def _column(activations: Activations, head: str) -> Any:
    tiny = np.finfo(np.float64).eps  # madmom takes logarithms
    return np.clip(activations[head].probabilities()[:, 0].astype(np.float64), tiny, 1 - tiny)


def _fps(activations: Activations) -> float:
    grid = activations["beat"].grid
    if grid is None:
        raise ParameterError("the head 'beat' has no grid; beats need one probability a frame")
    return grid.fps


def _beats(times: Any, positions: Any, activations: Activations) -> Beats:
    """Wrap what madmom found; its one level is the only hypothesis."""
    found = Beats(times, positions, provenance=activations.provenance)
    if found.bpm is None:
        return found
    level = TempoHypothesis(found.bpm, 1.0, found.times, found.positions)
    return Beats(found.times, found.positions, None, (level,), 0, activations.provenance)
