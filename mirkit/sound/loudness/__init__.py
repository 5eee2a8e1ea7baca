"""Loudness of recordings by EBU R128, ReplayGain 2, and an energy to sort by.

**Energy** is a number in [0, 1] that is defined here alone, for sorting a library; no model takes
part. With ``level``, ``drive`` and ``brightness`` cut to [0, 1]::

    level      = (integrated loudness + 30 LU) / 22 LU          -30 LUFS … -8 LUFS
    drive      = attacks per second / 8                         see `attacks`
    brightness = (power above 2 kHz - power + 26 dB) / 20 dB    K-weighted, -26 dB … -6 dB
    energy     = 0.5 level + 0.3 drive + 0.2 brightness

Silence has an energy of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

import numpy as np

from mirkit.activations import Provenance
from mirkit.arrays import Floats
from mirkit.audio import reading
from mirkit.audio.sources import Source
from mirkit.sound.loudness.meter import CELLS_PER_SECOND, Meter
from mirkit.values import Value, join

REPLAYGAIN_TARGET = -18.0
"""Loudness that ReplayGain 2 brings tracks to [LUFS]."""

_OFFSET = -0.691  # dB: so that a sine of 1 kHz at full scale in one channel has -3.01 LUFS
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU, for integrated loudness
_RANGE_GATE = -20.0  # LU, for the loudness range
_RANGE = (10, 95)  # percentiles
_STEP, _MOMENTARY, _SHORT_TERM = 10, 40, 300  # cells of 10 ms
_RISE = 3.0  # dB within 20 ms that make an attack
_REST = 5  # cells between two attacks
_FLOOR = 1e-10  # power below which nothing rises


@dataclass(frozen=True, eq=False, repr=False)
class Loudness(Value):
    """The loudness of a recording.

    Parameters
    ----------
    integrated
        Of the whole [LUFS]; None where all is silent, or it is shorter than 0.4 s.
    range
        Loudness range [LU]; None where it is shorter than 3 s, or silent.
    true_peak
        Highest level between samples [dBTP]; None for digital silence.
    sample_peak
        Highest sample [dBFS]; None for digital silence.
    momentary_max, short_term_max
        Highest loudness of 0.4 s and of 3 s [LUFS], or None.
    energy
        In [0, 1], see `mirkit.sound.loudness`.
    provenance
        What measured it.
    """

    integrated: float | None
    range: float | None
    true_peak: float | None
    sample_peak: float | None
    momentary_max: float | None
    short_term_max: float | None
    energy: float
    provenance: Provenance | None = None

    @property
    def gain(self) -> float | None:
        """The gain of ReplayGain 2 [dB]: what brings the recording to -18 LUFS; or None."""
        return None if self.integrated is None else REPLAYGAIN_TARGET - self.integrated

    @property
    def peak(self) -> float:
        """The peak of ReplayGain 2: the true peak, 1 for full scale."""
        return 0.0 if self.true_peak is None else float(10 ** (self.true_peak / 20))

    def summary(self) -> str:
        """Return loudness, range, peak and energy."""
        if self.integrated is None:
            return "silent"
        return join(
            f"{self.integrated:.1f} LUFS",
            None if self.range is None else f"range {self.range:.1f} LU",
            None if self.true_peak is None else f"true peak {self.true_peak:.1f} dBTP",
            f"energy {self.energy:.2f}",
        )


def loudness(x: Source) -> Loudness:
    """Measure the loudness of a recording by EBU R128.

    All channels count, those of surround as BS.1770 weighs them; the rate is that of the
    recording. A few blocks are in memory at a time.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`.

    Returns
    -------
    Loudness
        Integrated loudness, loudness range, peaks, the gain of ReplayGain 2, energy.

    Raises
    ------
    AudioError
        Where the recording is missing, empty, damaged or holds samples that are not finite.

    References
    ----------
    EBU R 128, EBU Tech 3341 and 3342; ITU-R BS.1770-4.

    Examples
    --------
    >>> t = np.arange(4 * 48000) / 48000
    >>> found = loudness((np.sin(2 * np.pi * 997 * t), 48000))
    >>> round(found.integrated, 2), round(found.gain, 2)
    (-3.01, -14.99)
    """
    with reading.blocks(x, mono=False, block_seconds=2.0) as blocks:
        meter = Meter(blocks.sample_rate, blocks.n_channels)
        for block in blocks:
            meter.feed(block)
    return loudness_of(meter)


def loudness_of(meter: Meter) -> Loudness:
    """Return the loudness that a meter has measured."""
    from mirkit import __version__

    power = meter.power
    momentary, short_term = _window_means(power, _MOMENTARY), _window_means(power, _SHORT_TERM)
    integrated = integrated_loudness(momentary)
    return Loudness(
        integrated,
        loudness_range(short_term),
        _decibels(meter.true_peak),
        _decibels(meter.sample_peak),
        _most(momentary),
        _most(short_term),
        energy(integrated, power, meter.high),
        Provenance("ebu-r128", __version__),
    )


def integrated_loudness(momentary: Floats) -> float | None:
    """Return the gated loudness of powers in windows of 0.4 s [LUFS], or None."""
    gated = _gate(momentary, _RELATIVE_GATE)
    return _OFFSET + 10 * log10(gated.mean()) if gated.size else None


def loudness_range(short_term: Floats) -> float | None:
    """Return the loudness range of powers in windows of 3 s [LU], or None."""
    gated = _gate(short_term, _RANGE_GATE)
    if not gated.size:
        return None
    low, high = np.percentile(_lufs(gated), _RANGE)
    return float(high - low)


def energy(integrated: float | None, power: Floats, high: Floats) -> float:
    """Return the energy of a recording in [0, 1], as `mirkit.sound.loudness` defines it.

    Parameters
    ----------
    integrated
        Its loudness [LUFS], or None.
    power, high
        K-weighted powers of cells of 10 ms, of all and above 2 kHz.
    """
    if integrated is None:
        return 0.0
    level = (integrated + 30) / 22
    drive = attacks(power) / 8
    brightness = (10 * np.log10((high.sum() + _FLOOR) / (power.sum() + _FLOOR)) + 26) / 20
    parts = np.clip([level, drive, brightness], 0, 1)
    return float(parts @ [0.5, 0.3, 0.2])


def attacks(power: Floats) -> float:
    """Return how often the level rises by 3 dB within 20 ms, at most 20 times per second.

    Parameters
    ----------
    power
        Powers of cells of 10 ms.

    Examples
    --------
    >>> hits = np.tile([1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01, 0.01], 100)
    >>> round(attacks(hits))
    10
    """
    if len(power) < 3:
        return 0.0
    level = 10 * np.log10(power + _FLOOR)
    rises = np.flatnonzero(level[2:] - level[:-2] >= _RISE)
    count, last = 0, -_REST
    for at in rises.tolist():
        if at - last >= _REST:
            count += 1
            last = at
    return count * CELLS_PER_SECOND / len(power)


def _window_means(power: Floats, length: int) -> Floats:
    """Return the mean power in windows of so many cells, one for each 100 ms."""
    if len(power) < length:
        return np.empty(0)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(power) - length + 1, _STEP)
    return np.asarray(np.maximum((sums[starts + length] - sums[starts]) / length, 0))


def _gate(power: Floats, relative: float) -> Floats:
    """Return the powers above -70 LUFS, and above their mean by `relative` [LU]."""
    kept = power[power > 10 ** ((_ABSOLUTE_GATE - _OFFSET) / 10)]
    return np.asarray(kept[kept > kept.mean() * 10 ** (relative / 10)]) if kept.size else kept


def _lufs(power: Floats) -> Floats:
    return np.asarray(_OFFSET + 10 * np.log10(power))


def _most(power: Floats) -> float | None:
    loudest = float(power.max(initial=0.0))
    return _OFFSET + 10 * log10(loudest) if loudest > 0 else None


def _decibels(level: float) -> float | None:
    return float(20 * np.log10(level)) if level > 0 else None
