import shutil
import subprocess

import mutagen
import pytest
from libraries import FAST

from mirkit.annotation import Key
from mirkit.library.tagging import samples_hash, tags_of, undo, write_tags

SUFFIXES = ("flac", "mp3", "m4a", "ogg", "wav")


@pytest.fixture
def tagged(library, tmp_path, clicks):
    """A library of one recording in five containers, one of which has tags already."""
    source = clicks(tmp_path / "source.wav", 120)
    folder = tmp_path / "music"
    folder.mkdir()
    for suffix in SUFFIXES:
        command = ["ffmpeg", "-loglevel", "error", "-i", source, folder / f"a.{suffix}"]
        subprocess.run(command, check=True)
    file = mutagen.File(folder / "a.flac")
    file["bpm"], file["title"] = ["99"], ["Mine"]
    file.save()
    library.add(folder)
    library.analyze(["beats", "loudness"], settings=FAST)
    for row in library.tracks():
        library.correct(row.id, "key", Key("A minor"))
    return library, folder


def test_tags_are_written_and_taken_back_and_the_sound_stays(tagged):
    library, folder = tagged
    paths = [folder / f"a.{suffix}" for suffix in SUFFIXES]
    before = {path: (tags_of(path), samples_hash(path)) for path in paths}
    report = write_tags(library, library.tracks())
    assert (report.n_done, report.failed) == (5, {})
    for path in paths:
        bpm, key, gain, peak = (texts[0] for texts in tags_of(path).values())
        assert float(bpm) == pytest.approx(120, abs=0.5)
        assert (key, gain[-3:]) == ("Am", " dB")
        assert 0 < float(peak) < 1.5
        assert samples_hash(path) == before[path][1]
    assert mutagen.File(folder / "a.flac")["title"] == ["Mine"]
    assert library.add().n_unchanged == 5
    assert library.plan(["beats"], settings=FAST).n_tracks == 0
    assert (undo(library).n_done, undo(library).n_done) == (5, 0)
    assert {path: (tags_of(path), samples_hash(path)) for path in paths} == before


def test_a_file_that_was_changed_since_is_left_alone(tagged):
    library, folder = tagged
    write_tags(library, library.search("path:" + str(folder / "a.flac")))
    file = mutagen.File(folder / "a.flac")
    file["title"] = ["Another"]
    file.save()
    report = undo(library)
    assert "was changed since" in report.failed[str(folder / "a.flac")]


def test_a_copy_that_sounds_otherwise_takes_no_place(tagged, monkeypatch):
    from mirkit.library import tagging

    library, folder = tagged
    path = folder / "a.flac"
    content = path.read_bytes()
    other = folder / "a.wav"
    monkeypatch.setattr(
        tagging.file_tags, "write", lambda copy, **_: shutil.copy(other, copy) and None
    )
    monkeypatch.setattr(tagging, "_set_texts", lambda copy, texts: copy.write_bytes(content[:-400]))
    report = write_tags(library, library.search("path:" + str(path)))
    assert list(report.failed) == [str(path)]
    assert path.read_bytes() == content
