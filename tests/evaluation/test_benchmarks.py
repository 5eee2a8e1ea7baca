import json

import pytest
import signals
import soundfile

import mirkit
from mirkit.evaluation import BENCHMARKS, Item
from mirkit.metrics.key import longest_key

SONG = [("C:maj", 2.0), ("F:maj", 2.0), ("G:maj", 2.0), ("C:maj", 2.0)]


@pytest.fixture
def clip(tmp_path):
    """A rendered clip with what is needed of its truth."""
    audio = signals.chords(SONG, 22050)
    soundfile.write(tmp_path / "a.flac", audio.samples.T, audio.sample_rate)
    chords = [[2.0 * i, 2.0 * i + 2, label] for i, (label, _) in enumerate(SONG)]
    keys = [[0, 7, "C major"], [7, 8, "A minor"]]
    sections = [[0, 4, "A"], [4, 8, "B"]]
    truth = {"schema": 1, "clip_id": "a", "chords": chords, "keys": keys, "sections": sections}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(truth))
    return path


def test_a_clips_chords_are_the_truth_of_the_benchmark_of_chords(clip):
    benchmark = BENCHMARKS["chords"]
    truth = benchmark.reference(clip)
    found = benchmark.estimator("librosa-chords")(mirkit.Audio(*read(clip)))
    scores = benchmark.score(truth, found)
    assert scores["majmin"] > 0.9
    assert set(benchmark.measures) <= set(scores)


def test_the_longest_key_of_a_clip_is_the_truth_of_the_benchmark_of_keys(clip):
    benchmark = BENCHMARKS["key"]
    truth = benchmark.reference(clip)
    assert truth.label == "C major"
    scores = benchmark.score(truth, benchmark.estimator("librosa-key")(mirkit.Audio(*read(clip))))
    assert scores["weighted"] == 1
    assert scores["local_correct"] == pytest.approx(7 / 8)
    assert set(benchmark.measures) == set(scores)


def test_a_clips_sections_are_scored(clip):
    items = [Item("a", clip.with_suffix(".flac"), clip)]
    report = mirkit.evaluate("sections", items, n_draws=2)
    found = mirkit.sections(clip.with_suffix(".flac"))
    truth = mirkit.Segments([[0, 4], [4, 8]], ("A", "B"), kind="section")
    assert report.rows[0].scores == mirkit.score(truth, found, "sections").mean()
    assert set(BENCHMARKS["sections"].measures) == set(report.rows[0].scores)
    with pytest.raises(mirkit.ParameterError, match="Models for sections: self-similarity"):
        mirkit.evaluate("sections", items, systems=["beat-tcn"])


def read(clip):
    samples, sample_rate = soundfile.read(clip.with_suffix(".flac"), dtype="float32")
    return samples, sample_rate


def test_local_keys_alone_are_scored_too():
    local = mirkit.Segments([[0, 6], [6, 9]], ("G major", "E minor"), kind="key")
    assert longest_key(local).label == "G major"
    scores = mirkit.score(local, mirkit.Key("G major"), task="key").mean()
    assert scores["correct"] == 1
    assert mirkit.score(local, local, task="key").mean()["local_correct"] == 1


def test_an_unknown_task_is_corrected():
    with pytest.raises(mirkit.UnknownName, match="Did you mean 'chords'"):
        mirkit.score(mirkit.Key("C major"), mirkit.Key("C major"), task="chord")
