"""`mirkit export --keep`: a whole library into one file, analyzing only what is new."""

import json

import numpy as np
import pytest
import signals
import soundfile

from mirkit.annotation import Analysis, Beats, Events, Key, Segments
from mirkit.cli import main, tracks
from mirkit.formats import read, save
from mirkit.formats.dj import read_collection

TEMPI = {"a/slow.wav": 84, "a/b/fast.flac": 126, "a/b/fast.wav": 140}


@pytest.fixture
def music(tmp_path):
    """Folders in folders, two recordings of one name, a text."""
    folder = tmp_path / "music ä"
    for name, bpm in TEMPI.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        audio = signals.click_track(bpm, n_beats=24, sample_rate=8000)
        soundfile.write(path, audio.samples.T, audio.sample_rate)
    (folder / "a/read me.txt").write_text("words")
    return folder


@pytest.fixture
def listened(monkeypatch):
    """Which recordings were listened to; beats are those of the clicks."""
    names = []

    def beats(self, sound):
        path = sound if isinstance(sound, str) else "?"
        names.append(path.rpartition("/")[2])
        bpm = next(bpm for name, bpm in TEMPI.items() if path.endswith(name))
        return Beats(signals.steady_beats(bpm, 12.0, start=0.5))

    monkeypatch.setattr(tracks.Worker, "_beats", beats)
    return names


def exported(capsys, *words):
    status = main(["export", *map(str, words), "-j", "1", "--json"])
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    return status, rows[:-1], rows[-1]["summary"], said.err


BEATS_ONLY = ("--keep",)


def test_folders_go_into_one_file_and_the_next_time_nothing_is_heard(
    music, tmp_path, capsys, listened
):
    out = tmp_path / "x.xml"
    status, rows, found, _ = exported(capsys, "rekordbox", music, "-o", out, *BEATS_ONLY)
    assert status == 0
    assert found == {"tracks": 3, "known": 0, "failed": 0}
    assert sorted(row["bpm"] for row in rows) == [84, 126, 140]
    assert {track.tempo for track in read_collection(out).tracks} == {84, 126, 140}
    kept = sorted(path.relative_to(music).as_posix() for path in music.rglob("*.jams"))
    assert kept == ["a/b/fast.flac.jams", "a/b/fast.wav.jams", "a/slow.jams"]
    listened.clear()
    again = tmp_path / "y.nml"
    status, _, found, _ = exported(capsys, "traktor", music, "-o", again, *BEATS_ONLY)
    assert (status, found["known"], listened) == (0, 3, [])
    assert {track.tempo for track in read_collection(again).tracks} == {84, 126, 140}
    exported(capsys, "traktor", music, "-o", again, *BEATS_ONLY, "--again")
    assert len(listened) == 3


def test_what_is_kept_elsewhere_leaves_the_music_alone(music, tmp_path, capsys, listened):
    words = ("m3u", music / "a", "-o", tmp_path, "--keep", tmp_path / "kept")
    assert exported(capsys, *words)[0] == 0
    assert list(music.rglob("*.jams")) == []
    kept = sorted(x.relative_to(tmp_path / "kept").as_posix() for x in tmp_path.rglob("*.jams"))
    assert kept == ["b/fast.flac.jams", "b/fast.wav.jams", "slow.jams"]
    assert exported(capsys, *words)[2]["known"] == 3


def test_an_interruption_costs_only_the_recording_at_hand(music, tmp_path, monkeypatch, listened):
    real = tracks.Worker._beats

    def interrupted(self, sound):
        if len(listened) == 1:
            raise KeyboardInterrupt
        return real(self, sound)

    monkeypatch.setattr(tracks.Worker, "_beats", interrupted)
    words = ["export", "rekordbox", str(music), "-o", str(tmp_path / "x.xml"), "-j", "1",
             *BEATS_ONLY]  # fmt: skip
    assert main(words) == 130
    assert not (tmp_path / "x.xml").exists()
    assert len(list(music.rglob("*.jams"))) == 1
    monkeypatch.setattr(tracks.Worker, "_beats", real)
    assert main(words) == 0
    assert sorted(listened) == ["fast.flac", "fast.wav", "slow.wav"]


