import json

import numpy as np
import pytest
import signals
import soundfile

import mirkit


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Two clips with beats, and one whose sound is damaged."""
    folder = tmp_path_factory.mktemp("board")
    for name, bpm in (("slow", 90), ("fast", 120), ("torn", 120)):
        audio = signals.click_track(bpm, n_beats=24, sample_rate=22050)
        soundfile.write(folder / f"{name}.wav", audio.samples.T, audio.sample_rate)
        mirkit.save(mirkit.Beats(0.5 + np.arange(24) * 60 / bpm), folder / f"{name}.beats")
    (folder / "torn.wav").write_bytes(b"no sound")
    return folder


def test_a_board_is_scored_to_a_table_a_report_and_a_kept_file(mirkit_cli, board, tmp_path):
    arguments = ("evaluate", "beat", board, "--systems", "tempogram", "--jobs", "1",
                 "--keep", tmp_path / "kept.jsonl")  # fmt: skip
    result = mirkit_cli(*arguments, "--json", tmp_path / "report.json")
    assert result.status == 1
    assert "torn" in result.err
    assert "all (2)" in result.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["failed"][0]["error"]["type"] == "AudioError"
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 2
    (again,) = mirkit_cli(*arguments, "--json", "-").objects()
    assert again["rows"] == report["rows"]


def test_wrong_usage_is_told(mirkit_cli, board):
    assert mirkit_cli("evaluate", "beat", board, "--clips", "0").status == 2
    unknown = mirkit_cli("evaluate", "beat", board, "--systems", "tempogran")
    assert unknown.status == 1
    assert "tempogram" in unknown.err
