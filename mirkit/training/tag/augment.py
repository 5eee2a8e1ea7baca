"""How recordings are changed in training for tags: as power through filters, or as samples.

What a domain does to an excerpt before it is mixed with another stands in its ``__call__``, what
it does to the mixture in its ``finish``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd, LogSpectrogram
from mirkit.features.logs import OffsetLog

Generator = np.random.Generator
Fill = Literal["loop", "pad", "either"]


@dataclass(frozen=True)
class TagChanges:
    """How far each change goes; 0 leaves it out.

    Parameters
    ----------
    roll
        Whether an excerpt may begin anywhere and go on at the recording's beginning.
    fill
        What follows a recording that is too short: itself again, silence around it, or either.
    rate
        Greatest relative change of tempo: 0.2 is ±20 %. Of samples it changes the pitch too, since
        they are resampled.
    pitch
        Greatest shift of the spectrum [bands of the filterbank]; of samples none.
    gain
        Greatest change of level [dB].
    equalizer
        Greatest gain or loss of any frequency [dB], in smooth curves.
    lowpass
        Probability of losing the highs above some frequency, as phones and codecs do.
    noise
        Probability of steady noise of some color.
    snr_low, snr_high
        Its level below the recording, from and to [dB].
    mixup
        Parameter of the Beta distribution that two recordings are mixed with; 0 mixes none.
    mixup_probability
        How often they are.
    mixed_labels
        ``"share"``: each counts by its share of the mixture, as perceived, where classes exclude
        each other. ``"both"``: what is in either is in the mixture, where they do not.
    band_masks, band_mask_width
        How many stripes of bands are muted, and their greatest width.
    time_masks, time_mask_width
        How many stretches are muted, and their greatest length [s].
    """

    roll: bool = True
    fill: Fill = "either"
    rate: float = 0.2
    pitch: float = 3.0
    gain: float = 10.0
    equalizer: float = 8.0
    lowpass: float = 0.0
    noise: float = 0.3
    snr_low: float = 5.0
    snr_high: float = 40.0
    mixup: float = 1.0
    mixup_probability: float = 0.9
    mixed_labels: Literal["share", "both"] = "share"
    band_masks: int = 2
    band_mask_width: int = 8
    time_masks: int = 2
    time_mask_width: float = 0.4

    def __post_init__(self) -> None:
        for name in ("rate", "pitch", "gain", "equalizer", "mixup", "band_masks", "time_masks"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} is {getattr(self, name)}; it is not negative")
        for name in ("lowpass", "noise", "mixup_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} is {getattr(self, name)}; it is a probability")
        if self.snr_low > self.snr_high:
            raise ParameterError(
                f"snr_low is {self.snr_low} dB and snr_high {self.snr_high} dB; the lower is first"
            )


UNCHANGED = TagChanges(
    roll=False,
    fill="pad",
    rate=0,
    pitch=0,
    gain=0,
    equalizer=0,
    noise=0,
    mixup=0,
    mixup_probability=0,
    band_masks=0,
    time_masks=0,
)
"""No change at all: excerpts begin where recordings do."""


class Domain(Protocol):
    """Where recordings are changed and mixed: in powers, or in samples."""

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return a changed excerpt of a recording as the store holds it."""

    def scaled(self, x: Floats32, gain: float) -> Floats32:
        """Return an excerpt with its amplitude times `gain`."""

    def power(self, x: Floats32) -> float:
        """Return the mean power of an excerpt."""

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return what the network takes."""


@dataclass(frozen=True)
class PowerDomain:
    """Features, changed as the powers that their logarithm was taken of.

    Powers of unlike sounds add up, so mixing them is mixing the sounds but for their phases.

    Parameters
    ----------
    front_end
        What made the features.
    how
        How far changes go.
    n_frames
        Length of an excerpt.
    """

    front_end: LogSpectrogram
    how: TagChanges
    n_frames: int

    @classmethod
    def of(cls, front_end: FrontEnd, how: TagChanges, seconds: float) -> PowerDomain:
        """Return the domain of a front end, with excerpts of some length.

        Raises
        ------
        ParameterError
            Where the front end is no logarithm of a spectrum through filters.
        """
        if not isinstance(front_end, LogSpectrogram):
            raise ParameterError(
                f"front end {front_end.name!r} is no log spectrogram, and features are changed as "
                "what their logarithm was taken of"
            )
        return cls(front_end, how, max(1, round(seconds * front_end.grid.fps)))

    def powers(self, features: Floats32) -> Floats32:
        """Return the powers behind features ``(n_frames, n_bins)``."""
        end, log = self.front_end, self.front_end.log
        x = np.exp((features / end.scale - end.shift) / log.factor, dtype=np.float32)
        if isinstance(log, OffsetLog):
            x = np.maximum(x - log.offset, 0) / log.gain
        return np.asarray(x if end.stft.power == 2 else np.square(x), np.float32)

    def features(self, powers: Floats32) -> Floats32:
        """Return the features of powers; `powers` goes back."""
        end = self.front_end
        x = powers if end.stft.power == 2 else np.sqrt(powers)
        return np.asarray((end.log(np.array(x, np.float32)) + end.shift) * end.scale, np.float32)

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return powers of an excerpt, cut, stretched, shifted and filtered."""
        how, n_bins = self.how, values.shape[1]
        step = float(np.exp(rng.uniform(-1, 1) * np.log1p(how.rate)))
        x = excerpt(values, self.n_frames, step, how, rng, self._silenced)
        shift = rng.uniform(-how.pitch, how.pitch)
        x = shifted_bands(self.powers(x), shift)
        decibels = smooth_curve(n_bins, how, rng) + rng.uniform(-how.gain, how.gain)
        return np.asarray(x * 10 ** (decibels / 10), np.float32)

    def _silenced(self, shape: tuple[int, ...]) -> Floats32:
        return self.features(np.zeros(shape, np.float32))

    def scaled(self, x: Floats32, gain: float) -> Floats32:
        """Return powers of `gain` times the amplitude."""
        return x * np.float32(gain**2)

    def power(self, x: Floats32) -> float:
        """Return the mean power."""
        return float(x.mean())

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return features, perhaps in noise, with stripes muted."""
        if rng.random() < self.how.noise:
            snr = rng.uniform(self.how.snr_low, self.how.snr_high)
            x = np.add(x, colored_powers(x, snr, rng))
        return self._muted(self.features(x), rng)

    def _muted(self, features: Floats32, rng: Generator) -> Floats32:
        how, (n_frames, n_bins) = self.how, features.shape
        longest = round(how.time_mask_width * self.front_end.grid.fps)
        level = features.mean()
        for _ in range(how.band_masks):
            features[:, stripe(n_bins, how.band_mask_width, rng)] = level
        for _ in range(how.time_masks):
            features[stripe(n_frames, longest, rng)] = level
        return features


@dataclass(frozen=True)
class SampleDomain:
    """Samples ``(n, 1)``, changed as they are.

    Parameters
    ----------
    sample_rate
        Theirs [Hz].
    how
        How far changes go.
    n_samples
        Length of an excerpt.
    """

    sample_rate: int
    how: TagChanges
    n_samples: int

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return an excerpt ``(n_samples,)``, cut, resampled and filtered."""
        how = self.how
        step = float(np.exp(rng.uniform(-1, 1) * np.log1p(how.rate)))
        x = excerpt(values, self.n_samples, step, how, rng, np.zeros)[:, 0]
        spectrum = np.fft.rfft(x)
        curve = smooth_curve(129, how, rng) + rng.uniform(-how.gain, how.gain)
        decibels = np.interp(np.linspace(0, 1, len(spectrum)), np.linspace(0, 1, 129), curve)
        return np.fft.irfft(spectrum * 10 ** (decibels / 20), len(x)).astype(np.float32)

    def scaled(self, x: Floats32, gain: float) -> Floats32:
        """Return samples times `gain`."""
        return x * np.float32(gain)

    def power(self, x: Floats32) -> float:
        """Return the mean power."""
        return float(np.square(x).mean())

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return samples, perhaps in white noise, with stretches muted."""
        how, x = self.how, np.array(x, np.float32)
        if rng.random() < how.noise:
            level = np.sqrt(self.power(x)) * 10 ** (-rng.uniform(how.snr_low, how.snr_high) / 20)
            x += np.float32(level) * rng.standard_normal(len(x), np.float32)
        for _ in range(how.time_masks):
            x[stripe(len(x), round(how.time_mask_width * self.sample_rate), rng)] = 0
        return x


def excerpt(
    values: Floats32,
    length: int,
    step: float,
    how: TagChanges,
    rng: Generator,
    silence: Callable[[tuple[int, ...]], NDArray[np.float32]],
) -> Floats32:
    """Return `length` rows of `values`, `step` rows apart, interpolated.

    Parameters
    ----------
    values
        A recording, ``(n, n_bins)``.
    length
        Rows wanted.
    step
        Distance between them; above 1 the recording is played faster.
    how
        Whether to roll, and what follows a recording that is too short.
    rng
        Chance.
    silence
        What gives silence of a shape.
    """
    needed = int(np.ceil(length * step)) + 1
    missing = needed - len(values)
    loops = how.fill == "loop" or (how.fill == "either" and rng.random() < 0.5)
    if missing > 0 and not loops:
        before = int(rng.integers(0, missing + 1)) if how.roll else 0
        quiet = silence((missing, values.shape[1]))
        values = np.concatenate([quiet[:before], values, quiet[before:]])
    start = rng.uniform(0, len(values)) if how.roll else 0.0
    at = (start + step * np.arange(length)) % len(values)
    index = np.floor(at).astype(np.int64)
    share = (at - index).astype(np.float32)[:, None]
    if not share.any():
        return np.asarray(values[index], np.float32)
    following = values[(index + 1) % len(values)]
    return np.asarray(values[index] * (1 - share) + following * share, np.float32)


def shifted_bands(x: Floats32, shift: float) -> Floats32:
    """Return ``(n_frames, n_bins)`` shifted up by `shift` bands, interpolated, edges repeated.

    Examples
    --------
    >>> shifted_bands(np.array([[1, 2, 4]], np.float32), 0.5).tolist()
    [[1.0, 1.5, 3.0]]
    """
    if shift == 0:
        return x
    n_bins = x.shape[1]
    at = np.clip(np.arange(n_bins) - shift, 0, n_bins - 1)
    index = np.minimum(at.astype(np.int64), n_bins - 2)
    share = (at - index).astype(np.float32)
    return np.asarray(x[:, index] * (1 - share) + x[:, index + 1] * share, np.float32)


def smooth_curve(n_bins: int, how: TagChanges, rng: Generator) -> Floats32:
    """Return a random gain of each band [dB], a few waves over all of them, perhaps no highs."""
    place = np.linspace(0, 1, n_bins)
    periods, phases = rng.uniform(0.5, 3, 3), rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * periods * place[:, None] + phases).mean(axis=1)
    decibels = rng.uniform(0, how.equalizer) * waves
    if rng.random() < how.lowpass:
        decibels -= 60 * np.clip((place - rng.uniform(0.5, 0.92)) / 0.08, 0, 1)
    return np.asarray(decibels, np.float32)


def colored_powers(x: Floats32, snr: float, rng: Generator) -> Floats32:
    """Return powers of steady noise, `snr` dB below those of `x`, its color random.

    The power of noise in a band is exponentially distributed.
    """
    n_frames, n_bins = x.shape
    tilt = np.exp(np.linspace(0, rng.uniform(-5, 5), n_bins, dtype=np.float32))
    level = x.mean() * 10 ** (-snr / 10) / tilt.mean()
    noise = rng.standard_exponential((n_frames, n_bins), np.float32)
    return np.asarray(level * tilt * noise, np.float32)


def stripe(size: int, greatest: int, rng: Generator) -> slice:
    """Return a random stretch of up to `greatest` of `size` places."""
    width = int(rng.integers(0, min(greatest, size) + 1))
    first = int(rng.integers(0, size - width + 1))
    return slice(first, first + width)


def mixed_equally(a: Floats32, b: Floats32, share: float, domain: Domain) -> Floats32:
    """Return a mixture in which `a` has `share` of the amplitude, after both are equally loud.

    Its power is between theirs, geometrically.

    References
    ----------
    Y. Tokozume, Y. Ushiku and T. Harada, "Learning from between-class examples for deep sound
    recognition", ICLR 2018: why labels should follow loudness and not samples.
    """
    power_a, power_b = (max(domain.power(x), 1e-9) for x in (a, b))
    level = np.exp(0.5 * (share * np.log(power_a) + (1 - share) * np.log(power_b)))
    level = level / np.hypot(share, 1 - share)
    parts = (
        domain.scaled(a, share * level / np.sqrt(power_a)),
        domain.scaled(b, (1 - share) * level / np.sqrt(power_b)),
    )
    return np.add(*parts)


def mixed_over(a: Floats32, b: Floats32, decibels: float, domain: Domain) -> Floats32:
    """Return `a` with `b` mixed in `decibels` below it."""
    power_a, power_b = (max(domain.power(x), 1e-9) for x in (a, b))
    gain = np.sqrt(power_a / power_b) * 10 ** (-decibels / 20)
    return np.add(a, domain.scaled(b, float(gain)))