def test_files_that_fail_are_named_and_the_others_are_exported(music, tmp_path, capsys, listened):
    (music / "a/bad.mp3").write_bytes(b"no music")
    (music / "a/slow.jams").write_text("no JAMS")
    out = tmp_path / "x.xml"

    status, _, found, said = exported(capsys, "virtualdj", music, tmp_path / "none.mp3", "-o", out,
                                      *BEATS_ONLY)  # fmt: skip
    assert (status, found["tracks"], found["failed"]) == (1, 2, 3)
    assert all(name in said for name in ("bad.mp3", "slow.jams", "none.mp3"))
    assert len(read_collection(out)) == 2


def test_a_playlist_names_its_recordings_and_is_one_in_the_program(
    music, tmp_path, capsys, listened
):
    lists = tmp_path / "lists"
    lists.mkdir()
    path = lists / "warm up.m3u8"
    path.write_text("#EXTM3U\n../music ä/a/slow.wav\n../music ä/a/b/fast.flac\n")
    out = tmp_path / "x.xml"
    words = ("rekordbox", path, "-o", out, "--playlist", "all", *BEATS_ONLY)
    status, _, found, _ = exported(capsys, *words)
    assert (status, found["tracks"]) == (0, 2)
    both = (str(music / "a/slow.wav"), str(music / "a/b/fast.flac"))
    lists = read_collection(out).playlists
    assert [(x.name, x.locations) for x in lists] == [("all", both), ("warm up", both)]


def test_keys_and_sections_are_heard_kept_and_spelled(tmp_path, capsys):
    harmony = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)]
    bars = [signals.chord(pitches, 2.0, 22050).samples[0] for pitches in harmony * 2]
    soundfile.write(tmp_path / "song.wav", np.concatenate(bars), 22050)
    save(Beats(np.arange(0.5, 15.5, 0.5)), tmp_path / "song.jams")
    out = tmp_path / "x.xml"
    words = ("rekordbox", tmp_path / "song.wav", "-o", out, "--notation", "camelot", "--keep",
             "--key", "--cues")  # fmt: skip
    assert exported(capsys, *words)[2] == {"tracks": 1, "known": 0, "failed": 0}
    assert b'Tonality="8B"' in out.read_bytes()
    (track,) = read_collection(out).tracks
    assert (track.key, track.tempo, track.cues[0].name) == ("C major", 120, "A")
    kinds = [type(x) for x in read(tmp_path / "song.jams").values()]
    assert (kinds.count(Beats), kinds.count(Key), kinds.count(Segments) >= 1) == (1, 1, True)
    assert exported(capsys, *words)[2]["known"] == 1


def test_a_drop_that_is_kept_makes_loops(music, tmp_path, capsys, listened):
    sections = Segments([[0.0, 4.0], [4.0, 40.0]], ("A", "B"), kind="section")
    beats = Beats(np.arange(0.5, 40, 0.5), np.arange(79) % 4 + 1)
    whole = {"beats": beats, "sections": sections, "drop": Events([[4.0, 4.0]], ("drop",))}
    save(Analysis(whole, duration=40.0), music / "a/slow.jams")
    out = tmp_path / "x.xml"
    assert (
        exported(capsys, "rekordbox", music / "a/slow.wav", "-o", out, "--keep", "--cues")[0] == 0
    )
    (track,) = read_collection(out).tracks
    assert [(x.name, x.number) for x in track.cues] == [
        ("A", 0), ("B (drop)", 1), ("Loop 4", 6), ("Loop 8", 7),
    ]  # fmt: skip
    assert [x.end - x.time for x in track.loops] == pytest.approx([8.0, 16.0])


def test_wrong_usage_is_told(music, capsys):
    again = ["rekordbox", str(music), "-o", "x.xml", "--again"]
    for words in (["rekordbox", str(music)], ["audacity", str(music)], again, []):
        with pytest.raises(SystemExit) as stop:
            main(["export", *words])
        assert stop.value.code == 2
