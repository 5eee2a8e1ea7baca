"""Tempograms: which periods the onset strength has around each frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Features
from mirkit.arrays import Floats32
from mirkit.features.base import FrontEnd, check_source
from mirkit.features.fourier import autocorrelation as autocorrelation  # offered here too
from mirkit.features.fourier import rfft
from mirkit.features.framing import Framing
from mirkit.features.onset import ONSET, OnsetStrength
from mirkit.features.windows import window
from mirkit.frames import FrameGrid

CHUNK = 1 << 15


def tempo_frequencies(n_bins: int, fps: float) -> NDArray[np.float64]:
    """Return the tempo of each lag of an autocorrelation, shape ``(n_bins,)`` [bpm].

    Lag 0 is an infinite tempo.

    Examples
    --------
    >>> tempo_frequencies(4, fps=2).tolist()
    [inf, 120.0, 60.0, 40.0]
    """
    checks.positive("fps", fps)
    lags = np.arange(n_bins, dtype=np.float64)
    bpms = np.full(n_bins, np.inf)
    bpms[1:] = 60 * fps / lags[1:]
    return bpms


def fourier_tempo_frequencies(win_length: int, fps: float) -> NDArray[np.float64]:
    """Return the tempo of each bin of a Fourier transform, ``(win_length // 2 + 1,)`` [bpm].

    Examples
    --------
    >>> fourier_tempo_frequencies(4, fps=2).tolist()
    [0.0, 30.0, 60.0]
    """
    checks.positive("fps", fps)
    return np.arange(win_length // 2 + 1) * 60.0 * fps / win_length


@dataclass(frozen=True)
class _Periodicity(FrontEnd):
    """Base of both tempograms: frames of the onset strength, each weighted and transformed."""

    name: str
    onset: OnsetStrength = ONSET
    win_length: int = 384
    hop_length: int = 1
    window: str = "hann"

    def __post_init__(self) -> None:
        checks.positive("win_length", self.win_length)
        self._framing.n_frames(1)  # names a hop that is longer than the window
        window(self.window, self.win_length)

    @property
    @abstractmethod
    def _framing(self) -> Framing: ...

    @abstractmethod
    def _transform(self, frames: Floats32) -> Floats32: ...

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """The rate that the audio must have [Hz]."""
        return self.onset.sample_rate

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames, `hop_length` frames of the onset strength apart."""
        return FrameGrid(self.onset.grid.rate / self.hop_length, self.onset.grid.start)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        return self.onset.latency + (self._framing.delay - 1) * self.onset.grid.period

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return self._framing.n_frames(self.onset.n_frames(n_samples))

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        return self.transform(self.onset.stream(blocks))

    def of(self, onset: Features) -> Features:
        """Return the tempogram of an onset strength that is already there.

        Raises
        ------
        ParameterError
            Where its frames are not those of `onset`.
        """
        check_source(self.name, onset, self.onset)
        return self._gather(self.transform([onset.values]))

    def transform(self, onset: Iterable[Floats32]) -> Iterator[Floats32]:
        """Yield the tempogram of blocks ``(k, 1)`` of one onset strength."""
        weights = window(self.window, self.win_length)
        step = max(1, CHUNK // self.win_length)
        envelope = (np.ascontiguousarray(block[:, 0]) for block in onset)
        for frames in self._framing.frames(envelope):
            for start in range(0, len(frames), step):
                yield self._transform(frames[start : start + step] * weights)


@dataclass(frozen=True)
class Tempogram(_Periodicity):
    """Autocorrelation of the onset strength around each frame, by lag.

    Before the first frame and after the last, the onset strength rises from 0 and falls to it in
    a straight line. These are librosa's numbers.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    onset
        The onset strength.
    win_length
        Number of frames of the onset strength looked at, and of lags.
    hop_length
        Distance of the frames of the result, in frames of the onset strength.
    window
        Name of the window on the onset strength; see `mirkit.features.windows.window`.
    normalize
        Whether each frame is divided by its maximum, which is at lag 0.
    """

    normalize: bool = True

    @property
    def _framing(self) -> Framing:
        return Framing(self.win_length, self.hop_length, "ramp")

    @property
    def n_bins(self) -> int:
        """Number of lags."""
        return self.win_length

    @property
    def bpms(self) -> NDArray[np.float64]:
        """The tempo of each lag [bpm]; lag 0 is infinite."""
        return tempo_frequencies(self.n_bins, self.onset.grid.fps)

    def _transform(self, frames: Floats32) -> Floats32:
        result = autocorrelation(frames)
        if self.normalize:
            peak = np.abs(result).max(axis=1, keepdims=True)
            result /= np.where(peak < np.finfo(np.float32).tiny, np.float32(1), peak)
        return result


@dataclass(frozen=True)
class FourierTempogram(_Periodicity):
    """Magnitude of the Fourier transform of the onset strength around each frame.

    Beyond its ends the onset strength is 0. These are the magnitudes of librosa's numbers, less
    its frame past the end.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    onset
        The onset strength.
    win_length
        Number of frames of the onset strength looked at.
    hop_length
        Distance of the frames of the result, in frames of the onset strength.
    window
        Name of the window on the onset strength; see `mirkit.features.windows.window`.
    """

    @property
    def _framing(self) -> Framing:
        return Framing(self.win_length, self.hop_length, "zero")

    @property
    def n_bins(self) -> int:
        """Number of frequencies."""
        return self.win_length // 2 + 1

    @property
    def bpms(self) -> NDArray[np.float64]:
        """The tempo of each frequency [bpm]."""
        return fourier_tempo_frequencies(self.win_length, self.onset.grid.fps)

    def _transform(self, frames: Floats32) -> Floats32:
        return np.abs(rfft(frames, self.win_length)) * np.float32(self.win_length)


TEMPOGRAM = Tempogram("tempogram")
FOURIER_TEMPOGRAM = FourierTempogram("fourier_tempogram")
