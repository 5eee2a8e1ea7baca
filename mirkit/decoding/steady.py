"""One grid for a whole recording: the pulse of music that keeps one tempo, heard all at once.

A tracker that goes from beat to beat may slip to the off-beat, where that is as strong for a while,
and a listener does not: half beats have been counted since the song began. So the period is that of
the half beats, which slips by half a beat leave as they are, in the spectrum of the whole curve;
and which half beats are the beats is decided once, from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit.arrays import Floats
from mirkit.decoding.peaks import refine

DIVISIONS = 2
"""A beat is divided into so many parts: slips by one part leave the grid of the parts alone."""

REACH = 0.015
"""How far the period may be from that of the tracker, as a ratio less 1."""

NEAR = 0.03
"""A beat is on the grid if it lies this near to it [s], or within a tenth of a part."""

AROUND = 0.04
"""So far from the grid the strongest frame is looked for, to see whether players drift [s]."""

DRIFT = 0.012
"""Drift that is smaller than this is none: then the grid is a machine's [s]."""

SPAN = 4.0
"""Standard deviation of the bell that drift is smoothed with [beats]."""

PADDING = 4
"""How many times finer than the length of the recording tells the spectrum is computed."""


@dataclass(frozen=True)
class Pulse:
    """A grid of beats.

    Parameters
    ----------
    period, phase
        Frames from beat to beat, and of a beat after frame 0; no whole numbers.
    coverage
        Share of the tracker's strength that lies on beats of the grid or halfway between.
    worth
        Mean strength at the beats of the grid, as a share of that at the tracker's.
    offbeat
        The same halfway between them.
    """

    period: float
    phase: float
    coverage: float
    worth: float
    offbeat: float

    def shifted(self) -> Pulse:
        """Return the pulse whose beats are halfway between."""
        phase = (self.phase + self.period / DIVISIONS) % self.period
        return Pulse(self.period, phase, self.coverage, self.offbeat, self.worth)

    def frames(self, first: float, last: float) -> Floats:
        """Return its beats from half a beat before `first` to half a beat after `last` [frames]."""
        low = np.ceil((first - self.phase) / self.period - 0.5)
        high = np.floor((last - self.phase) / self.period + 0.5)
        return np.asarray(self.phase + self.period * np.arange(low, high + 1))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Fourier transform of a curve: the strength of its repetition at each rate.

    Parameters
    ----------
    magnitudes
        Shape ``(n_bins,)``.
    n
        Length of the transform [frames]: bin b repeats every ``n / b`` frames.
    """

    magnitudes: Floats
    n: int

    @classmethod
    def of(cls, strength: Floats) -> Spectrum:
        """Return it for a curve, shape ``(n_frames,)``."""
        from scipy.fft import next_fast_len, rfft

        n = int(next_fast_len(PADDING * max(len(strength), 1), real=True))
        return cls(np.abs(rfft(strength - strength.mean(), n)), n)

    def period_near(self, period: float, reach: float = REACH) -> float:
        """Return the strongest period within a ratio of `reach` of one [frames].

        Examples
        --------
        >>> clicks = np.zeros(4000)
        >>> clicks[np.rint(np.arange(10, 4000, 40.25)).astype(int)] = 1
        >>> round(Spectrum.of(clicks).period_near(40), 2)
        40.25
        """
        low = max(1, int(self.n / period / (1 + reach)))
        high = min(len(self.magnitudes) - 1, int(np.ceil(self.n / period * (1 + reach))))
        if high <= low:
            return period
        best = low + int(self.magnitudes[low : high + 1].argmax())
        return self.n / (best + self._peak(best))

    def _peak(self, best: int) -> float:
        """Return how far from a bin the parabola through it and its neighbors peaks [bins]."""
        if not 0 < best < len(self.magnitudes) - 1:
            return 0.0
        before, own, after = self.magnitudes[best - 1 : best + 2]
        bend = before - 2 * own + after
        return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def find_pulse(strength: Floats, frames: Floats, fps: float, spectrum: Spectrum) -> Pulse | None:
    """Return the grid of one tempo that explains a tracker's beats best, or None below 8 beats.

    Parameters
    ----------
    strength
        How much each frame looks like a beat, shape ``(n_frames,)``.
    frames
        Beats of a tracker, increasing, shape ``(n,)``.
    fps
        Frames per second.
    spectrum
        Of `strength`.

    Examples
    --------
    >>> clicks = np.zeros(2000)
    >>> clicks[10::25] = 1  # beats and off-beats alike
    >>> slipped = np.concatenate([np.arange(10, 1000, 50), np.arange(1035, 2000, 50)])
    >>> pulse = find_pulse(clicks, slipped, 100, Spectrum.of(clicks))
    >>> round(pulse.period, 1), round(pulse.coverage, 2)
    (50.0, 1.0)
    """
    if len(frames) < 8:
        return None
    usual = float(np.median(np.diff(frames)))
    period = DIVISIONS * spectrum.period_near(usual / DIVISIONS)
    at_beats = np.interp(frames, np.arange(len(strength)), strength)
    mean = float(at_beats.mean())
    if not mean > 0:
        return None
    profile = fold(strength, period, float(frames[0]), float(frames[-1])) / mean
    best = int(profile.argmax())
    rough = Pulse(period, best * period / len(profile), 0.0, 0.0, 0.0)
    period, phase = _line(strength, rough.frames(frames[0], frames[-1]), fps)
    part = period / DIVISIONS
    off = np.abs((frames - phase + part / 2) % part - part / 2)
    on = off <= min(NEAR * fps, period / 10)
    coverage = float(at_beats[on].sum() / at_beats.sum())
    halfway = (best + np.arange(-1, 2) + len(profile) // DIVISIONS) % len(profile)
    worth = float(profile[best]), float(profile[halfway].max())
    return Pulse(period, phase % period, coverage, *worth)


def fold(strength: Floats, period: float, first: float, last: float) -> Floats:
    """Return the mean of a curve over all beats, by phase in the beat: about a frame a step.

    Parameters
    ----------
    strength
        The curve, shape ``(n_frames,)``.
    period
        Frames from beat to beat.
    first, last
        Frames between which it counts.

    Examples
    --------
    >>> fold(np.array([0.0, 1, 0, 0, 3, 0]), 3.0, 0, 5)
    array([0., 2., 0.])
    """
    n = max(DIVISIONS, round(period))
    low = int(first / period)
    n_beats = max(1, int((last - low * period) / period) + 1)
    places = (low + np.arange(n_beats))[:, None] * period + np.arange(n) * period / n
    inside = (places >= first - period / 2) & (places <= last + period / 2)
    values = np.interp(places, np.arange(len(strength)), strength) * inside
    return np.asarray(values.sum(axis=0) / np.maximum(inside.sum(axis=0), 1))


def drifted(strength: Floats, frames: Floats, fps: float) -> Floats:
    """Return the beats of a grid [frames], moved to where players that drift around it are.

    What moves a beat is the mean of how far the strongest frames near it and its neighbors lie from
    the grid, so that it moves little from beat to beat. Where this is small throughout, the grid
    stays as it is.

    Parameters
    ----------
    strength
        How much each frame looks like a beat, shape ``(n_frames,)``.
    frames
        The grid, shape ``(n,)``.
    fps
        Frames per second.
    """
    off, trust = _around(strength, frames, fps)
    moved = _smooth(off * trust) / _smooth(trust)
    return frames if np.abs(moved).max(initial=0) <= DRIFT * fps else frames + moved


def _line(strength: Floats, frames: Floats, fps: float) -> tuple[float, float]:
    """Return period and phase of the line through the strongest frames near those of a grid."""
    off, trust = _around(strength, frames, fps)
    number = np.arange(len(frames))
    slope, first = np.polyfit(number, frames + off, 1, w=np.sqrt(trust))
    return float(slope), float(first)


def _around(strength: Floats, frames: Floats, fps: float) -> tuple[Floats, Floats]:
    """Return how far from each frame of a grid the strongest near it is, and how far to trust that.

    A parabola through the strongest and its neighbors tells fractions of a frame. The first and the
    last frame are not trusted: they may lie on the slope of a beat that is cut off.
    """
    reach = max(1, int(AROUND * fps))
    near = np.rint(frames).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    seen = strength[np.clip(near, 0, len(strength) - 1)]
    best, row = seen.argmax(axis=1), np.arange(len(frames))
    strongest = np.clip(near[row, best], 0, len(strength) - 1)
    peaks = refine(strength, strongest)
    is_cut = (strongest == 0) | (strongest == len(strength) - 1)
    off = np.clip(peaks - frames, -reach, reach)
    return off, np.where(is_cut, 0.0, seen[row, best] ** 2) + 1e-9


def _smooth(values: Floats) -> Floats:
    """Return the sums of values around each, weighted by a bell."""
    half = int(3 * SPAN)
    bell = np.exp(-0.5 * (np.arange(-half, half + 1) / SPAN) ** 2)
    return np.convolve(values, bell)[half : half + len(values)]
