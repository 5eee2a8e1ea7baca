"""Human drumming: performances of the Groove MIDI data set, with a band arranged around them.

The drummers played to a metronome, so beats lie exactly at multiples of the beat from 0 on; the
drummer's own timing against it is kept.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirkit.arrays import Floats
from mirkit.rendering.archives import Corpus
from mirkit.rendering.score import DRUMS, Part, note_array

SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}

GENRES = {
    "rock": ("rock", "pop", "hard rock half-time"),
    "funk": ("funk",),
    "latin": ("samba", "bossa nova", "cha-cha"),
    "jazz": ("swing",),
    "hiphop": ("hip-hop", "dub and downtempo"),
    "soul": ("soul",),
    "pop": ("pop", "synth pop"),
    "neworleans": ("funk", "soul"),
    "afrobeat": ("afrobeat",),
    "dance": ("disco", "house"),
    "afrocuban": ("salsa", "rumba"),
    "punk": ("thrash and punk",),
    "reggae": ("reggae",),
    "blues": ("shuffle blues",),
    "country": ("country",),
    "highlife": ("afrobeat",),
    "gospel": ("soul",),
    "middleeastern": ("funk",),
}
"""Arranger styles that suit each genre of drumming."""

KIT_KEYS = {22: 42, 26: 46, 58: 43, 40: 38, 55: 49, 52: 49, 59: 51, 44: 44, 57: 49, 43: 43}
"""The electronic kit's extra pads, as General MIDI keys."""


@dataclass(frozen=True)
class Groove:
    """A performance: its identifier, genre, metronome tempo, beats in a bar, MIDI file."""

    name: str
    genre: str
    bpm: float
    beats_per_bar: int
    meter: str
    path: Path
    drummer: str


