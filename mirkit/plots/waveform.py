"""Samples as pictures over time: waveform, log-mel spectrogram, tempogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirkit.annotation import Beats
from mirkit.arrays import Floats
from mirkit.audio import Audio
from mirkit.features import STFT, LogSpectrogram, MelBank, OnsetStrength, Tempogram
from mirkit.features.logs import DECIBEL_OF_POWER, FloorLog
from mirkit.plots.palette import ACCENT, CORE, MUTED, WAVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_COLUMNS = 2000
"""Columns of a waveform: more than a picture has."""

RATE = 22_050
"""Sample rate of the pictures [Hz]."""

MEL = LogSpectrogram(
    "mel_128",
    RATE,
    STFT(2048, 256, padding="zero"),
    MelBank(128, 30.0, 11_000.0),
    FloorLog(1e-10, DECIBEL_OF_POWER),
)
"""The spectrogram that is drawn."""

FLUX = LogSpectrogram(
    "mel_40", RATE, STFT(1024, 256, padding="zero"), MelBank(40, 30.0, 10_000.0),
    FloorLog(1e-4, DECIBEL_OF_POWER),
)  # fmt: skip
TEMPO = Tempogram("tempogram_8s", OnsetStrength("onset", FLUX, lag=2, shift=0), 690, 22)
"""The tempogram that is drawn: windows of 8 s, a column each quarter of a second."""

BPMS = np.geomspace(30, 300, 200)
"""Rows of a tempogram [bpm]."""

RANGE = 70.0  # of a spectrogram [dB]


def envelope(audio: Audio, n_columns: int = N_COLUMNS) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the waveform in columns: their times [s], lowest, highest and RMS samples.

    A column stands at the middle of the samples that it holds.
    """
    samples = audio.mono().samples[0].astype(np.float64)
    n_columns = min(n_columns, len(samples))
    edges = np.linspace(0, len(samples), n_columns + 1).astype(np.int64)
    low = np.minimum.reduceat(samples, edges[:-1])
    high = np.maximum.reduceat(samples, edges[:-1])
    power = np.add.reduceat(samples**2, edges[:-1]) / np.diff(edges)
    return (edges[:-1] + edges[1:] - 1) / 2 / audio.sample_rate, low, high, np.sqrt(power)


def draw_waveform(ax: Axes, audio: Audio, offset: float = 0.0) -> None:
    """Draw the peaks of the samples, and within them the RMS level."""
    times, low, high, rms = envelope(audio)
    peak = max(float(np.abs(audio.samples).max()), 1e-6)
    ax.fill_between(offset + times, low, high, color=WAVE, lw=0, step="mid")
    within = np.minimum(rms, np.maximum(high, -low))
    ax.fill_between(offset + times, -within, within, color=CORE, lw=0, step="mid")
    ax.set(ylim=(-1.05 * peak, 1.05 * peak), yticks=[])


def draw_spectrogram(ax: Axes, audio: Audio, offset: float = 0.0) -> None:
    """Draw a log-mel spectrogram."""
    features = MEL(audio)
    shown = features.values.T
    top = float(shown.max())
    half = features.grid.period / 2
    ends = offset + features.times[[0, -1]] + (-half, half)
    ax.imshow(
        shown, origin="lower", aspect="auto", cmap="magma", vmin=max(top - RANGE, -100), vmax=top,
        extent=(ends[0], ends[1], 0, shown.shape[0]), interpolation="nearest",
    )  # fmt: skip
    hertz = (300, 1000, 3000, 10_000)
    rows = np.interp(hertz, band_middles(), np.arange(MEL.n_bins) + 0.5)
    ax.set_yticks(rows.tolist(), ["300", "1k", "3k", "10k Hz"])


def band_middles() -> Floats:
    """Return where each band of the spectrogram is strongest [Hz]."""
    weights = MEL.bank.matrix(RATE, MEL.stft.n_fft)
    middles: Floats = np.argmax(weights, axis=1) * RATE / MEL.stft.n_fft
    return middles


def tempogram(audio: Audio) -> tuple[Floats, Floats]:
    """Return the times [s] and the strength of each of `BPMS`, shape ``(n_bpms, n_frames)``."""
    features = TEMPO(audio)
    lags = 60 * TEMPO.onset.grid.fps / BPMS
    rows = [np.interp(lags, np.arange(TEMPO.n_bins), row) for row in features.values]
    return features.times, np.array(rows).T


def draw_tempogram(ax: Axes, audio: Audio, offset: float = 0.0) -> None:
    """Draw how strong each tempo is over time, from the autocorrelation of the onsets."""
    times, strength = tempogram(audio)
    ax.pcolormesh(
        offset + times, BPMS, strength, shading="nearest", cmap="Blues", vmin=0,
        vmax=max(float(np.quantile(strength, 0.995)), 1e-6), rasterized=True,
    )  # fmt: skip
    ax.set_yscale("log")
    ax.set_yticks([30, 60, 90, 120, 180, 240], ["30", "60", "90", "120", "180", "240 bpm"])
    ax.minorticks_off()
    ax.set_ylim(30, 300)


def tempo_path(beats: Beats) -> tuple[Floats, Floats]:
    """Return where the tempo between neighboring beats holds [s], and the tempo there [bpm].

    Examples
    --------
    >>> tempo_path(Beats([0.5, 1.0, 1.5]))
    (array([0.75, 1.25]), array([120., 120.]))
    """
    return (beats.times[1:] + beats.times[:-1]) / 2, 60 / np.diff(beats.times)


def draw_tempo_path(ax: Axes, beats: Beats) -> None:
    """Draw the tempo between the beats over a tempogram, and its median as a dotted line."""
    times, bpms = tempo_path(beats)
    ax.plot(times, bpms, color="white", lw=3.2, solid_capstyle="round")
    ax.plot(times, bpms, color=ACCENT, lw=1.6, label="tempo")
    if beats.bpm is not None:
        ax.axhline(beats.bpm, color=MUTED, lw=0.8, ls=":")
