"""Signals that tests make: exact in time, and each the simplest of its kind."""

import numpy as np
import soundfile

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


def chord_activations(chords, fps=10, sure=0.8, noise=0.0, seed=0, heads="tag root bass pitch"):
    """Heads of a chord network that hears (label, seconds) one after the other, as sure as told.

    Noise takes that share of the frames for another chord altogether.
    """
    from mirkit.activations import Activations, Head
    from mirkit.frames import FrameGrid
    from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS, PITCHES, parse_chord, reduce_chord

    rng = np.random.default_rng(seed)
    labels = [label for label, seconds in chords for _ in range(round(seconds * fps))]
    heard = [str(rng.choice(CHORD_TAGS[:-2])) if rng.random() < noise else x for x in labels]
    parsed = [parse_chord(label) for label in heard]
    none = len(CHORD_ROOTS) - 1
    roots = [none if chord.root is None else chord.root for chord in parsed]
    basses = [
        none if chord.root is None else (chord.root + chord.bass_step) % 12 for chord in parsed
    ]
    pitches = [
        [sure if p in chord.pitch_classes else 1 - sure for p in range(12)] for chord in parsed
    ]
    tags = [CHORD_TAGS.index(reduce_chord(label)) for label in heard]
    kinds = {
        "tag": (_surely(tags, len(CHORD_TAGS), sure), CHORD_TAGS, "softmax"),
        "root": (_surely(roots, len(CHORD_ROOTS), sure), CHORD_ROOTS, "softmax"),
        "bass": (_surely(basses, len(CHORD_ROOTS), sure), CHORD_ROOTS, "softmax"),
        "pitch": (np.array(pitches).reshape(-1, 12), PITCHES, "sigmoid"),
    }
    grid = FrameGrid.from_fps(fps)
    return Activations(
        {name: Head(kinds[name][0], kinds[name][1], grid, kinds[name][2]) for name in heads.split()}
    )


def _surely(classes, n_classes, sure):
    """Rows that give their class the probability `sure`, and the others the rest alike."""
    rows = np.full((len(classes), n_classes), (1 - sure) / (n_classes - 1))
    rows[np.arange(len(classes)), classes] = sure
    return rows


def chords(progression, sample_rate, level=0.1, seed=0):
    """Chords (label, seconds) one after the other: decaying tones, the bass an octave lower."""
    from mirkit.vocab import parse_chord

    parts = []
    for label, seconds in progression:
        chord = parse_chord(label)
        t = np.arange(round(seconds * sample_rate)) / sample_rate
        samples = np.zeros(t.size)
        if chord.root is not None:
            bass = 36 + (chord.root + chord.bass_step) % 12
            for note in [bass, *(60 + p for p in chord.pitch_classes)]:
                frequency = 440 * 2 ** ((note - 69) / 12)
                for k, weight in enumerate((1, 0.5, 0.25, 0.12), 1):
                    samples += weight * np.sin(2 * np.pi * k * frequency * t) * np.exp(-t)
        parts.append(level * samples)
    mixed = np.concatenate(parts)
    noise = 1e-5 * np.random.default_rng(seed).standard_normal(mixed.size)
    return Audio((mixed + noise).astype(np.float32), sample_rate)


def key_activations(keys, fps=1, sure=0.5, noise=0.0, seed=0):
    """Heads of a key network that hears (label, seconds) one after the other."""
    from mirkit.activations import Activations, Head
    from mirkit.frames import FrameGrid
    from mirkit.vocab import KEYS

    rng = np.random.default_rng(seed)
    true = [KEYS.index(label) for label, seconds in keys for _ in range(round(seconds * fps))]
    heard = [int(rng.integers(24)) if rng.random() < noise else i for i in true]
    rows = _surely(heard, len(KEYS), sure)
    return Activations({"key": Head(rows, KEYS, FrameGrid.from_fps(fps), "softmax")})


def chord(pitches, seconds, sample_rate, cents=0.0, n_partials=6):
    """MIDI `pitches` together, each with overtones that fall by half, `cents` above 440 Hz."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    samples = np.zeros(t.size)
    for pitch in pitches:
        f0 = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
        for i in range(1, n_partials + 1):
            samples += 0.1 * 0.5 ** (i - 1) * np.sin(2 * np.pi * i * f0 * t + i * pitch)
    return Audio(samples.astype(np.float32), sample_rate)


def write_sound_folders(folder, sample_rate, n=10):
    """Write two folders of sounds, ``hiss`` and ``tick``: 8,000 samples of noise, and 40."""
    rng = np.random.default_rng(0)
    for name, width in (("hiss", 8000), ("tick", 40)):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            samples = 1e-3 * rng.standard_normal(8000)
            samples[:width] += 0.1 * rng.standard_normal(width)
            soundfile.write(folder / name / f"{i}.wav", samples, sample_rate)
