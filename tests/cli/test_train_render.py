import re
import shutil

import numpy as np
import pytest
import soundfile

import mirkit
from mirkit.rendering import clips, plan, plan_chords, write_specs


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_a_manifest_is_rendered_and_what_is_there_is_left(mirkit_cli, tmp_path):
    manifest = tmp_path / "two.jsonl"
    write_specs(plan("test", 2, seed=3, seconds=4.0, shares={"arranger": 1.0}), manifest)
    out = tmp_path / "clips"
    assert mirkit_cli("render", manifest, "-o", out, "--jobs", 1).status == 0
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {path.suffix for path in written} == {".flac", ".json"}
    assert len(written) == 4
    assert mirkit_cli("render", manifest, "-o", out, "--jobs", 1).status == 0
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == written


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_the_truth_of_a_clip_is_written_as_jams_where_asked(mirkit_cli, tmp_path):
    manifest, out = tmp_path / "one.jsonl", tmp_path / "clips"
    write_specs(plan_chords("test", 1, seed=3, seconds=6.0, shares={"harmony": 1.0}), manifest)
    assert mirkit_cli("render", manifest, "-o", out, "--jobs", 1, "--jams").status == 0
    (clip,) = clips(out)
    written = mirkit.read(clip.path.with_suffix(".jams"))
    assert set(written) >= {"beats", "tempo", "chords", "key", "sections"}
    assert all(written[task] == value for task, value in clip.analysis.items())
    assert written["chords"].intervals[-1, 1] == 6.0
    assert -50 <= clip.truth["tuning_cents"] <= 50


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"\xff\xfe\x00", "no text"),
        ("words\n", "line 1 is no JSON"),
        ("[1, 2]\n", "line 1 is no object"),
        ("{}\n", "lacks"),
        ("folder", "is a folder|cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_rendered_is_told_in_words(mirkit_cli, tmp_path, content, said):
    manifest = tmp_path / "songs.jsonl"
    if content == "folder":
        manifest.mkdir()
    elif content is not None:
        manifest.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = mirkit_cli("render", manifest, "-o", tmp_path / "clips", "--jobs", 1)
    assert done.status == 1
    assert re.search(said, done.err)
    assert "Traceback" not in done.err


def test_a_recipe_that_is_missing_or_wrong_is_named(mirkit_cli, tmp_path):
    missing = mirkit_cli("train", tmp_path / "absent.toml")
    assert missing.status == 1
    assert "absent.toml is no file" in missing.err
    recipe = tmp_path / "wrong.toml"
    recipe.write_text("task = 'beats'\nsed = 1\n")
    wrong = mirkit_cli("train", recipe)
    assert wrong.status == 1
    assert "seed" in wrong.err


def test_a_recipe_of_teaching_that_is_missing_or_wrong_is_named(mirkit_cli, tmp_path):
    missing = mirkit_cli("teach", tmp_path / "absent.toml")
    assert missing.status == 1
    assert "absent.toml is no file" in missing.err
    recipe = tmp_path / "wrong.toml"
    recipe.write_text('name = "t"\ndata = "x"\nlabels = ["Dog"]\nteachers = []\n')
    wrong = mirkit_cli("teach", recipe)
    assert wrong.status == 1
    assert "teachers is empty" in wrong.err


def test_a_tagger_is_trained_on_a_folder_of_class_folders(mirkit_cli, tmp_path):
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for name in ("rain", "hum"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for i in range(10):
            samples = 0.1 * rng.standard_normal(8000)
            soundfile.write(tmp_path / "sounds" / name / f"{i}.wav", samples, 16000)
    words = ["tags", "--backbone", "residual", "--data", tmp_path / "sounds", "--epochs", 1]
    words += ["--head", "attention", "--freeze", 2, "--crop", 0.5, "-o", tmp_path / "run"]
    done = mirkit_cli("train", *words)
    assert done.status == 0, done.err
    assert done.out.strip() == str(tmp_path / "run")
    assert (tmp_path / "run" / "best.onnx").is_file()


@pytest.mark.parametrize("missing", ["--backbone", "--data", "--output"])
def test_a_tagger_needs_a_backbone_data_and_a_folder(mirkit_cli, tmp_path, missing):
    given = {"--backbone": "residual", "--data": tmp_path, "--output": tmp_path / "run"}
    del given[missing]
    done = mirkit_cli("train", "tags", *(word for pair in given.items() for word in pair))
    assert done.status == 2
    assert f"needs {missing}" in done.err
