"""Compose a song for a task: the arranger's band plays a harmonic plan, to the letter.

What is annotated is played: all tones of a chord sound above a bass that has the annotated bass.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirkit.rendering import arranger
from mirkit.rendering.arranger import drums, lines, melody
from mirkit.rendering.arranger.compose import (
    Section,
    Song,
    allowed_drums,
    draw_part,
    lowest_bass,
    place_chords,
    play_drums,
    role_of,
    take_half,
)
from mirkit.rendering.arranger.style import Layer, Style
from mirkit.rendering.harmonist.melody import Harmony, Singer
from mirkit.rendering.harmonist.stanzas import Frame, Stanza, draw_stanzas
from mirkit.rendering.harmonist.tasks import Task
from mirkit.rendering.harmony import Chord, voicing
from mirkit.rendering.score import DRUMS, Note, Origin, Part, Sheet, Span, join_spans, note_array

TIMBRES = (
    "piano", "epiano", "organ", "acoustic", "clean", "strings", "pad", "synth", "brass", "harp",
    "accordion", "choir", "keys", "wood", "mallets", "harpsichord", "pluck", "muted", "pizzicato",
)  # fmt: skip
"""Instruments that a player of the band may take up instead of his own."""

LEADS = (
    "voice", "voice", "voice", "reed", "synthlead", "flute", "solostring", "jazzlead", "lead",
    "leadguitar", "choir",
)  # fmt: skip
"""Instruments of a melody; voices most."""

MANNERS = ("close", "close", "drop", "spread", "shell")
"""Ways to lay out a chord."""

ROOTED = ("min7", "maj6", "min6", "hdim7", "dim7", "aug", "sus2", "sus4")
"""Qualities whose tones are those of another chord: only the bass tells which."""

Stretch = tuple[Section, int, lines.Place]


def compose(task: Task, split: str, seconds: float, bpm: float, rng: np.random.Generator) -> Sheet:
    """Compose about `seconds` of music for a task.

    Parameters
    ----------
    task
        What the song is about.
    split
        ``train``, ``val`` or ``test``: decides the idioms, and with them the groove.
    seconds
        Least length at `bpm` [s].
    bpm
        Tempo at the tapped level.
    rng
        The only source of chance.
    """
    style = arranger.style(task.band)
    n_beats = style.beats_per_bar
    n_bars = int(np.ceil(seconds * bpm / 60 / n_beats)) + 1
    frame = Frame(split, n_bars, n_beats, n_beats * 60 / bpm)
    song = staff(task, style, draw_stanzas(task, frame, rng), rng)
    stretches = place_chords(song)
    patterns = drum_patterns(song, split, rng)
    parts = _play(song, task, stretches, patterns, rng)
    groove = f"{style.name}/{'held-out' if split != 'train' else 'own'}"
    return Sheet(
        parts=tuple(part for part in parts if len(part.notes)),
        bars=np.arange(song.n_bars + 1, dtype=np.float64) * n_beats,
        meter=style.meter,
        origin=Origin("harmony", task.text, f"own-{rng.integers(1 << 40):010x}", groove),
        chords=chord_spans(stretches),
        keys=key_spans(song),
        sections=tuple(section.span(n_beats, section.name) for section in song.sections),
    )


def staff(task: Task, style: Style, stanzas: tuple[Stanza, ...], rng: np.random.Generator) -> Song:
    """Decide who plays, and when: in half of the songs drums do, in half a melody."""
    layers = hire(task, style, rng)
    has_drums = bool(style.drums) and rng.random() < 0.8
    has_lead, has_bass = rng.random() < 0.75, _needs_bass(task) or rng.random() < 0.92
    sections: list[Section] = []
    first_bar = 0
    for stanza in stanzas:
        intensity = int(rng.choice([0, 1, 1, 2]))
        sounds = stanza.sounds
        playing = [sounds and (i == 0 or rng.random() < 0.7) for i in range(len(layers))]
        sections.append(
            Section(
                name=stanza.name if stanza.keyed else "chain",
                first_bar=first_bar,
                bars=stanza.bars,
                tonic=stanza.tonic,
                minor=stanza.minor,
                intensity=2 if stanza.name == "drum solo" else intensity,
                drums=stanza.name == "drum solo" or (has_drums and sounds),
                bass=sounds and has_bass,
                melody=sounds and has_lead and rng.random() < 0.85,
                layers=tuple(playing),
            )
        )
        first_bar += len(stanza.bars)
    return Song(style, tuple(sections), layers)


def _needs_bass(task: Task) -> bool:
    return task.feature in ("inversions", "pedal", "maj6", "min6", "5")


def hire(task: Task, style: Style, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Return the accompaniment; the first layer always plays, and plays every tone.

    Power chords are played by distorted guitars alone.
    """
    if task.feature == "5":
        players = [layer for layer in style.layers if layer.kind == "distorted"]
        players = players or [Layer("distorted", ("x" * 2 * style.beats_per_bar,), 1.0, 50, 80)]
    else:
        players = [layer for layer in style.layers if rng.random() < layer.chance]
        players = [_another_timbre(layer, rng) for layer in players]
        if all(layer.kind == "distorted" for layer in players):
            patterns = (players or list(style.layers))[0].patterns
            players.insert(0, Layer(str(rng.choice(TIMBRES)), patterns, 1.0, 60, 72))
        if rng.random() < 0.3:
            held = "x" + "-" * (2 * style.beats_per_bar - 1)
            kind = str(rng.choice(["pad", "strings", "organ", "choir", "accordion", "synth"]))
            players.append(Layer(kind, (held * (2 if style.two_bar else 1),), 1.0, 62, 58))
        players.sort(key=lambda layer: layer.kind == "distorted")
    return tuple(replace(p, patterns=(str(rng.choice(p.patterns)),)) for p in players)


