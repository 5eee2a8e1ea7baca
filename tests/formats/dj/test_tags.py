"""Tempo and key in the tags of recordings, with the names that players look for."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from mirkit.errors import AudioError, MissingExtra, ParameterError
from mirkit.formats.dj import file_tags as tags

mutagen = pytest.importorskip("mutagen")

ENCODERS = {"mp3": "libmp3lame", "m4a": "aac", "ogg": "libvorbis", "opus": "libopus"}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A quiet second in every container."""
    folder = tmp_path_factory.mktemp("tags")
    samples = np.random.default_rng(0).normal(0, 0.01, 48000)
    for suffix in ("wav", "aiff", "flac"):
        soundfile.write(folder / f"x.{suffix}", samples, 48000)
    for suffix, codec in ENCODERS.items():
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", folder / "x.wav", "-c:a", codec, "-metadata",
             "title=A title", "-metadata", "artist=keep", folder / f"x.{suffix}"], check=True,
        )  # fmt: skip
    return folder


@pytest.fixture(params=["wav", "aiff", "flac", *ENCODERS])
def recording(request, recordings, tmp_path):
    path = tmp_path / f"x.{request.param}"
    path.write_bytes((recordings / path.name).read_bytes())
    return path


def probed(path):
    """What ffprobe finds: a reader that is not mutagen."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of",
         "default=nw=1", path], capture_output=True, text=True, check=True,
    )  # fmt: skip
    pairs = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {key.removeprefix("TAG:").lower(): value for key, value in pairs}


def test_tempo_and_key_come_back_and_the_sound_stays(recording):
    before, _ = soundfile.read(recording) if recording.suffix != ".m4a" else (None, 0)
    old = probed(recording)
    tags.write(recording, bpm=127.99, key="8A")
    found = tags.read(recording)
    assert found.bpm == (128 if recording.suffix == ".m4a" else 127.99)
    assert found.key == "A minor"
    assert round(found.duration) == 1
    assert found.sample_rate == (None if recording.suffix == ".opus" else 48000)
    if before is not None:
        np.testing.assert_array_equal(soundfile.read(recording)[0], before)
    seen = probed(recording)
    assert {key: seen[key] for key in old} == old
    assert [x.name for x in recording.parent.iterdir()] == [recording.name]


def test_the_names_are_those_that_players_look_for(recording):
    tags.write(recording, bpm=100, key="F# minor")
    raw = mutagen.File(recording).tags
    if recording.suffix in (".mp3", ".wav", ".aiff"):
        assert (raw["TBPM"].text, raw["TKEY"].text) == (["100"], ["F#m"])
    elif recording.suffix == ".m4a":
        assert raw["tmpo"] == [100]
        assert bytes(raw["----:com.apple.iTunes:initialkey"][0]) == b"F#m"
    else:
        assert (raw["bpm"], raw["initialkey"]) == (["100"], ["F#m"])
        assert "key" not in raw
    if recording.suffix in (".mp3", ".flac", ".ogg"):
        seen = probed(recording)
        assert "100" in (seen.get("tbpm"), seen.get("bpm"))
        assert "F#m" in (seen.get("tkey"), seen.get("initialkey"))


def test_what_is_not_given_stays(recording):
    tags.write(recording, bpm=100, key="C")
    tags.write(recording, key="D", notation="camelot")
    found = tags.read(recording)
    assert (found.bpm, found.key) == (100, "D major")
    if recording.suffix[1:] in ENCODERS:
        assert (found.title, found.artist) == ("A title", "keep")


def test_the_version_of_id3_stays(recordings, tmp_path):
    from mutagen.id3 import ID3, TDRC, TIT2

    path = tmp_path / "x.mp3"
    path.write_bytes((recordings / "x.mp3").read_bytes())
    old = ID3()
    old.add(TIT2(encoding=1, text=["ä"]))
    old.add(TDRC(encoding=0, text=["2020-05-17"]))
    old.update_to_v23()
    old.save(path, v2_version=3)
    tags.write(path, bpm=90)
    assert ID3(path, translate=False).version == (2, 3, 0)
    assert str(ID3(path)["TDRC"]) == "2020-05-17"
    assert tags.read(path).title == "ä"


def test_tempi_are_texts_of_two_decimals():
    assert [tags.tempo_text(x) for x in (128, 99.999, 93.333, 120.10)] == [
        "128", "100", "93.33", "120.1",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="above 0"):
        tags.tempo_text(0)


def test_odd_tags_of_others_count_as_not_known(recordings, tmp_path):
    path = tmp_path / "x.flac"
    path.write_bytes((recordings / "x.flac").read_bytes())
    file = mutagen.File(path)
    file["bpm"], file["initialkey"] = ["128,5"], ["o"]
    file.save()
    found = tags.read(path)
    assert (found.bpm, found.key) == (None, None)


def test_what_has_no_tags_is_refused(tmp_path):
    path = tmp_path / "x.mp3"
    path.write_bytes(b"no music at all")
    for attempt in (tags.read, lambda x: tags.write(x, bpm=100)):
        with pytest.raises(AudioError, match=r"x\.mp3"):
            attempt(path)
    assert path.read_bytes() == b"no music at all"


def test_without_mutagen_the_message_says_how_to_get_it(recordings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mutagen", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mirkit\[tags\]'"):
        tags.read(recordings / "x.flac")


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg", "m4a", "wav"])
def test_titles_are_known_without_mutagen_too(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"x.{suffix}"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=d=1",
        "-metadata",
        "title=A Song",
    ]
    command += ["-metadata", "artist=Someone", str(path)]
    subprocess.run(command, check=True)
    monkeypatch.setitem(sys.modules, "mutagen", None)
    found = tags.known(path)
    assert (found.title, found.artist) == ("A Song", "Someone")
    assert found.duration == pytest.approx(1, abs=0.1)
