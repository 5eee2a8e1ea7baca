"""Sounds that scenes are made of: events and backgrounds of the data pack, by recording."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mirkit.datasets.ontology import Ontology, read_ontology
from mirkit.datasets.real import TRAINED_ON, join_recordings, read_real, read_test
from mirkit.datasets.tag_sources import BERKLEE, ESC10, SAMPLES
from mirkit.vocab.audioset import audioset_labels

Kind = Literal["event", "background"]

TEXTURES = frozenset(
    {
        "Wind", "Rain", "Ocean", "Waves, surf", "Stream", "Water", "Outside, rural or natural",
        "Outside, urban or manmade", "Inside, small room", "Inside, large room or hall", "Crowd",
        "Hubbub, speech noise, speech babble", "Traffic noise, roadway noise", "Hum", "Mains hum",
        "Noise", "White noise", "Pink noise", "Rustling leaves", "Wind noise (microphone)",
        "Mechanisms", "Air conditioning", "Mechanical fan", "Rain on surface", "Raindrop",
        "Throbbing", "Environmental noise", "Waterfall", "Static", "Vehicle", "Train", "Rumble",
    }
)  # fmt: skip
"""Labels of sounds that go on: a recording with no others may be a background."""

PLACES = ("boat", "city", "coffee shop", "rain", "train", "waves", "wind")
"""Ambiences that are backgrounds: those in which no animal or fire comes and goes."""

LEAST_BACKGROUND = 8.0
"""Length of the shortest background [s]."""

VAGUE = frozenset(
    {
        "Animal", "Wild animals", "Domestic animals, pets",
        "Livestock, farm animals, working animals",
        "Outside, rural or natural", "Outside, urban or manmade", "Inside, small room",
        "Inside, large room or hall", "Wood", "Glass", "Liquid", "Sound effect", "Noise",
        "Mechanisms", "Hum", "Percussion", "Musical instrument", "Domestic sounds, home sounds",
        "Plucked string instrument", "Keyboard (musical)", "Mallet percussion", "Human voice",
        "Wind instrument, woodwind instrument", "Bowed string instrument", "Brass instrument",
        "Respiratory sounds", "Human locomotion", "Tools", "Vehicle", "Silence", "Rumble",
        "Environmental noise", "Clicking", "Hands", "Digestive", "Surface contact",
    }
)  # fmt: skip
"""Labels that name no event that a listener could tell the start and end of."""


@dataclass(frozen=True)
class SoundSource:
    """A sound that may stand in a scene.

    Parameters
    ----------
    path
        Its place in the data pack.
    labels
        Names of its sounds in AudioSet, those that these are kinds of among them.
    recording
        What it was cut from: all its files lie in one split.
    split
        ``"train"``, ``"val"`` or ``"test"``.
    kind
        Whether it comes and goes, or lies below all.
    licence
        As its source states it.
    """

    path: str
    labels: tuple[str, ...]
    recording: str
    split: str
    kind: Kind
    licence: str


def split_recording(name: str, val: float = 0.12, test: float = 0.25) -> str:
    """Return the split of a recording, by the hash of its name.

    Examples
    --------
    >>> split_recording("freesound 98024"), split_recording("freesound 1")
    ('test', 'train')
    """
    digest = hashlib.sha256(f"scenes {name}".encode()).digest()
    share = int.from_bytes(digest[:6], "big") / 2**48
    return "test" if share < test else "val" if share < test + val else "train"


def find_sources(data: str | Path, held_out: str | Path) -> tuple[SoundSource, ...]:
    """Return the sounds of the data pack that may stand in scenes.

    Share-alike recordings and those of the table of held-out ones are left out. A recording with a
    file in a folder that shipped weights were trained on is in the training split.

    Parameters
    ----------
    data
        Folder of the data pack.
    held_out
        The table of recordings that nothing may learn from: ``data/manifests/real-test.csv``.

    Raises
    ------
    FormatError
        Where a table is missing.
    """
    root = Path(data)
    recordings = join_recordings(read_real(root))
    names = {file.path: name for name, files in recordings.items() for file in files}
    seen = {
        name for name, files in recordings.items() if any(file.pack in TRAINED_ON for file in files)
    }
    closed = set(read_test(held_out).values())
    tree = read_ontology(root / "ontology" / "ontology.json")
    found = []
    for pack, read in READERS.items():
        for source in read(root / pack):
            name = names.get(source.path, source.recording)
            if name in closed or "-SA" in source.licence or not source.labels:
                continue
            fixed = pack == "berklee" or name in seen
            split = "train" if fixed else split_recording(name)
            labels = with_parents(source.labels, tree)
            found.append(replace(source, labels=labels, recording=name, split=split))
    return tuple(sorted(found, key=lambda source: source.path))


def with_parents(labels: Iterable[str], tree: Ontology) -> tuple[str, ...]:
    """Return labels with all that they are kinds of, in alphabetical order.

    Examples
    --------
    >>> with_parents(["Bark"], Ontology({"Dog": ("Bark",), "Bark": ()}))
    ('Bark', 'Dog')
    """
    known = {label for label in labels if label in tree.children}
    above = {name for label in known for name in tree.ancestors(label)}
    return tuple(sorted(set(labels) | above))


def choose_labels(
    sources: Iterable[SoundSource], least_train: int = 5, least_test: int = 2
) -> tuple[str, ...]:
    """Return the classes of AudioSet with enough recordings to learn and to test.

    Parameters
    ----------
    sources
        Sounds of all splits.
    least_train, least_test
        Recordings of events that a label needs in each.
    """
    counts: dict[str, dict[str, set[str]]] = {"train": {}, "val": {}, "test": {}}
    for source in sources:
        for label in source.labels:
            counts[source.split].setdefault(label, set()).add(source.recording)
    train, test = counts["train"], counts["test"]
    enough = {label for label, each in train.items() if len(each) >= least_train}
    tested = {label for label, each in test.items() if len(each) >= least_test}
    return tuple(sorted((enough & tested & set(audioset_labels())) - VAGUE))


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _source(path: str, labels: Iterable[str], licence: str, kind: Kind = "event") -> SoundSource:
    return SoundSource(path, tuple(labels), path, "train", kind, licence)


def _sounds(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "all.csv"):
        labels = tuple(row["labels"].split(";"))
        is_long = float(row["dur_s"]) >= LEAST_BACKGROUND
        kind: Kind = "background" if is_long and set(labels) <= TEXTURES else "event"
        licence = "CC BY-SA" if row["share_alike"] == "yes" else row["license"]
        yield _source(f"sounds/{row['folder']}/{row['file']}", labels, licence, kind)


def _music(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "all.csv"):
        yield _source(f"music/{row['file']}", ("Music",), row["licence"])


def _esc10(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "esc10.csv"):
        if "Sampling" not in row["licence"]:
            yield _source(f"esc10/{row['path']}", ESC10[row["label"]], row["licence"])


def _berklee(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "berklee.csv"):
        source = _source(f"berklee/{row['path']}", BERKLEE[row["label"]], "CC BY 3.0")
        yield replace(source, recording=f"berklee {row['stem']}")


def _samples(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "samples.csv"):
        kind = row["kind"]
        if kind in SAMPLES and kind != "loop":
            yield _source(f"samples/{row['path']}", SAMPLES[kind], row["licence"])


def _ambience(folder: Path) -> Iterator[SoundSource]:
    for row in _table(folder / "ambience.csv"):
        if row["label"] in PLACES:
            labels = {"rain": ("Rain",), "wind": ("Wind",), "waves": ("Waves, surf",)}
            mine = labels.get(row["label"], ("Environmental noise",))
            yield _source(f"ambience/{row['path']}", mine, row["licence"], "background")


READERS: Mapping[str, Callable[[Path], Iterator[SoundSource]]] = {
    "sounds": _sounds,
    "music": _music,
    "esc10": _esc10,
    "berklee": _berklee,
    "samples": _samples,
    "ambience": _ambience,
}
