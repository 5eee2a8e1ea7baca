"""Drum machines: one-shot samples, or drums made of sines and noise, struck by the drum part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from mirkit.arrays import Floats, Floats32
from mirkit.rendering.reading import check_table, integer, list_of, read_toml, text
from mirkit.rendering.score import Part

FILE = "tables/drum_machine.toml"


@dataclass(frozen=True)
class Voice:
    """A voice of a drum machine: the percussion keys that strike it, and samples that it may be."""

    keys: tuple[int, ...]
    samples: tuple[str, ...]


RULES = {
    "keys": list_of(integer(0, 127)),
    "samples": list_of(text(r"\w+", "the name of a sample")),
}


@cache
def machine_voices() -> Mapping[str, Voice]:
    """Return the voices of a drum machine by name."""
    tables = read_toml(FILE)
    return MappingProxyType({name: _voice(table, name) for name, table in tables.items()})


def _voice(table: object, name: str) -> Voice:
    fields = check_table(table, RULES, f"{FILE}: {name}", RULES)
    return Voice(tuple(fields["keys"]), tuple(fields["samples"]))


@cache
def voice_of(key: int) -> str | None:
    """Return the voice that a General MIDI percussion key strikes, or None."""
    return next((name for name, voice in machine_voices().items() if key in voice.keys), None)


Kit = Mapping[str, Floats32]


def draw_kit(rng: np.random.Generator, folder: Path | None, sample_rate: int) -> Kit:
    """Draw a kit: each voice is a recorded one-shot, tuned a little, or is synthesized."""
    made = rng.random() < 0.35 or folder is None
    kit = {}
    for name, voice in machine_voices().items():
        if made or folder is None or rng.random() < 0.2:
            kit[name] = synthesize_drum(name, sample_rate, rng)
        else:
            kit[name] = _tune(
                _load(folder / f"{rng.choice(voice.samples)}.flac", sample_rate),
                float(rng.normal(scale=1.5)),
            )
    return kit


@lru_cache(maxsize=128)
def _load(path: Path, sample_rate: int) -> Floats32:
    """Read a one-shot as mono, without the silence before its stroke, peak 1."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, sample_rate).astype(np.float32)
    peak = float(np.abs(mono).max()) + 1e-9
    start = int(np.argmax(np.abs(mono) > 0.1 * peak))
    start = max(start - int(0.001 * sample_rate), 0)
    return _fade_out(mono[start : start + int(1.2 * sample_rate)] / peak)


def _fade_out(samples: Floats32) -> Floats32:
    n = min(len(samples) // 4, 1000)
    out = samples.copy()
    if n:
        out[-n:] *= np.linspace(1, 0, n, dtype=np.float32)
    return out


def _tune(samples: Floats32, semitones: float) -> Floats32:
    ratio = 2 ** (semitones / 12)
    places = np.arange(0, len(samples) - 1, ratio)
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)


def synthesize_drum(voice: str, sample_rate: int, rng: np.random.Generator) -> Floats32:
    """Return a drum made of a falling sine and shaped noise, as early drum machines made them."""
    seconds = {"kick": 0.45, "crash": 1.2, "open": 0.4, "ride": 0.6, "tom": 0.4}.get(voice, 0.22)
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    tone, noise = np.zeros_like(time), rng.normal(size=len(time))
    if voice in ("kick", "tom"):
        low = rng.uniform(40, 62) if voice == "kick" else rng.uniform(80, 190)
        sweep = low * (1 + rng.uniform(1, 7) * np.exp(-time / rng.uniform(0.008, 0.03)))
        tone = np.sin(2 * np.pi * np.cumsum(sweep) / sample_rate) * np.exp(
            -time / rng.uniform(0.05, 0.2)
        )
        body = tone + 0.15 * noise * np.exp(-time / 0.003)
    elif voice == "snare":
        tone = np.sin(2 * np.pi * rng.uniform(160, 260) * time) * np.exp(-time / 0.05)
        body = rng.uniform(0.2, 0.8) * tone + noise * np.exp(-time / rng.uniform(0.03, 0.1))
    elif voice == "clap":
        envelope = sum(
            np.exp(-np.maximum(time - d, 0) / 0.006) * (time >= d) for d in (0, 0.009, 0.019)
        )
        body = np.diff(noise, prepend=0.0) * (0.7 * np.asarray(envelope) + np.exp(-time / 0.07))
    elif voice in ("rim", "bell"):
        pitch = rng.uniform(500, 1800)
        tone = np.sin(2 * np.pi * pitch * time) + np.sin(2 * np.pi * pitch * 1.48 * time)
        body = tone * np.exp(-time / (0.012 if voice == "rim" else 0.08))
    else:
        decay = {"hat": 0.025, "open": 0.15, "ride": 0.2, "crash": 0.4, "shaker": 0.04}[voice]
        metal = sum(np.sign(np.sin(2 * np.pi * f * time)) for f in rng.uniform(2200, 9000, 5))
        body = np.diff(noise + 0.4 * np.asarray(metal), n=2, prepend=[0.0, 0.0]) * np.exp(
            -time / (decay * rng.uniform(0.6, 1.6))
        )
    body = np.asarray(body, np.float32)
    return _fade_out(body / (np.abs(body).max() + 1e-9))


def strike(part: Part, kit: Kit, seconds: float, delay: float, sample_rate: int) -> Floats32:
    """Return a drum part played on a kit, mono, note times `delay` seconds later."""
    n = round(seconds * sample_rate)
    out = np.zeros(n + 2 * sample_rate, np.float32)
    for onset, _, pitch, velocity in part.notes.tolist():
        sound = kit.get(voice_of(int(pitch)) or "")
        start = round((onset + delay) * sample_rate)
        if sound is None or not 0 <= start < n:
            continue
        out[start : start + len(sound)] += sound * np.float32((velocity / 127) ** 1.6)
    return out[:n] * np.float32(0.5)


def kick_times(parts: tuple[Part, ...]) -> Floats:
    """Return the onsets of the bass drum [s]."""
    found = [part.notes[np.isin(part.notes[:, 2], (35, 36)), 0] for part in parts if part.is_drums]
    return np.sort(np.concatenate(found)) if found else np.empty(0)
