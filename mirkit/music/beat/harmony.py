"""Changes of harmony: chords change with the bar more than within it.

A network that hears beats in short windows hears little of this, because they do not tell a
semitone from the next. So its bars are found from both: from what it hears, and from how the pitch
classes after a beat differ from those before it.

References
----------
M. E. P. Davies and M. D. Plumbley: A spectral difference approach to downbeat extraction in musical
audio. EUSIPCO 2006.
H. Papadopoulos and G. Peeters: Joint estimation of chords and downbeats from an audio signal. IEEE
Trans. Audio, Speech, and Language Processing 19(1), 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirkit.activations import Features, Head
from mirkit.arrays import Floats
from mirkit.errors import ParameterError
from mirkit.frames import FrameGrid
from mirkit.vocab.notes import TONICS

HEAD = "chroma"
"""Name of the head that holds pitch classes over time."""

FRONT_END = "semitones_22k"
"""Front end whose features `chroma_head` takes: bands of a semitone, the first of them C."""

AROUND = 3
"""Semitones on either side whose mean is the background: what drums fill all bands with."""

SPAN = 2
"""Beats before and after a beat that are compared."""

ATTACK = (0.03, 0.06)
"""How long before and after a beat nothing is compared, for attacks have no pitch [s]."""

TRUST = 2.0
"""Log odds of a downbeat for each standard deviation of change."""

CLIP = (-2.0, 3.0)
FLOOR = 0.02
"""Standard deviation of the change below which there is no harmony to change."""

QUIET = 1e-4


def chroma_head(semitones: Features) -> Head:
    """Return how far each pitch class stands out from its neighbors, shape ``(n_frames, 12)``.

    Frames have unit length, but those that hold nothing.

    Parameters
    ----------
    semitones
        Features of `FRONT_END`: whole octaves from C up.
    """
    values = semitones.values
    n_frames, n_bands = values.shape
    standing_out = np.maximum(values @ _against_background(n_bands), 0)
    chroma = standing_out.reshape(n_frames, -1, len(TONICS)).sum(axis=1)
    chroma /= np.linalg.norm(chroma, axis=1, keepdims=True) + np.float32(QUIET)
    return Head(chroma, TONICS, semitones.grid, "embedding")


def _against_background(n_bands: int) -> NDArray[np.float32]:
    """Return what takes the mean of neighboring bands from each, shape ``(n_bands, n_bands)``.

    Past the ends, the outermost band goes on.
    """
    matrix = np.eye(n_bands, dtype=np.float32)
    for band in range(n_bands):
        near = np.clip(np.arange(band - AROUND, band + AROUND + 1), 0, n_bands - 1)
        np.subtract.at(matrix[:, band], near, np.float32(1 / len(near)))
    return matrix


@dataclass(frozen=True, eq=False)
class Harmony:
    """The pitch classes of a track, summed from its beginning, so that any stretch is two rows.

    Parameters
    ----------
    sums
        Sum of the frames before each, shape ``(n_frames + 1, 12)``.
    grid
        The clock of the frames.
    """

    sums: Floats
    grid: FrameGrid

    @classmethod
    def of(cls, chroma: Head) -> Harmony:
        """Return what a head such as that of `chroma_head` holds.

        Raises
        ------
        ParameterError
            Where it has no clock, or other classes.
        """
        if chroma.grid is None or chroma.values.shape[1] != len(TONICS):
            raise ParameterError(
                f"the {HEAD} head has {chroma.values.shape[1]} classes and "
                f"{'no' if chroma.grid is None else 'a'} grid; it needs the {len(TONICS)} pitch "
                "classes, in frames"
            )
        sums = np.zeros((chroma.n_frames + 1, len(TONICS)))
        np.cumsum(chroma.values, axis=0, out=sums[1:])
        return cls(sums, chroma.grid)

    def change_gains(self, times: Floats) -> Floats:
        """Return the log odds that harmony gives for each beat to begin a bar, ``(n_beats,)``.

        Parameters
        ----------
        times
            Beats, increasing [s].
        """
        if len(times) < 2 * SPAN or len(self.sums) == 1:
            return np.zeros(len(times))
        period = float(np.median(np.diff(times)))
        before = self._direction(times - SPAN * period, times - ATTACK[0])
        after = self._direction(times + ATTACK[1], times + SPAN * period)
        change = 1 - (before * after).sum(axis=1)
        spread = change.std() + FLOOR
        return np.asarray(TRUST * np.clip((change - change.mean()) / spread, *CLIP))

    def _direction(self, start: Floats, stop: Floats) -> Floats:
        """Return the mean frame between two times at unit length; at least one frame counts."""
        last = len(self.sums) - 1
        first = np.clip(self.grid.frame_at(start), 0, last)
        end = np.clip(self.grid.frame_at(stop), 0, last)
        end = np.maximum(end, np.minimum(first + 1, last))
        total = self.sums[end] - self.sums[first]
        return np.asarray(total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-6))
