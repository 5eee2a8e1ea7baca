"""Batches of `mirkit export` and `mirkit import`: one file that fails ends nothing."""

import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing

import numpy as np
import pytest
import signals
import soundfile
from djtracks import make_library

from mirkit.annotation import Beats
from mirkit.batch import Tally
from mirkit.cli import main, tracks
from mirkit.cli.files import print_beats
from mirkit.decoding.grid import BeatGrid
from mirkit.formats import read, save
from mirkit.formats.dj import Collection, DJTrack, read_collection, save_collection

SONGS = {"slow.wav": 84, "fast.wav": 126, "third.wav": 100}


@pytest.fixture
def music(tmp_path):
    """Three recordings, and what is known of them."""
    folder = tmp_path / "music"
    (folder / "known").mkdir(parents=True)
    for name, bpm in SONGS.items():
        audio = signals.click_track(bpm, n_beats=12, sample_rate=8000)
        soundfile.write(folder / name, audio.samples.T, audio.sample_rate)
        times = signals.steady_beats(bpm, audio.duration, start=0.5)
        save(Beats(times), (folder / "known" / name).with_suffix(".beats"))
    return folder


@pytest.fixture
def no_work(monkeypatch):
    """Fail where a recording is listened to, as that comes after all checks."""

    def work(self, source):
        raise AssertionError(f"{source.path} was worked on")

    monkeypatch.setattr(tracks.Worker, "__call__", work)


