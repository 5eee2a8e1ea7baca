"""Short-time spectra: from samples in blocks to magnitudes or powers in frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError
from mirkit.features.fourier import rfft, rfft_band
from mirkit.features.framing import Framing, Padding
from mirkit.features.windows import window

# Frames of so many samples in all are transformed at once: less costs calls, more leaves the cache.
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class STFT:
    """Short-time Fourier transform.

    Parameters
    ----------
    n_fft
        Length of the Fourier transform [samples].
    hop_length
        Distance between frames [samples].
    win_length
        Length of the window and so of a frame [samples]; `n_fft` where None. A shorter window is
        followed by zeros.
    window
        Name of the window; see `mirkit.features.windows.window`.
    padding
        What lies beyond the ends; see `Framing`.
    power
        1 for magnitudes, 2 for powers.
    remove_dc
        Whether each frame loses its mean, before anything else.
    preemphasis
        Each sample of a frame loses so much of the one before, and the first of itself (Kaldi).

    Examples
    --------
    >>> stft = STFT(n_fft=512, hop_length=160)
    >>> np.concatenate(list(stft.spectra([np.zeros(1600, np.float32)]))).shape
    (11, 257)
    """

    n_fft: int
    hop_length: int
    win_length: int | None = None
    window: str = "hann"
    padding: Padding = "reflect"
    power: Literal[1, 2] = 2
    remove_dc: bool = False
    preemphasis: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.framing.frame_length <= self.n_fft:
            raise ParameterError(
                f"win_length is {self.win_length} samples; it lies in 1 ... n_fft = {self.n_fft}"
            )
        if self.power not in (1, 2):
            raise ParameterError(f"power is {self.power}; it is 1 (magnitude) or 2 (power)")
        self.weights  # noqa: B018  # an unknown window is named here, not in the first block

    @property
    def framing(self) -> Framing:
        """Framing of the signal."""
        return Framing(self.win_length or self.n_fft, self.hop_length, self.padding)

    @property
    def weights(self) -> NDArray[np.float32]:
        """The window itself, shape ``(win_length,)``."""
        return window(self.window, self.win_length or self.n_fft)

    @property
    def n_bins(self) -> int:
        """Number of frequencies from 0 to half the sample rate."""
        return self.n_fft // 2 + 1

    def spectra(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield magnitudes or powers, ``(k, n_bins)``, of a signal in blocks ``(n_samples,)``."""
        spectrometer = Spectrometer(self)
        for frames in self.framing.frames(blocks):
            yield np.concatenate([part.copy() for part in spectrometer.parts(frames)])


class Spectrometer:
    """The working memory of an `STFT`, used again for each few frames so that it stays in cache.

    Parameters
    ----------
    stft
        How spectra are taken.
    first, last
        The bins wanted, the last not included; all where None.
    """

    def __init__(self, stft: STFT, first: int = 0, last: int | None = None) -> None:
        self.stft = stft
        self.n_frames = max(1, CHUNK // stft.n_fft)
        self._band = slice(first, last)
        whole = stft.framing.frame_length == stft.n_fft
        self._is_narrow = whole and first > 0 and ((last or stft.n_bins) - first) * 8 < stft.n_fft
        self._weights = stft.weights * np.float32(stft.n_fft)  # what `rfft` divides by
        self._frames = np.empty((self.n_frames, stft.framing.frame_length), np.float32)
        self._spectra = np.empty((self.n_frames, stft.n_bins), np.complex64)
        self._values = np.empty((self.n_frames, (last or stft.n_bins) - first), np.float32)

    def parts(self, frames: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield the spectra of a few frames at a time; the next overwrites the last."""
        for start in range(0, len(frames), self.n_frames):
            yield self._spectrum(frames[start : start + self.n_frames])

    def _spectrum(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        n = len(frames)
        weighted, spectra, values = self._frames[:n], self._spectra[:n], self._values[:n]
        np.multiply(self._condition(frames), self._weights, out=weighted)
        if self._is_narrow:
            band = rfft_band(weighted, self._band.start, self._band.stop)
        else:
            band = rfft(weighted, self.stft.n_fft, spectra)[:, self._band]
        np.abs(band, out=values)
        return values if self.stft.power == 1 else np.multiply(values, values, out=values)

    def _condition(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.stft.remove_dc:
            frames = frames - frames.mean(axis=1, keepdims=True)
        if self.stft.preemphasis:
            before = np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
            frames = frames - np.float32(self.stft.preemphasis) * before
        return frames
