import io

import numpy as np
import pytest
import soundfile

import mirkit


def test_the_demo_piece_has_its_beats_and_its_tempo(mirkit_cli, demo, tmp_path):
    result = mirkit_cli("beats", demo, "-o", tmp_path)
    assert (result.status, result.out, result.err) == (0, "", "")
    found = mirkit.read(tmp_path / "demo.beats")
    scores = mirkit.score(mirkit.read(demo.with_suffix(".beats")), found).mean()
    assert scores["f_measure"] > 0.95
    # a bar of beats goes on while the last chord rings: so much CMLt it costs
    assert scores["cmlt"] > 0.92


def test_the_screen_shows_a_comment_with_the_tempo_and_a_line_for_each_beat(mirkit_cli, demo):
    lines = mirkit_cli("beats", demo).out.splitlines()
    assert lines[0].startswith("# ")
    assert "bpm" in lines[0]
    times = np.loadtxt(io.StringIO("\n".join(lines)), usecols=0)
    assert np.median(np.diff(times)) == pytest.approx(60 / 112, rel=0.01)


def test_json_is_one_object_a_line_and_names_the_file_that_failed(mirkit_cli, clicks):
    result = mirkit_cli("beats", clicks, "--json", "--jobs", 2)
    assert result.status == 1
    assert "broken.mp3" in result.err
    objects = {row["file"].rsplit("/", 1)[-1]: row for row in result.objects()}
    assert set(objects) == {"broken.mp3", "slow.wav", "fast.flac"}
    assert objects["broken.mp3"]["error"]["type"] == "AudioError"
    assert all(row["schema"] == 2 for row in objects.values())
    slow = objects["slow.wav"]
    assert set(slow) == {
        "schema", "file", "duration", "metadata", "content_hash", "models", "beats", "tempo"
    }  # fmt: skip
    assert set(slow["beats"][0]) == {"time", "position", "confidence"}
    assert set(slow["tempo"]) == {
        "bpm", "confidence", "hypotheses", "meter", "meter_confidence"
    }  # fmt: skip
    assert set(slow["tempo"]["hypotheses"][0]) == {"bpm", "score"}
    assert slow["tempo"]["bpm"] == pytest.approx(84, rel=0.02)
    assert 0 < slow["beats"][0]["confidence"] < 1


@pytest.mark.parametrize("format_name", ["beats", "jams", "midi", "csv", "json"])
def test_files_keep_their_place_below_the_folder(mirkit_cli, clicks, tmp_path, format_name):
    result = mirkit_cli("beats", clicks, "-o", tmp_path, "--format", format_name)
    assert result.status == 1
    suffix = ".mid" if format_name == "midi" else f".{format_name}"
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert written == [f"a/slow{suffix}", f"b c/fast{suffix}"]
    value = mirkit.read(tmp_path / written[0])
    beats = value if isinstance(value, mirkit.Beats) else value["beats"]
    assert beats.bpm == pytest.approx(84, rel=0.02)


def test_existing_files_are_left_when_asked(mirkit_cli, clicks, tmp_path):
    kept = tmp_path / "a" / "slow.beats"
    kept.parent.mkdir()
    kept.write_text("1.0\t1\n")
    mirkit_cli("beats", clicks, "-o", tmp_path, "--skip-existing")
    assert kept.read_text() == "1.0\t1\n"
    assert (tmp_path / "b c" / "fast.beats").exists()


def test_recordings_that_differ_by_suffix_keep_theirs(mirkit_cli, tmp_path):
    for name in ("song.wav", "song.flac"):
        soundfile.write(tmp_path / name, np.zeros(8000), 8000)
    mirkit_cli("beats", tmp_path, "-o", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "song.flac.beats",
        "song.wav.beats",
    ]


def test_standard_input_is_read(mirkit_cli, clicks):
    result = mirkit_cli("beats", "-", "--json", stdin=(clicks / "a" / "slow.wav").read_bytes())
    assert result.objects()[0]["tempo"]["bpm"] == pytest.approx(84, rel=0.02)


