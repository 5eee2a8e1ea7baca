"""The sources of music by name: what styles each has, and how it plays one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mirkit.rendering import arranger, collections, harmonist
from mirkit.rendering.archives import SPLITS, Corpus
from mirkit.rendering.harmony import Bars, progression, transpose
from mirkit.rendering.material import charts as chart_source
from mirkit.rendering.material import groove as groove_source
from mirkit.rendering.material import mma as mma_source
from mirkit.rendering.performance import Feel, draw_feel, perform
from mirkit.rendering.score import Origin, Part, Score, Sheet, Span

Player = Callable[[str, str, float, np.random.Generator, Corpus], Score]


def _has(archive: str) -> Callable[[Corpus], bool]:
    return lambda corpus: corpus.has(archive)


@dataclass(frozen=True)
class Source:
    """A source of music.

    Parameters
    ----------
    play
        (style, split, seconds, rng, corpus) → the performed score.
    styles
        (corpus, split) → names of what it can play.
    ready
        Whether its data and programs are there.
    """

    play: Player
    styles: Callable[[Corpus, str], tuple[str, ...]]
    ready: Callable[[Corpus], bool]


def play_arranger(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a song of the arranger's own, sometimes over a lead sheet's chords."""
    chosen = arranger.style(style)
    bpm = chosen.draw_tempo(rng)
    chart = None
    if chosen.charts and corpus.has("openewld_chords") and rng.random() < 0.4:
        fitting = [c for c in chart_source.charts(corpus, split) if c.meter == chosen.meter]
        chart = fitting[int(rng.integers(len(fitting)))] if fitting else None
    sheet = arranger.compose(
        chosen,
        seconds * 1.5 + 8,
        bpm,
        rng,
        transpose(chart.bars, int(rng.integers(12))) if chart else None,
        song=f"openewld/{chart.title}" if chart else "",
        held_out=split != "train",
    )
    return perform(
        sheet,
        draw_feel(str(rng.choice(chosen.manners)), bpm, rng, chosen.swing, chosen.swing_unit),
        rng,
    )


