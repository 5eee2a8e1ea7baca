"""Compose a song in a style: form, harmony, and what each instrument plays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mirkit.rendering.arranger import drums, lines, melody
from mirkit.rendering.arranger.style import PROGRAMS, Layer, Style
from mirkit.rendering.harmony import Bars, Chord, is_minor, likely_key, progression, transpose
from mirkit.rendering.score import DRUMS, Note, Origin, Part, Sheet, Span, join_spans, note_array
from mirkit.vocab import TONICS


@dataclass(frozen=True)
class Section:
    """A stretch of bars: its name, harmony, key, and who plays how loudly."""

    name: str
    first_bar: int
    bars: Bars
    tonic: int
    minor: bool
    intensity: int
    drums: bool
    bass: bool
    melody: bool
    layers: tuple[bool, ...]

    @property
    def key(self) -> str:
        """The key's name, such as ``C# minor``."""
        return f"{TONICS[self.tonic]} {'minor' if self.minor else 'major'}"

    def span(self, n_beats: int, label: str) -> Span:
        """Return the section as a span in beats, `n_beats` in a bar."""
        first = self.first_bar * n_beats
        return (float(first), float(first + len(self.bars) * n_beats), label)


@dataclass(frozen=True)
class Song:
    """The frame of a song before anyone plays."""

    style: Style
    sections: tuple[Section, ...]
    layers: tuple[Layer, ...]

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return sum(len(section.bars) for section in self.sections)


FORMS = (
    "intro verse chorus verse chorus bridge chorus",
    "verse verse chorus verse chorus",
    "intro verse verse chorus bridge chorus",
    "chorus verse chorus verse",
    "intro chorus verse break chorus",
    "verse chorus break chorus chorus",
    "verse bridge verse solo verse",
)


def compose(
    style: Style,
    seconds: float,
    bpm: float,
    rng: np.random.Generator,
    chart: Bars | None = None,
    song: str = "",
    held_out: bool = False,
    n_bars: int | None = None,
) -> Sheet:
    """Compose about `seconds` of music in a style.

    Parameters
    ----------
    style
        What to play.
    seconds
        Least length at `bpm` [s].
    bpm
        Tempo at the tapped level, from which the number of bars follows.
    rng
        The only source of chance.
    chart
        Chords of a song to play instead of generated ones.
    song
        Identifier for `Origin.song`; generated where empty.
    held_out
        Use the last drum pattern of the style, which no other split hears.
    n_bars
        Number of bars instead of `seconds`.
    """
    n_bars = n_bars or int(np.ceil(seconds * bpm / 60 / style.beats_per_bar)) + 2
    frame = plan_song(style, n_bars, rng, chart)
    patterns = allowed_drums(style, held_out)
    groove = f"{style.name}/{'held-out' if held_out else 'own'}"
    parts = play_song(frame, patterns, rng)
    n_beats = style.beats_per_bar
    return Sheet(
        parts=parts,
        bars=np.arange(frame.n_bars + 1, dtype=np.float64) * n_beats,
        meter=style.meter,
        origin=Origin("arranger", style.name, song or f"own-{rng.integers(1 << 40):010x}", groove),
        chords=chord_spans(frame),
        keys=() if chart else key_spans(frame),
        sections=tuple(section.span(n_beats, section.name) for section in frame.sections),
    )


def allowed_drums(style: Style, held_out: bool) -> tuple[str, ...]:
    """Return the drum patterns of a split: of three or more the last is kept from training."""
    if len(style.drums) < 3:
        return style.drums
    return style.drums[-1:] if held_out else style.drums[:-1]


def key_spans(song: Song) -> tuple[Span, ...]:
    """Return the key of each section. That of a chart is only likely, so it is not annotated."""
    n_beats = song.style.beats_per_bar
    return tuple(section.span(n_beats, section.key) for section in song.sections)


@dataclass(frozen=True)
class Players:
    """Players of a song: accompanying instruments, drums, bass, a melody."""

    layers: tuple[Layer, ...]
    drums: bool
    melody: bool
    bass: bool


