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
    arguments = ("evaluate", "beats", board, "--systems", "tempogram", "--jobs", "1",
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
    assert mirkit_cli("evaluate", "beats", board, "--clips", "0").status == 2
    singular = mirkit_cli("evaluate", "beat", board)
    assert singular.status == 2
    assert "Did you mean 'beats'" in singular.err
    unknown = mirkit_cli("evaluate", "beats", board, "--systems", "tempogran")
    assert unknown.status == 1
    assert "tempogram" in unknown.err


@pytest.fixture
def tagged(tmp_path):
    """A table of four clips of two classes, and the scores of two systems."""
    rows = ["path,label,fold"]
    for system, offset in (("good", 0.4), ("poor", 0.0)):
        lines = []
        for i in range(4):
            dog = 0.3 + 0.1 * (i % 2) + offset * (i < 2)
            tags = [{"label": "Dog", "score": dog}, {"label": "Rain", "score": 1 - dog}]
            lines.append(json.dumps({"schema": 2, "file": f"clip{i}.wav", "tags": tags}))
        (tmp_path / f"{system}.jsonl").write_text("\n".join(lines) + "\n")
    rows += [f"clip{i}.wav,{'Dog' if i < 2 else 'Rain'},{1 + i % 2}" for i in range(4)]
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_saved_tags_are_scored_by_class_and_by_kind(mirkit_cli, tagged, data_dir):
    result = mirkit_cli(
        "evaluate", "tags", tagged / "clips.csv", "--systems", tagged / "good.jsonl",
        tagged / "poor.jsonl", "--by", "fold", "--ontology", data_dir / "ontology",
        "--json", tagged / "report.json", "--plot", tagged / "classes.png",
    )  # fmt: skip
    assert result.status == 0, result.err
    for shown in ("all (4)", "mAP at depth 0", "OmAP", "accuracy", "Rain"):
        assert shown in result.out
    report = json.loads((tagged / "report.json").read_text())
    good, poor = report["systems"]
    means = report["parts"][0]["means"]
    assert means[good]["map"]["mean"] == means[good]["accuracy"]["mean"] == 1
    assert means[poor]["accuracy"]["mean"] == 0.5
    assert report["parts"][0]["differences"][poor]["accuracy"]["mean"] == -0.5
    assert (tagged / "classes.png").exists()


def test_what_is_for_tags_alone_is_wrong_usage_elsewhere(mirkit_cli, board):
    result = mirkit_cli("evaluate", "beats", board, "--ontology", "x")
    assert result.status == 2
    assert "--ontology is for tags" in result.err


def test_the_tags_of_two_folders_are_scored(mirkit_cli, tmp_path):
    for folder, labels in (("true", ("Dog",)), ("found", ("Rain", "Dog"))):
        (tmp_path / folder).mkdir()
        scores = np.linspace(0.9, 0.6, len(labels))
        mirkit.save(mirkit.Tags(labels, scores), tmp_path / folder / "a.json")
    arguments = ("--reference", tmp_path / "true", "--estimate", tmp_path / "found", "--json")
    row, _ = mirkit_cli("score", "tags", *arguments).objects()
    assert row["scores"] == {"lrap": 0.5, "precision_at_1": 0.0, "recall_at_5": 1.0}