def play_harmony(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a song that is there for its chords; `style` is a `harmonist.Task` as text."""
    del corpus
    task = harmonist.parse(style)
    chosen = arranger.style(task.band)
    bpm = chosen.draw_tempo(rng)
    sheet = harmonist.compose(task, split, seconds + 3, bpm, rng)
    manner = str(rng.choice(chosen.manners))
    return perform(sheet, draw_feel(manner, bpm, rng, chosen.swing, chosen.swing_unit), rng)


def harmony_tasks(corpus: Corpus, split: str) -> tuple[str, ...]:
    """Return a full round of tasks."""
    del corpus
    rng = np.random.default_rng(SPLITS.index(split))
    return tuple(task.text for task in harmonist.tasks(sum(harmonist.FEATURES.values()), rng))


def play_groove(
    genre: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a human drum performance with a band around it, or alone."""
    choices = [g for g in groove_source.grooves(corpus, split) if g.genre == genre]
    groove = groove_source.choose_plain(choices, rng)
    fitting = [arranger.style(name) for name in groove_source.GENRES[genre]]
    fitting = [style for style in fitting if style.beats_per_bar == groove.beats_per_bar] or [
        _any_style(groove.beats_per_bar)
    ]
    chosen = fitting[int(rng.integers(len(fitting)))]
    bpm = float(np.clip(groove.bpm * rng.uniform(0.94, 1.06), 40, 250))
    sheet = arranger.compose(chosen, seconds * 1.4 + 6, bpm, rng)
    start_bar = int(rng.integers(0, 8))
    human = groove_source.drum_part(groove, sheet.n_beats, start_bar)
    parts = groove_source.replace_drums(sheet.parts, human, int(rng.choice([0, 0, 8, 16])))
    if rng.random() < 0.1:
        parts = parts[:1]
    elif rng.random() < 0.2:
        parts = tuple(part for part in parts if part.role in ("human drums", "bass"))
    sheet = replace(
        sheet,
        parts=parts,
        meter=groove.meter,
        origin=Origin("groove", genre, sheet.origin.song, f"groove/{groove.name}"),
    )
    feel = draw_feel(str(rng.choice(["tight", "human", "human"])), bpm, rng)
    return perform(sheet, feel, rng)


def _any_style(beats_per_bar: int) -> arranger.Style:
    return next(
        style
        for style in arranger.styles().values()
        if style.beats_per_bar == beats_per_bar and style.drums
    )


def genres(corpus: Corpus, split: str) -> tuple[str, ...]:
    """Return the genres that the grooves of a split have."""
    return tuple(sorted({g.genre for g in groove_source.grooves(corpus, split)}))


def play_mma(
    family: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a chart, or a generated progression, arranged by MMA."""
    choices = [g for g in mma_source.grooves() if g.family == family]
    groove = choices[int(rng.integers(len(choices)))]
    beats = mma_source.tapped_beats(groove)
    low, high = mma_source.tempo_range(family)
    bpm = float(np.exp(rng.triangular(np.log(low), np.log(low * high) / 2, np.log(high))))
    n_bars = int(np.ceil((seconds * 1.4 + 6) * bpm / 60 / beats)) + 1
    song, bars = _mma_bars(groove, split, n_bars, rng, corpus)
    parts = mma_source.arrange(groove, bars, int(rng.integers(1 << 30)))
    sheet = Sheet(
        parts=_drop_players(parts, rng),
        bars=np.arange(len(bars) + 1, dtype=np.float64) * beats,
        meter=groove.meter,
        origin=Origin("mma", family, song, f"mma/{groove.name}"),
        chords=_chords_of(bars, groove, beats),
    )
    return perform(sheet, _mma_feel(bpm, rng), rng)


def _mma_feel(bpm: float, rng: np.random.Generator) -> Feel:
    return draw_feel(str(rng.choice(["machine", "tight", "human", "loose"])), bpm, rng)


def _mma_bars(
    groove: mma_source.Groove, split: str, n_bars: int, rng: np.random.Generator, corpus: Corpus
) -> tuple[str, Bars]:
    meters = {"4/4": ("4/4", "2/2"), "3/4": ("3/4",), "6/8": ("6/8",), "2/4": ("2/4",)}.get(
        groove.meter, ()
    )
    fitting = (
        [c for c in chart_source.charts(corpus, split) if c.meter in meters]
        if corpus.has("openewld_chords")
        else []
    )
    if fitting and rng.random() < 0.7:
        chart = fitting[int(rng.integers(len(fitting)))]
        bars = transpose(chart.bars, int(rng.integers(12)))
        return f"openewld/{chart.title}", (bars * (n_bars // len(bars) + 1))[:n_bars]
    family = str(rng.choice(["pop", "jazz", "latin", "soul", "country", "ballad", "rock", "blues"]))
    bars = progression(family, int(rng.integers(12)), rng)
    return f"own-{rng.integers(1 << 40):010x}", (bars * (n_bars // len(bars) + 1))[:n_bars]


def _drop_players(parts: tuple[Part, ...], rng: np.random.Generator) -> tuple[Part, ...]:
    """Leave players out now and then: MMA's bands are always full."""
    kept = [part for part in parts if rng.random() > 0.15]
    if rng.random() < 0.12:
        kept = [part for part in kept if not part.is_drums]
    n_notes = sum(len(part.notes) for part in kept)
    return tuple(kept) if n_notes > 0.3 * sum(len(part.notes) for part in parts) else parts


def _chords_of(bars: Bars, groove: mma_source.Groove, beats: int) -> tuple[Span, ...]:
    scale = beats / groove.beats
    spans: list[Span] = []
    for number, bar in enumerate(bars):
        starts = [*mma_source.chord_starts(len(bar), groove.beats), groove.beats]
        for chord, start, end in zip(bar, starts[:-1], starts[1:], strict=True):
            place = number * beats + start * scale
            spans.append((float(place), float(number * beats + end * scale), chord.label))
    return tuple(spans)


def mma_families(corpus: Corpus, split: str) -> tuple[str, ...]:
    """Return MMA's groove files that belong to a split."""
    del corpus
    return tuple(sorted({g.family for g in mma_source.grooves() if mma_source.split(g) == split}))


SOURCES: dict[str, Source] = {
    "arranger": Source(
        play_arranger, lambda corpus, split: tuple(arranger.styles()), lambda corpus: True
    ),
    "harmony": Source(play_harmony, harmony_tasks, lambda corpus: True),
    "groove": Source(play_groove, genres, lambda corpus: corpus.has("groove")),
    "mma": Source(play_mma, mma_families, lambda corpus: shutil.which("mma") is not None),
    "pop909": Source(collections.play_pop909, collections.POP_STYLES, _has("pop909")),
    "hymnal": Source(collections.play_hymn, collections.HYMN_STYLES, _has("openhymnal")),
    "lieder": Source(collections.play_lied, collections.LIED_STYLES, _has("openscore_lieder")),
    "freedoom": Source(collections.play_game, collections.GAME_STYLES, _has("freedoom")),
}
"""All sources by name."""
