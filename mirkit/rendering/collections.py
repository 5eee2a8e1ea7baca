"""Players of the collections: pop tunes for a band, hymns, lieder, game music."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from mirkit.errors import ParameterError
from mirkit.rendering import arranger
from mirkit.rendering.archives import Corpus
from mirkit.rendering.arranger.style import PROGRAMS, Style
from mirkit.rendering.keys import key_of_signature, span_piece
from mirkit.rendering.material import groove as groove_source
from mirkit.rendering.material import lieder, midi, pop909
from mirkit.rendering.performance import draw_feel, perform
from mirkit.rendering.score import Origin, Part, Score, Sheet

Names = Callable[[Corpus, str], tuple[str, ...]]


def _fix(*names: str) -> Names:
    return lambda corpus, split: names


POP_STYLES = _fix("pop tune with band", "pop tune with human drums", "pop tune on piano")
HYMN_STYLES = _fix("hymn")
LIED_STYLES = _fix("lied")
GAME_STYLES = _fix("game music")

BANDS = (
    "pop", "rock", "synth pop", "soul", "disco", "country", "hip-hop", "slow R&B",
    "half-time ballad", "house", "funk", "reggae", "bossa nova", "rumba", "dub and downtempo",
)  # fmt: skip
"""Styles that a pop tune is arranged in."""

ENSEMBLES: tuple[tuple[str, ...], ...] = (
    ("choir",) * 8, ("organ",) * 8, ("strings",) * 8, ("brass",) * 8, ("wood",) * 8,
    ("piano",) * 8, ("solostring", "solostring", "cello", "cello"),
    ("flute", "wood", "wood", "reed"),
    ("harpsichord",) * 8, ("acoustic",) * 8, ("voice", "choir", "organ", "organ"),
)  # fmt: skip
"""Rows of `PROGRAMS` for voices from high to low."""


def play_pop909(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a pop tune on the piano it was written for, or arranged for a band."""
    found = pop909.songs(corpus, split)
    song = found[int(rng.integers(len(found)))]
    tune = pop909.read_song(song)
    bpm = song.bpm * float(np.exp(rng.normal(scale=0.06)))
    own = tuple(_choose_instrument(part, rng) for part in tune.parts)
    human = style.endswith("human drums")
    groove = ""
    if style.endswith("piano") or song.beats_per_bar != 4:
        parts, manner = own, str(rng.choice(["human", "loose", "rubato"]))
    else:
        chosen = _band_for(bpm, rng)
        parts, groove = _band(tune, chosen, own, split, rng)
        manner = str(rng.choice(chosen.manners))
        if human:
            parts, groove = _with_human_drums(parts, tune, bpm, split, rng, corpus)
            manner = str(rng.choice(["tight", "human"]))
    n_bars = len(tune.bars)
    sheet = Sheet(
        parts=parts,
        bars=np.arange(n_bars + 1, dtype=np.float64) * song.beats_per_bar,
        meter=f"{song.beats_per_bar}/4",
        origin=Origin("pop909", style, song.name, groove),
        chords=tune.spans,
        keys=span_piece(tune.key, float(tune.n_beats)),
        has_bars=tune.has_bars,
    )
    return perform(sheet, draw_feel(manner, bpm, rng), rng)


def _band_for(bpm: float, rng: np.random.Generator) -> Style:
    """Return a style whose tempi hold `bpm`."""
    fitting = [
        s for name in BANDS if (s := arranger.style(name)).tempo[0] * 0.9 <= bpm <= s.tempo[2] * 1.1
    ]
    return fitting[int(rng.integers(len(fitting)))] if fitting else arranger.style("pop")


def _choose_instrument(part: Part, rng: np.random.Generator) -> Part:
    kind = {"lead": "voice", "bridge": "lead"}.get(part.role, "piano")
    if part.role == "keys" and rng.random() < 0.2:
        kind = str(rng.choice(["epiano", "acoustic", "harp"]))
    if part.role == "lead" and rng.random() < 0.4:
        kind = "lead"
    return replace(part, program=int(rng.choice(PROGRAMS[kind])))


def _band(
    tune: pop909.Tune, style: Style, own: tuple[Part, ...], split: str, rng: np.random.Generator
) -> tuple[tuple[Part, ...], str]:
    """Return the tune with the arranger's band over its chords, and what it plays."""
    n_bars, held_out = len(tune.bars), split != "train"
    sheet = arranger.compose(style, 1.0, 60.0, rng, tune.bars, held_out=held_out, n_bars=n_bars)
    band = tuple(part for part in sheet.parts if part.role != "lead")
    kept = tuple(part for part in own if part.role != "keys" or rng.random() < 0.5)
    parts = kept + tuple(_cut_off(part, float(tune.n_beats)) for part in band)
    return parts, sheet.origin.groove


def _cut_off(part: Part, end: float) -> Part:
    return replace(part, notes=part.notes[part.notes[:, 0] < end])


def _with_human_drums(
    parts: tuple[Part, ...], tune: pop909.Tune, bpm: float, split: str,
    rng: np.random.Generator, corpus: Corpus,
) -> tuple[tuple[Part, ...], str]:  # fmt: skip
    """Lay a drummer's performance of about this tempo on the tune's beats."""
    near = [
        groove
        for groove in groove_source.grooves(corpus, split)
        if groove.genre in groove_source.BACKBEAT and abs(np.log(groove.bpm / bpm)) < 0.12
    ]
    if not near:
        return parts, ""
    groove = groove_source.choose_plain(near, rng)
    drums = groove_source.drum_part(groove, tune.n_beats, int(rng.integers(8)))
    kit = int(rng.choice([0, 0, 8, 16]))
    return groove_source.replace_drums(parts, drums, kit), f"groove/{groove.name}"


