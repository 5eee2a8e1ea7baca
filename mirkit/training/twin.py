"""The torch twin of the numpy front ends: the same window, the same filters, tested equal.

Training takes its features through the twin, on any device and with other hops: a frame rate that
is off by some percent makes music of another tempo out of the same samples.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.errors import ParameterError
from mirkit.features import LogSpectrogram
from mirkit.features.conditioning import Gain, PreEmphasis, RunningLevel
from mirkit.features.logs import OffsetLog


class TorchLogSpectrogram(nn.Module):
    """A `LogSpectrogram` in torch.

    Parameters
    ----------
    front_end
        The front end whose numbers it gives.

    Raises
    ------
    ParameterError
        Where the front end conditions its samples by more than weighing them, or its frames.
    """

    window: Tensor
    filterbank: Tensor

    def __init__(self, front_end: LogSpectrogram) -> None:
        super().__init__()
        steps = front_end.conditioning
        is_plain = all(isinstance(step, PreEmphasis | Gain | RunningLevel) for step in steps)
        if not is_plain or front_end.stft.remove_dc or front_end.stft.preemphasis:
            raise ParameterError(
                f"front end {front_end.name!r} conditions its samples; its twin does not"
            )
        self.front_end = front_end
        self.register_buffer("window", torch.tensor(front_end.window), persistent=False)
        bank = torch.tensor(front_end.filterbank.T)
        self.register_buffer("filterbank", bank, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return features ``(batch, n_frames, n_bins)`` of samples ``(batch, n_samples)``."""
        framing = self.front_end.stft.framing
        if framing.padding not in ("none", "zero", "reflect"):
            raise ParameterError(f"padding {framing.padding!r} has no twin")
        mode = "reflect" if framing.padding == "reflect" else "constant"
        padded = F.pad(self._condition(samples), (framing.left, framing.right), mode=mode)
        return self.from_frames(padded.unfold(-1, framing.frame_length, framing.hop_length))

    def _condition(self, samples: Tensor) -> Tensor:
        for step in self.front_end.conditioning:
            if isinstance(step, PreEmphasis):
                samples = samples[..., 1:] - step.coefficient * samples[..., :-1]
            elif isinstance(step, Gain):
                samples = samples * step.factor
            elif isinstance(step, RunningLevel):
                ahead = F.pad(samples.abs(), (0, step.lookahead))
                peaks = ahead.cummax(-1).values[..., step.lookahead :]
                samples = samples / peaks.clamp(min=step.floor)
        return samples

    def from_frames(self, frames: Tensor, gains: Tensor | None = None) -> Tensor:
        """Return features of frames that were cut elsewhere.

        Parameters
        ----------
        frames
            Shape ``(batch, n_frames, frame_length)``, of samples that are conditioned already.
        gains
            What each frequency is multiplied with, ``(batch, n_fft // 2 + 1)``: an equalizer.
        """
        stft = self.front_end.stft
        spectrum = torch.fft.rfft(frames * self.window, stft.n_fft)
        magnitudes = spectrum.abs()  # (batch, n_frames, n_fft // 2 + 1)
        if gains is not None:
            magnitudes = magnitudes * gains.unsqueeze(-2)
        if stft.power == 2:
            magnitudes = magnitudes.square()
        bands = magnitudes @ self.filterbank  # (batch, n_frames, n_bins)
        return (self._log(bands) + self.front_end.shift) * self.front_end.scale

    def _log(self, x: Tensor) -> Tensor:
        log = self.front_end.log
        if isinstance(log, OffsetLog):
            return log.factor * torch.log(log.gain * x + log.offset)
        return log.factor * torch.log(x.clamp(log.floor, log.ceiling))
