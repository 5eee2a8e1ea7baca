"""AudioSet's names for the labels of the sets that a general tagger learns from.

Each source becomes rows of a manifest: what is in a recording, and of which labels anybody can say
so. A note of a trumpet says nothing of tempo; a field recording may hold wind that no one wrote
down.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mirkit.vocab.tag_groups import ENERGIES, TEMPI

Row = dict[str, Any]

TEMPO_EDGES = (92.0, 126.0)  # [bpm]
ENERGY_EDGES = (7.0, 13.0)  # notes a second, drums included
OWN_NAMES = TEMPI + ENERGIES
"""Labels that AudioSet lacks."""

ESC10: Mapping[str, tuple[str, ...]] = {
    "Dog bark": ("Animal", "Dog", "Bark"),
    "Rain": ("Water", "Rain"),
    "Sea waves": ("Water", "Ocean", "Waves, surf"),
    "Baby cry": ("Baby cry, infant cry",),
    "Clock tick": ("Clock", "Tick-tock"),
    "Person sneeze": ("Sneeze",),
    "Helicopter": ("Engine", "Aircraft", "Helicopter"),
    "Chainsaw": ("Engine", "Power tool", "Chainsaw"),
    "Rooster": ("Animal", "Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "Fire crackling": ("Fire", "Crackle"),
}
BERKLEE: Mapping[str, tuple[str, ...]] = {
    "adhesive tape": ("Tearing",),
    "balloon": ("Squeak",),
    "birds": ("Animal", "Bird"),
    "bouncing ball": ("Bouncing",),
    "bubbling water": ("Water", "Gurgling"),
    "camera": ("Camera",),
    "chain": ("Jingle, tinkle",),
    "coins": ("Coin (dropping)",),
    "crowd": ("Crowd",),
    "door closing": ("Door", "Slam"),
    "door creaking": ("Door", "Creak"),
    "eating": ("Chewing, mastication",),
    "engine or motor": ("Engine",),
    "explosion or gunfire": ("Explosion",),
    "footsteps": ("Walk, footsteps",),
    "glass breaking": ("Glass", "Shatter"),
    "glass clink": ("Glass", "Chink, clink"),
    "gravel or stones": ("Crunch",),
    "hand clap": ("Clapping",),
    "household appliance": ("Mechanisms",),
    "keys jingling": ("Keys jangling", "Jingle, tinkle"),
    "metal hit": ("Clang",),
    "metal scraping": ("Scrape",),
    "mouth sounds": (),
    "paper": ("Rustle",),
    "power tool": ("Power tool",),
    "rain or thunder": ("Water", "Rain"),
    "rubber band": ("Boing",),
    "running water": ("Water", "Stream"),
    "shout or scream": ("Screaming",),
    "siren": ("Siren",),
    "splashing water": ("Water", "Splash, splatter"),
    "tearing cloth": ("Tearing",),
    "telephone": ("Telephone",),
    "train": ("Vehicle", "Train"),
    "trash can hit": ("Clang",),
    "bass": ("Plucked string instrument", "Bass guitar"),
    "bell": ("Bell",),
    "bowed or scraped cymbal": ("Percussion", "Cymbal"),
    "bowed strings": ("Bowed string instrument",),
    "chimes": ("Chime",),
    "conga": ("Percussion", "Drum"),
    "cymbal": ("Percussion", "Cymbal"),
    "female singing": ("Singing", "Female singing"),
    "flute": ("Wind instrument, woodwind instrument", "Flute"),
    "gong": ("Percussion", "Gong"),
    "guitar": ("Plucked string instrument", "Guitar"),
    "hand drum": ("Percussion", "Drum"),
    "jaw harp": (),
    "kalimba": ("Mallet percussion",),
    "kick or low drum": ("Percussion", "Drum", "Bass drum"),
    "male singing": ("Singing", "Male singing"),
    "music box": ("Chime",),
    "piano": ("Keyboard (musical)", "Piano"),
    "prepared piano": ("Keyboard (musical)", "Piano"),
    "rubbed glass": (),
    "shaker": ("Percussion", "Maraca"),
    "synth brass": ("Synthesizer", "Keyboard (musical)"),
    "synthesizer": ("Synthesizer", "Keyboard (musical)"),
    "theremin": ("Theremin",),
}
AMBIENCE: Mapping[str, tuple[str, ...]] = {
    "birds": ("Animal", "Bird"),
    "boat": ("Water",),
    "city": ("Vehicle",),
    "coffee shop": ("Crowd",),
    "fireplace": ("Fire", "Crackle"),
    "rain": ("Water", "Rain"),
    "storm": ("Water", "Rain", "Thunderstorm"),
    "summer night": ("Insect",),
    "train": ("Vehicle", "Train"),
    "waves": ("Water", "Ocean", "Waves, surf"),
    "wind": ("Wind",),
}
CAPTIONED: Mapping[str, tuple[str, ...]] = {
    "thunder": ("Thunderstorm",),
    "vacuum": ("Vacuum cleaner",),
    "tabla": ("Tabla", "Percussion", "Drum"),
    "drill": ("Drill", "Power tool"),
    "violin": ("Violin, fiddle", "Bowed string instrument"),
    "cello": ("Cello", "Bowed string instrument"),
    "wind chime": ("Wind chime",),
    "laugh": ("Laughter",),
    "car engine": ("Vehicle",),
}
"""What a caption says beyond its label."""
SAMPLES: Mapping[str, tuple[str, ...]] = {
    "tabla one-shot": ("Percussion", "Drum", "Tabla"),
    "hi-hat one-shot": ("Percussion", "Cymbal", "Hi-hat"),
    "bass drum one-shot": ("Percussion", "Drum", "Bass drum"),
    "snare one-shot": ("Percussion", "Drum", "Snare drum"),
    "ride cymbal one-shot": ("Percussion", "Cymbal"),
    "loop": ("Music", "Percussion", "Drum kit", "Drum"),
}
SONGS: Mapping[str, tuple[str, ...]] = {
    "speech": ("Speech",),
    "bird": ("Animal", "Bird"),
    "whale": ("Animal",),
}
TITLED: Mapping[str, tuple[str, ...]] = {
    "string orchestra": ("Bowed string instrument", "String section"),
    "Trumpet": ("Brass instrument", "Trumpet"),
}
"""What the title of a piece of music tells."""
N_REPEATS = 6  # of a real piece of music, of which there are few

# General MIDI, from program to program, the last one included.
PROGRAMS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 7, ("Keyboard (musical)",)),
    (0, 3, ("Piano",)),
    (4, 5, ("Electric piano",)),
    (6, 6, ("Harpsichord",)),
    (9, 13, ("Percussion", "Mallet percussion")),
    (16, 20, ("Keyboard (musical)", "Organ")),
    (21, 21, ("Accordion",)),
    (22, 22, ("Harmonica",)),
    (23, 23, ("Accordion",)),
    (24, 39, ("Plucked string instrument",)),
    (24, 31, ("Guitar",)),
    (24, 25, ("Acoustic guitar",)),
    (26, 31, ("Electric guitar",)),
    (32, 37, ("Bass guitar",)),
    (40, 44, ("Bowed string instrument",)),
    (40, 40, ("Violin, fiddle",)),
    (42, 42, ("Cello",)),
    (46, 46, ("Plucked string instrument", "Harp")),
    (48, 51, ("Bowed string instrument", "String section")),
    (52, 54, ("Choir",)),
    (56, 63, ("Brass instrument",)),
    (56, 56, ("Trumpet",)),
    (64, 79, ("Wind instrument, woodwind instrument",)),
    (64, 67, ("Saxophone",)),
    (71, 71, ("Clarinet",)),
    (72, 79, ("Flute",)),
    (80, 103, ("Synthesizer", "Keyboard (musical)")),
)
UNSURE = frozenset(
    {
        "Wind",
        "Water",
        "Bird",
        "Animal",
        "Insect",
        "Speech",
        "Crowd",
        "Vehicle",
        "Engine",
        "Mechanisms",
        "Rustle",
        "Walk, footsteps",
        "Crackle",
        "Rain",
    }
)
"""What may be in any recording made outdoors without being its subject."""
HIT = frozenset(
    {"Drum", "Snare drum", "Bass drum", "Cymbal", "Hi-hat", "Percussion", "Maraca", "Clapping"}
)
"""What a drum kit may hold without anybody saying so."""
FEW = 20  # notes in a clip below which an instrument may be silent in an excerpt


def instrument_labels(program: int) -> set[str]:
    """Return what an instrument of General MIDI is called.

    Examples
    --------
    >>> sorted(instrument_labels(40))
    ['Bowed string instrument', 'Violin, fiddle']
    """
    return {label for low, high, names in PROGRAMS for label in names if low <= program <= high}


def vocabularies() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels of music and those of all other sounds."""
    of_programs = {label for _, _, names in PROGRAMS for label in names}
    drums = {label for names in SAMPLES.values() for label in names}
    musical = list(BERKLEE)[list(BERKLEE).index("bass") :]
    played = {label for name in musical for label in BERKLEE[name]}
    music = (
        {"Music", "Tabla", "Violin, fiddle", "Cello", "Wind chime"} | of_programs | drums | played
    )
    tables = (ESC10, BERKLEE, AMBIENCE, CAPTIONED, SONGS)
    everything = {label for table in tables for names in table.values() for label in names}
    return (*sorted(music), *OWN_NAMES), tuple(sorted(everything - music))


