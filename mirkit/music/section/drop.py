"""The drop of a piece: the start of a section where its energy rises most, after a lull.

Levels are those of beats, of all that is heard and of the bass alone: a build-up is loud, but has
no bass. A rise counts only where it is clear, the music before it sounds, and the section after it
is among the loudest: most pieces have no drop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mirkit import __version__, checks
from mirkit.activations import Provenance
from mirkit.annotation import Beats, Events, Segments
from mirkit.arrays import Floats
from mirkit.audio import Audio
from mirkit.audio.reading import Source, read
from mirkit.music.section.decoder import beat_edges

BASS = 150.0
"""Where the bass ends [Hz]."""

_FAINT = 1e-10  # power of what is silent


@dataclass(frozen=True, kw_only=True)
class DropFinder:
    """Find the drop among the starts of sections.

    Parameters
    ----------
    reach
        Beats before and after a start that are compared.
    rise
        How much louder it becomes at least, the mean over all that is heard and its bass [dB].
    loudest
        How far below the loudest `reach` beats of the piece the level after it may be [dB].
    silence
        Level before it at least, below full scale [dB].
    """

    reach: int = 8
    rise: float = 4.0
    loudest: float = 3.0
    silence: float = -50.0

    def __post_init__(self) -> None:
        checks.positive("reach", self.reach)
        checks.positive("rise", self.rise)

    def __call__(self, audio: Audio, sections: Segments, beats: Beats) -> Events:
        """Return the drop: one event, or none."""
        mono = read(audio, mono=True)
        edges = beat_edges(beats, mono.duration)
        levels = beat_levels(mono, edges)
        best, at = self.rise, None
        for start in sections.intervals[1:, 0].tolist():
            rise = self.rise_at(levels, int(np.abs(edges - start).argmin()))
            if rise is not None and rise >= best:
                best, at = rise, start
        times = np.empty((0, 2)) if at is None else np.array([[at, at]])
        origin = Provenance("level", __version__)
        return Events(times, ("drop",) * len(times), provenance=origin)

    def rise_at(self, levels: Floats, beat: int) -> float | None:
        """Return how much louder it becomes at a beat [dB], or None where that is no drop."""
        if beat < self.reach or beat + self.reach > len(levels):
            return None
        before = levels[beat - self.reach : beat].mean(axis=0)
        after = levels[beat : beat + self.reach].mean(axis=0)
        kernel = np.ones(self.reach) / self.reach
        most = np.convolve(levels[:, 0], kernel, mode="valid").max()
        if before[0] < self.silence or after[0] < most - self.loudest:
            return None
        return float((after - before).mean())


def find_drop(x: Source, sections: Segments, beats: Beats) -> Events:
    """Return the drop of a recording whose sections and beats are known: one event, or none.

    Examples
    --------
    >>> audio = Audio(np.zeros((1, 22050), np.float32), 22050)
    >>> len(find_drop(audio, Segments([[0.0, 1.0]], ("A",), kind="section"), Beats()))
    0
    """
    return DropFinder()(read(x, mono=True), sections, beats)


def beat_levels(audio: Audio, edges: Floats) -> Floats:
    """Return the level of each stretch between `edges` [s], and of its bass: ``(n, 2)`` [dB]."""
    from scipy.signal import butter, sosfilt

    samples = audio.samples[0]
    at = np.minimum((edges * audio.sample_rate).round().astype(np.int64), len(samples))
    low = butter(4, BASS, fs=audio.sample_rate, output="sos")
    power = [_mean_power(x, at) for x in (samples, sosfilt(low, samples))]
    levels: Floats = 10 * np.log10(np.maximum(np.stack(power, axis=1), _FAINT))
    return levels


def _mean_power(samples: Floats, at: np.typing.NDArray[np.int64]) -> Floats:
    """Return the mean square of the samples between places `at`."""
    total = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    power: Floats = np.diff(total[at]) / np.maximum(np.diff(at), 1)
    return power
