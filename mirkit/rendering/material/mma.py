"""Charts arranged by MMA (Musical MIDI Accompaniment) over its library of grooves.

MMA is a program of its own: it is run, and what it writes is read. Tempo is a constant here; the
player of `mirkit.rendering.performance` adds the drift.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mirkit.errors import AudioError, MissingExtra
from mirkit.rendering.archives import split_of
from mirkit.rendering.harmony import Bars, Chord
from mirkit.rendering.material.midi import read_midi, rescale
from mirkit.rendering.score import Part
from mirkit.vocab import TONICS

LIBRARY = Path("/usr/share/mma/lib/stdlib")
INSTALL = "apt-get install mma"

SUFFIXES = {
    "maj": "",
    "min": "m",
    "5": "5",
    "7": "7",
    "maj7": "M7",
    "min7": "m7",
    "maj6": "6",
    "min6": "m6",
    "dim": "dim3",
    "dim7": "dim7",
    "hdim7": "m7b5",
    "aug": "aug",
    "sus4": "sus4",
    "sus2": "sus2",
    "9": "9",
    "maj9": "M9",
    "min9": "m9",
    "minmaj7": "mM7",
    "13": "13",
    "sus4(b7)": "7sus4",
    "aug(b7)": "aug7",
}
"""MMA's names of the chord qualities."""

_MEASURES = re.compile(r"^\s*DefGroove\s+(\S+)", re.I | re.M)
_TIME = re.compile(r"^\s*Time\s+([\d.]+)", re.I | re.M)
_SIGNATURE = re.compile(r"^\s*TimeSig\s+(\d+)[\s/]+(\d+)", re.I | re.M)


@dataclass(frozen=True)
class Groove:
    """A groove of MMA's library: its name, the file it is in, beats in a bar, meter, tempo."""

    name: str
    family: str
    beats: int
    meter: str
    bpm: float


@lru_cache(maxsize=1)
def grooves() -> tuple[Groove, ...]:
    """Return the grooves of MMA's standard library whose meter is plain.

    Raises
    ------
    MissingExtra
        Where MMA is not installed.
    """
    if shutil.which("mma") is None or not LIBRARY.is_dir():
        raise MissingExtra("MMA", INSTALL, "arranging charts")
    found = [groove for path in sorted(LIBRARY.glob("*.mma")) for groove in _grooves_in(path)]
    return tuple(found)


FELT_IN_TWO = ("samba",)
"""Files that write a bar of two beats as four: the beat is their half note."""


def tapped_beats(groove: Groove) -> int:
    """Return the beats in a bar at the level that listeners tap."""
    beats = TAPPED[groove.beats, groove.meter]
    return beats // 2 if groove.family in FELT_IN_TWO else beats


def _grooves_in(path: Path) -> list[Groove]:
    text = path.read_text(encoding="latin-1")
    time, signature = _TIME.search(text), _SIGNATURE.search(text)
    tempo = re.search(r"^\s*(?://|Tempo).*?(\d{2,3})\s*(?:bpm)?\s*$", text, re.I | re.M)
    beats = int(float(time[1])) if time else 4
    meter = f"{signature[1]}/{signature[2]}" if signature else f"{beats}/4"
    if (beats, meter) not in TAPPED or path.stem in (
        "metronome",
        "metronome3",
        "metronome6",
        "metronome68",
        "none",
    ):
        return []
    names = [
        name
        for name in _MEASURES.findall(text)
        if not re.search(r"intro|end|fill|break", name, re.I)
    ]
    return [
        Groove(name, path.stem, beats, meter, float(tempo[1]) if tempo else 0.0) for name in names
    ]


TAPPED = {(4, "4/4"): 4, (3, "3/4"): 3, (6, "6/8"): 2, (2, "6/8"): 2, (2, "2/4"): 2, (5, "5/4"): 5}
"""Tapped beats in a bar, by MMA's beats and its time signature: 6/8 is felt in two."""


