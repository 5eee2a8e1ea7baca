"""Onset strength: how much louder each frame is than the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit import checks
from mirkit.activations import Features
from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.features.base import check_source
from mirkit.features.framing import Padding
from mirkit.features.logs import DECIBEL_OF_POWER, FloorLog
from mirkit.features.mel import MelBank
from mirkit.features.spectrogram import LogSpectrogram, OnSpectrogram
from mirkit.features.stft import STFT

AGGREGATES: dict[str, Callable[[Floats32], Floats32]] = {
    "mean": lambda rises: rises.mean(axis=1),
    "median": lambda rises: np.median(rises, axis=1),
}


@dataclass(frozen=True)
class OnsetStrength(OnSpectrogram):
    """Spectral flux: the average rise of a log spectrogram over `lag` frames, falls left out.

    A window meets an onset before its center does, so the result is moved to later frames by half
    a window; the first ``lag + shift`` frames are 0. These are librosa's numbers where the
    spectrogram is the same: decibels re 1 without `top_db`, which would need the whole clip.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    spectrogram
        The log spectrogram whose rises are averaged.
    lag
        Distance of the frames compared [frames].
    max_size
        Number of bins, odd, over which the earlier frame is first replaced by its maximum, so
        that vibrato is no onset; 1 leaves it as it is.
    aggregate
        ``"mean"`` or ``"median"`` of the bins.
    shift
        How far the result is moved [frames]; half a window, rounded down, where None.
    """

    name: str
    spectrogram: LogSpectrogram
    lag: int = 1
    max_size: int = 1
    aggregate: str = "mean"
    shift: int | None = None

    def __post_init__(self) -> None:
        checks.positive("lag", self.lag)
        if self.max_size < 1 or self.max_size % 2 == 0:
            raise ParameterError(f"max_size is {self.max_size} bins; it is odd and at least 1")
        checks.member("aggregate", self.aggregate, AGGREGATES)
        if self.shift is not None and self.shift < 0:
            raise ParameterError(f"shift is {self.shift} frames; it is not negative")

    @property
    def n_bins(self) -> int:
        """One value a frame."""
        return 1

    @property
    def shift_frames(self) -> int:
        """Shift of the result [frames]."""
        if self.shift is not None:
            return self.shift
        stft = self.spectrogram.stft
        return stft.framing.frame_length // (2 * stft.hop_length)

    def stream(self, blocks: Iterable[NDArray[Any]]) -> Iterator[Floats32]:
        """Yield the onset strength, ``(k, 1)``, as soon as the samples it needs have come."""
        return self.transform(self.spectrogram.stream(blocks))

    def of(self, spectrogram: Features) -> Features:
        """Return the onset strength of a spectrogram that is already there.

        Raises
        ------
        ParameterError
            Where its frames are not those of `spectrogram`.
        """
        check_source(self.name, spectrogram, self.spectrogram)
        return self._gather(self.transform([spectrogram.values]))

    def transform(self, frames: Iterable[Floats32]) -> Iterator[Floats32]:
        """Yield the onset strength of blocks ``(k, n_bins)`` of one spectrogram."""
        n_kept = self.lag + self.shift_frames
        n_unknown = n_kept
        kept: Floats32 | None = None
        for block in (block for block in frames if len(block)):
            kept = np.repeat(block[:1], n_kept, axis=0) if kept is None else kept
            known = np.concatenate((kept, block))
            kept = known[-n_kept:]
            strength = self._rise(known[: len(known) - self.shift_frames])
            strength[:n_unknown] = 0
            n_unknown = max(0, n_unknown - len(strength))
            yield strength

    def _rise(self, frames: Floats32) -> Floats32:
        rises = frames[self.lag :] - _local_maximum(frames[: -self.lag], self.max_size)
        np.maximum(rises, 0, out=rises)
        return AGGREGATES[self.aggregate](rises)[:, None]


def _local_maximum(frames: Floats32, size: int) -> Floats32:
    """Return the maximum over `size` neighboring bins, fewer at the ends."""
    result = frames
    for offset in range(1, size // 2 + 1):
        result = result.copy() if result is frames else result
        np.maximum(result[:, offset:], frames[:, :-offset], out=result[:, offset:])
        np.maximum(result[:, :-offset], frames[:, offset:], out=result[:, :-offset])
    return result


def mel_onset(
    name: str,
    sample_rate: int = 22050,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    padding: Padding = "zero",
    **options: Any,
) -> OnsetStrength:
    """Return an onset strength on a mel spectrogram in decibels; librosa's numbers by default.

    Parameters
    ----------
    name
        What `Features` remember as their origin.
    sample_rate, n_fft, hop_length, n_mels, fmin, fmax, padding
        The mel spectrogram; `fmax` [Hz] is half the sample rate where None.
    **options
        The other fields of `OnsetStrength`.

    Examples
    --------
    >>> mel_onset("fine", hop_length=441).grid.fps
    50.0
    """
    spectrogram = LogSpectrogram(
        f"{name}_mel",
        sample_rate,
        STFT(n_fft, hop_length, padding=padding),
        MelBank(n_mels, fmin, sample_rate / 2 if fmax is None else fmax),
        FloorLog(1e-10, DECIBEL_OF_POWER),
    )
    return OnsetStrength(name, spectrogram, **options)


ONSET = mel_onset("onset")
ONSET_50 = mel_onset("onset_50", hop_length=441)
