import json
import shutil

import numpy as np
import pytest
import soundfile

from mirkit.errors import FormatError, ParameterError
from mirkit.training.clips import ClipStore, pack


@pytest.fixture
def some(clips, tmp_path):
    """Return a folder with two of the clips."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("train-0", "val-1"):
        copy(clips, folder, name)
    return folder


def copy(source, folder, name):
    for suffix in (".flac", ".json"):
        shutil.copy(source / f"{name}{suffix}", folder)


def test_store_gives_back_samples_and_truth(clips, store):
    opened = ClipStore.open(store, "train")
    assert opened.sample_rate == 22050
    assert [clip.name for clip in opened.clips] == [f"train-{i}" for i in range(8)]
    for clip in opened.clips:
        samples, _ = soundfile.read(clips / f"{clip.name}.flac", dtype="float32")
        np.testing.assert_allclose(opened.excerpt(clip, 0, clip.n_samples), samples, atol=1e-4)
        truth = json.loads((clips / f"{clip.name}.json").read_text())
        np.testing.assert_array_equal(clip.beats.times, truth["beats"])
        np.testing.assert_array_equal(clip.beats.positions, truth["positions"])


def test_excerpts_beyond_a_clip_are_silent_and_never_the_neighbour(store):
    opened = ClipStore.open(store, "train")
    clip = opened.clips[1]
    whole = opened.excerpt(clip, 0, clip.n_samples)
    excerpt = opened.excerpt(clip, -100, clip.n_samples + 300)
    assert not excerpt[:100].any()
    assert not excerpt[-200:].any()
    np.testing.assert_array_equal(excerpt[100:-200], whole)
    assert not opened.excerpt(clip, clip.n_samples + 5, 50).any()


def test_clips_that_come_later_are_appended(some, clips, tmp_path):
    folder = tmp_path / "store"
    assert pack(some, folder) == 2
    first = ClipStore.open(folder, "train")
    before = first.excerpt(first.clips[0], 0, 5000)
    assert pack(some, folder) == 0
    copy(clips, some, "train-5")
    assert pack(some, folder) == 1
    grown = ClipStore.open(folder, "train")
    assert [clip.name for clip in grown.clips] == ["train-0", "train-5"]
    np.testing.assert_array_equal(grown.excerpt(grown.clips[0], 0, 5000), before)
    samples, _ = soundfile.read(some / "train-5.flac", dtype="float32")
    np.testing.assert_allclose(grown.excerpt(grown.clips[1], 0, 5000), samples[:5000], atol=1e-4)


def test_half_written_clips_wait_and_half_written_stores_heal(some, clips, tmp_path):
    folder = tmp_path / "store"
    shutil.copy(clips / "train-3.json", some)
    assert pack(some, folder) == 2
    with (folder / "samples.i16").open("ab") as file:
        file.write(b"killed")
    with (folder / "index.jsonl").open("a") as file:
        file.write('{"name": "train-3"')
    shutil.copy(clips / "train-3.flac", some)
    assert pack(some, folder) == 1
    opened = ClipStore.open(folder, "train")
    assert [clip.name for clip in opened.clips] == ["train-0", "train-3"]
    samples, _ = soundfile.read(some / "train-3.flac", dtype="float32")
    np.testing.assert_allclose(opened.excerpt(opened.clips[1], 0, 5000), samples[:5000], atol=1e-4)


def test_clips_are_resampled_to_the_rate_of_the_store(some, tmp_path):
    pack(some, tmp_path / "store", sample_rate=11025)
    opened = ClipStore.open(tmp_path / "store", "train")
    assert opened.clips[0].n_samples == 6 * 22050
    with pytest.raises(ParameterError, match=r"made with .*11025.*22050.* is asked for"):
        pack(some, tmp_path / "store", sample_rate=22050)


def test_what_is_not_there_is_named(some, tmp_path):
    with pytest.raises(ParameterError, match="no store"):
        ClipStore.open(tmp_path / "void", "train")
    pack(some, tmp_path / "store")
    with pytest.raises(ParameterError, match="'test'"):
        ClipStore.open(tmp_path / "store", "test")
    (some / "train-0.json").write_text('{"split": "train"}')
    with pytest.raises(FormatError, match=r"train-0\.json has no field 'beats'"):
        pack(some, tmp_path / "other")


def test_sources_are_chosen_by_name(store):
    opened = ClipStore.open(store, "train")
    assert opened.of_sources(()) is opened
    assert opened.of_sources(("drums",)).clips == opened.clips[:1]
    with pytest.raises(ParameterError, match="store has drums, made"):
        opened.of_sources(("mma",))