Item = TypeVar("Item")
Read = TypeVar("Read")


def _draw_fitting(
    items: Sequence[Item], read: Callable[[Item], Read | None], rng: np.random.Generator
) -> tuple[Item, Read]:
    """Return a random one of the items that can be read, and what was read.

    Raises
    ------
    ParameterError
        Where none can.
    """
    for index in rng.permutation(len(items)):
        music = read(items[index])
        if music is not None:
            return items[index], music
    raise ParameterError(f"none of the {len(items)} pieces of this split has one plain meter")


def play_hymn(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a hymn: its voices on a choir, an organ, strings, winds, or a piano."""
    _, sheet = _draw_fitting(midi.hymns(corpus, split), lambda p: _midi_sheet(p, style), rng)
    bpm = float(np.exp(rng.triangular(np.log(58), np.log(84), np.log(124))))
    bpm = bpm * 0.72 if sheet.meter.endswith(("/8", "/2")) else bpm
    return perform(
        _orchestrate(sheet, rng),
        draw_feel(str(rng.choice(["human", "chamber", "loose"])), bpm, rng),
        rng,
    )


def _midi_sheet(piece: midi.Piece, style: str) -> Sheet | None:
    """Return a MIDI file of one meter as a sheet in tapped beats, or None."""
    music = midi.read_midi(piece.path)
    signatures = {(a, b) for _, a, b in music.meters} or {(4, 4)}
    if len(signatures) != 1 or next(iter(signatures)) not in midi.BEAT_UNITS:
        return None
    signature = next(iter(signatures))
    beat, n_beats = midi.BEAT_UNITS[signature]
    parts = tuple(midi.rescale(part, beat, piece.pickup) for part in music.parts if len(part.notes))
    if piece.pickup / beat % 1 > 1e-6 or not parts:
        return None
    key = None if piece.signature is None else key_of_signature(piece.signature, parts)
    return Sheet(
        parts=parts,
        bars=midi.bar_lines(midi.last_onset(parts) + 1, n_beats),
        meter=f"{signature[0]}/{signature[1]}",
        origin=Origin(piece.name.split("/")[0], style, piece.name, ""),
        has_bars=piece.has_bars,
        keys=span_piece(key, midi.last_onset(parts)),
    )


def _orchestrate(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Give the voices instruments, from high to low."""
    ensemble = ENSEMBLES[int(rng.integers(len(ENSEMBLES)))]
    order = sorted(sheet.parts, key=lambda part: -float(np.median(part.notes[:, 2])))
    shared = {kind: int(rng.choice(PROGRAMS[kind])) for kind in dict.fromkeys(ensemble)}
    parts = []
    for i, part in enumerate(order):
        kind = ensemble[min(i, len(ensemble) - 1)]
        notes = part.notes.copy()
        notes[:, 3] = rng.uniform(62, 92)
        parts.append(Part("keys" if kind in ("piano", "organ") else kind, shared[kind], notes))
    return replace(sheet, parts=tuple(parts))


def play_lied(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a lied with give and take, sung by an instrument over the piano."""
    song, music = _draw_fitting(lieder.songs(corpus, split), lieder.read_song, rng)
    drawn = float(np.exp(rng.triangular(np.log(48), np.log(76), np.log(126))))
    bpm = (music.bpm or drawn) * float(np.exp(rng.normal(scale=0.08)))
    lead = str(rng.choice(["voice", "solostring", "wood", "flute", "reed", "choir"]))
    alone = rng.random() < 0.25
    parts = tuple(
        _lied_part(part, lead, rng) for part in music.parts if part.role == "keys" or not alone
    )
    sheet = Sheet(
        parts=parts or music.parts,
        bars=music.bars,
        meter=music.meter,
        origin=Origin("lieder", style, song.name, ""),
        keys=span_piece(music.key, float(music.bars[-1])),
    )
    return perform(
        sheet, draw_feel(str(rng.choice(["rubato", "rubato", "chamber", "loose"])), bpm, rng), rng
    )


def _lied_part(part: Part, lead: str, rng: np.random.Generator) -> Part:
    kind = "piano" if part.role == "keys" else lead
    if part.role == "keys" and rng.random() < 0.2:
        kind = str(rng.choice(["strings", "acoustic", "harp", "organ"]))
    notes = part.notes.copy()
    notes[:, 3] = 64 if part.role == "keys" else 88
    return Part(part.role, int(rng.choice(PROGRAMS[kind])), notes)


def play_game(
    style: str, split: str, seconds: float, rng: np.random.Generator, corpus: Corpus
) -> Score:
    """Play a piece of game music on the instruments that it names."""
    piece, sheet = _draw_fitting(
        midi.game_music(corpus, split), lambda p: _midi_sheet(p, style), rng
    )
    beat = midi.BEAT_UNITS[tuple(map(int, sheet.meter.split("/")))][0]  # type: ignore[index]
    bpm = midi.read_midi(piece.path).bpm / beat * float(np.exp(rng.normal(scale=0.05)))
    return perform(sheet, draw_feel(str(rng.choice(["machine", "tight", "human"])), bpm, rng), rng)
