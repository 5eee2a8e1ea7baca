"""The commands about sentences: zero-shot, caption, search."""

import json
import os

import numpy as np
import pytest
import signals
import soundfile


@pytest.fixture
def folder(tmp_path):
    """A piece of music, a hiss, and a file that is neither."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    music = signals.music(4.0, 22050)
    soundfile.write(folder / "music.wav", music.samples.T, music.sample_rate)
    hiss = np.random.default_rng(0).normal(0, 0.1, 64000)
    soundfile.write(folder / "hiss.wav", hiss, 32000)
    (folder / "broken.mp3").write_text("this is no music")
    return folder


def by_name(text):
    rows = map(json.loads, text.splitlines())
    return {row["file"].rsplit("/", 1)[-1]: row for row in rows}


def test_zero_shot_as_json(run, folder):
    labels = ["music", "a steady hiss", "a dog barking"]
    given = [word for label in labels for word in ("--label", label)]
    result = run("zero-shot", folder, *given, "--json", "-j", 1)
    assert result.status == 1
    rows = by_name(result.out)
    assert rows["broken.mp3"]["error"]["type"] == "AudioError"
    for name in ("music.wav", "hiss.wav"):
        found = rows[name]["zero_shot"]
        assert sorted(row["label"] for row in found) == sorted(labels)
        scores = [row["score"] for row in found]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert rows[name]["models"] == {"zero_shot": "clap-mini"}
    assert rows["hiss.wav"]["zero_shot"][0]["label"] == "a steady hiss"


def test_zero_shot_reads_a_vocabulary_and_writes_files(run, folder, tmp_path):
    (tmp_path / "words.txt").write_text("music\na dog barking\n")
    out = tmp_path / "out"
    result = run(
        "zero-shot", folder / "hiss.wav", "--labels", tmp_path / "words.txt", "--none",
        "-o", out, "--format", "json",
    )  # fmt: skip
    assert result.status == 0
    row = json.loads((out / "hiss.json").read_text())
    assert {each["label"] for each in row["zero_shot"]} == {
        "music", "a dog barking", "none of these",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--label", "a", "--label", "a"), "twice"),
        (("--label", "a", "--template", "a sound"), "each has one {}"),
        (("--label", "a", "--top", "0"), "no whole number from 1"),
    ],
)
def test_wrong_usage_ends_with_2(run, folder, args, message):
    result = run("zero-shot", folder / "hiss.wav", *args)
    assert result.status == 2
    assert message in result.err


@pytest.mark.parametrize(("query", "path"), [("", "hiss.wav"), ("rain", "-")])
def test_a_search_needs_a_sentence_and_files(run, folder, query, path):
    result = run("search", query, path if path == "-" else folder / path)
    assert (result.status, result.out) == (2, "")


def test_captions(run, folder):
    result = run("caption", folder / "hiss.wav", folder / "music.wav", "--json", "-j", 1)
    assert result.status == 0
    for row in by_name(result.out).values():
        assert set(row["caption"]) == {"text", "confidence"}
        assert row["caption"]["text"].endswith(".")
        assert 0 <= row["caption"]["confidence"] <= 1
    assert run("caption", folder / "hiss.wav").out.startswith(f"{folder / 'hiss.wav'}: ")


def test_search_ranks_recordings_by_a_sentence(run, folder):
    result = run("search", "a steady hiss", folder, "--json", "-j", 1)
    assert result.status == 1
    last = json.loads(result.out.splitlines()[-1])
    assert last["query"] == "a steady hiss"
    assert last["search"][0]["file"].endswith("hiss.wav")
    assert "broken.mp3" in result.err


def test_search_by_a_recording_finds_itself_first(run, folder):
    for path in (folder / "hiss.wav", folder / "music.wav"):
        result = run("search", path, path.parent, "--like", "--top", 1, "-j", 1)
        score, found = result.out.split("\t")
        assert found.strip() == str(path)
        assert float(score) == pytest.approx(1, abs=1e-4)


def test_an_index_is_kept_and_follows_changes(run, folder, tmp_path, monkeypatch):
    index = tmp_path / "index"
    (folder / "broken.mp3").unlink()
    assert run("search", "music", folder, "--index", index, "-j", 1).status == 0
    from mirkit.cli import search

    asked = []
    whole = search.run_batch
    monkeypatch.setattr(
        search, "run_batch", lambda worker, new, *x: asked.append(new) or whole(worker, new, *x)
    )
    assert run("search", "music", folder, "--index", index, "-j", 1).status == 0
    assert asked == [[]]
    soundfile.write(folder / "hiss.wav", np.zeros(32000), 32000)
    os.utime(folder / "hiss.wav", ns=(1, 1))
    assert run("search", "music", folder, "--index", index, "-j", 1).status == 0
    assert [source.path for source in asked[1]] == [str(folder / "hiss.wav")]
    alone = run("search", "music", folder / "music.wav", "--index", index, "-j", 1)
    assert alone.out.count("\n") == 1


def test_an_index_of_another_model_is_refused(run, folder, tmp_path):
    index = tmp_path / "index"
    assert run("search", "music", folder / "hiss.wav", "--index", index, "-j", 1).status == 0
    result = run(
        "search", folder / "hiss.wav", folder / "hiss.wav", "--like", "--index", index,
        "--model", "tag-mn", "-j", 1,
    )  # fmt: skip
    assert result.status == 1
    assert "cannot be compared" in result.err


def test_a_model_without_texts_is_refused(run, folder):
    result = run("search", "music", folder / "hiss.wav", "--model", "tag-mn", "-j", 1)
    assert result.status == 1
    assert "knows no texts" in result.err


def test_questions_are_answered_with_evidence(run, folder):
    result = run("ask", folder / "music.wav", "How fast is it?", "--json")
    assert result.status == 0
    found = json.loads(result.out)["ask"]
    assert set(found) == {"question", "text", "confidence", "source", "evidence"}
    result = run("ask", folder / "hiss.wav", "Who wrote this?")
    assert (result.status, result.out) == (0, "I cannot tell.\n")
    assert run("ask", folder / "broken.mp3", "How fast is it?").status == 1