def plan_song(style: Style, n_bars: int, rng: np.random.Generator, chart: Bars | None) -> Song:
    """Lay out sections until `n_bars` are full."""
    layers = _draw_layers(style, rng)
    tonic = int(rng.integers(12))
    harmonies = {
        name: progression(str(rng.choice(style.families)), tonic, rng)
        for name in ("verse", "chorus", "bridge")
    }
    if chart:
        tonic, _ = likely_key(chart)
    players = _draw_players(style, layers, rng)
    sections: list[Section] = []
    first_bar = 0
    for name in str(rng.choice(FORMS)).split() * 8:
        if first_bar >= n_bars:
            break
        if sections and not chart and rng.random() < 0.06:
            shift = int(rng.choice([1, 2]))
            tonic = (tonic + shift) % 12
            harmonies = {key: transpose(bars, shift) for key, bars in harmonies.items()}
        length = _draw_length(name, style, rng)
        bars = _fill_bars(harmonies.get(name, harmonies["verse"]), length)
        if chart:
            bars = tuple(chart[(first_bar + i) % len(chart)] for i in range(length))
        minor = likely_key(chart)[1] if chart else is_minor(bars, tonic)
        sections.append(_staff_section(name, first_bar, bars, tonic, minor, players, rng))
        first_bar += len(bars)
    return Song(style, tuple(sections), layers)