def run(capsys, *words):
    status = main([*map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_damaged_tag_ends_no_import_of_a_folder(cases, tmp_path, capsys):
    pytest.importorskip("mutagen")
    status, out, said = run(capsys, "import", "serato", cases / "r11_serato", "-o", tmp_path)
    assert status == 1
    assert "b_bad.mp3: Serato BeatGrid" in said
    assert f"2 done, 1 failed: {cases / 'r11_serato' / 'b_bad.mp3'}; written to {tmp_path}" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_good.jams", "c_good.jams"]
    assert read(tmp_path / "c_good.jams")["beats"].times[:2] == pytest.approx(
        [0.449, 0.949], abs=1e-3
    )
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize("damage", ["marks", "base64", "no audio", "autotags"])
def test_other_damage_ends_no_import_either(tmp_path, capsys, damage):
    mutagen = pytest.importorskip("mutagen")
    from mirkit.formats.dj import seratotags

    for name in ("a", "b", "c"):
        path = tmp_path / f"{name}.flac"
        soundfile.write(path, signals.silence(2.0, 8000).samples.T, 8000)
        seratotags.write(DJTrack(str(path), grid=BeatGrid([0.5], [120.0], 2.0)))
    bad = tmp_path / "b.flac"
    if damage == "no audio":
        bad.write_bytes(b"no music")
    else:
        name = {"marks": "SERATO_MARKERS_V2", "autotags": "SERATO_AUTOGAIN",
                "base64": "SERATO_BEATGRID"}[damage]  # fmt: skip
        file = mutagen.File(bad)
        file[name] = [
            "!!!" if damage == "base64" else "YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFtAAB4AAkJCQA"
        ]
        file.save()
    status, out, said = run(capsys, "import", "serato", tmp_path, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert [row["file"].rsplit("/", 1)[1] for row in rows if "bpm" in row] == ["a.flac", "c.flac"]
    (error,) = [row for row in rows if "error" in row]
    assert error["file"] == str(bad)
    assert f"2 done, 1 failed: {bad}" in said


def test_a_damaged_blob_of_mixxx_ends_no_import(music, tmp_path, capsys):
    path = tmp_path / "mixxxdb.sqlite"
    make_library(path, [music / name for name in SONGS])
    grids = [DJTrack(str(music / n), grid=BeatGrid([0.5], [b], 9.0)) for n, b in SONGS.items()]
    from mirkit.formats.dj import store_collection

    assert store_collection(Collection(grids), "mixxx", path) == {}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("update library set beats = x'0a09ff' where id = 2")
    status, out, said = run(capsys, "import", "mixxx", path)
    assert status == 1
    assert "fast.wav: " in said
    assert "2 done, 1 failed" in said
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "tempo", "impossible"),
    [
        ("rekordbox", b'Bpm="120.00" M', b'Bpm="9e7" M'),
        ("traktor", b'<GRID BPM="120.000000"', b'<GRID BPM="9e7"'),
        ("virtualdj", b'Type="beatgrid" Bpm="0.500000"', b'Type="beatgrid" Bpm="1e-7"'),
    ],
)
def test_an_impossible_tempo_costs_one_track(tmp_path, capsys, name, tempo, impossible):
    path = tmp_path / "x"
    tracks = [DJTrack(f"/{n}.mp3", duration=60, grid=BeatGrid([0.5], [120.0], 60.0)) for n in "abc"]
    save_collection(Collection(tracks), path, name)
    data = path.read_bytes()
    at = data.index(b"b.mp3")
    path.write_bytes(data[:at] + data[at:].replace(tempo, impossible, 1))
    assert path.read_bytes() != data
    status, _, said = run(capsys, "import", name, path)
    assert status == 1
    assert "/b.mp3: bpms reach" in said
    assert "2 done, 1 failed: /b.mp3" in said


def test_annotations_that_are_not_there_are_wrong_usage(music, tmp_path, capsys, no_work):
    for missing in (tmp_path / "MISSING", music / "slow.wav"):
        with pytest.raises(SystemExit) as stop:
            main(["export", "rekordbox", str(music), "-o", str(tmp_path / "x.xml"),
                  "--annotations", str(missing)])  # fmt: skip
        assert stop.value.code == 2
        assert "is no folder" in capsys.readouterr().err


def test_recordings_without_an_annotation_are_named(music, tmp_path, capsys):
    (music / "known" / "third.beats").unlink()
    status, _, said = run(capsys, "export", "rekordbox", music, "-o", tmp_path / "x.xml", "-j", 1,
                          "--annotations", music / "known", "--model", "tempogram")  # fmt: skip
    assert status == 0
    assert "1 of 3 recordings have no annotation" in said
    assert "third.wav" in said.splitlines()[0]
    assert f"3 done, 0 failed; written to {tmp_path / 'x.xml'}" in said


@pytest.mark.parametrize(
    "format_name", ["beats", "jams", "midi", "rekordbox", "traktor", "m3u", "mixxx"]
)
@pytest.mark.parametrize("where", ["below a file", "proc"])
def test_where_nothing_can_be_written_is_found_before_the_work(
    music, tmp_path, capsys, no_work, format_name, where
):
    out = music / "slow.wav" / "out" if where == "below a file" else "/proc/mirkit/out"
    for kept in ([], ["--keep", tmp_path / "kept"]):
        if kept and format_name in ("beats", "jams", "midi"):
            continue
        status, _, said = run(capsys, "export", format_name, music, "-o", out, "-j", 1, *kept)
        assert status == 1
        assert "cannot be written" in said or "does not exist" in said
    if format_name in ("beats", "jams"):
        assert main(["import", "rekordbox", "x.xml", "-o", str(out)]) == 1


def test_a_target_of_another_kind_is_found_before_the_work(music, tmp_path, capsys, no_work):
    for format_name, content in (("rekordbox", "<NML/>"), ("traktor", "<DJ_PLAYLISTS/>"),
                                 ("virtualdj", "words"), ("mixxx", "words")):  # fmt: skip
        path = tmp_path / f"{format_name}.xml"
        path.write_text(content)
        status, _, said = run(capsys, "export", format_name, music, "-o", path, "-j", 1)
        assert status == 1
        assert str(path) in said
        assert path.read_text() == content


def test_two_recordings_for_one_file_are_found_before_the_work(music, tmp_path, capsys, no_work):
    shutil.copytree(music, tmp_path / "more")
    words = ["export", "beats", music / "slow.wav", tmp_path / "more" / "slow.wav"]
    status, _, said = run(capsys, *words, "-o", tmp_path / "out", "-j", 1)
    assert status == 1
    assert "would both be written to" in said


def test_a_recording_that_cannot_be_written_ends_no_export(music, capsys):
    pytest.importorskip("mutagen")
    (music / "fast.wav").chmod(0o444)
    status, out, said = run(capsys, "export", "tags", music, "-j", 1, "--annotations",
                            music / "known")  # fmt: skip
    assert status == 1
    assert "fast.wav is read-only" in said
    assert "2 done, 1 failed" in said
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize("with_mutagen", [True, False])
@pytest.mark.parametrize("suffix", ["mp3", "flac"])
def test_titles_come_from_the_file(music, tmp_path, capsys, monkeypatch, with_mutagen, suffix):
    path = music / f"song.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", music / "slow.wav", "-metadata", "title=A Song",
                    "-metadata", "artist=Someone", path], check=True)  # fmt: skip
    (music / "known" / "slow.beats").rename(music / "known" / "song.beats")
    if not with_mutagen:
        monkeypatch.setitem(__import__("sys").modules, "mutagen", None)
    status, _, said = run(capsys, "export", "rekordbox", path, "-o", tmp_path / "x.xml", "-j", 1,
                          "--annotations", music / "known")  # fmt: skip
    assert status == 0
    assert ("pip install 'mirkit[tags]'" in said) == (not with_mutagen)
    (track,) = read_collection(tmp_path / "x.xml").tracks
    assert (track.title, track.artist) == ("A Song", "Someone")


