"""The mixing desk: who plays each part, how loud, and what becomes of the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.rendering import arranger, backgrounds, drum_machine, effects, synth, voices
from mirkit.rendering.archives import Corpus
from mirkit.rendering.plan import ClipSpec
from mirkit.rendering.score import Part, Score

SAMPLE_RATE = 22050
"""Rate of the finished clips [Hz]."""

SYNTH_RATE = 32000
"""Rate at which FluidSynth plays [Hz]: what its samples alias lies above the finished band."""

PREROLL = 2.0
"""Music that is played before a clip begins, so that its first sounds are under way [s]."""

FONT_DELAY = 0.002
"""By how much FluidSynth is late: its blocks, the samples' own fade in; measured [s]."""


@lru_cache(maxsize=16)
def read_ambience(path: Path) -> NDArray[np.float32]:
    """Return a recording as mono samples of `SAMPLE_RATE`."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE), np.float32)


def mix_down(
    score: Score, spec: ClipSpec, corpus: Corpus, rng: np.random.Generator
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the band as mono samples of `SAMPLE_RATE`, and what was chosen for it."""
    seconds = spec.seconds + PREROLL
    mix = draw_mix(score.parts, rng)
    if spec.source == "harmony":
        mix = replace(mix, vibratos=draw_vibratos(score.parts, rng))
    makers = tuple(draw_maker(part, rng) for part in score.parts)
    electronic = _draw_machine_share(score, rng)
    band = _play(score.parts, mix, spec.font, seconds, makers, "font")
    beat = np.zeros_like(band)
    if electronic < 1:
        beat = _play(score.parts, mix, spec.font, seconds, makers, "drums")
    if electronic:
        beat = _blend(_play_machine(score, corpus, seconds, rng), beat, electronic)
    cents = 0.0 if spec.version == "v6" else mix.cents  # v6 left these voices at 440 Hz
    band = _add_voices(band, score.parts, makers, seconds, cents, rng)
    if "amp" in makers:
        clean = _play(_clean_guitars(score.parts, rng), mix, spec.font, seconds, makers, "amp")
        band = _add_amplified(band, clean, rng)
    kicks = drum_machine.kick_times(score.parts) + PREROLL
    pumped = electronic == 1 and rng.random() < 0.5
    depth = float(rng.uniform(0.3, 0.9)) if pumped else 0.0
    band = effects.pump(band, kicks, SAMPLE_RATE, depth)
    band, beat = (effects.tint(stem, SAMPLE_RATE, rng) for stem in (band, beat))
    balance = float(rng.normal(-2.0, 4.0))
    samples = _balance(band, beat, balance)[int(PREROLL * SAMPLE_RATE) :]
    if spec.source == "harmony":
        recording = backgrounds.choose_recording(corpus.ambiences(), read_ambience, rng)
        samples = backgrounds.add_backgrounds(samples, score.sections, SAMPLE_RATE, rng, recording)
    notes = {
        "cents": round(mix.cents, 1),
        "machine_drums": round(electronic, 2),
        "drums_db": round(balance, 1),
        "pumped": pumped,
        "makers": [maker for maker in makers if maker not in ("font", "drums")],
    }
    return samples, notes


SUNG = (52, 53, 54, 85, 73, 71, 68)
"""Programs that stand for a voice in the arranger's table."""

FM_CHANCE = {"synth": 0.4, "pluck": 0.4, "pad": 0.3, "bass": 0.15, "lead": 0.12, "keys": 0.08}
"""Chance that a part is played by an FM synthesizer instead of the soundfont."""


def draw_maker(part: Part, rng: np.random.Generator) -> str:
    """Return who plays a part: soundfont (``font``, ``drums``), singer, synthesizer, amplifier."""
    if part.is_drums:
        return "drums"
    if part.role == "lead" and part.program in SUNG and rng.random() < 0.65:
        return "singer"
    if part.program in (29, 30) and rng.random() < 0.5:
        return "amp"
    acoustic = part.role == "bass" and part.program == 32
    return "fm" if rng.random() < FM_CHANCE.get(part.role, 0.0) and not acoustic else "font"


