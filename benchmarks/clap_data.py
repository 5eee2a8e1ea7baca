"""What clap-mini learns from: phrases of classes, clips with what is true of them, a lexicon.

DATA is the data pack. Share-alike clips, ESC-10's two Sampling+ clips and all recordings of
data/manifests/real-test.csv are left out; captions with a word that the paraphrase test calls new
are too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import report

LANGUAGE = report.ROOT / "data" / "language"
TEST = report.ROOT / "data" / "manifests" / "real-test.csv"
GENERATION = 0.6  # how true a class is whose kind a label is, for each step up
HEARD, BELIEVED = 0.1, 0.7  # the least score of the teacher that counts, and how true it makes it

MUSIC_TAGS = {
    "piano": "Piano", "drums": "Drum kit", "guitar": "Guitar", "acoustic guitar": "Acoustic guitar",
    "choir": "Choir", "chant": "Chant", "classical": "Classical music", "house": "House music",
    "electronic": "Electronic music", "orchestra": "Orchestra", "orchestral": "Orchestra",
    "concert band": "Brass instrument", "wind band": "Brass instrument", "trumpet": "Trumpet",
    "marching band": "Brass instrument", "cello": "Cello", "violin": "Violin, fiddle",
    "saxophone": "Saxophone", "flute": "Flute", "jazz": "Jazz", "hip-hop": "Hip hop music",
    "folk": "Folk music", "rock": "Rock music", "pop": "Pop music", "pop rock": "Rock music",
    "folk rock": "Folk music", "ambient": "Ambient music", "chiptune": "Video game music",
    "game": "Video game music", "a cappella": "A capella", "bugle": "Brass instrument",
    "percussion": "Percussion", "bass": "Bass guitar", "synthwave": "Synthesizer",
    "cinematic": "Soundtrack music", "fife and drum": "Flute", "solo singing": "Singing",
    "vocals": "Singing", "world": "Traditional music", "lofi": "Electronica",
}  # fmt: skip
UNSAID = ("game", "loop", "background", "acoustic", "netlabel", "chord", "solo")
"""Tags of music that no one would say in a sentence."""


def read_phrases(path: Path = LANGUAGE / "sounds.txt") -> dict[str, list[str]]:
    """Return the phrases of each class."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    split = (line.split(": ", 1) for line in lines if line)
    return {label: [each.strip() for each in rest.split(";")] for label, rest in split}