def test_a_summary_names_what_failed_and_not_all_of_many():
    tally = Tally()
    for i in range(14):
        tally.fail(f"{i}.mp3")
    assert tally.summary().startswith("0 done, 14 failed: 0.mp3, 1.mp3")
    assert tally.summary().endswith("9.mp3 and 4 others")
    assert (tally.status, Tally().status, Tally().worth_saying) == (1, 0, False)


def test_batches_of_analyses_end_with_a_summary(music, tmp_path, capsys):
    (music / "broken.mp3").write_bytes(b"this is no music")
    given = ("beats", music, "--model", "tempogram", "--jobs", 1)
    status, out, said = run(capsys, *given)
    assert status == 1
    assert said.splitlines()[-1] == f"mirkit: 3 done, 1 failed: {music / 'broken.mp3'}"
    status, out, said = run(capsys, *given, "-o", tmp_path / "out")
    assert (status, out) == (1, "")
    assert said.splitlines()[-1].endswith(f"broken.mp3; written to {tmp_path / 'out'}")
    status, out, said = run(capsys, "beats", music / "slow.wav", "--model", "tempogram")
    assert (status, said) == (0, "")  # one file has had its own line


def test_a_folder_that_cannot_be_written_ends_an_analysis_before_the_work(
    music, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "mirkit.cli.recordings.Worker.__call__",
        lambda self, source: pytest.fail("it was worked on"),
    )
    (tmp_path / "file").touch()
    status, out, said = run(capsys, "beats", music, "-o", tmp_path / "file" / "below")
    assert (status, out) == (1, "")
    assert len(said.splitlines()) == 1
    assert "file" in said


def test_batches_of_activations_end_with_a_summary(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", beats=np.zeros(100))
    np.savez(tmp_path / "b.npz", other=np.zeros(100))
    status, _, said = run(capsys, "decode", "beats", tmp_path, "--jobs", 1)
    assert status == 1
    assert said.splitlines()[-1] == f"mirkit: 1 done, 1 failed: {tmp_path / 'b.npz'}"


@pytest.mark.parametrize(("n", "said"), [(0, "0 beats"), (1, "1 beat"), (2, "2 beats")])
def test_numbers_agree_with_their_nouns(n, said, capsys):
    print_beats(Beats(np.arange(1, n + 1)), "x.wav", "beats")
    assert re.search(rf", {said}$", capsys.readouterr().out.splitlines()[0])


def test_help_keeps_the_names_of_programs(capsys):
    for command in ("vamp", "export"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        assert "DJ software" in shown or "Sonic Visualiser" in shown