TEMPI: dict[tuple[float, float], str] = {
    (44, 68):
        "arpeggio68 ballad68 blues68 ballad128 blues128",
    (58, 88):
        "ballad arpeggio44 pianoballad guitarballad rb-ballad stringballad popballad "
        "rockballad folkballad rock-128 slowjazz slowblues slowspiritual slowbroadway hymn "
        "nitejazz",
    (68, 104):
        "slowcountry slowbolero lullaby popspiritual spiritual mellowjazz 68swing softshoe "
        "showtune bolero dsoul rb",
    (82, 118):
        "samba bvfunk lfusion jazzrock folk bluefolk countryblues desert cubanguitar softrock "
        "folkyjazz rhumba beguine jazzguitar hillcountry strut",
    (94, 136):
        "8beat basicrock folkrock 60srock 50srock boneym lighttango tango chacha foxtrot "
        "bwmarch march dixiemarch 68march polka broadway calypso jazzrhumba easyswing blues "
        "trance countrywaltz rockwaltz arpeggiowaltz zydeco bubblerock ska",
    (112, 158):
        "bossanova jazzcombo evansish latinwaltz broadwaywaltz waltz twist shuffleboggie "
        "merengue son bluegrass westernswing countryswing jive boggiewoggie swing jazz-54",
    (132, 186):
        "frenchwaltz jazzwaltz modernjazzwaltz modernjazz bigband fastblues fastwaltz "
        "gypsyjazz ragtime",
    (158, 216):
        "fastswing bebop fastjazzwaltz quickstep charleston dixie salsa mambo",
}  # fmt: skip
"""Tempi at which each groove file's music is usually heard, at the tapped level [bpm]."""

_TEMPO_OF = {
    family: (low, high) for (low, high), names in TEMPI.items() for family in names.split()
}


def tempo_range(family: str) -> tuple[float, float]:
    """Return the (slowest, fastest) tempo of a groove file [bpm]."""
    return _TEMPO_OF.get(family, (80.0, 130.0))


def split(groove: Groove) -> str:
    """Return the split of a groove: all grooves of a file stay together, as they share patterns."""
    return split_of(f"mma/{groove.family}")


def arrange(groove: Groove, bars: Bars, seed: int) -> tuple[Part, ...]:
    """Return MMA's parts for a chart, in tapped beats.

    Raises
    ------
    MissingExtra
        Where MMA is not installed.
    AudioError
        Where it refuses the chart; the message holds what it said.
    """
    if shutil.which("mma") is None:
        raise MissingExtra("MMA", INSTALL, "arranging charts")
    build_index()
    with tempfile.TemporaryDirectory(prefix="mirkit-mma-") as folder:
        source, target = Path(folder) / "in.mma", Path(folder) / "out.mid"
        source.write_text(chart_text(groove, bars, seed))
        done = subprocess.run(
            ["mma", "-f", str(target), str(source)],
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode or not target.is_file():
            raise AudioError(
                f"mma, groove {groove.name}: {done.stdout.decode(errors='replace')[-400:]}"
            )
        scale = tapped_beats(groove) / groove.beats
        return tuple(rescale(part, 1 / scale) for part in read_midi(target).parts)


@lru_cache(maxsize=1)
def build_index() -> None:
    """Let MMA index its grooves, if it has not yet: it cannot find them by name without.

    Raises
    ------
    MissingExtra
        Where the index is absent and the library's folder cannot be written.
    """
    if (LIBRARY / ".mmaDB").is_file():
        return
    subprocess.run(["mma", "-G"], capture_output=True, check=False, timeout=300)
    if not (LIBRARY / ".mmaDB").is_file():
        raise MissingExtra("MMA's index of grooves", "sudo mma -G", "arranging charts")


def chart_text(groove: Groove, bars: Bars, seed: int) -> str:
    """Return the chart in MMA's language."""
    lines = [f"RndSeed {seed % 100_000}", "Tempo 120", f"Groove {groove.name}"]
    lines += [f"{i} {_bar_text(bar, groove.beats)}" for i, bar in enumerate(bars, 1)]
    return "\n".join(lines) + "\n"


def _bar_text(bar: tuple[Chord, ...], beats: int) -> str:
    slots = ["/"] * beats
    for chord, start in zip(bar, chord_starts(len(bar), beats), strict=True):
        slots[start] = TONICS[chord.root] + SUFFIXES[chord.quality]
    return " ".join(slots)


def chord_starts(n_chords: int, beats: int) -> list[int]:
    """Return the beats on which the chords of a bar begin."""
    return [i * beats // n_chords for i in range(n_chords)]
