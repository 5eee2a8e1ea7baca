"""Beets reads what we write into tags, beside Serato's blocks too."""

import subprocess

import numpy as np
import pytest
import soundfile
from beetruns import make_library

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj import DJTrack, seratotags
from mirkit.formats.dj import file_tags as tags

pytest.importorskip("beets")

KEYS = {"mp3": "A minor", "flac": "Eb major", "m4a": "F# minor"}
READ = {"mp3": "Am", "flac": "D#", "m4a": "F#m"}  # beets has sharps only


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library into which tagged recordings were imported as they are."""
    folder = tmp_path_factory.mktemp("beets")
    (folder / "in").mkdir()
    soundfile.write(folder / "x.wav", np.random.default_rng(0).normal(0, 0.01, 88200), 44100)
    for number, (suffix, key) in enumerate(KEYS.items()):
        path = folder / "in" / f"x.{suffix}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", folder / "x.wav", "-metadata", "title=A title", path],
            check=True,
        )
        tags.write(path, bpm=120 + number, key=key)
        grid = BeatGrid([0.25], [120.0 + number], 2.0)
        seratotags.write(DJTrack(str(path), key=key, grid=grid))
    beets = make_library(folder / "library")
    said = beets.run("import", folder / "in")
    assert "error" not in said.lower()
    return beets


def test_beets_reads_tempo_and_key_beside_the_tags_of_serato(library):
    assert library.items("bpm", "initial_key", "title") == {
        suffix: [str(120 + number), READ[suffix], "A title"] for number, suffix in enumerate(KEYS)
    }


def test_a_file_that_beets_copies_keeps_what_we_wrote(library):
    copies = {path.suffix[1:]: path for path in (library.folder / "music").rglob("*.*")}
    for number, (suffix, key) in enumerate(KEYS.items()):
        assert tags.read(copies[suffix]).key == key
        assert seratotags.read(copies[suffix]).track.grid.bpm == 120 + number


def test_a_file_that_beets_writes_keeps_the_grid_of_serato(library):
    library.run("modify", "-y", "title:A title", "title=Another")
    for path in (library.folder / "music").rglob("*.*"):
        found = tags.read(path)
        number = list(KEYS).index(path.suffix[1:])
        assert (found.title, found.bpm) == ("Another", 120 + number)
        assert seratotags.read(path).track.grid.bpm == 120 + number
