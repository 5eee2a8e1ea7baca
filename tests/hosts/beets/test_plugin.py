"""The plug-in inside a real beets, in a library of its own."""

import subprocess

import numpy as np
import pytest
import soundfile
from beetruns import make_library
from signals import chords, click_track

pytest.importorskip("beets")
from mirkit.formats.dj import file_tags as tags

BPM = 100


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """A song of ten seconds in A minor, in three containers."""
    folder = tmp_path_factory.mktemp("songs")
    clicks = click_track(BPM, 16, 44100, start=0.02, noise=1e-4).samples
    harmony = chords([("A:min", 2.4), ("D:min", 2.4), ("E:maj", 2.4), ("A:min", 2.4)], 44100)
    n = min(clicks.shape[-1], harmony.samples.shape[-1])
    samples = clicks[..., :n] + harmony.samples[..., :n]
    soundfile.write(folder / "x.wav", np.ravel(samples), 44100)
    (folder / "in").mkdir()
    for suffix in ("mp3", "flac", "m4a"):
        subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "x.wav", "-metadata",
                        f"title={suffix}", folder / "in" / f"x.{suffix}"], check=True)  # fmt: skip
    return folder / "in"


@pytest.fixture
def beets(songs, tmp_path):
    """A library that holds the songs, with the plug-in asleep while they were imported."""
    beets = make_library(tmp_path / "library", plugins="mirkit", mirkit={"auto": False})
    beets.run("import", songs)
    return beets


def written(beets):
    """Tempo and key in the tags of the files, by suffix."""
    found = {path.suffix[1:]: tags.read(path) for path in (beets.folder / "music").rglob("*.*")}
    return {suffix: (track.bpm, track.key) for suffix, track in found.items()}


def test_an_import_listens_and_leaves_the_originals_alone(songs, tmp_path):
    before = {path: path.read_bytes() for path in songs.iterdir()}
    beets = make_library(tmp_path / "library", plugins="mirkit")
    beets.run("import", songs)
    found = beets.items("bpm", "initial_key", "mirkit_bpm", "mirkit_heard")
    assert set(found) == {"mp3", "flac", "m4a"}
    for bpm, key, exact, heard in found.values():
        assert (bpm, key, heard) == (str(BPM), "Am", "beats key")
        assert float(exact) == pytest.approx(BPM, abs=0.5)
    assert {path: path.read_bytes() for path in songs.iterdir()} == before
    assert beets.items(query=["mirkit_beat_confidence:0.5..", "mirkit_key_confidence:0.1.."])


def test_the_command_writes_library_and_files(beets):
    assert beets.items("bpm", "initial_key")["flac"] == ["0", ""]
    assert set(written(beets).values()) == {(None, None)}
    beets.run("mirkit", "title:flac")
    assert beets.items("bpm", "initial_key") == {
        "flac": [str(BPM), "Am"], "mp3": ["0", ""], "m4a": ["0", ""],
    }  # fmt: skip
    nothing = (None, None)
    assert written(beets) == {"flac": (BPM, "A minor"), "mp3": nothing, "m4a": nothing}
    beets.run("mirkit", "--nowrite", "title:mp3")
    assert beets.items("initial_key")["mp3"] == ["Am"]
    assert written(beets)["mp3"] == nothing
    levels = beets.items("mirkit_tempo_alternatives")["flac"][0].split()
    assert levels
    assert all(abs(float(level) - BPM) > 10 for level in levels)


def test_what_is_there_is_not_heard_again_unless_forced(beets):
    beets.run("modify", "-y", "title:flac", "bpm=99", "initial_key=C")
    beets.run("modify", "-y", "title:mp3", "bpm=99")
    said = beets.run("-v", "mirkit", "title:flac")
    assert "has tempo and key" in said
    beets.run("mirkit", "title:mp3")  # lacks its key alone
    assert beets.items("bpm", "initial_key", "mirkit_heard")["mp3"] == ["99", "Am", "key"]
    assert beets.items("bpm", "initial_key")["flac"] == ["99", "C"]
    beets.run("mirkit", "--force", "title:flac")
    assert beets.items("bpm", "initial_key")["flac"] == [str(BPM), "Am"]


def test_what_cannot_be_heard_is_named_and_the_others_are_done(beets):
    (bad,) = (beets.folder / "music").rglob("*.mp3")
    bad.write_bytes(b"no music at all")
    said = beets.run("mirkit", "title:mp3", ",", "title:flac", status=1)
    assert str(bad) in said
    assert "1 of 2 items failed" in said
    assert beets.items("bpm")["flac"] == [str(BPM)]
    assert beets.items("bpm")["mp3"] == ["0"]
