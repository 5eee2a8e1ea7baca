"""Signals that tests make: exact in time, and each the simplest of its kind."""

import numpy as np

from mirkit.audio import Audio


def click_track(bpm, n_beats, sample_rate, start=0.5, beats_per_bar=4, noise=0.0):
    """A decaying noise burst on each beat, louder on each downbeat; `start` is the first [s]."""
    rng = np.random.default_rng(0)
    times = start + np.arange(n_beats) * 60 / bpm
    n_click = sample_rate // 50
    n_samples = int((times[-1] + 60 / bpm) * sample_rate)
    samples = noise * rng.standard_normal(n_samples)
    burst = rng.standard_normal(n_click) * np.exp(-np.arange(n_click) / (n_click / 5))
    for i, time in enumerate(times):
        first = round(time * sample_rate)
        samples[first : first + n_click] += burst * (0.3 if i % beats_per_bar == 0 else 0.2)
    return Audio(samples.astype(np.float32), sample_rate)


def silence(seconds, sample_rate):
    """Nothing at all."""
    return Audio(np.zeros(round(seconds * sample_rate), np.float32), sample_rate)


def music(seconds, sample_rate, seed=0):
    """Two gliding tones, bursts of noise twice a second, and a noise floor."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    tones = 0.2 * np.sin(2 * np.pi * (220 * t + 40 * t**2)) + 0.1 * np.sin(2 * np.pi * 1870 * t)
    bursts = 0.3 * rng.standard_normal(t.size) * np.exp(-40 * (t % 0.5))
    noise = 1e-3 * rng.standard_normal(t.size)
    return Audio((tones + bursts + noise).astype(np.float32), sample_rate)


def click(at, seconds, sample_rate, noise=1e-4):
    """One sample of full scale at a time [s], in a little noise."""
    samples = noise * np.random.default_rng(0).standard_normal(round(seconds * sample_rate))
    samples[round(at * sample_rate)] += 1
    return Audio(samples.astype(np.float32), sample_rate)


def cut(samples, rng, longest):
    """Cut `samples` (n_samples,) into blocks of random length, some of them empty."""
    blocks = []
    while samples.size:
        n = rng.integers(0, longest + 1)
        blocks.append(samples[:n])
        samples = samples[n:]
    return blocks


def click_activation(beats, fps=100, duration=None, height=0.9, noise=0.0, seed=0):
    """Beat activations with a triangle three frames wide at each beat [s]."""
    beats = np.asarray(beats, dtype=float)
    n = int(np.ceil((duration or (beats[-1] + 1)) * fps)) + 1
    frames = np.arange(n)
    curve = np.abs(np.random.default_rng(seed).normal(0, noise, n)) if noise else np.zeros(n)
    for beat in beats:
        curve = np.maximum(curve, height * np.clip(1 - np.abs(frames - beat * fps) / 2, 0, 1))
    return np.clip(curve, 0, 1)


def steady_beats(bpm, duration, start=0.3):
    """Beats of one tempo [s]."""
    return np.arange(start, duration, 60 / bpm)


def ramp_beats(first_bpm, last_bpm, duration, start=0.3):
    """Beats whose tempo goes from one to another, by equal ratios in equal times [s]."""
    beats = [start]
    while beats[-1] < duration:
        bpm = first_bpm * (last_bpm / first_bpm) ** (beats[-1] / duration)
        beats.append(beats[-1] + 60 / bpm)
    return np.array(beats[:-1])


def ticks(times, seconds, sample_rate, n_channels=1):
    """Short decaying tones that begin at `times` [s]: they survive lossy encoders, and their
    place is found to the sample by `lag`."""
    samples = np.zeros(round(seconds * sample_rate))
    t = np.arange(sample_rate // 100) / sample_rate
    tick = 0.8 * np.exp(-400 * t) * np.sin(2 * np.pi * 1500 * t + 1)
    for time in times:
        first = round(time * sample_rate)
        samples[first : first + t.size] += tick[: samples.size - first]
    return Audio(np.tile(samples.astype(np.float32), (n_channels, 1)), sample_rate)


def lag(reference, samples):
    """By how many samples `samples` come after `reference`, from their cross-correlation."""
    n = 2 ** int(np.ceil(np.log2(len(reference) + len(samples))))
    spectrum = np.fft.rfft(samples, n) * np.conj(np.fft.rfft(reference, n))
    peak = int(np.argmax(np.fft.irfft(spectrum, n)))
    return peak if peak < n // 2 else peak - n


def chord(pitches, seconds, sample_rate, cents=0.0, n_partials=6):
    """MIDI `pitches` together, each with overtones that fall by half, `cents` above 440 Hz."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    samples = np.zeros(t.size)
    for pitch in pitches:
        f0 = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
        for i in range(1, n_partials + 1):
            samples += 0.1 * 0.5 ** (i - 1) * np.sin(2 * np.pi * i * f0 * t + i * pitch)
    return Audio(samples.astype(np.float32), sample_rate)
