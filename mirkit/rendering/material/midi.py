"""MIDI files as parts in beats; the collections of hymns and of game music."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mirkit.rendering.archives import Corpus, split_of
from mirkit.rendering.score import DRUMS, Note, Part, note_array
from mirkit.vocab import pitch_class

FAMILIES = (
    "keys", "mallets", "keys", "guitar", "bass", "strings", "strings", "brass",
    "reed", "flute", "lead", "pad", "pad", "guitar", "mallets", "pad",
)  # fmt: skip
"""Role of each group of eight General MIDI programs."""


@dataclass(frozen=True, eq=False)
class MidiMusic:
    """A MIDI file in quarter notes.

    Parameters
    ----------
    parts
        One for each track and channel.
    meters
        Time signatures: (quarter note where it begins, numerator, denominator).
    bpm
        First tempo [quarter notes a minute].
    n_tempi
        Number of different tempi.
    """

    parts: tuple[Part, ...]
    meters: tuple[tuple[float, int, int], ...]
    bpm: float
    n_tempi: int


@lru_cache(maxsize=32)
def read_midi(path: Path) -> MidiMusic:
    """Read a MIDI file."""
    import mido

    file = mido.MidiFile(path, clip=True)
    notes: dict[tuple[int, int], list[Note]] = {}
    programs: dict[int, int] = {}
    meters: list[tuple[float, int, int]] = []
    tempi: list[float] = []
    for number, track in enumerate(file.tracks):
        for place, message in _place_messages(track, file.ticks_per_beat):
            if message.type == "program_change":
                programs.setdefault(message.channel, message.program)
            elif message.type == "time_signature":
                meters.append((place, message.numerator, message.denominator))
            elif message.type == "set_tempo":
                tempi.append(60e6 / message.tempo)
        for channel, rows in _notes(track, file.ticks_per_beat).items():
            notes.setdefault((number, channel), []).extend(rows)
    parts = [_part(channel, programs, rows) for (_, channel), rows in sorted(notes.items())]
    return MidiMusic(
        tuple(parts), tuple(sorted(set(meters))), tempi[0] if tempi else 120.0, len(set(tempi))
    )


def _place_messages(track: Iterable[Any], ticks_per_beat: int) -> Iterable[tuple[float, Any]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick / ticks_per_beat, message


def _notes(track: Iterable[Any], ticks_per_beat: int) -> dict[int, list[Note]]:
    """Return the notes of a track by channel; a note struck again ends there."""
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    found: dict[int, list[Note]] = {}
    for place, message in _place_messages(track, ticks_per_beat):
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            start, velocity = sounding.pop(key)
            note = (start, place - start, float(message.note), float(velocity))
            found.setdefault(message.channel, []).append(note)
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = (place, message.velocity)
    return found


def _part(channel: int, programs: dict[int, int], rows: list[Note]) -> Part:
    if channel == 9:
        return Part("drums", DRUMS, note_array(rows))
    program = programs.get(channel, 0)
    return Part(FAMILIES[program // 8], program, note_array(rows))


BEAT_UNITS: dict[tuple[int, int], tuple[float, int]] = {
    (2, 4): (1.0, 2), (3, 4): (1.0, 3), (4, 4): (1.0, 4), (5, 4): (1.0, 5), (6, 4): (1.0, 6),
    (6, 8): (1.5, 2), (9, 8): (1.5, 3), (12, 8): (1.5, 4), (2, 2): (2.0, 2), (3, 2): (2.0, 3),
    (4, 2): (2.0, 4),
}  # fmt: skip
"""Tapped beat of each time signature: its length [quarter notes], and beats in a bar."""


def rescale(part: Part, beat: float, start: float = 0.0) -> Part:
    """Return a part of quarter notes as one of beats of length `beat`, `start` moved to 0."""
    notes = part.notes.copy()
    notes[:, 0] = (notes[:, 0] - start) / beat
    notes[:, 1] /= beat
    return Part(part.role, part.program, notes, part.kit)


@dataclass(frozen=True)
class Piece:
    """A file of a collection.

    Parameters
    ----------
    name, path
        Identifier and file.
    has_bars, pickup
        Whether, and after how many quarter notes, its bars are known.
    signature
        Tonic of its key signature's major key, or None where that is not known.
    """

    name: str
    path: Path
    has_bars: bool
    pickup: float = 0.0
    signature: int | None = None


@lru_cache(maxsize=8)
def hymns(corpus: Corpus, split: str) -> tuple[Piece, ...]:
    """Return the hymns of a split whose first bar their ABC file makes plain."""
    root = corpus.folder("openhymnal")
    scores = {path.stem: path for path in root.rglob("*.abc")}
    paths = [p for p in sorted((root / "openhymnal_midi").glob("*.mid")) if p.stem in scores]
    named = [
        (f"openhymnal/{p.stem}", p) for p in paths if split_of(f"openhymnal/{p.stem}") == split
    ]
    return tuple(_hymn(name, path, scores[path.stem].read_text("latin-1")) for name, path in named)


def _hymn(name: str, path: Path, score: str) -> Piece:
    pickup = abc_pickup(score)
    return Piece(name, path, pickup is not None, pickup or 0.0, abc_signature(score))


def abc_signature(text: str) -> int | None:
    r"""Return the major tonic of an ABC score's signature; None where keys change, or none stands.

    Examples
    --------
    >>> abc_signature("M: 4/4\nK: Eb % key signature"), abc_signature("K: G\nd2 [K: D] e2")
    (3, None)
    """
    keys = set(re.findall(r"(?:^|\[)K:\s*([A-G][b#]?)\b", text, re.M))
    return pitch_class(*keys) if len(keys) == 1 else None


_ABC_NOTE = re.compile(r"[_^=]*[A-Ga-gzx][,']*(\d*)(/*)(\d*)")
_ABC_BESIDE = re.compile(r"![^!]*!|\"[^\"]*\"|\{[^}]*\}|\[[A-Za-z]:[^]]*\]|%.*")


def abc_pickup(text: str) -> float | None:
    r"""Return how long the first bar of an ABC score is if it is not full [quarter notes].

    0 means a full bar; None that the bar holds something other than plain notes.

    Examples
    --------
    >>> abc_pickup("M: 4/4\nL: 1/4\nK: D\n[V: S1V1] D | F G A A |")
    1.0
    """
    meter = re.search(r"^M:\s*(\d+)/(\d+)", text, re.M)
    unit = re.search(r"^L:\s*1/(\d+)", text, re.M)
    first = re.search(r"^K:.*\n(?:%.*\n)*(.*\|.*)", text, re.M)
    if not (meter and unit and first):
        return None
    bar = _ABC_BESIDE.sub("", first[1]).lstrip(" |:").split("|")[0]
    if not re.fullmatch(r"[\s\dA-Ga-gzx,'/_^=()-]*", bar) or re.search(r"\(\d|>|<", bar):
        return None
    lengths = [_abc_length(*match.groups()) for match in _ABC_NOTE.finditer(bar)]
    length = sum(lengths) * 4 / int(unit[1])
    full = 4 * int(meter[1]) / int(meter[2])
    return 0.0 if abs(length - full) < 1e-6 else length if 0 < length < full else None


def _abc_length(whole: str, slashes: str, divisor: str) -> float:
    length = float(whole or 1)
    return length / float(divisor) if divisor else length / 2 ** len(slashes)


@lru_cache(maxsize=8)
def game_music(corpus: Corpus, split: str) -> tuple[Piece, ...]:
    """Return Freedoom's pieces whose notes lie on the grid of their tempo."""
    root = corpus.folder("freedoom") / "freedoom" / "musics"
    table = (corpus.data or root) / "midi" / "grid_checked.csv"
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("freedoom/")]
    return tuple(_game_piece(row, root) for row in rows if _is_plain(row, split))


def _is_plain(row: dict[str, str], split: str) -> bool:
    steady = int(row["tempo_changes"]) <= 1 and 62 <= float(row["bpm0"]) <= 182
    on_grid = float(row["grid"]) > 0.93 and float(row["onbeat"]) > 0.3
    return steady and on_grid and split_of(row["file"]) == split


def _game_piece(row: dict[str, str], root: Path) -> Piece:
    has_bars = row["ts_present"] == "1" and float(row["downbeat_ratio"] or 0) > 1.15
    return Piece(row["file"], root / Path(row["file"]).name, has_bars)


def last_onset(parts: Iterable[Part]) -> float:
    """Return where the last note begins."""
    return max(float(part.notes[-1, 0]) for part in parts if len(part.notes))


def bar_lines(n_beats: float, beats_per_bar: int) -> np.ndarray:
    """Return the first beats of the bars that hold `n_beats`, and the end of the last."""
    n_bars = max(int(np.ceil(n_beats / beats_per_bar)), 2)
    return np.arange(n_bars + 1, dtype=np.float64) * beats_per_bar