def tag_rows(folders: Mapping[str, Path], n_renders: int = 0) -> list[Row]:
    """Return the rows of a manifest over several sources.

    Parameters
    ----------
    folders
        Of ``esc10``, ``berklee``, ``ambience``, ``samples``, ``songs``, and of rendered clips under
        any name that begins with ``renders``.
    n_renders
        Greatest number of rendered clips of a folder; all where 0.
    """
    rows: list[Row] = []
    for name, folder in folders.items():
        read = READERS["renders" if name.startswith("renders") else name]
        found = list(read(Path(folder)))
        is_cut = name.startswith("renders") and 0 < n_renders < len(found)
        step = len(found) / n_renders if is_cut else 1
        rows += [found[int(i * step)] for i in range(n_renders if is_cut else len(found))]
    return rows


def write_rows(rows: Iterable[Row], path: str | Path) -> None:
    """Write a manifest."""
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _row(path: Path, labels: Iterable[str], known: Iterable[str], group: str, **other: Any) -> Row:
    labels = set(labels)
    return {
        "path": str(path),
        "labels": sorted(labels),
        "known": sorted(set(known) | labels),
        "source": group,
        **other,
    }


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _esc10(folder: Path) -> Iterator[Row]:
    music, other = vocabularies()
    known = {*other, *music}
    for row in _csv(folder / "esc10.csv"):
        group = f"esc10/{row['freesound_id']}"
        labels = ESC10[row["label"]]
        doubt = UNSURE if row["label"] in ("Rain", "Sea waves", "Helicopter", "Chainsaw") else set()
        split = "val" if row["fold"] == "5" else "train"
        yield _row(folder / row["path"], labels, known - doubt, group, split=split)


