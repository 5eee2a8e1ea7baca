"""POP909: melodies and piano parts of pop songs, with their beats and chords.

Beats and chords are those of the MIDI files (`beat_midi`, `chord_midi`). Where bars begin is taken
from the chord changes, and left open where they do not agree. Rendered songs are for training and
evaluation here; the tunes belong to others, so no sound of them is published.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.arrays import Floats
from mirkit.rendering.archives import Corpus, split_of
from mirkit.rendering.harmony import QUALITIES, Bars, Chord
from mirkit.rendering.keys import confirm_key
from mirkit.rendering.score import Note, Part, Span, note_array
from mirkit.vocab import pitch_class

DOUBTFUL = {14, 98, 270, 276, 289, 302, 308, 326, 331, 334, 537, 540, 623, 806, 884}
"""Songs whose beats do not meet the notes."""

_QUALITIES = {
    "maj": "maj", "min": "min", "dim": "dim", "aug": "aug", "maj7": "maj7", "min7": "min7",
    "7": "7", "dim7": "dim7", "hdim7": "hdim7", "sus4": "sus4", "sus2": "sus2", "maj6": "maj6",
    "min6": "min6", "9": "9", "maj9": "maj9", "min9": "min9", "minmaj7": "minmaj7",
}  # fmt: skip


@dataclass(frozen=True)
class Song:
    """A song: its number, folder, beats in a bar, tempo, and whether beats must be doubled."""

    number: int
    folder: Path
    beats_per_bar: int
    bpm: float
    doubled: bool

    @property
    def name(self) -> str:
        """Identifier for splits."""
        return f"pop909/{self.number:03d}"


@lru_cache(maxsize=8)
def songs(corpus: Corpus, split: str) -> tuple[Song, ...]:
    """Return the songs of a split whose beats fit their notes, at the level that is tapped."""
    root = corpus.folder("pop909") / "pop909"
    table = (corpus.data or root) / "pop909" / "pop909_check.csv"
    with table.open(newline="") as file:
        found = [song for row in csv.DictReader(file) if (song := _song(row, root)) is not None]
    return tuple(song for song in found if split_of(song.name) == split)


def _song(row: dict[str, str], root: Path) -> Song | None:
    """Return a song at the level of the recording's own beats, or None where that is unclear."""
    number, bpm = int(row["song"]), float(row["bpm_beat_midi"])
    ratio = float(row["bpm_beat_audio"]) / bpm
    level = 1 if abs(ratio - 1) < 0.1 else 2 if abs(ratio - 2) < 0.15 else 0
    if number in DOUBTFUL or not level or float(row["onset_hit_beat_midi"]) < 0.85:
        return None
    if not 55 <= bpm * level <= 180:
        return None
    beats_per_bar = 3 if row["col3_period"] == "6" else 4
    return Song(number, root / f"{number:03d}", beats_per_bar, bpm * level, level == 2)


@dataclass(frozen=True, eq=False)
class Tune:
    """A song's music in beats, beat 0 being a downbeat if bars are known.

    Parameters
    ----------
    parts
        Melody, bridge and piano; onsets as the players had them.
    spans
        Chords, in beats.
    bars
        Chords of each bar, for the arranger.
    first
        Beat at which the song begins (not positive).
    n_beats
        Beats from beat 0 to the end.
    has_bars
        Whether the chord changes agree on where bars begin.
    key
        The one key that the data set states, if its chords confirm it, or None.
    """

    parts: tuple[Part, ...]
    spans: tuple[Span, ...]
    bars: Bars
    first: int
    n_beats: int
    has_bars: bool
    key: str | None = None


@lru_cache(maxsize=16)
def read_song(song: Song) -> Tune:
    """Read a song and put it on its beats."""
    times = np.loadtxt(song.folder / "beat_midi.txt")[:, 0]
    if song.doubled:
        middles = (times[:-1] + times[1:]) / 2
        times = np.sort(np.concatenate([times, middles]))
    chords = _read_chords(song.folder / "chord_midi.txt", times)
    phase, sure = bar_phase([start for start, _, _ in chords], song.beats_per_bar)
    shifted = [(start - phase, end - phase, chord) for start, end, chord in chords]
    spans = tuple((float(a), float(b), chord.label if chord else "N") for a, b, chord in shifted)
    n_beats = len(times) - phase
    bars = _bars(shifted, n_beats, song.beats_per_bar)
    return Tune(
        parts=_read_parts(song.folder / f"{song.number:03d}.mid", times, phase),
        spans=spans,
        bars=bars,
        first=-phase,
        n_beats=n_beats,
        has_bars=sure,
        key=_key(song.folder / "key_audio.txt", bars),
    )


def _key(path: Path, bars: Bars) -> str | None:
    """Return the key of a song that has but one."""
    lines = path.read_text().splitlines()
    return confirm_key(lines[0].split()[-1], bars) if len(lines) == 1 else None