def test_standard_input_is_read_beside_files(mirkit_cli, clicks):
    content = (clicks / "a" / "slow.wav").read_bytes()
    other = clicks / "b c" / "fast.flac"
    rows = mirkit_cli("beats", "-", other, "--json", "--jobs", 2, stdin=content).objects()
    assert [row["file"] for row in rows] == ["-", str(other)]
    assert rows[0]["tempo"]["bpm"] == pytest.approx(84, rel=0.02)


def test_a_hint_chooses_the_level(mirkit_cli, clicks):
    path = clicks / "b c" / "fast.flac"
    half = mirkit_cli("beats", path, "--json", "--hint-bpm", 63).objects()[0]
    assert half["tempo"]["bpm"] == pytest.approx(63, rel=0.03)
    narrow = mirkit_cli("beats", path, "--json", "--bpm-range", 50, 80).objects()[0]
    assert narrow["tempo"]["bpm"] == pytest.approx(63, rel=0.03)


@pytest.mark.parametrize("samples", [np.zeros(44100 * 5), np.zeros(1), 0.1 * np.ones(4410)])
def test_what_has_no_pulse_gets_an_honest_answer(mirkit_cli, tmp_path, samples):
    soundfile.write(tmp_path / "quiet.wav", samples, 44100)
    result = mirkit_cli("beats", tmp_path / "quiet.wav", "--json")
    assert result.status == 0
    row = result.objects()[0]
    assert row["tempo"].pop("hypotheses") == []
    assert set(row["tempo"].values()) == {None}
    assert row["beats"] == []


def test_noise_is_no_crash(mirkit_cli, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 44100 * 10)
    soundfile.write(tmp_path / "noise.wav", noise, 44100)
    assert mirkit_cli("beats", tmp_path / "noise.wav", "--json").status == 0


@pytest.mark.parametrize(("rate", "n_channels"), [(8000, 1), (192_000, 1), (44100, 8)])
def test_unusual_rates_and_channels_work(mirkit_cli, tmp_path, click_track, rate, n_channels):
    samples = np.repeat(click_track(100, 24, rate).samples, n_channels, axis=0)
    soundfile.write(tmp_path / "x.wav", samples.T, rate)
    row = mirkit_cli("beats", tmp_path / "x.wav", "--json").objects()[0]
    assert row["tempo"]["bpm"] == pytest.approx(100, rel=0.03)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("beats",), "required: PATH"),
        (("beats", "x.wav", "--skip-existing"), "give it too"),
        (("beats", "x.wav", "--format", "midi"), "give -o DIR too"),
        (("beats", "x.wav", "--bpm-range", "60"), "expected 2 arguments"),
        (("beats", "x.wav", "--hint-bpm", "fast"), "'fast' is not a tempo"),
        (("beats", "x.wav", "--jobs", "0"), "at least 1"),
        (("beats", "x.wav", "--meter", "4,x"), "'x' is not beats in a bar"),
        (("dance",), "invalid choice: 'dance'"),
        ((), "required: COMMAND"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(mirkit_cli, args, message):
    result = mirkit_cli(*args)
    assert result.status == 2
    assert message in result.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--model", "tempogran"), "Did you mean 'tempogram'"),
        (("--decoder", "dq"), "unknown beat decoder 'dq'"),
        (("--model", "beat-tcn-2020"), "random"),
    ],
)
def test_a_wrong_name_is_told_once_and_not_once_a_file(mirkit_cli, clicks, args, message):
    result = mirkit_cli("beats", clicks, *args)
    assert result.status != 0
    assert message in result.err
    assert result.err.count("mirkit: ") == 1


@pytest.mark.parametrize("name", ["missing.wav", "folder", "empty.wav", "text.wav"])
def test_bad_files_are_named_and_exit_with_1(mirkit_cli, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not audio at all, but long enough to look at" * 50)
    result = mirkit_cli("beats", tmp_path / name)
    assert result.status == 1
    assert name in result.err


def test_a_reader_that_closes_early_is_no_error(demo):
    import subprocess
    import sys

    command = f"{sys.executable} -m mirkit beats {demo} | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