def _another_timbre(layer: Layer, rng: np.random.Generator) -> Layer:
    if layer.kind == "distorted" or rng.random() > 0.35:
        return layer
    return replace(layer, kind=str(rng.choice(TIMBRES)))


def drum_patterns(song: Song, split: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the style's drum patterns that a split may hear; a neighbor's for a drum solo."""
    style = song.style
    if not any(section.drums for section in song.sections):
        return ()
    if not style.drums:
        others = [s for s in arranger.styles().values() if s.drums and s.meter == style.meter]
        style = others[int(rng.integers(len(others)))] if others else arranger.style("rock")
    return allowed_drums(style, held_out=split != "train")


def _play(
    song: Song,
    task: Task,
    stretches: list[Stretch],
    patterns: tuple[str, ...],
    rng: np.random.Generator,
) -> list[Part]:
    style = song.style
    parts, kick = [], ""
    if patterns:
        groove = drums.draw_plan(patterns, style.fills, rng)
        kick = groove.main.get("K", "")
        notes = play_drums(song, groove, rng)
        notes = [note for note in notes if note[0] >= 0 and _drums_play(song, note[0])]
        parts.append(Part("drums", DRUMS, note_array(notes), kit=int(rng.choice(style.kits))))
    low = lowest_bass(style)
    bass = play_bass(song, stretches, kick, low, rng)
    parts.append(draw_part("bass", style.bass_kind, bass, rng))
    for index, layer in enumerate(song.layers):
        played = play_layer(song, index, stretches, low, rng)
        parts.append(draw_part(role_of(layer.kind), layer.kind, played, rng))
    lead = str(rng.choice(LEADS)) if task.feature != "5" else "leadguitar"
    parts.append(draw_part("lead", lead, play_melody(song, stretches, rng), rng))
    return parts


def _drums_play(song: Song, beat: float) -> bool:
    """Return True where drums are on at a beat: a roll into a pause would sound in it."""
    bar = int(beat // song.style.beats_per_bar)
    section = [s for s in song.sections if s.first_bar <= bar]
    return bool(section) and section[-1].drums


def play_bass(
    song: Song, stretches: list[Stretch], kick: str, low: int, rng: np.random.Generator
) -> list[Note]:
    """Return the bass part. Under inversions and `ROOTED` chords it plays their bass alone."""
    style = song.style
    names = [kind for kind in style.bass if kind != "none"] or ["whole", "roots4"]
    figures = [
        lines.draw_figure(str(rng.choice(names)), kick, style.beats_per_bar, style.grid, rng)
        for _ in range(2)
    ]
    velocity = float(rng.uniform(76, 98))
    notes: list[Note] = []
    for section, number, place in stretches:
        if not section.bass:
            continue
        figure = take_half(figures[section.intensity == 2], style, number)
        plain = place.chord.bass != place.chord.root or place.chord.quality in ROOTED
        if figure == "walk" and not plain:
            notes += lines.walk_bass(place, low, velocity, rng)
            continue
        tokens = "1-" * place.bar_length if figure == "walk" else figure
        if plain:
            tokens = "".join("1" if token in "35678n" else token for token in tokens)
        played = lines.play_tokens(tokens, place, low, velocity, rng)
        if not played or played[0][0] > place.start + (0.01 if plain else 1.01):
            pitch = float(low + (place.chord.bass - low) % 12)
            played.insert(0, (place.start, 0.9, pitch, velocity))
        played = _legato(played, place.start + place.length) if plain else played
        notes += played
    return notes


def _legato(notes: list[Note], end: float) -> list[Note]:
    """Return notes that each last until the next: nothing else is the lowest meanwhile."""
    ends = [*(note[0] for note in notes[1:]), end]
    return [
        (at, max(until - at - 0.03, 0.05), pitch, velocity)
        for (at, _, pitch, velocity), until in zip(notes, ends, strict=True)
    ]


def play_layer(
    song: Song, index: int, stretches: list[Stretch], low: int, rng: np.random.Generator
) -> list[Note]:
    """Return one accompanying part; the first one leaves no chord unplayed."""
    layer = song.layers[index]
    manner = "close" if index == 0 and layer.kind != "piano" else str(rng.choice(MANNERS))
    center = layer.center + int(rng.integers(-4, 5))
    notes: list[Note] = []
    pitches: list[int] = []
    for section, number, place in stretches:
        if not section.layers[index]:
            continue
        floor = low + 12 if section.bass else 0
        pitches = voice(place.chord, center, pitches, manner)
        bottom = [] if section.bass else [center - 18 + (place.chord.bass - center + 18) % 12]
        pattern = take_half(layer.patterns[0], song.style, number)
        velocity = layer.velocity + 5.0 * section.intensity
        played, _ = lines.comp(pattern, place, center, velocity, pitches, rng, bottom + pitches)
        if index == 0 and not _covers(played, pitches):
            length = place.length * 0.9
            played += [(place.start, length, float(p), velocity) for p in bottom + pitches]
        if layer.kind == "distorted":
            played = _power(played, place.chord, center)
        notes += [(on, length, _above(floor, p), v) for on, length, p, v in played]
    return list(dict.fromkeys(notes))


def _covers(notes: list[Note], pitches: list[int]) -> bool:
    """Return True where each tone of a voicing is played."""
    return {p % 12 for p in pitches} <= {int(note[2]) % 12 for note in notes}


def _above(floor: int, pitch: float) -> float:
    """Return the pitch, raised by octaves until it is not below `floor`."""
    return pitch + 12 * max(-(-(floor - pitch) // 12), 0)


def voice(chord: Chord, center: float, previous: list[int], manner: str) -> list[int]:
    """Return pitches of all tones of a chord; a shell leaves out the fifth of a seventh chord.

    Examples
    --------
    >>> voice(Chord(0, "maj7", 0), 60, [], "close"), voice(Chord(0, "maj7", 0), 60, [], "shell")
    ([55, 59, 60, 64], [59, 60, 64])
    """
    close = voicing(chord, center, previous or None, n_max=5)
    if manner == "drop" and len(close) > 3:
        return sorted([*close[:-2], close[-2] - 12, close[-1]])
    if manner == "spread":
        return sorted(pitch + 12 * (i % 2) for i, pitch in enumerate(close))
    if manner == "shell" and len(chord.tones) > 3 and (chord.root + 7) % 12 in chord.tones:
        return [pitch for pitch in close if (pitch - chord.root) % 12 != 7]
    return close


def _power(notes: list[Note], chord: Chord, center: int) -> list[Note]:
    """Return root, octave, and the perfect fifth where the chord has one."""
    low = center - 12
    root = float(low + (chord.root - low) % 12)
    tones = (0, 7, 12) if (chord.root + 7) % 12 in chord.tones else (0, 12)
    onsets = {note[0]: note for note in notes}
    return [(at, n[1], root + tone, n[3]) for at, n in onsets.items() for tone in tones]


def play_melody(song: Song, stretches: list[Stretch], rng: np.random.Generator) -> list[Note]:
    """Return the melody: two motifs that come back on other pitches."""
    style, n_beats = song.style, song.style.beats_per_bar
    harmony = Harmony(
        [place.start for _, _, place in stretches],
        [(place.chord, section.tonic, section.minor) for section, _, place in stretches],
        float(song.n_bars * n_beats),
    )
    singer = Singer(int(rng.integers(64, 77)), rng)
    n_bars, syncopation = int(rng.choice([1, 2, 2])), float(rng.uniform(0, 0.8))
    density = max(style.melody[1], 0.8) * float(rng.uniform(0.6, 1.3))
    motifs = [
        melody.draw_motif(n_bars, n_beats, density, style.grid, syncopation, rng) for _ in "ab"
    ]
    notes: list[Note] = []
    for section in song.sections:
        if not section.melody:
            continue
        for i in range(0, len(section.bars) - n_bars + 1, n_bars):
            shape = motifs[int(rng.random() < 0.35)]
            notes += singer.sing(shape, float((section.first_bar + i) * n_beats), harmony, rng)
    return notes


def chord_spans(stretches: list[Stretch]) -> tuple[Span, ...]:
    """Return the chords as spans in beats, ``N`` where none is played; equal ones are joined."""
    return join_spans(
        (place.start, place.start + place.length, place.chord.label if any(section.layers) else "N")
        for section, _, place in stretches
    )


def key_spans(song: Song) -> tuple[Span, ...]:
    """Return the keys as spans in beats; a pause keeps the key, chords of no key have none."""
    n_beats = song.style.beats_per_bar
    keyed = [section for section in song.sections if section.name != "chain"]
    return join_spans(section.span(n_beats, section.key) for section in keyed)
