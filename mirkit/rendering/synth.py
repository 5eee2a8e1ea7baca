"""From a score to sound: a MIDI file with 1 ms ticks, played by FluidSynth."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import AudioError, MissingExtra
from mirkit.rendering.score import Part

TICKS = 500
"""Ticks a beat: without a tempo event (120 bpm) a tick is one millisecond."""

DRUM_CHANNEL = 9

ATTACKS: dict[int, int] = {
    19: 30, 20: 18, 21: 28, 22: 20, 23: 20, 29: 18, 40: 40, 41: 30, 42: 55, 44: 45, 48: 50, 49: 60,
    50: 45, 51: 40, 52: 45, 53: 45, 54: 42, 57: 30, 60: 18, 64: 18, 66: 18, 68: 22, 70: 22, 71: 22,
    72: 55, 73: 38, 74: 30, 75: 35, 76: 40, 77: 45, 78: 50, 85: 30, 89: 50, 92: 45, 93: 50, 95: 30,
    97: 40, 102: 35, 103: 30, 110: 40,
}  # fmt: skip
"""Attack of instruments that speak slowly, by program [ms]: measured to 0.4 of their peak, three
quarters of it. Players begin earlier by as much, so that they are heard on the beat."""

SOUNDFONT_DIRS = (
    Path("/usr/share/sounds/sf2"),
    Path("/usr/share/sounds/sf3"),
    Path("/usr/share/soundfonts"),
)

INSTALL = "apt-get install fluidsynth fluid-soundfont-gm timgm6mb-soundfont csound-soundfont"


@dataclass(frozen=True)
class Mix:
    """The parts' settings at the synthesizer.

    Parameters
    ----------
    volumes
        Channel volume of each part, 0 to 127.
    pans
        Position of each part, 0 (left) to 127 (right).
    cents
        Detuning of everything pitched.
    gain
        FluidSynth's master gain.
    vibratos
        Depth of each part's vibrato [cents]; such parts play one note at a time. Empty for none.
    """

    volumes: tuple[int, ...]
    pans: tuple[int, ...]
    cents: float = 0.0
    gain: float = 0.4
    vibratos: tuple[float, ...] = ()


def midi_bytes(parts: Sequence[Part], mix: Mix, delay: float = 0.0) -> bytes:
    """Return a type 0 MIDI file of the parts, each note `delay` seconds later.

    A tick is one millisecond, so any tempo curve is kept to half a millisecond. Instruments of
    slow attack begin earlier (`ATTACKS`).
    """
    events: list[tuple[int, int, bytes]] = []
    for index, (channel, part) in enumerate(zip(channels(parts), parts, strict=True)):
        events += _setup(channel, part, mix, index)
        lead = 0 if part.is_drums else ATTACKS.get(part.program, 0) / 1000
        ticks = np.rint((part.notes[:, :2] + [delay - lead, lead]) * 1000).astype(np.int64)
        for (start, length), (pitch, velocity) in zip(
            ticks.tolist(), part.notes[:, 2:].astype(int).tolist(), strict=True
        ):
            if start < 0 or not 0 <= pitch < 128:
                continue
            events.append((start, 2, bytes((0x90 | channel, pitch, min(max(velocity, 1), 127)))))
            events.append((start + max(length, 1), 1, bytes((0x80 | channel, pitch, 0))))
        if mix.vibratos and mix.vibratos[index]:
            events += _vibrato(channel, ticks, mix.cents, mix.vibratos[index])
    events.sort()
    track = bytearray()
    now = 0
    for tick, _, message in events:
        track += _variable(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS)
    return header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def channels(parts: Sequence[Part]) -> list[int]:
    """Return a MIDI channel for each part: drums on 9, the others from 0 up."""
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    found = []
    n_pitched = 0
    for part in parts:
        found.append(DRUM_CHANNEL if part.is_drums else free[n_pitched % len(free)])
        n_pitched += not part.is_drums
    return found


def _setup(channel: int, part: Part, mix: Mix, index: int) -> list[tuple[int, int, bytes]]:
    program = part.kit if part.is_drums else part.program
    messages = (
        bytes((0xC0 | channel, program)),
        bytes((0xB0 | channel, 7, mix.volumes[index])),
        bytes((0xB0 | channel, 10, mix.pans[index])),
        _bend(channel, 0.0 if part.is_drums else mix.cents),
    )
    return [(0, 0, message) for message in messages]


def _bend(channel: int, cents: float) -> bytes:
    """Return a pitch bend at the usual range of two semitones."""
    bend = int(np.clip(8192 + cents / 200 * 8192, 0, 16383))
    return bytes((0xE0 | channel, bend & 0x7F, bend >> 7))


VIBRATO_HZ = 5.6
SCOOP = 45.0
"""Distance below its pitch at which a note with vibrato begins [cents], for 70 ms."""


def _vibrato(
    channel: int, ticks: NDArray[np.int64], cents: float, depth: float
) -> list[tuple[int, int, bytes]]:
    """Return bends, one each 20 ms: each note scoops up, and wavers once it has stood a while."""
    events = []
    for start, length in ticks[ticks[:, 0] >= 0].tolist():
        for at in range(0, max(length, 1), 20):
            grown = min(max((at - 180) / 250, 0.0), 1.0)
            waver = depth * grown * float(np.sin(2 * np.pi * VIBRATO_HZ * (at - 180) / 1000))
            scoop = SCOOP * depth / 55 * max(1 - at / 70, 0.0)
            events.append((start + at, 0, _bend(channel, cents + waver - scoop)))
    return events


def _variable(value: int) -> bytes:
    """Return a delta time in MIDI's variable length."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))


