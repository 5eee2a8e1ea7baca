"""Lead sheets: the chord charts of OpenEWLD as bars of chords."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mirkit.rendering.archives import Corpus, split_of
from mirkit.rendering.harmony import Bars, Chord, symbol


@dataclass(frozen=True)
class Chart:
    """A song's chords: its title, beats in a bar, and the chords of each bar."""

    title: str
    meter: str
    bars: Bars


@lru_cache(maxsize=4)
def _read(path: Path) -> tuple[Chart, ...]:
    songs = json.loads(path.read_text(encoding="utf-8"))
    charts = (_chart(song) for song in songs)
    return tuple(chart for chart in charts if chart is not None and len(chart.bars) >= 8)


def _chart(song: dict[str, object]) -> Chart | None:
    """Return a song of one meter throughout, or None."""
    bars = song["bars"]
    assert isinstance(bars, list)
    meters = {tuple(bar[0]) for bar in bars}
    if len(meters) != 1:
        return None
    numerator, denominator = next(iter(meters))
    sounding: Chord | None = None
    filled: list[tuple[Chord, ...]] = []
    for _, entries in bars:
        chords = [chord for _, text in entries if (chord := symbol(text)) is not None]
        if sounding and (not entries or entries[0][0] > 0):
            chords = [sounding, *chords]
        if chords:
            filled.append(tuple(chords[:2] if numerator < 4 else chords[:4]))
            sounding = chords[-1]
    return Chart(str(song["title"]), f"{numerator}/{denominator}", tuple(filled))


def charts(corpus: Corpus, split: str) -> tuple[Chart, ...]:
    """Return the charts of a split."""
    path = corpus.folder("openewld_chords") / "openewld_chords.json"
    return tuple(chart for chart in _read(path) if split_of(chart.title) == split)
