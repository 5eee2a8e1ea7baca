import json
from types import SimpleNamespace

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.cli import main

torch = pytest.importorskip("torch")

import taggers  # noqa: E402
from taggers import LABELS, trained  # noqa: E402

ANALYSIS = {"schema", "file", "duration", "metadata", "content_hash", "models"}
"""Members of the JSON object of an analysis beside its annotations."""


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, where small networks are models."""
    taggers.install(monkeypatch)
    path = tmp_path / "small.pt"
    torch.save(trained(taggers.Frames).state_dict(), path)

    def run(*args):
        options = () if args[0] == "analyze" else ("--weights", path)
        try:
            status = main([str(arg) for arg in (*args, *options, "--jobs", 1)])
        except SystemExit as exit:
            status = exit.code
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a recording, one sample, and files that are none."""
    folder = tmp_path_factory.mktemp("sounds 🎵")
    audio = signals.music(3.0, 22050)
    soundfile.write(folder / "song.wav", audio.samples.T, audio.sample_rate)
    soundfile.write(folder / "one.wav", np.array([0.5]), 44100)
    (folder / "broken.mp3").write_text("this is no music")
    (folder / "empty.ogg").write_bytes(b"")
    return folder


def by_name(result):
    rows = map(json.loads, result.out.splitlines())
    return {row["file"].rsplit("/", 1)[-1]: row for row in rows}


def test_tags_as_json_are_one_object_a_file(run, folder):
    result = run("tags", folder, "--json")
    assert result.status == 1
    rows = by_name(result)
    assert set(rows) == {"song.wav", "one.wav", "broken.mp3", "empty.ogg"}
    song = rows["song.wav"]
    assert set(song) == ANALYSIS | {"tags"}
    assert (song["schema"], song["models"]) == (2, {"tags": "small"})
    scores = [row["score"] for row in song["tags"]]
    assert {row["label"] for row in song["tags"]} == set(LABELS)
    assert scores == sorted(scores, reverse=True)
    for name in ("broken.mp3", "empty.ogg"):
        assert rows[name]["error"]["type"] == "AudioError"
        assert name in result.err


def test_the_command_says_what_the_verb_says(run, folder, tmp_path):
    rows = by_name(run("tags", folder / "song.wav", "--json", "--top", 2))["song.wav"]["tags"]
    found = mirkit.tags(folder / "song.wav", top=2, weights=str(tmp_path / "small.pt"))
    assert [(row["label"], row["score"]) for row in rows] == list(found)
    everything = by_name(run("tags", folder / "song.wav", "--json", "--top", "all"))
    assert len(everything["song.wav"]["tags"]) == 3
    high = by_name(run("tags", folder / "song.wav", "--json", "--threshold", rows[0]["score"]))
    assert [row["label"] for row in high["song.wav"]["tags"]] == [rows[0]["label"]]


def test_the_screen_shows_a_comment_and_a_table(run, folder):
    head, names, *lines = run("tags", folder / "song.wav").out.splitlines()
    assert head == f"# {folder / 'song.wav'}: 3.00 s (small)"
    assert names == "label,score"
    assert len(lines) == 3
    assert all(0 <= float(line.split(",")[1]) <= 1 for line in lines)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_files_of_tags_are_read_again(run, folder, tmp_path, suffix):
    result = run("tags", folder / "song.wav", "-o", tmp_path / "out", "--format", suffix)
    assert (result.status, result.out, result.err) == (0, "", "")
    found = mirkit.read(tmp_path / "out" / f"song.{suffix}")
    expected = mirkit.tags(folder / "song.wav", weights=str(tmp_path / "small.pt"))
    found = found["tags"] if suffix == "json" else found  # which holds a whole analysis
    assert found.labels == expected.labels
    assert np.array_equal(found.scores, expected.scores)


def test_jams_hold_open_tags_over_the_whole_recording(run, folder, tmp_path):
    import jams

    run("tags", folder / "song.wav", "-o", tmp_path / "out", "--format", "jams")
    path = tmp_path / "out" / "song.jams"
    jam = jams.load(str(path), validate=False)  # mirkit has validated it
    assert jam.file_metadata.duration == pytest.approx(3.0, abs=1e-3)
    (annotation,) = jam.search(namespace="tag_open")
    expected = mirkit.tags(folder / "song.wav", weights=str(tmp_path / "small.pt"))
    assert [(row.value, row.confidence) for row in annotation.data] == list(expected)
    assert {(row.time, row.duration) for row in annotation.data} == {
        (0.0, jam.file_metadata.duration)
    }
    assert mirkit.read(path)["tags"] == expected