def read_paraphrases(path: Path = LANGUAGE / "paraphrases.csv") -> list[dict[str, str]]:
    """Return the rows of the paraphrase test."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def new_words() -> set[str]:
    """Return the words that must be in no table of training."""
    return {word for row in read_paraphrases() for word in row["new"].lower().split()}


@dataclass
class Clips:
    """Recordings, and what is known of each.

    Parameters
    ----------
    paths
        Places in the data pack.
    labels
        Names of classes that people gave.
    captions
        A sentence, or an empty text.
    is_free
        Whether the license lets a shipped weight learn from it.
    is_held
        Whether nothing may learn from it.
    is_esc10
        Whether ESC-10 has it.
    """

    paths: list[str] = field(default_factory=list)
    labels: list[list[str]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    is_free: list[bool] = field(default_factory=list)
    is_held: list[bool] = field(default_factory=list)
    is_esc10: list[bool] = field(default_factory=list)

    def add(self, path: str, labels: list[str], caption: str, free: bool, esc10: bool) -> None:
        """Add a recording."""
        self.paths.append(path)
        self.labels.append(labels)
        self.captions.append(caption)
        self.is_free.append(free)
        self.is_esc10.append(esc10)

    def learned(self, without_esc10: bool) -> np.ndarray:
        """Return which recordings are learned from."""
        free, held, esc10 = (np.array(x) for x in (self.is_free, self.is_held, self.is_esc10))
        return free & ~held & ~(esc10 & without_esc10)


def read_clips(data: Path) -> Clips:
    """Return all recordings of the data pack that have labels or captions."""
    from mirkit.datasets.real import read_test
    from mirkit.datasets.tag_sources import tag_rows

    rows = tag_rows({name: data / name for name in ("esc10", "berklee", "ambience")})
    labels = {str(Path(row["path"]).relative_to(data)): row["labels"] for row in rows}
    clips = Clips()
    for row in _table(data / "sounds" / "all.csv"):
        path, free = f"sounds/{row['folder']}/{row['file']}", row["share_alike"] != "yes"
        clips.add(path, row["labels"].split(";"), row["caption"], free, row["in_esc10"] == "yes")
    for row in _table(data / "esc10" / "esc10.csv"):
        path = f"esc10/{row['path']}"
        clips.add(path, labels[path], "", "Sampling" not in row["licence"], True)
    for row in _table(data / "berklee" / "berklee.csv"):
        path = f"berklee/{row['path']}"
        clips.add(path, labels.get(path, []), row["caption"], True, False)
    for row in _table(data / "ambience" / "ambience.csv"):
        path = f"ambience/{row['path']}"
        clips.add(path, labels.get(path, []), "", True, False)
    for row in _table(data / "music" / "all.csv"):
        tags = list(dict.fromkeys(tag.strip() for tag in row["tags"].split(";") if tag.strip()))
        named = ["Music", *sorted({MUSIC_TAGS[tag] for tag in tags if tag in MUSIC_TAGS})]
        said = [tag for tag in tags if tag not in UNSAID and not tag.startswith("CC")][:4]
        caption = f"{', '.join(said)} music" if said else ""
        clips.add(f"music/{row['file']}", named, caption, "SA" not in row["licence"], False)
    held, new = read_test(TEST), new_words()
    clips.is_held = [path in held for path in clips.paths]
    for i, caption in enumerate(clips.captions):
        if not clips.is_held[i] and set(re.findall("[a-z]+", caption.lower())) & new:
            clips.captions[i] = ""
    return clips


def truths(clips: Clips, classes: list[str], data: Path, teacher: Mapping[str, Any]) -> Any:
    """Return how true each class is of each clip, ``(n_clips, n_classes)``: labels and teacher.

    Parameters
    ----------
    clips
        The recordings.
    classes
        The names of the classes.
    data
        The data pack, which has the ontology.
    teacher
        YAMNet's ``mean`` and ``max`` of each clip, and its ``labels``.
    """
    number = {name: i for i, name in enumerate(classes)}
    true = np.zeros((len(clips.paths), len(classes)), np.float32)
    scores = (teacher["mean"] + teacher["max"]) / 2
    for column, label in zip(scores.T, teacher["labels"].tolist(), strict=True):
        if label in number:
            true[:, number[label]] = np.where(column > HEARD, column, 0) * BELIEVED
    parents = _parents(data)
    for row, labels in zip(true, clips.labels, strict=True):
        for label, share in _closure(labels, parents).items():
            if label in number:
                row[number[label]] = max(row[number[label]], share)
    return true


def kinship(classes: list[str], data: Path) -> Any:
    """Return how near classes are: 1 for the same, .4 for a class and its parent, else 0."""
    number, parents = {name: i for i, name in enumerate(classes)}, _parents(data)
    near = np.eye(len(classes), dtype=np.float32)
    for name, i in number.items():
        for parent in parents.get(name, ()):
            if parent in number:
                near[i, number[parent]] = near[number[parent], i] = 0.4
    return near


def read_lexicon(wordnet: Path, known: set[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield words, their glosses, and whether it is the first sense, from WordNet's files.

    Words that `known` lacks are taken where they name things that sound, or doings.

    Parameters
    ----------
    wordnet
        The folder with ``data.noun`` and so on.
    known
        The words that the vocabulary of MiniLM holds whole.
    """
    for kind, wanted in KINDS.items():
        glosses = dict(_glosses(wordnet / f"data.{kind}"))
        for line in (wordnet / f"index.{kind}").read_text("utf-8").splitlines():
            if line.startswith(" "):
                continue
            cells = line.split()
            word, places = cells[0].replace("_", " "), cells[6 + int(cells[3]) :]
            if not re.fullmatch(r"[a-z]{2,15}( [a-z]{2,12})?", word):
                continue
            for rank, place in enumerate(places[:2]):
                file, names, gloss = glosses[place]
                is_name = not any(each.lower() == cells[0] for each in names if each[0].isupper())
                is_known = word in known or (" " in word and set(word.split()) <= known)
                if is_name and (is_known or (file in wanted and not rank)):
                    yield word, gloss, not rank


KINDS: Mapping[str, frozenset[int]] = {
    "noun": frozenset({4, 5, 6, 10, 11, 18, 19}),
    "verb": frozenset(range(29, 44)),
    "adj": frozenset({0, 1, 44}),
}
"""Parts of speech, and WordNet's files of words that sound: acts, animals, artifacts, …"""


def _glosses(path: Path) -> Iterator[tuple[str, tuple[int, list[str], str]]]:
    for line in path.read_text("utf-8").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition(" | ")
        cells = head.split()
        names = cells[4 : 4 + 2 * int(cells[3], 16) : 2]
        yield cells[0], (int(cells[1]), names, re.split(r'; "', gloss)[0].strip())


def _parents(data: Path) -> Mapping[str, tuple[str, ...]]:
    from mirkit.datasets.ontology import read_ontology

    return read_ontology(data / "ontology" / "ontology.json").parents


def _closure(labels: list[str], parents: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Return labels and all above them, each with how true it is."""
    found: dict[str, float] = {}
    todo = [(label, 1.0) for label in labels]
    while todo:
        label, share = todo.pop()
        if share > found.get(label, 0):
            found[label] = share
            todo += [(parent, share * GENERATION) for parent in parents.get(label, ())]
    return found


def _table(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
