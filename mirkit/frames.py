"""The clock of frames: the only code that turns frames into seconds and back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirkit import checks
from mirkit.errors import ParameterError


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """A regular grid of frames in time.

    Parameters
    ----------
    rate
        Exact number of frames a second.
    start
        Time at the center of frame 0 [s].

    Examples
    --------
    >>> grid = FrameGrid.from_hop(sample_rate=44100, hop_length=441)
    >>> grid.fps
    100.0
    >>> grid.times(3)
    array([0.  , 0.01, 0.02])
    """

    rate: Fraction
    start: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.rate, Fraction):
            raise ParameterError(
                f"rate is {self.rate!r}; it is a Fraction. FrameGrid.from_fps takes a number."
            )
        checks.positive("rate", float(self.rate))
        if not np.isfinite(self.start):
            raise ParameterError(f"start is {self.start}; it is a finite time [s]")

    @classmethod
    def from_hop(cls, sample_rate: int, hop_length: int, start: float = 0.0) -> FrameGrid:
        """Return the grid of frames that lie `hop_length` samples apart."""
        checks.positive("sample_rate", sample_rate)
        checks.positive("hop_length", hop_length)
        return cls(Fraction(int(sample_rate), int(hop_length)), start)

    @classmethod
    def from_fps(cls, fps: float, start: float = 0.0) -> FrameGrid:
        """Return the grid of `fps` frames a second (the nearest fraction below 1/10000)."""
        checks.positive("fps", fps)
        return cls(Fraction(fps).limit_denominator(10_000), start)

    @property
    def fps(self) -> float:
        """Frames a second."""
        return float(self.rate)

    @property
    def period(self) -> float:
        """Time between neighboring frames [s]."""
        return float(1 / self.rate)

    def times(self, n_frames: int, first: int = 0) -> NDArray[np.float64]:
        """Return the times of `n_frames` frames from `first` on, shape ``(n_frames,)`` [s]."""
        return self.time_of(np.arange(first, first + n_frames))

    def time_of(self, frames: ArrayLike) -> NDArray[np.float64]:
        """Return the time of each frame, which may lie between two [s]."""
        frames = np.asarray(frames, dtype=np.float64)
        return self.start + frames * self.rate.denominator / self.rate.numerator

    def frame_at(self, times: ArrayLike) -> NDArray[np.int64]:
        """Return the frame nearest to each time; it may lie before frame 0 or past the last."""
        return np.rint(self.position_of(times)).astype(np.int64)

    def position_of(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return where each time lies on the grid, in frames and fractions of one."""
        times = np.asarray(times, dtype=np.float64)
        return (times - self.start) * self.rate.numerator / self.rate.denominator