@pytest.mark.parametrize(("options", "shape"), [((), (1, 5)), (("--frames",), (75, 5))])
@pytest.mark.parametrize("suffix", ["npy", "parquet", "json", "jams"])
def test_embeddings_are_written_and_read_again(run, folder, tmp_path, suffix, options, shape):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    result = run("embed", folder, "-o", tmp_path / "out", "--format", suffix, *options)
    assert result.status == 1
    assert (result.out, "broken.mp3" in result.err) == ("", True)
    assert len(list((tmp_path / "out").iterdir())) == 2
    found = mirkit.read(tmp_path / "out" / f"song.{suffix}")
    found = found["embed"] if suffix in ("json", "jams") else found
    expected = mirkit.embed(
        folder / "song.wav", weights=str(tmp_path / "small.pt"), frames=bool(options)
    )
    assert expected.values.shape == shape
    assert np.array_equal(found.values, expected.values)
    if suffix != "npy":
        assert found.grid == expected.grid
        assert found.provenance.model == "small"


def test_embeddings_as_json_are_one_object_a_file(run, folder):
    row = by_name(run("embed", folder / "song.wav", "--json"))["song.wav"]
    assert np.array(row["embed"]["values"]).shape == (1, 5)
    assert row["models"] == {"embed": "small"}


def test_parquet_without_its_package_says_what_to_install(run, folder, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("embed", folder, "-o", tmp_path / "out", "--format", "parquet")
    assert result.status == 1
    assert "pip install 'mirkit[parquet]'" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("tags", "x.wav", "--top", "0"), "no whole number from 1"),
        (("tags", "x.wav", "--threshold", "7"), "no score from 0 to 1"),
        (("tags", "x.wav", "--format", "jams"), "give -o DIR too"),
        (("tags", "x.wav", "--format", "lab"), "invalid choice: 'lab'"),
        (("embed", "x.wav"), "give -o DIR too"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(run, args, message):
    result = run(*args)
    assert result.status == 2
    assert message in result.err


def test_a_wrong_model_is_told_once(run, folder):
    result = run("tags", folder, "--model", "beats")
    assert result.status == 1
    assert result.err == (
        "mirkit: model 'beats' is for beats, not tags: call mirkit.beats(x, model='beats'). "
        "Models for tags: honest, small, small\n"
    )


def test_an_analysis_is_shown_printed_and_written(run, folder, tmp_path, monkeypatch):
    taggers.install(monkeypatch, "random")

    def analyze(*args):
        return run("analyze", folder / "song.wav", "--tasks", "tags", *args)

    head, line = analyze().out.splitlines()
    assert head == f"# {folder / 'song.wav'}: 3.00 s"
    assert line.startswith("tags\t")
    row = json.loads(analyze("--json").out)
    assert set(row) == ANALYSIS | {"tags"}
    assert len(row["tags"]) == 3
    result = analyze("-o", tmp_path / "out")
    assert (result.status, result.out) == (0, "")
    found = mirkit.read(tmp_path / "out" / "song.jams")
    assert found["tags"] == mirkit.tags(folder / "song.wav")
    assert found.duration == pytest.approx(3.0, abs=1e-3)


def test_a_wrong_task_is_wrong_usage(run):
    result = run("analyze", "x.wav", "--tasks", "beats,keys")
    assert result.status == 2
    assert "'keys' is no task" in result.err


def test_weights_of_ones_own_have_no_prior_but_the_flat_one(run, folder):
    flat = run("tags", folder / "song.wav", "--prior", "flat")
    assert (flat.status, flat.out) == (0, run("tags", folder / "song.wav").out)
    refused = run("tags", folder / "song.wav", "--prior", "music")
    assert refused.status == 1
    assert "takes 'flat' alone" in refused.err


@pytest.mark.parametrize("prior", ["musik", "Dog=30"])
def test_a_wrong_prior_is_wrong_usage(run, folder, prior):
    result = run("tags", folder / "song.wav", "--prior", prior)
    assert (result.status, result.out) == (2, "")
    assert prior.partition("=")[0] in result.err