@lru_cache(maxsize=8)
def grooves(corpus: Corpus, split: str) -> tuple[Groove, ...]:
    """Return the grooves of a split (the data set's own) that last 16 beats or more."""
    root = corpus.folder("groove") / "groove"
    with (root / "info.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == SPLIT_NAMES[split]]
    found = [_groove(row, root) for row in rows if row["beat_type"] == "beat"]
    lasting = [
        groove
        for groove, row in zip(found, [r for r in rows if r["beat_type"] == "beat"], strict=True)
        if float(row["duration"]) * groove.bpm / 60 >= 16
    ]
    return tuple(groove for groove in lasting if groove.meter in ("4/4", "3/4"))


def _groove(row: dict[str, str], root: Path) -> Groove:
    numerator, denominator = row["time_signature"].split("-")
    return Groove(
        name=row["id"],
        genre=row["style"].split("/")[0],
        bpm=float(row["bpm"]),
        beats_per_bar=int(numerator),
        meter=f"{numerator}/{denominator}",
        path=root / row["midi_filename"],
        drummer=row["drummer"],
    )


def drum_part(groove: Groove, n_beats: int, start_bar: int = 0) -> Part:
    """Return a performance as a drum part in beats, repeated until it fills `n_beats`.

    `role` is ``human drums``: the player adds no swing or error of its own.
    """
    notes = center_strokes(groove)
    length = _whole_bars(notes, groove.beats_per_bar)
    notes = notes[notes[:, 0] < length]
    rolled = notes.copy()
    rolled[:, 0] = np.mod(notes[:, 0] - start_bar * groove.beats_per_bar, length)
    early = rolled[:, 0] > length - 0.2  # played just before the first beat
    step = np.array([length, 0.0, 0.0, 0.0])
    copies = [rolled + k * step for k in range(int(n_beats // length) + 1)]
    copies.append(rolled[early] - step)
    stacked = np.concatenate(copies)
    stacked = stacked[(stacked[:, 0] < n_beats) & (stacked[:, 0] > -0.2)]
    return Part("human drums", DRUMS, note_array(map(tuple, stacked.tolist())))


@lru_cache(maxsize=64)
def read_drums(groove: Groove) -> Floats:
    """Return the strokes of a performance, shape ``(n, 4)``, onsets in beats."""
    import mido

    file = mido.MidiFile(groove.path)
    strokes = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                pitch = KIT_KEYS.get(message.note, message.note)
                strokes.append(
                    (tick / file.ticks_per_beat, 0.2, float(pitch), float(message.velocity))
                )
    return note_array(strokes)


def measure_drift(groove: Groove) -> Floats:
    """Return how far the drumming lies after each beat of the click [beats], slowly changing.

    The median offset of the strokes next to each beat, averaged over four beats on either side.
    """
    strokes = read_drums(groove)
    onsets = strokes[strokes[:, 3] > 40, 0]
    nearest = np.rint(onsets).astype(np.int64)
    offsets = onsets - nearest
    n_beats = int(strokes[-1, 0]) + 2
    inside = (np.abs(offsets) < 0.15) & (nearest < n_beats)
    known = np.unique(nearest[inside])
    if len(known) < 8:
        return np.zeros(n_beats)
    medians = [float(np.median(offsets[inside & (nearest == beat)])) for beat in known]
    filled = np.interp(np.arange(n_beats), known, medians)
    padded = np.pad(filled, SMOOTH // 2, mode="edge")
    return np.convolve(padded, np.ones(SMOOTH) / SMOOTH, "valid")


SMOOTH = 9
"""Beats over which a drummer's drift against the click is averaged."""


def center_strokes(groove: Groove) -> Floats:
    """Return the strokes with the drummer's drift against the click taken out.

    Listeners follow the drums, not the metronome in the drummer's ear. What a stroke does within
    a few beats stays.
    """
    strokes = read_drums(groove).copy()
    drift = measure_drift(groove)
    strokes[:, 0] -= np.interp(strokes[:, 0], np.arange(len(drift)), drift)
    return strokes


def _whole_bars(notes: Floats, beats_per_bar: int) -> float:
    """Return the length of the whole bars that the performance fills [beats]."""
    n_bars = max(int((notes[-1, 0] + 0.6) // beats_per_bar), 1)
    return float(n_bars * beats_per_bar)


BACKBEAT = ("rock", "pop", "punk", "gospel", "country", "funk", "soul", "hiphop", "dance")


def is_plain(groove: Groove) -> bool:
    """Return True where listeners tap what the metronome clicked.

    In music with a backbeat the snare falls on beats 2 and 4. Where nearly all its loud strokes
    fall between the beats, or on beat 3 alone, the drummer played at twice or half the click.
    """
    if groove.genre not in BACKBEAT or groove.beats_per_bar != 4:
        return True
    strokes = read_drums(groove)
    snare = strokes[(strokes[:, 2] == 38) & (strokes[:, 3] > 55), 0]
    if len(snare) < 8:
        return True
    on_backbeat = _share_near(snare, 1.0, 2.0)
    between = _share_near(snare, 0.5, 1.0)
    on_three = _share_near(snare, 2.0, 4.0)
    return max(between, on_three) < max(0.4, on_backbeat)


def choose_plain(choices: Sequence[Groove], rng: np.random.Generator) -> Groove:
    """Return a random groove that `is_plain`; the first drawn where none is."""
    order: list[Groove] = [choices[int(i)] for i in rng.permutation(len(choices))]
    for groove in order:
        if is_plain(groove):
            return groove
    return order[0]


def _share_near(onsets: Floats, phase: float, period: float) -> float:
    """Return the share of onsets within an eighth of a beat of `phase` + n · `period`."""
    distance = np.abs(np.mod(onsets - phase + period / 2, period) - period / 2)
    return float(np.mean(distance < 0.125))


def replace_drums(parts: tuple[Part, ...], human: Part, kit: int) -> tuple[Part, ...]:
    """Return parts with their drums replaced by a performance."""
    return (replace(human, kit=kit), *(part for part in parts if not part.is_drums))
