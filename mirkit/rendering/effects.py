"""Effects between the instrument and the listener: rooms, mixing desks, noise, bad codecs.

All functions take and return mono float32 at one rate and keep the length; none moves an onset.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mirkit.arrays import Floats32


@dataclass(frozen=True)
class SoundPlan:
    """The effects that a clip gets; numbers of 0 leave it alone.

    Parameters
    ----------
    eq
        Gains at `EQ_BANDS` [dB].
    low_cut, high_cut
        Band limits [Hz].
    room_seconds, room_mix
        Decay time to -60 dB [s] and level of the reverberation against the direct sound.
    squeeze
        Compression ratio above the threshold, 1 for none.
    drive
        Gain into the soft clipper [dB].
    noise_db, noise_tilt
        Level of the noise against the music [dB] and slope of its spectrum [dB/octave].
    hum_db, hum_hz
        Level and frequency of mains hum.
    ambience, ambience_db
        Name of an ambience recording, its level against the music.
    codec, kbps
        Lossy format that the clip passes through, and its bit rate.
    level_db
        Peak level at the end [dBFS].
    """

    eq: tuple[float, ...] = ()
    low_cut: float = 0.0
    high_cut: float = 0.0
    room_seconds: float = 0.0
    room_mix: float = 0.0
    squeeze: float = 1.0
    drive: float = 0.0
    noise_db: float = -120.0
    noise_tilt: float = 0.0
    hum_db: float = -120.0
    hum_hz: float = 50.0
    ambience: str = ""
    ambience_db: float = -120.0
    codec: str = ""
    kbps: int = 0
    level_db: float = -1.0

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the effects that are on."""
        off = SoundPlan()
        return tuple(f.name for f in fields(self) if getattr(self, f.name) != getattr(off, f.name))


EQ_BANDS = (30, 60, 120, 250, 500, 1000, 2000, 4000, 8000, 11000)


def draw_plan(
    rng: np.random.Generator, ambiences: tuple[str, ...] = (), codecs: bool = True
) -> SoundPlan:
    """Draw the path of one clip: most are clean recordings, some are old, far or cheap."""

    def maybe(chance: float, low: float, high: float, off: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < chance else off

    old = rng.random() < 0.08
    codec = str(rng.choice(["mp3", "mp3", "ogg", "opus"])) if codecs and rng.random() < 0.3 else ""
    ambience = str(rng.choice(ambiences)) if ambiences and rng.random() < 0.1 else ""
    return SoundPlan(
        eq=tuple(
            float(x)
            for x in np.convolve(
                rng.normal(scale=5.0, size=len(EQ_BANDS) + 2), [0.3, 0.4, 0.3], "valid"
            )
        ),
        low_cut=maybe(0.9 if old else 0.15, 60, 250, 0.0),
        high_cut=maybe(0.9 if old else 0.15, 3000 if old else 5000, 9000, 0.0),
        room_seconds=float(rng.uniform(0.15, 2.2)),
        room_mix=maybe(0.7, 0.03, 0.5, 0.0) ** 1.3,
        squeeze=maybe(0.6, 1.5, 8.0, 1.0),
        drive=maybe(0.35, 1.0, 12.0, 0.0),
        noise_db=maybe(0.9 if old else 0.3, -35 if old else -60, -15 if old else -28, -120.0),
        noise_tilt=float(rng.uniform(-6, 0)),
        hum_db=maybe(0.06, -50, -28, -120.0),
        hum_hz=float(rng.choice([50.0, 60.0])),
        ambience=ambience,
        ambience_db=float(rng.uniform(-34, -14)) if ambience else -120.0,
        codec=codec,
        kbps=int(rng.choice([24, 32, 48, 64, 96, 128])) if codec else 0,
        level_db=float(rng.uniform(-12, -0.1)),
    )


def rms(samples: Floats32) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(samples), dtype=np.float64)))


def decibels(value: float) -> float:
    """Return the amplitude of a level [dB]."""
    return float(10 ** (value / 20))


