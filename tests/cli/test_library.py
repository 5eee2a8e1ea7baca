import re

import pytest

from mirkit.library import Library
from mirkit.library.claims import Owner


@pytest.fixture(scope="module")
def library(clicks, mirkit_cli, tmp_path_factory):
    """The arguments that name a library of the click tracks, which are analyzed."""
    path = tmp_path_factory.mktemp("library") / "music.db"
    option = ["--library", path]
    added = mirkit_cli("library", "add", clicks, *option)
    assert (added.status, added.out) == (0, f"3 new; 3 tracks in {path}\n")
    tasks = ["--tasks", "beats,loudness", "--model", "beats=tempogram", "-j", "1"]
    planned = mirkit_cli("library", "analyze", *tasks, "--dry-run", *option)
    assert planned.out == "3 tracks left\nbeats\t3\ttempogram\nloudness\t3\tebu-r128\n"
    (plan,) = mirkit_cli("library", "analyze", *tasks, "--dry-run", "--json", *option).objects()
    assert (plan["n_tracks"], plan["tasks"]) == (3, {"beats": 3, "loudness": 3})
    assert plan["models"] == {"beats": "tempogram", "loudness": "ebu-r128"}
    done = mirkit_cli("library", "analyze", *tasks, *option)
    assert done.status == 1
    assert done.out.startswith("2 analyzed, 1 failed; ")
    assert "list --failed" in done.err
    again = mirkit_cli("library", "analyze", *tasks, *option)
    assert again.status == 0
    return option


def test_status_counts(mirkit_cli, library):
    found = mirkit_cli("library", "status", *library)
    assert "tracks\t2 done, 1 failed" in found.out
    assert "beats\t2 done, 1 failed" in found.out
    (counts,) = mirkit_cli("library", "status", "--json", *library).objects()
    assert counts["results"]["loudness"] == [2, 1]


def test_tracks_are_listed_and_failures_named(mirkit_cli, library, clicks):
    lines = mirkit_cli("library", "list", *library).out.splitlines()
    assert [line.split("\t")[4] for line in lines] == ["broken", "slow", "fast"]
    assert float(lines[1].split("\t")[1]) == pytest.approx(84, abs=1)
    (failure,) = mirkit_cli("library", "list", "--failed", "--limit", 1, *library).out.splitlines()
    assert failure.startswith(f"{clicks / 'a' / 'broken.mp3'}\tbeats\tAudioError: ")
    rows = mirkit_cli("library", "list", "--json", *library).objects()
    assert rows[2]["status"] == "done"


def test_a_track_is_shown(mirkit_cli, library, clicks):
    path = clicks / "b c" / "fast.flac"
    shown = mirkit_cli("library", "show", path, *library).out
    assert f"path\t{path}\n" in shown
    assert "beats\t30 beats, 126" in shown
    assert re.search(r"^bpm\t12[56]\.\d\d$", shown, re.MULTILINE)
    (found,) = mirkit_cli("library", "show", path, "--json", *library).objects()
    assert len(found["analysis"]["beats"]) == 30


def test_tracks_are_found_and_put_in_order(mirkit_cli, library, tmp_path, clicks):
    found = mirkit_cli("library", "search", "bpm:62-64", *library).out.splitlines()
    assert [line.split("\t")[4] for line in found] == ["fast"]
    wrong = mirkit_cli("library", "search", "bmp:62", *library)
    assert (wrong.status, "Did you mean 'bpm'" in wrong.err) == (1, True)
    playlist = tmp_path / "set.m3u8"
    mirkit_cli("library", "playlist", "status:done", "-o", playlist, "--name", "Set", *library)
    lines = playlist.read_text().splitlines()
    assert lines[1] == "#PLAYLIST:Set"
    assert set(lines[3::2]) == {str(clicks / "a" / "slow.wav"), str(clicks / "b c" / "fast.flac")}
    none = mirkit_cli("library", "similar", clicks / "a" / "slow.wav", *library)
    assert "has no embedding" in none.err


def test_a_person_corrects_a_track(mirkit_cli, library, clicks):
    path = clicks / "a" / "slow.wav"
    said = mirkit_cli("library", "correct", path, "--key", "8A", *library)
    assert said.out == "key\tA minor\n"
    assert "8A" in mirkit_cli("library", "search", "slow", *library).out
    mirkit_cli("library", "correct", path, "--undo", "key", *library)
    few = mirkit_cli("library", "teach", "mine", path, *library)
    assert "tag 'mine' has 1 example; it needs 5" in few.err
    assert mirkit_cli("library", "review", "--json", *library).status == 0


def test_a_library_is_exported_checked_and_cut_down(mirkit_cli, library, tmp_path, clicks):
    out = mirkit_cli("library", "export", "table", "-o", tmp_path / "a.csv", *library)
    assert out.out == f"3 tracks written to {tmp_path / 'a.csv'}\n"
    xml = tmp_path / "rekordbox.xml"
    assert mirkit_cli("library", "export", "rekordbox", "-o", xml, *library).status == 0
    assert xml.read_text().count("<TEMPO") >= 2
    assert mirkit_cli("library", "export", "table", *library).status == 2
    nowhere = mirkit_cli("library", "check", "--backup", tmp_path / "no" / "x.db", *library)
    assert (nowhere.status, "the folder" in nowhere.err) == (1, True)
    copy = tmp_path / "copy.db"
    checked = mirkit_cli("library", "check", "--backup", copy, "--duplicates", *library)
    assert (checked.status, copy.exists()) == (0, True)
    removed = mirkit_cli("library", "remove", clicks / "a", "--library", copy)
    assert removed.out == "2 tracks removed; no file was touched\n"
    assert mirkit_cli("library", "check", "--library", copy).out == "1 track, 0 files missing\n"


def test_wrong_usage_is_told(mirkit_cli, library, tmp_path):
    for words in (
        ["analyze", "--tasks", "beat"],
        ["analyze", "--model", "beats"],
        ["analyze", "--model", "beats=nothing"],
        ["analyze", "--cpu", "0"],
        ["list", "--limit", "0"],
        ["export", "rekordbox"],
        ["watch", "rekordbox", "--once"],
    ):
        assert mirkit_cli("library", *words, *library).status == 2
    absent = mirkit_cli("library", "show", "99", *library)
    assert absent.err == "mirkit: unknown track '99'.\n"
    assert "Bring new files into a DJ program" in mirkit_cli("library", "watch", "--help").out
    for command in ("status", "analyze"):
        missing = mirkit_cli("library", command, "--library", tmp_path / "no.db")
        assert missing.status == 1
        assert "mirkit library add FOLDER makes it" in missing.err
        assert not (tmp_path / "no.db").exists()


def test_work_in_other_hands_is_told(mirkit_cli, tmp_path, clicks):
    option = ["--library", tmp_path / "music.db"]
    mirkit_cli("library", "add", clicks / "b c", *option)
    with Library(option[1]) as library:
        owner = Owner(library.database)
        with library.database.write() as db:
            owner.claim(db, [1])
        result = mirkit_cli("library", "analyze", "--tasks", "loudness", "-j", "1", *option)
        owner.leave()
    assert (result.status, result.out) == (0, "0 analyzed, 0 failed\n")
    assert result.err == "mirkit: another process is at work on 1 track\n"