def _draw_layers(style: Style, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Draw a song's accompanying instruments, each with one pattern."""
    layers = tuple(layer for layer in style.layers if rng.random() < layer.chance)
    layers = layers or style.layers[:1]
    return tuple(replace(layer, patterns=(str(rng.choice(layer.patterns)),)) for layer in layers)


def _draw_players(style: Style, layers: tuple[Layer, ...], rng: np.random.Generator) -> Players:
    return Players(
        layers=layers,
        drums=bool(style.drums) and rng.random() >= style.drumless,
        melody=rng.random() < style.melody[0],
        bass=rng.random() < 0.95,
    )


def _draw_length(name: str, style: Style, rng: np.random.Generator) -> int:
    """Draw the length of a section [bars]."""
    if name in ("intro", "break"):
        return 4
    return int(rng.choice([8, 8, 8, 16 if style.beats_per_bar < 4 else 8]))


def _fill_bars(bars: Bars, length: int) -> Bars:
    return (bars * (length // len(bars) + 1))[:length] if len(bars) < length else bars


def _staff_section(
    name: str,
    first_bar: int,
    bars: Bars,
    tonic: int,
    minor: bool,
    players: Players,
    rng: np.random.Generator,
) -> Section:
    """Decide who plays in a section."""
    quiet = name in ("intro", "break", "bridge")
    intensity = {"chorus": 2, "solo": 2, "verse": 1, "bridge": 1}.get(name, 0)
    playing = [intensity == 2 or rng.random() < (0.5 if quiet else 0.75) for _ in players.layers]
    drums_play = players.drums and (not quiet or rng.random() < 0.55)
    bass_plays = players.bass and (not quiet or rng.random() < 0.65)
    if not any(playing) and not drums_play:
        playing[int(rng.integers(len(playing)))] = True
    sings = players.melody and (name != "intro" or rng.random() < 0.3) and rng.random() < 0.9
    return Section(
        name=name,
        first_bar=first_bar,
        bars=bars,
        tonic=tonic,
        minor=minor,
        intensity=intensity,
        drums=drums_play,
        bass=bass_plays,
        melody=sings,
        layers=tuple(playing),
    )


def place_chords(song: Song) -> list[tuple[Section, int, lines.Place]]:
    """Return each chord's stretch with its section and bar number."""
    n_beats = song.style.beats_per_bar
    found = [
        (section, section.first_bar + i, _split(bar, n_beats))
        for section in song.sections
        for i, bar in enumerate(section.bars)
    ]
    flat = [
        (s, number, at, length, chord)
        for s, number, stretch in found
        for at, length, chord in stretch
    ]
    chords = [item[4] for item in flat]
    return [
        (
            section,
            number,
            lines.Place(number * n_beats + at, length, number * n_beats, n_beats, chord, following),
        )
        for (section, number, at, length, chord), following in zip(
            flat, [*chords[1:], chords[0]], strict=True
        )
    ]


def _split(bar: tuple[Chord, ...], n_beats: int) -> list[tuple[float, float, Chord]]:
    """Divide a bar among its chords, on whole beats."""
    edges = [round(i * n_beats / len(bar)) for i in range(len(bar) + 1)]
    return [
        (float(a), float(b - a), chord)
        for a, b, chord in zip(edges[:-1], edges[1:], bar, strict=True)
        if b > a
    ]


def chord_spans(song: Song) -> tuple[Span, ...]:
    """Return the chords of a song as spans in beats; equal neighbors are joined."""
    stretches = [place for _, _, place in place_chords(song)]
    return join_spans((p.start, p.start + p.length, p.chord.label) for p in stretches)


def play_song(song: Song, patterns: tuple[str, ...], rng: np.random.Generator) -> tuple[Part, ...]:
    """Return all parts of a song."""
    style, stretches = song.style, place_chords(song)
    parts = []
    kick = ""
    if patterns:
        plan = drums.draw_plan(patterns, style.fills, rng)
        kick = plan.main.get("K", "")
        parts.append(
            Part(
                "drums",
                DRUMS,
                note_array(play_drums(song, plan, rng)),
                kit=int(rng.choice(style.kits)),
            )
        )
    ahead = lines.draw_push(style.grid, rng) if style.drums else lines.Push()
    bass = lines.push_notes(play_bass(song, stretches, kick, rng), ahead, style.beats_per_bar)
    parts.append(draw_part("bass", style.bass_kind, bass, rng))
    for index, layer in enumerate(song.layers):
        played = play_layer(index, layer, song.style, stretches, rng)
        played = lines.push_notes(played, ahead, style.beats_per_bar)
        parts.append(draw_part(role_of(layer.kind), layer.kind, played, rng))
    if style.melody[0]:
        parts.append(draw_part("lead", style.lead, play_melody(song, stretches, rng), rng))
    return tuple(part for part in parts if len(part.notes))


def role_of(kind: str) -> str:
    """Return what an instrument of a row of `PROGRAMS` does in a band."""
    if kind in ("acoustic", "clean", "distorted", "banjo"):
        return "guitar"
    return "keys" if kind in ("piano", "epiano", "organ", "keys", "harpsichord") else kind


def draw_part(role: str, kind: str, notes: list[Note], rng: np.random.Generator) -> Part:
    """Return a part, played on one of the programs of its kind of instrument."""
    return Part(role, int(rng.choice(PROGRAMS[kind])), note_array(notes))


def play_drums(song: Song, plan: drums.DrumPlan, rng: np.random.Generator) -> list[Note]:
    """Return the drum part: grooves by intensity, fills before sections, crashes on them."""
    n_beats, grid = song.style.beats_per_bar, 3 if song.style.grid == 3 else 4
    notes: list[Note] = []
    if song.sections[0].drums and rng.random() < 0.12:
        notes += drums.count_in(n_beats, rng)
    for section, following in zip(song.sections, (*song.sections[1:], None), strict=True):
        if following and following.intensity == 2 and rng.random() < _build_chance(song.style):
            n_build = n_beats * int(rng.choice([1, 2, 4]))
            notes += drums.play_build(float(following.first_bar * n_beats - n_build), n_build, rng)
        if not section.drums:
            continue
        groove = (plan.quiet, plan.main, plan.loud)[section.intensity]
        if section.intensity == 2 and rng.random() < plan.fill_chance:
            notes += drums.play_crash(section.first_bar * n_beats, rng)
        for i in range(len(section.bars)):
            start = float((section.first_bar + i) * n_beats)
            played = drums.play_bar(
                _take_halves(groove, song.style, i), start, n_beats, rng, plan.vary_chance
            )
            last = i == len(section.bars) - 1
            if rng.random() < (plan.fill_chance if last else plan.fill_chance * 0.3 * (i % 4 == 3)):
                length = float(min(rng.choice([1, 1, 2, n_beats]), n_beats))
                played = [note for note in played if note[0] < start + n_beats - length - 1e-6]
                played += drums.play_fill(start + n_beats - length, length, grid, rng)
            notes += played
    return notes


def _build_chance(style: Style) -> float:
    """Return how often a roll builds up to the chorus: mostly where machines play."""
    return 0.35 if style.electronic > 0.55 and style.drums else 0.0


def take_half(pattern: str, style: Style, number: int) -> str:
    """Return the half of a two-bar pattern that falls on bar `number`."""
    if not style.two_bar or len(pattern) < 16:
        return pattern
    middle = len(pattern) // 2
    return pattern[middle:] if number % 2 else pattern[:middle]


def _take_halves(groove: drums.Pattern, style: Style, number: int) -> drums.Pattern:
    return {voice: take_half(steps, style, number) for voice, steps in groove.items()}


HIGH_BASSES = ("choir", "wood", "organ", "piano", "strings", "cello")
"""Instruments that play the bass line but reach no deep tones."""


def lowest_bass(style: Style) -> int:
    """Return the lowest pitch of a style's bass."""
    return 40 if style.bass_kind in HIGH_BASSES else 31


def play_bass(
    song: Song,
    stretches: list[tuple[Section, int, lines.Place]],
    kick: str,
    rng: np.random.Generator,
) -> list[Note]:
    """Return the bass part, one figure for quiet sections and one for loud ones."""
    style = song.style
    low = lowest_bass(style)
    kinds = [str(rng.choice(style.bass)) for _ in range(2)]
    figures = [
        lines.draw_figure(kind, kick, style.beats_per_bar, style.grid, rng) for kind in kinds
    ]
    velocity = float(rng.uniform(74, 96))
    notes: list[Note] = []
    for section, number, place in stretches:
        figure = figures[section.intensity == 2]
        if not section.bass or figure == "none":
            continue
        figure = take_half(figure, style, number)
        if figure == "walk":
            notes += lines.walk_bass(place, low, velocity, rng)
        else:
            notes += lines.play_tokens(figure, place, low, velocity, rng)
    return notes


def play_layer(
    index: int,
    layer: Layer,
    style: Style,
    stretches: list[tuple[Section, int, lines.Place]],
    rng: np.random.Generator,
) -> list[Note]:
    """Return one accompanying part."""
    notes: list[Note] = []
    pitches: list[int] = []
    center = layer.center + int(rng.integers(-4, 5))
    for section, number, place in stretches:
        if not section.layers[index]:
            continue
        pattern = take_half(layer.patterns[0], style, number)
        played, pitches = lines.comp(
            pattern, place, center, layer.velocity + 5.0 * section.intensity, pitches, rng
        )
        notes += _power_chords(played, place, center) if layer.kind == "distorted" else played
    return notes


def _power_chords(notes: list[Note], place: lines.Place, center: int) -> list[Note]:
    """Replace each chord by root, fifth and octave: thirds under distortion are mud."""
    onsets = {note[0]: note for note in notes}
    pitches = lines.power_chord(place.chord, center)
    return [(at, note[1], pitch, note[3]) for at, note in onsets.items() for pitch in pitches]


def play_melody(
    song: Song, stretches: list[tuple[Section, int, lines.Place]], rng: np.random.Generator
) -> list[Note]:
    """Return the melody: a motif for each kind of section, sung again with new pitches."""
    style, n_beats = song.style, song.style.beats_per_bar
    chord_at = {
        int(place.start) + i: place.chord
        for _, _, place in stretches
        for i in range(int(place.length))
    }
    center = 60 if style.bass_kind in ("cello",) else int(rng.integers(64, 77))
    n_bars, syncopation = int(rng.choice([2, 2, 4])), float(rng.uniform(0, 0.8))
    density = style.melody[1] * float(rng.uniform(0.6, 1.3))
    shapes = {
        name: [
            melody.draw_motif(n_bars, n_beats, density, style.grid, syncopation, rng)
            for _ in range(2)
        ]
        for name in ("verse", "chorus", "bridge")
    }
    notes: list[Note] = []
    if song.sections[0].melody and rng.random() < 0.35:
        notes += melody.play_pickup(song.sections[0].tonic, center, rng)
    for section in song.sections:
        if not section.melody:
            continue
        motifs = shapes.get(section.name, shapes["verse"])
        for i in range(0, len(section.bars) - n_bars + 1, n_bars):
            start = float((section.first_bar + i) * n_beats)
            shape = motifs[int(rng.random() < 0.35)]
            notes += melody.sing(
                shape, start, chord_at, section.tonic, section.minor, center, 88.0, rng
            )
    return notes
