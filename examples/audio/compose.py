"""Compose and render the demo piece: `demo.ogg`, with its true beats in `demo.beats`.

The piece and this program are part of mirkit and under its license. Rendering needs FluidSynth, a
General MIDI soundfont and ffmpeg (Debian: fluidsynth, fluid-soundfont-gm, ffmpeg); the files it
makes are kept in the repository, so nobody has to.

Run: python examples/audio/compose.py
"""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mido

BPM = 112
BEATS_PER_BAR = 4
N_BARS = 15
TICKS = 480
LEAD_IN = 0.35  # seconds before the first beat, so that a tracker has a phase to find
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")

KICK, SNARE, CLOSED_HAT, OPEN_HAT, CRASH = 36, 38, 42, 46, 49
PROGRAMS = {"bass": (0, 33), "keys": (1, 4), "lead": (2, 11)}
DRUMS = 9

CHORDS = {
    "Dm7": (50, (53, 57, 60, 64)),
    "G7": (43, (53, 55, 59, 62)),
    "Cmaj7": (48, (52, 55, 59, 64)),
    "Am7": (45, (52, 55, 60, 64)),
    "Fmaj7": (41, (52, 57, 60, 64)),
}
VERSE = ("Dm7", "G7", "Cmaj7", "Am7")
CHORUS = ("Fmaj7", "G7", "Am7", "Cmaj7")
SCALE = (72, 74, 76, 79, 81, 84)


@dataclass(frozen=True)
class Note:
    """One note; start and length in beats from the first downbeat."""

    channel: int
    pitch: int
    start: float
    length: float
    velocity: int


def main() -> None:
    """Write demo.mid, demo.ogg and demo.beats beside this file."""
    folder = Path(__file__).parent
    write_midi(list(compose()), folder / "demo.mid")
    render(folder / "demo.mid", folder / "demo.ogg")
    lines = [
        f"{LEAD_IN + beat * 60 / BPM:.6f}\t{beat % BEATS_PER_BAR + 1}\n"
        for beat in range(N_BARS * BEATS_PER_BAR)
    ]
    (folder / "demo.beats").write_text("".join(lines))


def compose(seed: int = 2026) -> Iterator[Note]:
    """Yield the notes: two bars of keys alone, then the band, with a fill every fourth bar."""
    rng = random.Random(seed)
    pitch = SCALE[2]
    for bar in range(N_BARS):
        chord = (VERSE if bar < 10 else CHORUS)[bar % 4]
        start = bar * BEATS_PER_BAR
        yield from keys(chord, start, rng)
        if bar >= 2:
            yield from drums(start, bar % 4 == 1, rng)
            yield from bass(chord, start, rng)
        if bar >= 4:
            for note in lead(start, pitch, rng):
                pitch = note.pitch
                yield note


def drums(start: float, fill: bool, rng: random.Random) -> Iterator[Note]:
    """Yield a bar of drums: back beat, syncopated kick, eighths on the hat."""
    if fill:
        yield Note(DRUMS, CRASH, start, 1, 90)
    for beat in (0, 1.5, 2, 3.5) if rng.random() < 0.5 else (0, 2.5):
        yield Note(DRUMS, KICK, start + beat, 0.2, rng.randint(98, 112))
    for beat in (1, 3):
        yield Note(DRUMS, SNARE, start + beat, 0.2, rng.randint(95, 108))
    for eighth in range(8):
        hat = OPEN_HAT if eighth == 7 and fill else CLOSED_HAT
        accent = 78 if eighth % 2 == 0 else 58
        yield Note(DRUMS, hat, start + eighth / 2, 0.1, accent + rng.randint(-6, 6))


def bass(chord: str, start: float, rng: random.Random) -> Iterator[Note]:
    """Yield a bar of bass: the root, its octave, and an approach."""
    root = CHORDS[chord][0] - 12
    for beat, step in ((0, 0), (1.5, 0), (2, 12), (3, 7), (3.5, rng.choice((0, 10)))):
        yield Note(PROGRAMS["bass"][0], root + step, start + beat, 0.45, rng.randint(88, 100))


def keys(chord: str, start: float, rng: random.Random) -> Iterator[Note]:
    """Yield a bar of electric piano: a held chord and an off-beat stab."""
    for beat, length in ((0, 1.4), (2.5, 1.2)):
        for pitch in CHORDS[chord][1]:
            yield Note(PROGRAMS["keys"][0], pitch, start + beat, length, rng.randint(62, 76))


def lead(start: float, pitch: int, rng: random.Random) -> Iterator[Note]:
    """Yield a bar of melody: a walk over the scale in quarters and eighths."""
    place = SCALE.index(pitch)
    for eighth in sorted(rng.sample(range(8), 4)):
        place = min(max(place + rng.choice((-1, 0, 1, 2)), 0), len(SCALE) - 1)
        yield Note(PROGRAMS["lead"][0], SCALE[place], start + eighth / 2, 0.45, rng.randint(70, 90))


def write_midi(notes: list[Note], path: Path) -> None:
    """Write the notes as a MIDI file that begins `LEAD_IN` seconds before the first beat."""
    offset = round(LEAD_IN * BPM / 60 * TICKS)
    events = [
        (offset + round(time * TICKS), kind, note)
        for note in notes
        for time, kind in ((note.start, "note_on"), (note.start + note.length, "note_off"))
    ]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BPM))])
    for channel, program in PROGRAMS.values():
        track.append(mido.Message("program_change", channel=channel, program=program))
    now = 0
    for tick, kind, note in sorted(events, key=lambda event: (event[0], event[1])):
        velocity = note.velocity if kind == "note_on" else 0
        track.append(
            mido.Message(
                kind, channel=note.channel, note=note.pitch, velocity=velocity, time=tick - now
            )
        )
        now = tick
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[track]).save(path)


def render(midi: Path, output: Path) -> None:
    """Render a MIDI file with FluidSynth and encode it."""
    if not SOUNDFONT.exists():
        sys.exit(f"{SOUNDFONT} is missing: apt install fluid-soundfont-gm")
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "demo.wav"
        subprocess.run(
            ["fluidsynth", "-niq", "-g", "0.6", "-r", "44100", "-F", wav, SOUNDFONT, midi],
            check=True,
        )
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", wav, "-q:a", "3", "-map_metadata", "-1",
             "-metadata", "title=Two Cores", "-metadata", "artist=The mirkit authors", output],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