def tint(samples: Floats32, sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Give a stem a tone of its own: a smooth curve, and sometimes a hard squeeze."""
    curve = rng.normal(scale=4.0, size=len(EQ_BANDS) + 2)
    smooth = np.convolve(curve, [0.25, 0.5, 0.25], "valid")
    squeeze = float(rng.uniform(2, 10)) if rng.random() < 0.3 else 1.0
    plan = SoundPlan(eq=tuple(float(x) for x in smooth))
    return compress(equalize(samples, plan, sample_rate), squeeze, sample_rate)


def equalize(samples: Floats32, plan: SoundPlan, sample_rate: int) -> Floats32:
    """Apply the tone curve and the band limits, without phase: onsets stay where they are."""
    from scipy.fft import irfft, next_fast_len, rfft

    n_fft = next_fast_len(len(samples) + 4096)
    frequencies = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    gain = np.zeros(len(frequencies))
    if plan.eq:
        gain = np.interp(np.log(np.maximum(frequencies, 1)), np.log(EQ_BANDS), plan.eq)
    if plan.low_cut:
        gain -= 6 * np.log2(1 + (plan.low_cut / np.maximum(frequencies, 1)) ** 3)
    if plan.high_cut:
        gain -= 6 * np.log2(1 + (frequencies / plan.high_cut) ** 8)
    curve = (10 ** (gain / 20)).astype(np.float32)
    out: Floats32 = irfft(rfft(samples, n_fft) * curve, n_fft)[: len(samples)]
    return out.astype(np.float32, copy=False)


def room(
    samples: Floats32, plan: SoundPlan, sample_rate: int, rng: np.random.Generator
) -> Floats32:
    """Add a room: a few early echoes and noise that dies away, the high tones first."""
    if not plan.room_mix:
        return samples
    from scipy.signal import lfilter, oaconvolve

    n = int(plan.room_seconds * 1.1 * sample_rate) + 1
    time = np.arange(n) / sample_rate
    tail = rng.normal(size=n) * np.exp(-6.9 * time / plan.room_seconds)
    tail = lfilter([0.5], [1, -0.5], tail)
    tail[: int(rng.uniform(0.004, 0.03) * sample_rate)] = 0  # the gap before the first echo
    for _ in range(5):
        tail[int(rng.uniform(0.004, 0.06) * min(sample_rate, n - 1))] += rng.normal() * 4
    tail /= np.sqrt(np.sum(tail**2)) + 1e-9
    wet = oaconvolve(samples, tail.astype(np.float32))[: len(samples)]
    mixed: Floats32 = samples + np.float32(plan.room_mix) * wet.astype(np.float32)
    return mixed


def compress(samples: Floats32, ratio: float, sample_rate: int) -> Floats32:
    """Turn down what is louder than the average, by `ratio`, with a 10 ms to 150 ms envelope."""
    if ratio <= 1:
        return samples
    from scipy.signal import lfilter

    hop = 64
    n = -(-len(samples) // hop)
    power = np.add.reduceat(np.square(samples), np.arange(0, len(samples), hop)) / hop
    memory = float(np.exp(-hop / (0.06 * sample_rate)))
    smooth = lfilter([1 - memory], [1, -memory], power)
    level = 10 * np.log10(np.maximum(smooth, 1e-8))
    threshold = max(float(np.percentile(level, 60)) - 4, float(level.max()) - 18)
    gain = -np.maximum(level - threshold, 0) * (1 - 1 / ratio)
    curve = np.interp(np.arange(len(samples)), (np.arange(n) + 0.5) * hop, 10 ** (gain / 20))
    out: Floats32 = samples * curve.astype(np.float32)
    return out


def saturate(samples: Floats32, drive: float) -> Floats32:
    """Clip softly after a gain of `drive` [dB] above the usual peaks."""
    if drive <= 0:
        return samples
    size = np.abs(samples)
    peak = max(float(np.percentile(size[::7], 99.5)), 0.25 * float(size.max())) + 1e-9
    out: Floats32 = np.tanh(samples * np.float32(decibels(drive) * 0.7 / peak)) * np.float32(peak)
    return out


def amplifier(samples: Floats32, sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Send guitars through a distorting amplifier and its cabinet: chords growl, not only tones."""
    peak = float(np.percentile(np.abs(samples[::7]), 99)) + 1e-6
    tight = equalize(samples, SoundPlan(low_cut=float(rng.uniform(60, 140))), sample_rate)
    gain = np.float32(decibels(float(rng.uniform(12, 36))) / peak)
    clipped = np.asarray(np.tanh(tight * gain + np.float32(rng.uniform(0, 0.3))), np.float32)
    cabinet = SoundPlan(
        eq=(-12, -6, 0, 2, 0, -3, 3, 0, -12, -24),
        low_cut=float(rng.uniform(60, 110)),
        high_cut=float(rng.uniform(3500, 6500)),
    )
    return equalize(clipped, cabinet, sample_rate)


def add_noise(
    samples: Floats32, plan: SoundPlan, sample_rate: int, rng: np.random.Generator
) -> Floats32:
    """Add noise of the plan's level and tilt, and hum."""
    level = rms(samples)
    out = samples
    if plan.noise_db > -100:
        hiss = noise(len(samples), plan.noise_tilt, sample_rate, rng)
        out = out + hiss * np.float32(level * decibels(plan.noise_db))
    if plan.hum_db > -100:
        hum = _hum(len(samples), plan.hum_hz, sample_rate)
        out = out + hum * np.float32(level * decibels(plan.hum_db))
    return out


def noise(n: int, tilt: float, sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Return noise of level 1 whose spectrum falls by `tilt` dB an octave; it repeats after 8 s."""
    from scipy.fft import irfft, next_fast_len, rfft

    n_fft = next_fast_len(min(n, 8 * sample_rate))
    frequencies = np.maximum(np.fft.rfftfreq(n_fft, 1 / sample_rate), 20)
    spectrum = rfft(rng.standard_normal(n_fft, dtype=np.float32))
    noise = np.asarray(irfft(spectrum * (frequencies / 1000) ** (tilt / 6.02), n_fft), np.float32)
    return np.asarray(np.resize(noise, n), np.float32) / np.float32(rms(noise) + 1e-9)


def _hum(n: int, frequency: float, sample_rate: int) -> Floats32:
    """Return mains hum with its odd harmonics and the second."""
    phase = 2 * np.pi * frequency * np.arange(n) / sample_rate
    return np.asarray(sum(np.sin(k * phase) / k for k in (1, 2, 3, 5)), np.float32)


def add_ambience(
    samples: Floats32, ambience: Floats32, level_db: float, rng: np.random.Generator
) -> Floats32:
    """Lay an ambience under the music, from a random place on."""
    start = int(rng.integers(len(ambience)))
    under = np.resize(np.roll(ambience, -start), len(samples))
    scale = rms(samples) * decibels(level_db) / (rms(under) + 1e-9)
    out: Floats32 = samples + under.astype(np.float32) * np.float32(scale)
    return out


def pump(samples: Floats32, kicks: NDArray[np.float64], sample_rate: int, depth: float) -> Floats32:
    """Duck the sound after each kick [s], as a side-chained compressor does."""
    if depth <= 0 or not len(kicks):
        return samples
    time = np.arange(len(samples), dtype=np.float32) / np.float32(sample_rate)
    index = np.searchsorted(kicks, time, side="right") - 1
    since = np.where(index >= 0, time - kicks[np.maximum(index, 0)], 9.0)
    gain = 1 - depth * np.exp(-since / 0.09)
    out: Floats32 = samples * gain.astype(np.float32)
    return out


def normalize(samples: Floats32, level_db: float) -> Floats32:
    """Set the peak level [dBFS]."""
    peak = float(np.abs(samples).max())
    return samples if peak < 1e-6 else samples * np.float32(decibels(level_db) / peak)


def process(
    samples: Floats32,
    plan: SoundPlan,
    sample_rate: int,
    rng: np.random.Generator,
    ambience: Floats32 | None = None,
) -> Floats32:
    """Send a clip down the whole path, codec included."""
    from mirkit.rendering.codec import round_trip

    out = equalize(samples, plan, sample_rate)
    out = room(out, plan, sample_rate, rng)
    out = compress(out, plan.squeeze, sample_rate)
    out = saturate(out, plan.drive)
    out = add_noise(out, plan, sample_rate, rng)
    if ambience is not None and plan.ambience:
        out = add_ambience(out, ambience, plan.ambience_db, rng)
    out = normalize(out, plan.level_db)
    return round_trip(out, sample_rate, plan.codec, plan.kbps) if plan.codec else out
