"""Labels of the real recordings of the data pack, as rows of a manifest that a tagger learns from.

Labels come with all that they are kinds of. Nobody listened for what is in every field recording,
nor for the kinds of what is there: of those nothing is known. One split key lies over all folders:
a recording trains, validates or tests with every file that was cut from it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mirkit.datasets.ontology import Ontology, read_ontology
from mirkit.datasets.real import RealFile, join_recordings, read_real, read_test
from mirkit.datasets.tag_sources import (
    OWN_NAMES,
    UNSURE,
    Row,
    share_of,
    tag_rows,
    vocabularies,
)
from mirkit.vocab.tag_groups import GENRES, MOODS

VALIDATION = 0.1
"""Share of the recordings that validate."""

OPEN = ("CC0", "CC BY", "CC-BY", "CC PDM", "Public Domain", "MIT", "BSD")
CLOSED = ("SA", "NC", "ND", "Sampling")
"""Beginnings of licenses that permit training shipped weights, and words of those that do not."""

FURTHER = (
    *("Musical instrument", "Motor vehicle (road)", "Domestic animals, pets"),
    *("Boat, Water vehicle", "Emergency vehicle", "Aircraft engine", "Orchestra", "Double bass"),
    *("Marimba, xylophone", "Child speech, kid speaking", "Conversation", "Silence"),
)
"""Names that no label of a recording is, beside `GENRES` and `MOODS`: teachers know them."""

PLACES = frozenset(
    {
        *("Inside, small room", "Inside, large room or hall", "Inside, public space"),
        *("Outside, urban or manmade", "Outside, rural or natural", "Silence", "Hum", "Hiss"),
        *("Noise", "Mains hum", "Buzz", "Whoosh, swoosh, swish", "Thump, thud", "Rattle"),
        *("Clicking", "Sound effect", "Wind noise (microphone)", "Echo", "Reverberation"),
    }
)
"""What may be in any recording, beside `UNSURE`, without its being said."""

STATED: Mapping[str, tuple[str, ...]] = {
    "piano": ("Piano",),
    "classical": ("Classical music",),
    "electronic": ("Electronic music",),
    "electronic cinematic": ("Electronic music",),
    "vocals": ("Singing",),
    "solo singing": ("Singing",),
    "drums": ("Drum",),
    "a cappella": ("A capella", "Singing"),
    "orchestral": ("Orchestra",),
    "orchestra": ("Orchestra",),
    "string orchestra": ("Orchestra", "Bowed string instrument", "String section"),
    "chant": ("Chant", "Singing"),
    "choir": ("Choir",),
    "choral": ("Choir",),
    "ambient": ("Ambient music",),
    "guitar": ("Guitar",),
    "acoustic guitar": ("Acoustic guitar",),
    "violin": ("Violin, fiddle",),
    "bass": ("Bass guitar",),
    "indie pop": ("Pop music",),
    "pop": ("Pop music",),
    "folk pop": ("Pop music",),
    "folk rock": ("Rock music",),
    "pop rock": ("Rock music",),
    "rock jazz fusion": ("Rock music", "Jazz"),
    "jazz": ("Jazz",),
    "folk": ("Folk music",),
    "country": ("Country",),
    "blues": ("Blues",),
    "house": ("House music",),
    "trance": ("Trance music",),
    "hip-hop": ("Hip hop music",),
    "reggae": ("Reggae",),
    "dub": ("Reggae",),
    "funk": ("Funk",),
    "trumpet": ("Trumpet",),
    "bugle": ("Brass instrument",),
    "concert band": ("Brass instrument", "Wind instrument, woodwind instrument"),
    "wind band": ("Brass instrument", "Wind instrument, woodwind instrument"),
    "fife and drum": ("Flute", "Drum"),
    "cello": ("Cello",),
    "saxophone": ("Saxophone",),
    "harp": ("Harp",),
    "organ": ("Organ",),
    "flute": ("Flute",),
    "percussion": ("Percussion",),
    "frame drum": ("Drum",),
    "tabla": ("Tabla",),
    "vibraphone": ("Mallet percussion",),
    "woodwinds": ("Wind instrument, woodwind instrument",),
    "bassoon": ("Wind instrument, woodwind instrument",),
    "oboe": ("Wind instrument, woodwind instrument",),
    "baritone": ("Male singing",),
    "game": ("Video game music",),
    "chiptune": ("Video game music", "Electronic music"),
    "synthwave": ("Electronic music", "Synthesizer"),
}
"""Labels of what the table of `music` says of a piece."""


@dataclass(frozen=True)
class RealSources:
    """The recordings of a data pack, with one split over all of its folders.

    Parameters
    ----------
    root
        Folder of the data pack.
    held_out
        The table of what nothing learns from: see `mirkit.datasets.real.read_test`.
    """

    root: Path
    held_out: Path
    folders: tuple[str, ...] = field(default=("songs", "samples", "ambience", "esc10", "berklee"))

    @cached_property
    def tree(self) -> Ontology:
        """The ontology of AudioSet."""
        return read_ontology(self.root / "ontology" / "ontology.json")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The vocabulary: of the general tagger so far, of `sounds`, and what teachers add."""
        music, other = vocabularies()
        first = [name for name in music if name not in OWN_NAMES]
        found = (row["label"] for row in table(self.root / "sounds" / "classes.csv"))
        return tuple(dict.fromkeys([*first, *OWN_NAMES, *other, *found, *GENRES, *MOODS, *FURTHER]))

    @cached_property
    def recordings(self) -> Mapping[str, list[RealFile]]:
        """The files of each recording."""
        return join_recordings(read_real(self.root))

    @cached_property
    def recording_of(self) -> Mapping[str, str]:
        """The recording of each file, by its place in the data pack."""
        return {file.path: name for name, files in self.recordings.items() for file in files}

    def rows(self) -> list[Row]:
        """Return a row for each file that may train shipped weights, or validate them."""
        told = tag_rows({name: self.root / name for name in self.folders})
        old = (self._widened(row) for row in told)
        found = [*_unique(old), *self._sounds(), *self._music()]
        tested = {self.recording_of[path] for path in read_test(self.held_out)}
        kept = [row for row in found if self._name(row) not in tested and may_train(row["licence"])]
        validating = {self._name(row) for row in kept if self._validates(row)}
        for row in kept:
            row["split"] = "val" if self._name(row) in validating else "train"
            row["in_esc10"] = self._is_in_esc10(row)
        return kept

    def _validates(self, row: Row) -> bool:
        if row["split"]:
            return bool(row["split"] != "train")
        return share_of(f"real/{self._name(row)}") < VALIDATION

    def _name(self, row: Row) -> str:
        """Return the recording that a row is cut from."""
        return self.recording_of.get(row["place"], row["source"])

    def _is_in_esc10(self, row: Row) -> bool:
        files = self.recordings.get(self._name(row), [])
        return any(file.pack == "esc10" for file in files)

    def expand(self, labels: Iterable[str]) -> set[str]:
        """Return labels with all that they are kinds of, as far as the vocabulary goes."""
        kinds = (
            {name, *(self.tree.ancestors(name) if name in self.tree.children else ())}
            for name in labels
        )
        return {name for each in kinds for name in each} & set(self.labels)

    def kinds(self, labels: Iterable[str]) -> set[str]:
        """Return the labels that are kinds of some of `labels`."""
        wanted = set(labels)
        return {
            name
            for name in self.labels
            if name in self.tree.children and wanted & self.tree.ancestors(name)
        }

    @cached_property
    def musical(self) -> frozenset[str]:
        """All labels of music and its instruments."""
        music, _ = vocabularies()
        return frozenset(music) | self.kinds(["Music"]) | {"Musical instrument"}

    def _widened(self, row: Row) -> Row:
        """Return a row of the smaller vocabulary: what is new in the larger one is not known."""
        labels = self.expand(row["labels"])
        known = set(row["known"]) - self.kinds(labels) | labels
        place = str(Path(row["path"]).relative_to(self.root))
        return {**row, "labels": sorted(labels), "known": sorted(known), "place": place,
                "licence": self._licences[place]}  # fmt: skip

    @cached_property
    def _licences(self) -> Mapping[str, str]:
        return {
            f"{pack}/{row['path']}": row.get("licence") or "CC BY 3.0"  # of Berklee, of the whole
            for pack in self.folders
            for row in table(self.root / pack / f"{pack}.csv")
        }

    def _sounds(self) -> Iterator[Row]:
        for row in table(self.root / "sounds" / "all.csv"):
            labels = self.expand(row["labels"].split(";"))
            unknown = UNSURE | PLACES | self.kinds(labels) | {*GENRES, *MOODS}
            if labels & self.musical:
                unknown |= {"Music", *OWN_NAMES}
            licence = "CC BY-SA" if row["share_alike"] == "yes" else row["license"]
            place = f"sounds/{row['folder']}/{row['file']}"
            yield self._row(place, labels, set(self.labels) - unknown, row["group"], licence)

    def _music(self) -> Iterator[Row]:
        for row in table(self.root / "music" / "all.csv"):
            told = [STATED[word] for word in row["tags"].split(";") if word in STATED]
            labels = self.expand({"Music", *(name for names in told for name in names)})
            known = set(self.labels) - self.musical - UNSURE - PLACES - {"Speech"}
            known -= {"Silence", "Crowd", "Cheering", "Applause", "Clapping"}
            place = f"music/{row['file']}"
            yield self._row(place, labels, known, row["group"], row["licence"])

    def _row(self, place: str, labels: set[str], known: set[str], group: str, licence: str) -> Row:
        return {
            "path": str(self.root / place),
            "place": place,
            "labels": sorted(labels),
            "known": sorted(known | labels),
            "source": f"{place.split('/')[0]}/{group}",
            "licence": licence,
            "split": "",
        }


def may_train(licence: str) -> bool:
    """Tell whether a recording under a license may train weights that are shipped.

    Examples
    --------
    >>> may_train("CC BY 4.0"), may_train("CC BY-SA 3.0"), may_train("CC-Sampling+")
    (True, False, False)
    """
    return licence.startswith(OPEN) and not any(word in licence for word in CLOSED)


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _unique(rows: Iterable[Row]) -> list[Row]:
    """Return rows once each; a few are repeated where there were few of a kind."""
    return list({json.dumps(row, sort_keys=True): row for row in rows}.values())
