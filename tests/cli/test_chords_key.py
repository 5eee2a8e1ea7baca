import json

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.vocab import parse_chord

SONG = [("C:maj", 2.0), ("A:min", 2.0), ("F:maj", 2.0), ("G:maj", 2.0), ("C:maj", 2.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a recording of chords, silence, and a file that is none."""
    folder = tmp_path_factory.mktemp("chords 🎵")
    audio = signals.chords(SONG, 22050)
    soundfile.write(folder / "song.wav", audio.samples.T, audio.sample_rate)
    soundfile.write(folder / "quiet.wav", np.zeros(8000), 8000)
    (folder / "broken.mp3").write_text("this is no music")
    return folder


def objects(result):
    return [json.loads(line) for line in result.out.splitlines()]


ANALYSIS = {"schema", "file", "duration", "metadata", "content_hash", "models"}
"""Members of the JSON object of an analysis beside its annotations."""


def by_name(result):
    return {row["file"].rsplit("/", 1)[-1]: row for row in objects(result)}


def test_chords_as_json_are_one_object_a_file(run, folder):
    result = run("chords", folder, "--json", "--model", "librosa-chords", "--jobs", 1)
    assert result.status == 1
    assert "broken.mp3" in result.err
    rows = by_name(result)
    assert rows["broken.mp3"]["error"]["type"] == "AudioError"
    song = rows["song.wav"]
    assert set(song) == ANALYSIS | {"chords"}
    assert set(song["chords"][0]) == {"start", "end", "label", "confidence"}
    assert [row["label"] for row in song["chords"]] == [label for label, _ in SONG]
    assert song["chords"][-1]["end"] == 10
    quiet = rows["quiet.wav"]["chords"]
    assert [(row["start"], row["end"], row["label"]) for row in quiet] == [(0, 1, "N")]


def test_the_key_as_json_in_a_djs_notation(run, folder):
    result = run(
        "key", folder, "--json", "--model", "librosa-key", "--jobs", 1, "--notation", "camelot"
    )
    assert result.status == 1
    rows = by_name(result)
    song = rows["song.wav"]
    assert set(song) == ANALYSIS | {"key"}
    assert set(song["key"]) == {"label", "confidence", "tuning_cents", "segments"}
    assert song["key"]["label"] == "8B"
    assert set(song["key"]["segments"][0]) == {"start", "end", "label", "confidence"}
    assert song["key"]["segments"][0]["label"] == "8B"
    quiet = rows["quiet.wav"]["key"]
    assert (quiet["label"], quiet["segments"]) == (None, [])
    assert rows["broken.mp3"]["error"]["type"] == "AudioError"


def test_files_of_chords_are_written_beside_each_other_and_scored(run, folder, tmp_path):
    song = folder / "song.wav"
    options = ("--model", "librosa-chords", "--vocabulary", "majmin", "--no-inversions")
    result = run("chords", song, *options, "-o", tmp_path / "found", "--format", "lab")
    assert (result.status, result.out, result.err) == (0, "", "")
    found = mirkit.read(tmp_path / "found" / "song.lab")
    edges = np.cumsum([0.0, *(seconds for _, seconds in SONG)])
    labels = tuple(label for label, _ in SONG)
    truth = mirkit.Segments(np.stack([edges[:-1], edges[1:]], axis=1), labels, kind="chord")
    mirkit.save(truth, tmp_path / "true.lab")
    assert {parse_chord(label).shorthand for label in found.labels} <= {"maj", "min", ""}
    scored = run(
        "score", "chords", "--reference", tmp_path / "true.lab",
        "--estimate", tmp_path / "found" / "song.lab", "--json",
    )  # fmt: skip
    scores = objects(scored)[-1]["mean"]
    assert scores["majmin"] > 0.95
    assert scores == mirkit.score(truth, found, task="chords").mean()


def test_the_screen_shows_a_comment_with_the_key_and_a_line_a_segment(run, folder):
    result = run("key", folder / "song.wav", "--model", "librosa-key")
    head, line = result.out.splitlines()
    assert head.startswith("# ")
    assert "C major (librosa-key)" in head
    assert line == "0.000000\t10.000000\tC major"


@pytest.mark.parametrize("notation", ["standard", "camelot", "openkey"])
@pytest.mark.parametrize("format_name", ["lab", "csv", "json"])
def test_the_notation_is_obeyed_in_every_output(run, folder, tmp_path, format_name, notation):
    spelled = {"standard": "C major", "camelot": "8B", "openkey": "1d"}[notation]
    given = ("key", folder / "song.wav", "--model", "librosa-key", "--notation", notation,
             "--format", format_name)  # fmt: skip
    shown = run(*given)
    result = run(*given, "-o", tmp_path)
    assert (shown.status, result.status, result.out) == (0, 0, "")
    path = tmp_path / f"song.{format_name}"
    for text in (shown.out, path.read_text()):
        assert spelled in text
        assert notation == "standard" or "C major" not in text
    found = mirkit.read(path)
    if isinstance(found, mirkit.Analysis):
        assert found.duration == 10.0
        assert str(found.track.source).endswith("song.wav")
        found = found["key"]
    assert found.label == "C major" if format_name != "lab" else found.labels == ("C major",)


def test_jams_refuses_a_notation(run, folder, tmp_path):
    result = run("key", folder / "song.wav", "-o", tmp_path, "--format", "jams",
                 "--notation", "camelot")  # fmt: skip
    assert result.status == 2
    assert "JAMS spells keys in its own way" in result.err


def test_no_key_is_no_line_on_the_screen(run, folder, tmp_path):
    quiet = ("key", folder / "quiet.wav", "--model", "librosa-key")
    lines = run(*quiet).out.splitlines()
    assert len(lines) == 1
    assert "no key" in lines[0]
    assert run(*quiet, "-o", tmp_path).status == 0
    assert mirkit.read(tmp_path / "quiet.lab").kind == "key"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("chords", "x.wav", "--vocabulary", "jazz"), "invalid choice: 'jazz'"),
        (("chords", "x.wav", "--format", "midi"), "give -o DIR too"),
        (("key", "x.wav", "--notation", "roman"), "invalid choice: 'roman'"),
        (("score", "key", "--reference", "a", "--estimate", "b", "--trim", "1"), "is for beats"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(run, args, message):
    result = run(*args)
    assert result.status == 2
    assert message in result.err


def test_a_wrong_model_is_told_once(run, folder):
    result = run("chords", folder / "song.wav", "--model", "beat-tcn")
    assert result.status == 1
    assert result.err.startswith("mirkit: model 'beat-tcn' is for beats, not chords: call ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("task", "text", "prior"),
    [("key", "minor=.9", {"minor": 0.9}), ("chords", "flat", "flat"), ("chords", "7=.4,min7=.2",
     {"7": 0.4, "min7": 0.2})],
)  # fmt: skip
def test_a_prior_is_what_the_verb_takes(run, folder, task, text, prior):
    result = run(task, folder / "song.wav", "--json", "--prior", text, "--jobs", 1)
    assert result.status == 0, result.err
    found = getattr(mirkit, task)(folder / "song.wav", prior=prior)
    row = objects(result)[0][task]
    labels = [each["label"] for each in (row if task == "chords" else [row])]
    assert labels == list(found.labels if task == "chords" else [found.label])
    confidence = row[0]["confidence"] if task == "chords" else row["confidence"]
    expected = found.confidence[0] if task == "chords" else found.confidence
    assert confidence == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("prior", ["musik", "minor=80", "dorian=.3", "minor"])
def test_a_wrong_prior_is_wrong_usage(run, folder, prior):
    result = run("key", folder / "song.wav", "--prior", prior)
    assert (result.status, result.out) == (2, "")
    assert prior.partition("=")[0] in result.err
