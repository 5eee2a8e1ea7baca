"""Stores that several processes write to."""

import json
import multiprocessing
import time

import numpy as np
import pytest

from mirkit.errors import ParameterError
from mirkit.training.stores import INDEX, Header, Store, append_to, read_rows

HEADER = Header("float16", 2, 8000)


def add(folder, barrier, names):
    """Append a row of its own for each name that is not there, slowly enough to be met."""
    barrier.wait(60)
    with append_to(folder, HEADER) as store:
        for name in names:
            if str(name) not in store.names:
                values = np.full((name % 7 + 1, 2), name, np.float16)
                time.sleep(0.002)
                store.append(str(name), values)


def test_processes_that_append_at_once_wait_for_each_other(tmp_path):
    folder = tmp_path / "store"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    ranges = [range(0, 200), range(100, 300), range(0, 300)]
    workers = [context.Process(target=add, args=(folder, barrier, names)) for names in ranges]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    store = Store.open(folder)
    assert store.header == HEADER
    assert sorted(int(clip.name) for clip in store.clips) == list(range(300))
    assert len(store.shards[0]) == sum(clip.length for clip in store.clips)
    for i, clip in enumerate(store.clips):
        own = store[i]
        assert own.shape == (int(clip.name) % 7 + 1, 2)
        assert (own == int(clip.name)).all()


def fill(folder, names, header=HEADER, split="train"):
    """Append a recording of one row for each name."""
    with append_to(folder, header) as store:
        for name in names:
            values = np.full((1, header.width), int(name), header.dtype)
            store.append(name, values, split, {"source": name})


def test_a_store_keeps_its_header(tmp_path):
    fill(tmp_path / "store", [])
    with (
        pytest.raises(ParameterError, match=r"made with .*8000.*16000.*another"),
        append_to(tmp_path / "store", Header("float16", 2, 16000)),
    ):
        pass


def test_a_folder_of_stores_is_a_store(tmp_path):
    fill(tmp_path / "b", ["3"], split="val")
    fill(tmp_path / "a", ["1", "2"])
    store = Store.open(tmp_path)
    assert [clip.name for clip in store.clips] == ["1", "2", "3"]
    assert [store[i][0, 0] for i in range(3)] == [1, 2, 3]
    assert [clip.name for clip in store.select("val").clips] == ["3"]
    assert store.select("test", may_be_empty=True).clips == ()
    fill(tmp_path, ["4"])  # the folder itself is a shard too, and the first
    assert [clip.name for clip in Store.open(tmp_path).clips] == ["4", "1", "2", "3"]


def test_shards_are_of_one_kind_and_share_no_recording(tmp_path):
    fill(tmp_path / "a", ["1"])
    fill(tmp_path / "b", ["1"])
    with pytest.raises(ParameterError, match="hold the same recording"):
        Store.open(tmp_path)
    fill(tmp_path / "c", ["2"], Header("float16", 3, 8000))
    with pytest.raises(ParameterError, match="unlike shards"):
        Store.open(tmp_path)


def test_a_store_opens_while_another_process_writes(tmp_path):
    fill(tmp_path, ["1", "2"])
    with (tmp_path / HEADER.values_name).open("ab") as file:
        file.write(b"abc")  # of values that are not listed yet
    with (tmp_path / INDEX).open("a") as file:
        file.write('{"name": "3"')
    store = Store.open(tmp_path)
    assert [store[i][0, 0] for i in range(2)] == [1, 2]
    assert len(list(read_rows(tmp_path / INDEX))) == 3


def test_samples_come_back_at_full_scale(tmp_path):
    header = Header("int16", 1, 8000)
    with append_to(tmp_path, header) as store:
        store.append("x", np.array([[16384], [-32768]], np.int16))
    np.testing.assert_array_equal(Store.open(tmp_path)[0], [[0.5], [-1]])


def test_a_store_of_another_version_is_named(tmp_path):
    (tmp_path / INDEX).write_text(json.dumps({"sample_rate": 22050, "made_by": "x"}) + "\n")
    with pytest.raises(ParameterError, match="another version; make it anew"):
        Store.open(tmp_path)
