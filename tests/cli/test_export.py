"""`mirkit export` and `mirkit import`: to DJ software and back."""

import json

import numpy as np
import pytest
import signals
import soundfile

from mirkit.annotation import Beats
from mirkit.cli import main
from mirkit.formats import read, save
from mirkit.formats.dj import read_collection


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Two recordings, and what is known of their beats."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "known").mkdir()
    for name, bpm in (("slow", 84), ("fast ä&b", 126)):
        audio = signals.click_track(bpm, n_beats=30, sample_rate=8000)
        soundfile.write(folder / f"{name}.wav", audio.samples.T, audio.sample_rate)
        times = signals.steady_beats(bpm, audio.duration, start=0.5)
        save(Beats(times, [i % 4 + 1 for i in range(len(times))]), folder / f"known/{name}.beats")
    return folder


def exported(music, capsys, format_name, out, *more):
    status = main(
        ["export", format_name, str(music), "-o", str(out), "--annotations",
         str(music / "known"), "-j", "1", "--json", *more]
    )  # fmt: skip
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", ["rekordbox", "traktor", "virtualdj"])
def test_collections_go_out_and_come_back(music, tmp_path, capsys, name):
    out = tmp_path / "collection"
    status, rows = exported(music, capsys, name, out)
    assert status == 0
    assert [(row["bpm"], row["constant"], row["quality"]) for row in rows] == [
        (126, True, 1), (84, True, 1),
    ]  # fmt: skip
    assert all(row["deviation_ms"] <= 1 for row in rows)
    assert "bars" not in rows[0]["lost"]
    assert {track.tempo for track in read_collection(out).tracks} == {84, 126}
    assert main(["import", name, str(out), "-o", str(tmp_path / "in"), "--to", "beats"]) == 0
    found = read(tmp_path / "in" / "fast ä&b.beats")
    known = read(music / "known" / "fast ä&b.beats")
    assert found.times[0] == pytest.approx(0.5 - 60 / 126, abs=1e-3)  # programs count back
    assert found.times[1:21] == pytest.approx(known.times[:20], abs=1e-3)
    assert found.positions[:21].tolist() == [4, *known.positions[:20].tolist()]


def test_a_playlist_is_written_into_a_folder(music, tmp_path, capsys):
    status, rows = exported(music, capsys, "m3u", tmp_path, "--playlist", "set")
    assert status == 0
    assert rows[0]["deviation_ms"] is None
    (found,) = read_collection(tmp_path / "playlist.m3u8").playlists
    assert (found.name, len(found.locations)) == ("set", 2)


@pytest.mark.parametrize("name", ["audacity", "svl", "svcsv", "reaper", "reapercsv", "midi"])
def test_a_file_each_for_editors(music, tmp_path, capsys, name):
    status, _ = exported(music, capsys, name, tmp_path / "out")
    assert status == 0
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 2
    known = read(music / "known" / "slow.beats")
    assert read(files[1]).times == pytest.approx(known.times, abs=2e-5)


def test_tags_go_into_the_recording(music, tmp_path, capsys):
    pytest.importorskip("mutagen")
    from mirkit.formats.dj import file_tags as tags

    path = tmp_path / "slow.wav"
    path.write_bytes((music / "slow.wav").read_bytes())
    assert main(["export", "tags", str(path), "--annotations", str(music / "known")]) == 0
    assert tags.read(path).bpm == 84
    assert "84.00 bpm, one tempo" in capsys.readouterr().out


def test_one_bad_recording_does_not_stop_the_others(music, tmp_path, capsys):
    (tmp_path / "bad.mp3").write_bytes(b"no music")
    (tmp_path / "slow.wav").write_bytes((music / "slow.wav").read_bytes())
    status = main(
        ["export", "rekordbox", str(tmp_path), "-o", str(tmp_path / "x.xml"), "-j", "1",
         "--model", "tempogram"]
    )  # fmt: skip
    said = capsys.readouterr()
    assert status == 1
    assert "bad.mp3" in said.err
    (track,) = read_collection(tmp_path / "x.xml").tracks
    assert track.tempo == pytest.approx(84, abs=0.2)


def test_wrong_usage_is_told(music, tmp_path, capsys):
    for argv in (["export", "rekordbox", str(music)], ["export", "serrato", "x"],
                 ["export", "svl", "x", "-o", "y", "--tolerance", "0"]):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
    (tmp_path / "x.xml").write_text("<NML/>")
    assert main(["import", "rekordbox", str(tmp_path / "x.xml")]) == 1
    assert "rekordbox writes DJ_PLAYLISTS" in capsys.readouterr().err


def test_keys_and_cues_are_heard_where_asked(tmp_path, capsys):
    harmony = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)]
    bars = [signals.chord(pitches, 2.0, 22050).samples[0] for pitches in harmony * 2]
    soundfile.write(tmp_path / "song.wav", np.concatenate(bars), 22050)
    (tmp_path / "known").mkdir()
    save(Beats(np.arange(0.5, 15.5, 0.5)), tmp_path / "known" / "song.beats")
    arguments = ["export", "rekordbox", str(tmp_path / "song.wav"), "-j", "1", "--annotations"]
    arguments.append(str(tmp_path / "known"))
    assert main([*arguments, "-o", str(tmp_path / "plain.xml")]) == 0
    (plain,) = read_collection(tmp_path / "plain.xml").tracks
    assert (plain.key, len(plain.cues)) == (None, 0)
    assert main([*arguments, "-o", str(tmp_path / "more.xml"), "--key", "--cues"]) == 0
    (found,) = read_collection(tmp_path / "more.xml").tracks
    assert found.key == "C major"
    assert found.cues[0].time == pytest.approx(0, abs=0.6)


def test_a_recording_is_decoded_once_for_all_that_is_heard_in_it(music, monkeypatch):
    import mirkit
    from mirkit.audio import reading
    from mirkit.cli.files import Source
    from mirkit.cli.tracks import Worker

    path, read = str(music / "slow.wav"), []
    real = reading._stream
    beats, key = mirkit.beats(path, model="tempogram"), mirkit.key(path)

    def counted(decoder, *rest):
        if decoder.name == path:
            read.append(decoder)
        yield from real(decoder, *rest)

    monkeypatch.setattr(reading, "_stream", counted)
    worker = Worker(model="tempogram", more=("key", "sections"))
    parts = worker.heard(Source(path, None), {})
    assert len(read) == 1
    assert parts["beats"].times.tolist() == beats.times.tolist()
    assert parts["key"].label == key.label
    assert (
        parts["sections"].intervals.tolist()
        == mirkit.sections(path, beats=beats).intervals.tolist()
    )
    assert len(parts["drop"]) == 0
    read.clear()
    assert worker.heard(Source(path, None), parts) == {}
    assert read == []  # as all is known


@pytest.mark.parametrize(("options", "segments"), [((), 3), (("--one-tempo",), 1)])
def test_a_track_that_flips_has_one_tempo_where_it_is_asked_for(
    music, tmp_path, capsys, options, segments
):
    known = tmp_path / "known"
    known.mkdir()
    times = 0.5 + np.arange(90) * 0.4
    times[30:60] += 0.2
    save(Beats(times), known / "slow.beats")
    out = tmp_path / "x.xml"
    status, rows = exported(music, capsys, "rekordbox", out, "--annotations", str(known), *options)
    assert status == 0
    row = next(row for row in rows if "slow" in row["file"])
    assert (row["segments"], row["wrong_beats"]) == (segments, 29 if options else 0)
    assert out.read_text().count('" Bpm="150.00" Metro=') == segments