def _berklee(folder: Path) -> Iterator[Row]:
    music, other = vocabularies()
    for row in _csv(folder / "berklee.csv"):
        told = [CAPTIONED[word] for word in CAPTIONED if word in row["caption"]]
        labels = {*BERKLEE[row["label"]], *(label for names in told for label in names)}
        known = {*other, *music}
        if row["domain"] == "music":
            known -= HIT | {"Acoustic guitar", "Electric guitar", "Electric piano", "Choir"}
            known -= {"Music", *OWN_NAMES}
        else:
            known -= UNSURE | {"Clang", "Scrape", "Boing", "Squeak", "Jingle, tinkle", "Slam"}
            known -= {"Clapping"}
        split = "val" if share_of(f"berklee/{row['stem']}") < 0.15 else "train"
        group = f"berklee/{row['stem']}"
        yield _row(folder / row["path"], labels, known, group, split=split)


def _ambience(folder: Path) -> Iterator[Row]:
    music, other = vocabularies()
    known = {*other, *music} - UNSURE - {"Speech", "Laughter", "Chink, clink"}
    for row in _csv(folder / "ambience.csv"):
        path = folder / row["path"]
        yield _row(path, AMBIENCE[row["label"]], known, f"ambience/{row['path']}", split="train")


def _samples(folder: Path) -> Iterator[Row]:
    music, other = vocabularies()
    for row in _csv(folder / "samples.csv"):
        if row["kind"] not in SAMPLES:
            continue
        known = {*other, *music} - HIT - set(OWN_NAMES) - {"Music", "Drum kit", "Clang", "Boing"}
        group = f"samples/{row['path']}"
        split = "val" if share_of(group) < 0.15 else "train"
        yield _row(folder / row["path"], SAMPLES[row["kind"]], known, group, split=split)


