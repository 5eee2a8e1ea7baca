"""Augmentation of tags: excerpts as powers through filters, or as samples, changed and mixed.

What a domain does to an excerpt before it is mixed with another is in its ``__call__``, what it
does to the mixture in its ``finish``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from mirkit.arrays import Floats32
from mirkit.errors import ParameterError
from mirkit.features import FrontEnd, LogSpectrogram
from mirkit.features.logs import OffsetLog
from mirkit.training.augment import (
    Augmentation,
    Generator,
    add_noise,
    draw_curve,
    draw_factor,
    mute_bands,
    mute_frames,
    shift_bands_by_parts,
)

Fill = Literal["loop", "pad", "either"]
Truth = Mapping[str, Floats32]
N_KNOTS = 129  # of a curve over the spectrum of samples


@dataclass(frozen=True)
class TagAugmentation(Augmentation):
    """Settings of the augmentation of tags; 0 leaves a change out.

    Parameters
    ----------
    roll
        Begin anywhere, and go on at the recording's beginning.
    fill
        What follows a recording that is too short: itself again, silence around it, or either.
    flip
        Probability of playing an excerpt backward.
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
        Probability of mixing.
    mixed_labels
        ``"share"``: each counts by its share of the mixture, as perceived, where classes exclude
        each other. ``"both"``: labels of either are labels of the mixture, where they do not.
    band_masks, band_mask_width
        Number of stripes of bands that are muted, and their greatest width.
    time_masks, time_mask_width
        Number of stretches that are muted, and their greatest length [s].
    """

    PROBABILITIES: ClassVar = ("flip", "lowpass", "noise", "mixup_probability")
    SIGNED: ClassVar = ("snr_low", "snr_high")

    roll: bool = True
    fill: Fill = "either"
    flip: float = 0.0
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
        super().__post_init__()
        if self.snr_low > self.snr_high:
            raise ParameterError(
                f"snr_low is {self.snr_low} dB and snr_high {self.snr_high} dB; the lower is first"
            )


UNCHANGED = TagAugmentation(
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
"""No augmentation at all: excerpts begin where recordings do."""


class Domain(Protocol):
    """The form in which recordings are changed and mixed: powers, or samples."""

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return a changed excerpt of a recording as the store holds it."""

    def scale(self, x: Floats32, gain: float) -> Floats32:
        """Return an excerpt with its amplitude times `gain`."""

    def power(self, x: Floats32) -> float:
        """Return the mean power of an excerpt."""

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return the input of the network."""


@dataclass(frozen=True)
class PowerDomain:
    """Features, changed as the powers that their logarithm was taken of.

    Powers of unlike sounds add up, so mixing them is mixing the sounds but for their phases.

    Parameters
    ----------
    front_end
        What made the features.
    settings
        Size of each change.
    n_frames
        Length of an excerpt.
    """

    front_end: LogSpectrogram
    settings: TagAugmentation
    n_frames: int

    @classmethod
    def of(cls, front_end: FrontEnd, settings: TagAugmentation, seconds: float) -> PowerDomain:
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
        return cls(front_end, settings, max(1, round(seconds * front_end.grid.fps)))

    def powers(self, features: Floats32) -> Floats32:
        """Return the powers behind features ``(n_frames, n_bins)``."""
        end, log = self.front_end, self.front_end.log
        x = np.exp((features / end.scale - end.shift) / log.factor, dtype=np.float32)
        if isinstance(log, OffsetLog):
            x = np.maximum(x - log.offset, 0) / log.gain
        return np.asarray(x if end.stft.power == 2 else np.square(x), np.float32)

    def features(self, powers: Floats32) -> Floats32:
        """Return the features of powers; `powers` is its inverse."""
        end = self.front_end
        x = powers if end.stft.power == 2 else np.sqrt(powers)
        return np.asarray((end.log(np.array(x, np.float32)) + end.shift) * end.scale, np.float32)

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return powers of an excerpt, cut, stretched, shifted and filtered."""
        settings, n_bins = self.settings, values.shape[1]
        step = draw_factor(settings.rate, rng)
        x = cut_excerpt(values, self.n_frames, step, settings, rng, self._make_silence)
        shift = rng.uniform(-settings.pitch, settings.pitch)
        x = shift_bands_by_parts(self.powers(x), shift)
        decibels = draw_gains(n_bins, settings, rng)
        return np.asarray(x * 10 ** (decibels / 10), np.float32)

    def _make_silence(self, shape: tuple[int, ...]) -> Floats32:
        return self.features(np.zeros(shape, np.float32))

    def scale(self, x: Floats32, gain: float) -> Floats32:
        """Return powers of `gain` times the amplitude."""
        return x * np.float32(gain**2)

    def power(self, x: Floats32) -> float:
        """Return the mean power."""
        return float(x.mean())

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return features, perhaps in noise, with stripes at their mean level."""
        settings = self.settings
        if rng.random() < settings.noise:
            snr = rng.uniform(settings.snr_low, settings.snr_high)
            x = np.add(x, draw_noise_powers(x, snr, rng))
        features = self.features(x)
        longest = round(settings.time_mask_width * self.front_end.grid.fps)
        level = features.mean()
        mute_bands(features, settings.band_masks, settings.band_mask_width, level, rng)
        mute_frames(features, settings.time_masks, longest, level, rng)
        return features


@dataclass(frozen=True)
class SampleDomain:
    """Samples ``(n, 1)``, changed as they are.

    Parameters
    ----------
    sample_rate
        Theirs [Hz].
    settings
        Size of each change.
    n_samples
        Length of an excerpt.
    """

    sample_rate: int
    settings: TagAugmentation
    n_samples: int

    def __call__(self, values: Floats32, rng: Generator) -> Floats32:
        """Return an excerpt ``(n_samples,)``, cut, resampled and filtered."""
        settings = self.settings
        step = draw_factor(settings.rate, rng)
        x = cut_excerpt(values, self.n_samples, step, settings, rng, np.zeros)[:, 0]
        spectrum = np.fft.rfft(x)
        curve = draw_gains(N_KNOTS, settings, rng)
        knots = np.linspace(0, 1, N_KNOTS)
        decibels = np.interp(np.linspace(0, 1, len(spectrum)), knots, curve)
        return np.fft.irfft(spectrum * 10 ** (decibels / 20), len(x)).astype(np.float32)

    def scale(self, x: Floats32, gain: float) -> Floats32:
        """Return samples times `gain`."""
        return x * np.float32(gain)

    def power(self, x: Floats32) -> float:
        """Return the mean power."""
        return float(np.square(x).mean())

    def finish(self, x: Floats32, rng: Generator) -> Floats32:
        """Return samples, perhaps in white noise, with stretches muted."""
        settings, x = self.settings, np.array(x, np.float32)
        if rng.random() < settings.noise:
            snr = rng.uniform(settings.snr_low, settings.snr_high)
            x = add_noise(x, np.sqrt(self.power(x)) * 10 ** (-snr / 20), rng)
        longest = round(settings.time_mask_width * self.sample_rate)
        mute_frames(x, settings.time_masks, longest, 0, rng)
        return x


def cut_excerpt(
    values: Floats32,
    length: int,
    step: float,
    settings: TagAugmentation,
    rng: Generator,
    silence: Callable[[tuple[int, ...]], Floats32],
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
    settings
        Rolling, and what follows a recording that is too short.
    rng
        Random generator.
    silence
        Returns silence of a shape.
    """
    needed = int(np.ceil(length * step)) + 1
    missing = needed - len(values)
    loops = settings.fill == "loop" or (settings.fill == "either" and rng.random() < 0.5)
    if missing > 0 and not loops:
        before = int(rng.integers(0, missing + 1)) if settings.roll else 0
        quiet = silence((missing, values.shape[1]))
        values = np.concatenate([quiet[:before], values, quiet[before:]])
    if settings.flip and rng.random() < settings.flip:
        values = values[::-1]
    start = rng.uniform(0, len(values)) if settings.roll else 0.0
    at = (start + step * np.arange(length)) % len(values)
    index = np.floor(at).astype(np.int64)
    share = (at - index).astype(np.float32)[:, None]
    if not share.any():
        return np.asarray(values[index], np.float32)
    following = values[(index + 1) % len(values)]
    return np.asarray(values[index] * (1 - share) + following * share, np.float32)