def soundfont(name: str) -> Path:
    """Return the path of an installed soundfont, named with or without its ending.

    Raises
    ------
    MissingExtra
        Where it is in none of the system's folders; the message holds the apt line.
    """
    for folder in SOUNDFONT_DIRS:
        for candidate in (folder / name, folder / f"{name}.sf2", folder / f"{name}.sf3"):
            if candidate.is_file():
                return candidate
    raise MissingExtra(f"the soundfont {name}", INSTALL, "rendering")


def synthesize(
    parts: Sequence[Part],
    mix: Mix,
    font: str,
    seconds: float,
    delay: float = 0.0,
    sample_rate: int = 44100,
) -> NDArray[np.float32]:
    """Return the parts as stereo sound, shape ``(2, n_samples)``; note times are `delay` later.

    Raises
    ------
    MissingExtra
        Where FluidSynth or the soundfont is not installed.
    """
    n_samples = round(seconds * sample_rate)
    if not any(len(part.notes) for part in parts):
        return np.zeros((2, n_samples), np.float32)
    data = _run_fluidsynth(midi_bytes(parts, mix, delay), soundfont(font), mix.gain, sample_rate)
    samples = np.frombuffer(data, dtype="<i2").reshape(-1, 2).T.astype(np.float32) / 32768
    out = np.zeros((2, n_samples), np.float32)
    n = min(n_samples, samples.shape[1])
    out[:, :n] = samples[:, :n]
    return out


def _run_fluidsynth(midi: bytes, font: Path, gain: float, sample_rate: int) -> bytes:
    """Run FluidSynth once on a MIDI file and return raw 16-bit stereo samples."""
    if shutil.which("fluidsynth") is None:
        raise MissingExtra("FluidSynth", INSTALL, "rendering")
    with tempfile.TemporaryDirectory(prefix="mirkit-") as folder:
        source, target = Path(folder) / "in.mid", Path(folder) / "out.raw"
        source.write_bytes(midi)
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-R",
            "0",
            "-C",
            "0",
            "-g",
            f"{gain:.3f}",
            "-r",
            str(sample_rate),
            "-o",
            "synth.dynamic-sample-loading=1",
            "-F",
            str(target),
            "-T",
            "raw",
            "-O",
            "s16",
            str(font),
            str(source),
        ]
        done = subprocess.run(command, capture_output=True, check=False, timeout=600)
        if done.returncode or not target.is_file():
            raise AudioError(
                f"fluidsynth failed with {font.name}: {done.stderr.decode(errors='replace')[-500:]}"
            )
        return target.read_bytes()