def _songs(folder: Path) -> Iterator[Row]:
    """Yield real recordings, music several times; of its instruments only titles tell."""
    music, other = vocabularies()
    for row in _csv(folder / "songs.csv"):
        path, group = folder / row["path"], f"songs/{row['path']}"
        kind = row["kind"].removeprefix("not music: ")
        if kind in SONGS:
            known = {*other, *music} - (UNSURE - {"Speech"})
            yield _row(path, SONGS[kind], known, group, split="train")
            continue
        told = {label for word in TITLED if word in row["title"] for label in TITLED[word]}
        for _ in range(N_REPEATS):
            yield _row(path, told | {"Music"}, set(other) - UNSURE, group, split="train")


def _renders(folder: Path) -> Iterator[Row]:
    music, other = vocabularies()
    for path in sorted(folder.glob("*.json")):
        sound = path.with_suffix(".flac")
        if sound.is_file():
            truth = json.loads(path.read_text("utf-8"))
            labels, known = render_truth(truth, set(music), set(other))
            yield _row(sound, labels, known, f"song/{truth['song']}", split=truth["split"])


def render_truth(truth: Row, music: set[str], other: set[str]) -> tuple[set[str], set[str]]:
    """Return the labels of a rendered clip, and those that its annotation decides.

    Parameters
    ----------
    truth
        The annotation.
    music, other
        The two vocabularies.
    """
    labels, doubtful = {"Music"}, {"Bell", "Chime", "Theremin", "Gong", "Boing", "Clang"}
    n_notes = 0
    for each in truth["instruments"]:
        names = instrument_labels(each["program"]) if each["program"] >= 0 else set()
        n_notes += each["n_notes"]
        (labels if each["n_notes"] >= FEW else doubtful).update(names)
    if truth["drums"]:
        labels |= {"Drum kit", "Drum", "Percussion"}
        doubtful |= HIT
    if truth.get("bpm"):
        labels.add(TEMPI[sum(truth["bpm"] > edge for edge in TEMPO_EDGES)])
    else:
        doubtful.update(TEMPI)
    labels.add(ENERGIES[sum(n_notes / truth["seconds"] > edge for edge in ENERGY_EDGES)])
    known = music - doubtful | labels
    has_ambience = bool(truth.get("sound", {}).get("ambience"))
    return labels, known if has_ambience else known | (other - {"Clang", "Boing", "Mechanisms"})


def share_of(name: str) -> float:
    """Return a number in [0, 1) that only the name decides, by its SHA-256."""
    import hashlib

    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / (1 << 32)


READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    "esc10": _esc10,
    "berklee": _berklee,
    "ambience": _ambience,
    "samples": _samples,
    "songs": _songs,
    "renders": _renders,
}
