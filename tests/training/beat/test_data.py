import json
import shutil

import numpy as np
import pytest
import soundfile

from mirkit.errors import FormatError, ParameterError
from mirkit.training.beat.data import beats_of, pack_clips
from mirkit.training.stores import Store


@pytest.fixture
def some(clips, tmp_path):
    """Return a folder with two of the clips."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("train-0", "val-1"):
        copy(clips, folder, name)
    return folder


def read(store, clip, first, n_samples):
    """Return samples of a clip, without the axis of bins."""
    return store.excerpt(clip, first, n_samples)[:, 0]


def names_of(store):
    """Return the names of the clips without that of their folder."""
    return [clip.name.split("/")[1] for clip in store.clips]


def copy(source, folder, name):
    for suffix in (".flac", ".json"):
        shutil.copy(source / f"{name}{suffix}", folder)


def test_store_gives_back_samples_and_truth(clips, store):
    opened = Store.open(store).select("train")
    assert opened.header.sample_rate == 22050
    assert names_of(opened) == [f"train-{i}" for i in range(8)]
    for clip in opened.clips:
        samples, _ = soundfile.read(clips.parent / f"{clip.name}.flac", dtype="float32")
        np.testing.assert_allclose(read(opened, clip, 0, clip.length), samples, atol=1e-4)
        truth = json.loads((clips.parent / f"{clip.name}.json").read_text())
        np.testing.assert_array_equal(beats_of(clip).times, truth["beats"])
        np.testing.assert_array_equal(beats_of(clip).positions, truth["positions"])


def test_excerpts_beyond_a_clip_are_silent_and_never_the_neighbour(store):
    opened = Store.open(store).select("train")
    clip = opened.clips[1]
    whole = read(opened, clip, 0, clip.length)
    excerpt = read(opened, clip, -100, clip.length + 300)
    assert not excerpt[:100].any()
    assert not excerpt[-200:].any()
    np.testing.assert_array_equal(excerpt[100:-200], whole)
    assert not read(opened, clip, clip.length + 5, 50).any()


def test_clips_that_come_later_are_appended(some, clips, tmp_path):
    folder = tmp_path / "store"
    assert pack_clips(some, folder) == 2
    first = Store.open(folder).select("train")
    before = read(first, first.clips[0], 0, 5000)
    assert pack_clips(some, folder) == 0
    copy(clips, some, "train-5")
    assert pack_clips(some, folder) == 1
    grown = Store.open(folder).select("train")
    assert names_of(grown) == ["train-0", "train-5"]
    np.testing.assert_array_equal(read(grown, grown.clips[0], 0, 5000), before)
    samples, _ = soundfile.read(some / "train-5.flac", dtype="float32")
    np.testing.assert_allclose(read(grown, grown.clips[1], 0, 5000), samples[:5000], atol=1e-4)


def test_clips_of_two_folders_may_have_one_name(some, clips, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    copy(clips, other, "train-0")
    assert pack_clips(some, tmp_path / "store") == 2
    assert pack_clips(other, tmp_path / "store") == 1
    opened = Store.open(tmp_path / "store").select("train")
    assert [clip.name for clip in opened.clips] == ["clips/train-0", "other/train-0"]


def test_half_written_clips_wait_and_half_written_stores_heal(some, clips, tmp_path):
    folder = tmp_path / "store"
    shutil.copy(clips / "train-3.json", some)
    assert pack_clips(some, folder) == 2
    with (folder / "values.i16").open("ab") as file:
        file.write(b"killed")
    with (folder / "index.jsonl").open("a") as file:
        file.write('{"name": "train-3"')
    shutil.copy(clips / "train-3.flac", some)
    assert pack_clips(some, folder) == 1
    opened = Store.open(folder).select("train")
    assert names_of(opened) == ["train-0", "train-3"]
    samples, _ = soundfile.read(some / "train-3.flac", dtype="float32")
    np.testing.assert_allclose(read(opened, opened.clips[1], 0, 5000), samples[:5000], atol=1e-4)


def test_clips_are_resampled_to_the_rate_of_the_store(some, tmp_path):
    pack_clips(some, tmp_path / "store", sample_rate=11025)
    opened = Store.open(tmp_path / "store").select("train")
    assert opened.clips[0].length == 6 * 22050
    with pytest.raises(ParameterError, match=r"made with .*11025.*22050.* is asked for"):
        pack_clips(some, tmp_path / "store", sample_rate=22050)


def test_what_is_not_there_is_named(some, tmp_path):
    with pytest.raises(ParameterError, match="no store"):
        Store.open(tmp_path / "void").select("train")
    pack_clips(some, tmp_path / "store")
    with pytest.raises(ParameterError, match="'test'"):
        Store.open(tmp_path / "store").select("test")
    (some / "train-0.json").write_text('{"split": "train"}')
    with pytest.raises(FormatError, match=r"train-0\.json has no field 'beats'"):
        pack_clips(some, tmp_path / "other")


def test_sources_are_chosen_by_name(store):
    opened = Store.open(store).select("train")
    assert Store.open(store).select("train", ()).clips == opened.clips
    assert Store.open(store).select("train", ("drums",)).clips == opened.clips[:1]
    with pytest.raises(ParameterError, match="store has drums, made"):
        Store.open(store).select("train", ("mma",))