def _add_amplified(
    band: NDArray[np.float32], clean: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add guitars that a distorting amplifier plays, about as loud as the rest."""
    level = (effects.rms(band) or 0.05) * effects.decibels(float(rng.normal(0.0, 4.0)))
    amplified = effects.amplifier(clean, SAMPLE_RATE, rng)
    return band + amplified * np.float32(min(level / (_loudness(amplified) + 1e-6), 50.0))


def _clean_guitars(parts: Sequence[Part], rng: np.random.Generator) -> tuple[Part, ...]:
    """Return the parts with clean guitars for distorted ones: the amplifier distorts them."""
    clean = int(rng.choice([26, 27, 27, 28]))
    return tuple(replace(p, program=clean) if p.program in (29, 30) else p for p in parts)


VOICE_DB = {"lead": (0.0, 4.0), "bass": (-3.0, 3.0)}
"""Mean and spread of a voice's level against the rest of the band, by role [dB]."""


def _add_voices(
    band: NDArray[np.float32], parts: Sequence[Part], makers: Sequence[str], seconds: float,
    cents: float, rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """Add what singers and synthesizers play, in tune and each at a level of its own."""
    level = effects.rms(band) or 0.05
    for part, maker in zip(parts, makers, strict=True):
        if maker in ("font", "drums", "amp") or not len(part.notes):
            continue
        play = voices.sing if maker == "singer" else voices.synthesize
        stem = play(_tune(part, cents), seconds, PREROLL, SAMPLE_RATE, rng)
        mean, spread = VOICE_DB.get(part.role, (-7.0, 4.0))
        gain = level * effects.decibels(float(rng.normal(mean, spread))) / (_loudness(stem) + 1e-6)
        band = band + stem * np.float32(min(gain, 50.0))
    return band


def _tune(part: Part, cents: float) -> Part:
    notes = part.notes.copy()
    notes[:, 2] += cents / 100
    return replace(part, notes=notes)


def _loudness(samples: NDArray[np.float32]) -> float:
    """Return the level of the louder half of a stem: rests do not count."""
    power = np.square(samples[: len(samples) // 1024 * 1024]).reshape(-1, 1024).mean(axis=1)
    loud = np.sort(power)[len(power) // 2 :]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def _blend(
    machine: NDArray[np.float32], kit: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Mix a drum machine and a kit of equal loudness."""
    if effects.rms(kit) < 1e-5:
        return machine
    matched = machine * np.float32(effects.rms(kit) / (effects.rms(machine) + 1e-6))
    return np.float32(share) * matched + np.float32(1 - share) * kit


def _draw_machine_share(score: Score, rng: np.random.Generator) -> float:
    """Return the share of drum-machine sounds among the drums: 0, 1, or between."""
    style = arranger.styles().get(score.origin.style)
    chance = max(style.electronic if style else 0.0, 0.25)
    if not score.has_drums or rng.random() >= chance:
        return 0.0
    layered = style is None or style.electronic < 0.3
    return float(rng.choice([0.35, 0.5, 0.7] if layered else [1.0, 1.0, 0.5]))


def draw_mix(parts: Sequence[Part], rng: np.random.Generator) -> synth.Mix:
    """Draw the mixing desk: volumes and places by role, and the tuning of the band."""
    ranges = {"bass": (80, 118), "lead": (78, 122), "drums": (110, 110), "human drums": (110, 110)}
    volumes = tuple(
        int(rng.integers(*(low, high + 1)))
        for low, high in (ranges.get(part.role, (60, 112)) for part in parts)
    )
    cents = float(rng.normal(scale=15)) if rng.random() < 0.7 else float(rng.uniform(-50, 50))
    pans = tuple(int(np.clip(rng.normal(64, 20), 0, 127)) for _ in parts)
    return synth.Mix(volumes, pans, float(np.clip(cents, -50, 50)))


STEADY = (*range(16), 24, 25, 45, 46, 47, 80, 81, 98, 99, 104, 105, 106, 107, 108)
"""Programs that are struck or plucked, or whose tone stands still: they have no vibrato."""


def draw_vibratos(parts: Sequence[Part], rng: np.random.Generator) -> tuple[float, ...]:
    """Draw the depth of each part's vibrato [cents]: most leads have one, nothing else does."""
    return tuple(
        float(rng.uniform(10, 55))
        if part.role == "lead" and part.program not in STEADY and rng.random() < 0.75
        else 0.0
        for part in parts
    )


def _play(
    parts: Sequence[Part],
    mix: synth.Mix,
    font: str,
    seconds: float,
    makers: Sequence[str],
    maker: str,
) -> NDArray[np.float32]:
    """Return the parts of one maker, played by the soundfont, as mono samples."""
    import soxr

    chosen = [i for i, name in enumerate(makers) if name == maker]
    if not chosen:
        return np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    picked = replace(
        mix,
        volumes=tuple(mix.volumes[i] for i in chosen),
        pans=tuple(mix.pans[i] for i in chosen),
        vibratos=tuple(mix.vibratos[i] for i in chosen) if mix.vibratos else (),
    )
    stereo = synth.synthesize(
        [parts[i] for i in chosen], picked, font, seconds, PREROLL - FONT_DELAY, SYNTH_RATE
    )
    mono = soxr.resample(stereo.mean(axis=0), SYNTH_RATE, SAMPLE_RATE, quality="HQ")
    return np.asarray(np.resize(mono, round(seconds * SAMPLE_RATE)), np.float32)


def _play_machine(
    score: Score, corpus: Corpus, seconds: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    kit = drum_machine.draw_kit(rng, corpus.samples(), SAMPLE_RATE)
    parts = [part for part in score.parts if part.is_drums]
    struck = [drum_machine.strike(part, kit, seconds, PREROLL, SAMPLE_RATE) for part in parts]
    return np.asarray(np.sum(struck, axis=0), np.float32)


def _balance(
    band: NDArray[np.float32], beat: NDArray[np.float32], balance: float
) -> NDArray[np.float32]:
    """Add the drums at `balance` dB against the rest."""
    levels = effects.rms(band), effects.rms(beat)
    if min(levels) < 1e-5:
        return band + beat
    return band + beat * np.float32(levels[0] / levels[1] * effects.decibels(balance))
