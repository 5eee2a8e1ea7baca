"""OpenScore Lieder: songs for voice and piano, read from MusicXML.

Bars are the score's own measures, so a pick-up bar puts the first downbeat where it belongs.
Repeats are played once, grace notes and ornaments are left out.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mirkit.arrays import Floats
from mirkit.rendering.archives import Corpus, split_of
from mirkit.rendering.keys import key_of_signature, signature_tonic
from mirkit.rendering.material.midi import BEAT_UNITS
from mirkit.rendering.score import Note, Part, note_array

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Song:
    """A score: its identifier and file."""

    name: str
    path: Path


@dataclass(frozen=True, eq=False)
class Music:
    """A score in tapped beats.

    Parameters
    ----------
    parts
        Voice and piano.
    bars
        First beat of each full bar, and the end of the last.
    meter
        Time signature of the first bar.
    bpm
        Tempo that the score states at the tapped level [bpm], or None.
    key
        Key by its one signature and its last bass note, or None.
    """

    parts: tuple[Part, ...]
    bars: Floats
    meter: str
    bpm: float | None
    key: str | None = None


@lru_cache(maxsize=8)
def songs(corpus: Corpus, split: str) -> tuple[Song, ...]:
    """Return the songs of a split: all songs of a composer's set stay together."""
    root = corpus.folder("openscore_lieder") / "openscore_lieder" / "scores"
    paths = sorted(root.rglob("*.mxl"))
    return tuple(
        Song(f"lieder/{path.stem}", path)
        for path in paths
        if split_of("/".join(path.relative_to(root).parts[:2])) == split
    )


@lru_cache(maxsize=16)
def read_song(song: Song) -> Music | None:
    """Read a score, or return None where its meter changes beyond one beat length."""
    root = _score(song.path)
    measures = _measures(root)
    if measures is None:
        return None
    starts, beat, n_beats, meter = measures
    bars = (starts - starts[0]) / beat
    pickup = bars[1] if bars[1] < n_beats - 1e-6 else 0.0
    parts = tuple(_read_part(part, beat, pickup) for part in root.iter("part"))
    shifted = bars - pickup
    whole = shifted[shifted >= -1e-9]
    if not np.allclose(whole, np.rint(whole)) or len(whole) < 6:
        return None
    tempo = next((float(s.get("tempo", 0)) for s in root.iter("sound") if s.get("tempo")), 0.0)
    bpm = tempo / beat if 40 <= tempo / beat <= 180 else None
    sounding = tuple(p for p in parts if len(p.notes))
    return Music(sounding, np.rint(whole), meter, bpm, _key(root, sounding))


def _key(root: ElementTree.Element, parts: tuple[Part, ...]) -> str | None:
    signatures = {int(x.text or 0) for x in root.iter("fifths")}
    return key_of_signature(signature_tonic(*signatures), parts) if len(signatures) == 1 else None


def _score(path: Path) -> ElementTree.Element:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".xml") and "META-INF" not in n)
        return ElementTree.fromstring(archive.read(name))


def _measures(root: ElementTree.Element) -> tuple[Floats, float, int, str] | None:
    """Return measure starts [quarter notes], the beat, beats in the first bar, and the meter."""
    part = root.find("part")
    if part is None:
        return None
    signatures = [
        (int(t.findtext("beats", "0")), int(t.findtext("beat-type", "4")))
        for t in part.iter("time")
        if t.findtext("beats", "0").isdigit()
    ]
    units = {BEAT_UNITS.get(signature, (0.0, 0))[0] for signature in signatures}
    if len(units) != 1 or 0.0 in units:
        return None
    beat, n_beats = BEAT_UNITS[signatures[0]]
    starts = [0.0]
    divisions = 1.0
    for measure in part.iter("measure"):
        divisions = float(measure.findtext("attributes/divisions") or divisions)
        starts.append(starts[-1] + _length(measure) / divisions)
    return np.array(starts), beat, n_beats, f"{signatures[0][0]}/{signatures[0][1]}"


def _length(measure: ElementTree.Element) -> float:
    """Return how far the events of a measure reach [divisions]."""
    place = furthest = 0.0
    for element in measure:
        step = float(element.findtext("duration") or 0)
        if element.tag == "backup":
            place -= step
        elif element.tag == "forward" or (
            element.tag == "note"
            and element.find("chord") is None
            and element.find("grace") is None
        ):
            place += step
        furthest = max(furthest, place)
    return furthest


def _read_part(part: ElementTree.Element, beat: float, pickup: float) -> Part:
    """Return a part in beats; tied notes become one."""
    notes: list[Note] = []
    ties: dict[int, int] = {}
    start, divisions = 0.0, 1.0
    for measure in part.iter("measure"):
        divisions = float(measure.findtext("attributes/divisions") or divisions)
        place = last = 0.0
        for element in measure:
            step = float(element.findtext("duration") or 0) / divisions
            if element.tag == "backup":
                place -= step
            elif element.tag == "forward":
                place += step
            elif element.tag == "note" and element.find("grace") is None:
                if element.find("chord") is None:
                    last = place
                    place += step
                _add_note(element, (start + last) / beat - pickup, step / beat, notes, ties)
        start += _length(measure) / divisions
    staves = part.findtext("measure/attributes/staves")
    return Part("keys" if staves else "lead", 0, note_array(notes))


def _add_note(
    element: ElementTree.Element,
    onset: float,
    length: float,
    notes: list[Note],
    ties: dict[int, int],
) -> None:
    """Add a note, or lengthen the one that it is tied to."""
    pitch = _pitch(element)
    if pitch is None:
        return
    kinds = {tie.get("type") for tie in element.findall("tie")}
    if "stop" in kinds and pitch in ties:
        old = notes[ties[pitch]]
        notes[ties[pitch]] = (old[0], onset + length - old[0], old[2], old[3])
    else:
        notes.append((onset, length, float(pitch), 70.0))
        ties[pitch] = len(notes) - 1
    if "start" not in kinds:
        ties.pop(pitch, None)


def _pitch(element: ElementTree.Element) -> int | None:
    step = element.findtext("pitch/step")
    if step is None:
        return None
    alter = int(float(element.findtext("pitch/alter") or 0))
    return 12 * (int(element.findtext("pitch/octave") or 4) + 1) + _STEPS[step] + alter