def draw_gains(n_bins: int, settings: TagAugmentation, rng: Generator) -> Floats32:
    """Return a random gain of each band [dB]: a level, a smooth curve, perhaps no highs."""
    place = np.linspace(0, 1, n_bins)
    curve = draw_curve(
        place, settings.equalizer, settings.lowpass, rng, cutoff=(0.5, 0.92), slope=0.08
    )
    return curve.astype(np.float32) + rng.uniform(-settings.gain, settings.gain)


def draw_noise_powers(x: Floats32, snr: float, rng: Generator) -> Floats32:
    """Return powers of steady noise, `snr` dB below those of `x`, its color random.

    The power of noise in a band is exponentially distributed.
    """
    n_frames, n_bins = x.shape
    tilt = np.exp(np.linspace(0, rng.uniform(-5, 5), n_bins, dtype=np.float32))
    level = x.mean() * 10 ** (-snr / 10) / tilt.mean()
    noise = rng.standard_exponential((n_frames, n_bins), np.float32)
    return np.asarray(level * tilt * noise, np.float32)


def mix_equally(a: Floats32, b: Floats32, share: float, domain: Domain) -> Floats32:
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
        domain.scale(a, share * level / np.sqrt(power_a)),
        domain.scale(b, (1 - share) * level / np.sqrt(power_b)),
    )
    return np.add(*parts)


def mix_over(a: Floats32, b: Floats32, decibels: float, domain: Domain) -> Floats32:
    """Return `a` with `b` mixed in `decibels` below it."""
    power_a, power_b = (max(domain.power(x), 1e-9) for x in (a, b))
    gain = np.sqrt(power_a / power_b) * 10 ** (-decibels / 20)
    return np.add(a, domain.scale(b, float(gain)))


def mix_truths(a: Truth, b: Truth) -> dict[str, Floats32]:
    """Return the targets of a mixture in which both recordings are heard in full.

    Labels of either are known to be there; those of neither are known where both know it.
    """
    there = np.maximum(a["targets"] * a["mask"], b["targets"] * b["mask"])
    mixed = {"targets": there, "mask": np.maximum(there > 0, a["mask"] * b["mask"])}
    if "teacher" in a:
        mixed["teacher"] = np.maximum(a["teacher"], b["teacher"])
        mixed["teacher_mask"] = np.minimum(a["teacher_mask"], b["teacher_mask"])
    return {name: x.astype(np.float32) for name, x in mixed.items()}
