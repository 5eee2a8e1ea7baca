"""librosa's beat tracker, as a peer: onset strength, one tempo, dynamic programming.

References
----------
D. P. W. Ellis: Beat tracking by dynamic programming. Journal of New Music Research, 2007.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from mirkit.activations import Activations, Head, Provenance
from mirkit.annotation import Beats, TempoHypothesis
from mirkit.arrays import Blocks
from mirkit.audio import Audio
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid

HOP_LENGTH = 512
N_FFT = 2048
"""Samples of a frame: shorter recordings are padded with silence."""


@dataclass(frozen=True)
class LibrosaOnsets:
    """librosa's onset strength, scaled to a maximum of 1.

    `sample_rate` is what it listens to [Hz]; call it with `Audio` at that rate.
    """

    sample_rate: int = 22050

    def activations(self, x: Blocks, heads: Iterable[str] | None = None) -> Activations:
        """Return the activations of the recording that the blocks are of; it is kept whole."""
        return self(Audio(np.concatenate(list(x), axis=1), self.sample_rate))

    def __call__(self, audio: Audio) -> Activations:
        """Return the head ``beat``, at 43 frames a second."""
        if audio.sample_rate != self.sample_rate:
            raise ParameterError(
                f"audio is at {audio.sample_rate} Hz; this peer listens at {self.sample_rate} Hz"
            )
        import librosa

        samples = audio.mono().samples[0]
        n_frames = len(samples) // HOP_LENGTH + 1
        padded = np.pad(samples, (0, max(0, N_FFT - len(samples))))
        strength = librosa.onset.onset_strength(
            y=padded, sr=self.sample_rate, hop_length=HOP_LENGTH
        )[:n_frames]
        scaled = strength / max(float(strength.max(initial=0)), np.finfo(np.float32).tiny)
        grid = FrameGrid.from_hop(self.sample_rate, HOP_LENGTH)
        provenance = Provenance("librosa", metadata.version("librosa"))
        return Activations({"beat": Head(scaled[:, None], ("beat",), grid)}, provenance)


@dataclass(frozen=True)
class LibrosaTracker:
    """librosa's dynamic programming.

    Parameters
    ----------
    hint_bpm
        Where its prior of tempi lies [bpm]; 120 where None.
    """

    hint_bpm: float | None = None

    def __call__(self, activations: Activations) -> Beats:
        """Return the beats, without bars."""
        import librosa

        head = activations["beat"]
        if head.grid is None:
            raise ParameterError("the head 'beat' has no grid; beats need one value a frame")
        bpm, frames = librosa.beat.beat_track(
            onset_envelope=head.values[:, 0],
            sr=float(head.grid.rate * HOP_LENGTH),
            hop_length=HOP_LENGTH,
            start_bpm=self.hint_bpm or 120.0,
        )
        times = head.grid.time_of(frames)
        if len(times) < 2:
            return Beats(times, provenance=activations.provenance)
        level = TempoHypothesis(float(np.squeeze(bpm)), 1.0, times)
        return Beats(times, None, None, (level,), 0, activations.provenance)
