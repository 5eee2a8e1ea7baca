"""The front end of most networks: spectrum, filterbank, logarithm, normalization."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.arrays import Floats32
from mirkit.features.base import FrontEnd, mono_slices
from mirkit.features.conditioning import Step, condition, delay_of, wait_of
from mirkit.features.logs import FloorLog, OffsetLog
from mirkit.features.stft import STFT, Spectrometer
from mirkit.frames import FrameGrid

GROUP = 32  # filters multiplied at once: together they hear a part of the frequencies only


class FilterBank(Hashable, Protocol):
    """A recipe for filters, such as `MelBank`."""

    def check(self, sample_rate: int, n_fft: int) -> None:
        """Raise `ParameterError` where the filters do not fit spectra of this kind."""

    def matrix(self, sample_rate: int, n_fft: int) -> NDArray[np.float32]:
        """Return the weights, shape ``(n_bins, n_fft // 2 + 1)``."""


@dataclass(frozen=True)
class LogSpectrogram(FrontEnd):
    """Spectra through a filterbank and a logarithm; ``(log(...) + shift) * scale``.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    sample_rate
        The rate that the audio must have [Hz].
    stft
        How spectra are taken.
    bank
        The filters.
    log
        The logarithm.
    shift, scale
        A fixed normalization of the result, from the statistics of a training set.
    conditioning
        What is done to the samples first.
    """

    name: str
    sample_rate: int
    stft: STFT
    bank: FilterBank
    log: FloorLog | OffsetLog
    shift: float = 0.0
    scale: float = 1.0
    conditioning: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        checks.positive("sample_rate", self.sample_rate)
        self.bank.check(self.sample_rate, self.stft.n_fft)

    @property
    def filterbank(self) -> NDArray[np.float32]:
        """The weights of the filters, read-only, shape ``(n_bins, n_fft // 2 + 1)``."""
        return self.bank.matrix(self.sample_rate, self.stft.n_fft)

    @property
    def window(self) -> NDArray[np.float32]:
        """The window, read-only, shape ``(win_length,)``."""
        return self.stft.weights

    @property
    def n_bins(self) -> int:
        """Number of filters."""
        return int(self.filterbank.shape[0])

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames: the time of the sample at the middle of each window."""
        start = self.stft.framing.center / self.sample_rate
        return FrameGrid.from_hop(self.sample_rate, self.stft.hop_length, start)

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        return (self.stft.framing.delay + wait_of(self.conditioning)) / self.sample_rate

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return self.stft.framing.n_frames(n_samples - delay_of(self.conditioning))

    def normalized(self, value: float) -> float:
        """Return what a logarithm of `value` becomes: so, what to pad with after the fact."""
        return (value + self.shift) * self.scale

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield frames, ``(k, n_bins)``, as soon as the samples they need have come."""
        signal = condition(self.conditioning, mono_slices(blocks, self.sample_rate))
        bands = _bands(self.bank, self.sample_rate, self.stft.n_fft)
        spectrometer = Spectrometer(self.stft, bands.first, bands.last)
        for frames in self.stft.framing.frames(signal):
            yield self._finish(_filter(spectrometer, bands, frames))

    def _finish(self, values: Floats32) -> Floats32:
        values = self.log(values)
        if self.shift:
            np.add(values, np.float32(self.shift), out=values)
        if self.scale != 1:
            np.multiply(values, np.float32(self.scale), out=values)
        return values


class OnSpectrogram(FrontEnd):
    """Base of the front ends that change the frames of a log spectrogram, at its clock."""

    spectrogram: LogSpectrogram

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """The rate that the audio must have [Hz]."""
        return self.spectrogram.sample_rate

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames, which is the spectrogram's."""
        return self.spectrogram.grid

    @property
    def latency(self) -> float:
        """The longest time from the center of a frame until the stream can give it [s]."""
        return self.spectrogram.latency

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a recording of `n_samples` has."""
        return self.spectrogram.n_frames(n_samples)


class _Group(NamedTuple):
    """A few neighboring filters without the frequencies that none of them hears."""

    heard: slice
    bands: slice
    weights: NDArray[np.float32]  # (frequencies heard, filters)


class _Bands(NamedTuple):
    """A filterbank in groups, and the range of frequencies that any filter hears."""

    first: int
    last: int
    groups: tuple[_Group, ...]
    n_bins: int


@lru_cache(maxsize=64)
def _bands(bank: FilterBank, sample_rate: int, n_fft: int) -> _Bands:
    matrix = bank.matrix(sample_rate, n_fft)
    heard = _heard(matrix)
    groups = tuple(
        _group(matrix[:, heard], start, min(start + GROUP, len(matrix)))
        for start in range(0, len(matrix), GROUP)
    )
    return _Bands(heard.start, heard.stop, groups, len(matrix))


def _group(matrix: NDArray[np.float32], start: int, stop: int) -> _Group:
    heard = _heard(matrix[start:stop])
    weights = np.ascontiguousarray(matrix[start:stop, heard].T)
    return _Group(heard, slice(start, stop), weights)


def _heard(matrix: NDArray[np.float32]) -> slice:
    columns = np.flatnonzero(matrix.any(axis=0))
    return slice(int(columns[0]), int(columns[-1]) + 1) if columns.size else slice(0, 1)


def _filter(spectrometer: Spectrometer, bands: _Bands, frames: Floats32) -> Floats32:
    values = np.empty((len(frames), bands.n_bins), np.float32)
    start = 0
    for spectra in spectrometer.parts(frames):
        stop = start + len(spectra)
        for group in bands.groups:
            np.matmul(spectra[:, group.heard], group.weights, out=values[start:stop, group.bands])
        start = stop
    return values