def bar_phase(changes: list[int], beats_per_bar: int) -> tuple[int, bool]:
    """Return the beat modulo the bar on which most chords change, and whether it stands out.

    Examples
    --------
    >>> bar_phase([1, 5, 9, 13, 15, 17, 21, 25], 4)
    (1, True)
    >>> bar_phase([0, 2, 4, 6, 8, 10, 12, 14], 4)
    (0, False)
    """
    counts = np.bincount(np.mod(changes, beats_per_bar), minlength=beats_per_bar)
    best = int(np.argmax(counts))
    others = np.delete(counts, best)
    return best, bool(counts[best] >= 8 * (len(changes) > 20) and counts[best] > 1.5 * others.max())


def _read_chords(path: Path, times: Floats) -> list[tuple[int, int, Chord | None]]:
    """Return chords by beat; equal neighbors are joined."""
    found: list[tuple[int, int, Chord | None]] = []
    for line in path.read_text().splitlines():
        start, end, label = line.split()
        first, last = (int(np.argmin(np.abs(times - float(t)))) for t in (start, end))
        chord = parse_chord(label)
        if found and found[-1][2] == chord:
            found[-1] = (found[-1][0], last, chord)
        elif last > first:
            found.append((first, last, chord))
    return found


def parse_chord(label: str) -> Chord | None:
    """Return the chord of a label such as ``Bb:min7/b3``, or None for none.

    Examples
    --------
    >>> parse_chord("C#:maj/3").label, parse_chord("N")
    ('C#:maj/3', None)
    """
    if label == "N":
        return None
    body, _, bass = label.partition("/")
    name, _, quality = body.partition(":")
    root = pitch_class(name)
    quality = _QUALITIES.get(quality.split("(")[0], "maj")
    return Chord(root, quality, (root + _interval(bass)) % 12 if bass else root)


def _interval(text: str) -> int:
    """Return the semitones of an interval such as ``b3``."""
    degree = int(text.strip("b#"))
    steps = (0, 2, 4, 5, 7, 9, 11)[(degree - 1) % 7]
    return steps + text.count("#") - text.count("b")


def _bars(chords: list[tuple[int, int, Chord | None]], n_beats: int, length: int) -> Bars:
    """Return the chords of each bar: one, or one for each beat where they change within it."""
    fallback = next((chord for _, _, chord in chords if chord), Chord(0, "maj", 0))
    by_beat = [fallback] * (n_beats + length)
    for start, end, chord in chords:
        for beat in range(max(start, 0), min(end, len(by_beat))):
            by_beat[beat] = chord or fallback
    bars = [tuple(by_beat[i : i + length]) for i in range(0, n_beats, length)]
    return tuple(bar[:1] if len(set(bar)) == 1 else bar for bar in bars)


def _read_parts(path: Path, times: Floats, phase: int) -> tuple[Part, ...]:
    """Return melody, bridge and piano with onsets in beats."""
    import mido

    parts = []
    file = mido.MidiFile(path)
    tempo_map = _tempo_map(file)
    for track in file.tracks:
        rows = _notes(track, tempo_map)
        if not rows:
            continue
        onsets = _to_beats(np.array([row[0] for row in rows]), times) - phase
        ends = _to_beats(np.array([row[0] + row[1] for row in rows]), times) - phase
        placed = [
            (float(a), float(max(b - a, 0.05)), row[2], row[3])
            for a, b, row in zip(onsets, ends, rows, strict=True)
        ]
        role = {"MELODY": "lead", "BRIDGE": "bridge"}.get(track.name.strip(), "keys")
        parts.append(Part(role, 0, note_array(placed)))
    return tuple(parts)


def _tempo_map(file: Any) -> tuple[Floats, Floats]:
    """Return ticks and their times [s], to interpolate between."""
    import mido

    ticks, seconds, per_tick = [0.0], [0.0], 0.5 / file.ticks_per_beat
    now = 0
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "set_tempo":
            seconds.append(seconds[-1] + (now - ticks[-1]) * per_tick)
            ticks.append(float(now))
            per_tick = message.tempo / 1e6 / file.ticks_per_beat
    ticks.append(ticks[-1] + 1e7)
    seconds.append(seconds[-1] + 1e7 * per_tick)
    return np.array(ticks), np.array(seconds)


def _notes(track: Iterable[Any], tempo_map: tuple[Floats, Floats]) -> list[Note]:
    """Return the notes of a track with onset and duration in seconds."""
    tick, rows = 0, []
    sounding: dict[int, tuple[int, int]] = {}
    for message in track:
        tick += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        if message.note in sounding:
            start, velocity = sounding.pop(message.note)
            first, last = np.interp([start, tick], *tempo_map)
            rows.append((float(first), float(last - first), float(message.note), float(velocity)))
        if message.type == "note_on" and message.velocity > 0:
            sounding[message.note] = (tick, message.velocity)
    return rows


def _to_beats(seconds: Floats, times: Floats) -> Floats:
    """Return the place of each time among the beats, going on at both ends."""
    index = np.arange(len(times), dtype=np.float64)
    places = np.interp(seconds, times, index)
    before, after = seconds < times[0], seconds > times[-1]
    places[before] = (seconds[before] - times[0]) / (times[1] - times[0])
    places[after] = index[-1] + (seconds[after] - times[-1]) / (times[-1] - times[-2])
    return np.asarray(places)


assert set(_QUALITIES.values()) <= set(QUALITIES)
